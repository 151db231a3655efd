"use strict";

// Filters: a row is shown where each control is empty, or its value is one of the row's values of that name.
function applyFilters(form) {
  const rows = document.querySelectorAll(`#${form.dataset.filters} [data-row]`);
  const controls = [...form.elements].filter((control) => control.name && control.value !== "");
  let shown = 0;
  for (const row of rows) {
    row.hidden = !controls.every((control) => {
      const value = row.dataset[control.name] ?? "";
      return control.type === "search"
        ? value.toLowerCase().includes(control.value.trim().toLowerCase())
        : value.split("\n").includes(control.value);
    });
    shown += row.hidden ? 0 : 1;
  }
  const output = form.querySelector("output");
  if (output) output.textContent = shown ? `${shown} of ${rows.length} shown` : `none of ${rows.length} fits`;
}

for (const form of document.querySelectorAll("form[data-filters]")) {
  for (const event of ["input", "change"]) form.addEventListener(event, () => applyFilters(form));
  form.addEventListener("submit", (event) => event.preventDefault());
  applyFilters(form);
}

// The case browser.
const list = document.getElementById("case-list");
if (list) {
  const byId = (id) => document.getElementById(id);
  const { names, differences } = JSON.parse(byId("picture-kinds").textContent);
  const stages = document.querySelectorAll(".stage");
  const slider = byId("wipe");
  let drawing = null;

  function show(image, kind, caption) {
    const source = drawing.pictures[kind];
    image.hidden = !source;
    if (source) image.src = source;
    else image.removeAttribute("src");
    image.alt = source ? caption : `${caption}: no picture`;
  }

  function drawPictures() {
    for (const side of ["left", "right"]) {
      const kind = byId(`wipe-${side}`).value;
      show(byId(`picture-${side}`), kind, names[kind]);
      byId(`tag-${side}`).textContent = drawing.pictures[kind] ? names[kind] : `${names[kind]}: no picture`;
    }
    const virtual = [byId("wipe-right").value, byId("wipe-left").value, ...Object.keys(differences)].find((kind) => kind in differences);
    const words = virtual ? `${names[virtual]} minus real DES` : "";
    show(byId("picture-difference"), differences[virtual], words);
    byId("difference-missing").hidden = Boolean(drawing.pictures[differences[virtual]]);
    byId("difference-caption").textContent = words;
  }

  // pixel (x, y) is the middle of a pixel, so the picture begins half a pixel before 0
  function drawOutline() {
    const [height, width] = drawing.shape;
    const path = drawing.outline.map((ring) => `M${ring.map(([x, y]) => `${x} ${y}`).join("L")}Z`).join("");
    for (const stage of stages) {
      stage.style.aspectRatio = `${width} / ${height}`;
      stage.style.maxWidth = `calc(78vh * ${width / height})`;
      const svg = stage.querySelector(".outline");
      svg.setAttribute("viewBox", `-0.5 -0.5 ${width} ${height}`);
      svg.replaceChildren();
      if (!path || !byId("wipe-outline").checked) continue;
      for (const name of ["halo", "drawn"]) {
        const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
        line.setAttribute("d", path);
        line.setAttribute("class", name);
        svg.append(line);
      }
    }
  }

  function moveLine() {
    byId("picture-left").style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
    document.querySelector("#stage .line").style.left = `${slider.value}%`;
    const [left, right] = ["left", "right"].map((side) => names[byId(`wipe-${side}`).value]);
    slider.setAttribute("aria-valuetext", `${slider.value} % ${left}, ${100 - slider.value} % ${right}`);
  }

  function drawCase() {
    const chosen = list.querySelector("input:checked").value;
    for (const article of byId("case-details").children) article.hidden = article.id !== `case-${chosen}`;
    drawing = JSON.parse(byId(`case-${chosen}`).querySelector("[data-drawing]").textContent);
    byId("wipe-outline").disabled = !drawing.outline.length;
    drawOutline();
    drawPictures();
    moveLine();
  }

  list.addEventListener("change", drawCase);
  slider.addEventListener("input", moveLine);
  byId("wipe-outline").addEventListener("change", drawOutline);
  for (const side of ["left", "right"]) {
    byId(`wipe-${side}`).addEventListener("change", () => {
      drawPictures();
      moveLine();
    });
  }

  // the line follows a pointer that is drawn over the picture
  const stage = byId("stage");
  const follow = (event) => {
    if (!event.buttons) return;
    const box = stage.getBoundingClientRect();
    slider.value = (100 * (event.clientX - box.left)) / box.width;
    moveLine();
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    follow(event);
  });
  stage.addEventListener("pointermove", follow);

  // a link to #case-17 opens that case, whatever the filters say
  function openLinked() {
    const number = /^#case-(\d+)$/.exec(location.hash)?.[1];
    const radio = number && list.querySelector(`input[value="${number}"]`);
    if (!radio) return;
    const form = document.querySelector('form[data-filters="case-list"]');
    form.reset();
    applyFilters(form);
    radio.checked = true;
    drawCase();
    document.querySelector(".browser").scrollIntoView();
    radio.focus();
  }
  window.addEventListener("hashchange", openLinked);
  // a link followed twice changes no hash
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#case-"]');
    if (link && link.hash === location.hash) {
      event.preventDefault();
      openLinked();
    }
  });

  drawCase();
  openLinked();
}
