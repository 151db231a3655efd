
// The cases that were read: pictures, lesions and marks.
const readList = document.getElementById("read-list");
if (readList) {
  const one = (id) => document.getElementById(id);
  const panels = one("read-panels");
  const svgElement = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  // a disc for a mark on a lesion, a cross for one elsewhere: distinct without colour
  function drawMark(svg, mark, size, above) {
    const { x, y } = mark;
    svg.append(
      mark.hit
        ? svgElement("circle", { class: "read-mark hit", cx: x, cy: y, r: size })
        : svgElement("path", { class: "read-mark", d: `M${x - size} ${y - size}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}` }),
    );
    const name = svgElement("text", { class: "read-name", x: x + 1.5 * size, y: y - size + above * 13 });
    name.textContent = mark.reader;
    svg.append(name);
  }

  function drawRead() {
    const number = readList.querySelector("input:checked").value;
    for (const article of one("read-details").children) article.hidden = article.id !== `read-${number}`;
    const views = JSON.parse(one(`read-${number}`).querySelector("[data-read]").textContent);
    const kind = one("read-kind").value;
    panels.replaceChildren();
    for (const [view, drawn] of Object.entries(views)) {
      const [height, width] = drawn.shape;
      const figure = document.createElement("figure");
      const stage = document.createElement("div");
      stage.className = "stage";
      const image = document.createElement("img");
      image.src = drawn.pictures[kind];
      image.alt = `${view}, ${one("read-kind").selectedOptions[0].textContent}`;
      const svg = svgElement("svg", { class: "outline", viewBox: `-0.5 -0.5 ${width} ${height}`, "aria-hidden": "true", focusable: "false" });
      stage.style.aspectRatio = `${width} / ${height}`;
      stage.style.maxWidth = `calc(78vh * ${width / height})`;
      if (one("read-outline").checked) {
        const path = drawn.outlines.map((ring) => `M${ring.map(([x, y]) => `${x} ${y}`).join("L")}Z`).join("");
        for (const name of path ? ["halo", "drawn"] : []) svg.append(svgElement("path", { class: name, d: path }));
      }
      const shown = drawn.marks.filter((mark) => mark.modality === one("read-modality").value);
      shown.forEach((mark, place) => {
        // where marks overlap, their names are stacked
        const near = shown.slice(0, place).filter((other) => Math.hypot(other.x - mark.x, other.y - mark.y) < height / 12);
        drawMark(svg, mark, height / 80, near.length);
      });
      const caption = document.createElement("figcaption");
      const hits = shown.filter((mark) => mark.hit).length;
      caption.textContent = `${view}: ${hits} ${hits === 1 ? "mark" : "marks"} on a lesion, ${shown.length - hits} elsewhere`;
      stage.append(image, svg);
      figure.append(stage, caption);
      panels.append(figure);
    }
  }

  for (const control of [readList, one("read-kind"), one("read-modality"), one("read-outline")]) control.addEventListener("change", drawRead);
  drawRead();
}
