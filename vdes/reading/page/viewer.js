// The panes: CC above MLO, low energy next to DES, with linked zoom and pan.

import { WHITE, draw, greys } from "/page/pixels.js";

const CLICK = 4; // pixels that the mouse may move within a click
const NEAR = 10; // pixels: a click this near to a mark removes it
const MOST_MARKS = 10;
const ZOOM = 1.25, ZOOMS = [0.02, 32];
const SENSITIVITY = WHITE / 600; // of window and level, a screen pixel
const STEP = WHITE / 64; // of window and level, a key
const NARROWEST = 64;
const VIEWS = ["CC", "MLO"];

export class Viewer {
  /** root: the element that holds the panes; onMarks: called when the marks change. */
  constructor(root, onMarks) {
    this.root = root;
    this.onMarks = onMarks;
    this.panes = [];
    this.marks = [];
    this.windows = {};
    this.inverted = false;
    this.marking = false;
    this.tables = new Map();
    new ResizeObserver(() => this.resized()).observe(root);
  }

  /** Show the images of a task; same: the task before showed this case, whose zoom, window and marks stay. */
  show(task, images, same, marking) {
    const places = same ? this.places : null;
    this.task = task;
    this.marking = marking;
    if (!same) {
      this.marks = [];
      this.windows = {};
      this.inverted = false;
    }
    this.active = 0;
    this.root.replaceChildren();
    this.root.className = task.panels.length === 1 ? "one" : "two";
    this.panes = [];
    for (const view of VIEWS) {
      task.panels.forEach((panel, number) => {
        if (panel.views[view]) this.panes.push(this.pane(task, panel, number, view, images[number][view]));
      });
    }
    this.sized();
    this.places = places ?? {};
    this.placed();
    this.render();
  }

  pane(task, panel, number, view, levels) {
    const element = document.createElement("div");
    const chest = task.laterality === "R" ? "right" : "left";
    element.className = `pane chest-${chest}`;
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    element.setAttribute("aria-label", `${panel.label}, ${task.laterality} ${view}`);
    element.dataset.view = view;
    element.dataset.panel = number;
    const [canvas, overlay] = [0, 1].map(() => element.appendChild(document.createElement("canvas")));
    const label = element.appendChild(document.createElement("p"));
    label.className = "label";
    label.textContent = `${task.laterality} ${view} · ${panel.label}`;
    const words = element.appendChild(document.createElement("p"));
    words.className = "window";
    this.root.append(element);
    const group = panel.label.startsWith("DES") ? "des" : "low_energy";
    const pane = { element, canvas, overlay, words, view, levels, group, image: panel.views[view], cursor: null };
    this.listen(pane);
    return pane;
  }

  listen(pane) {
    const { element } = pane;
    let drag = null;
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("focus", () => {
      this.active = this.panes.indexOf(pane);
      if (element.matches(":focus-visible") && this.marking) pane.cursor ??= this.middle(pane);
      this.render();
    });
    element.addEventListener("blur", () => {
      pane.cursor = null;
      this.render();
    });
    element.addEventListener("pointerdown", (event) => {
      this.active = this.panes.indexOf(pane);
      drag = { x: event.clientX, y: event.clientY, moved: 0, button: event.button };
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      drag.moved += Math.abs(dx) + Math.abs(dy);
      [drag.x, drag.y] = [event.clientX, event.clientY];
      if (drag.moved <= CLICK) return;
      if (drag.button === 0) this.adjust(dx * SENSITIVITY, dy * SENSITIVITY);
      else this.pan(dx * this.ratio, dy * this.ratio);
    });
    element.addEventListener("pointerup", (event) => {
      if (drag && drag.button === 0 && drag.moved <= CLICK && this.marking) this.toggle(pane, this.inImage(pane, event));
      drag = null;
    });
    element.addEventListener("pointercancel", () => { drag = null; });
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.active = this.panes.indexOf(pane);
      this.zoom(event.deltaY < 0 ? ZOOM : 1 / ZOOM, this.inPane(pane, event));
    }, { passive: false });
    element.addEventListener("keydown", (event) => this.key(pane, event));
  }

  key(pane, event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[event.key];
    if (arrow && event.shiftKey) this.adjust(arrow[0] * STEP, arrow[1] * STEP);
    else if (arrow && (event.ctrlKey || !this.marking)) this.pan(-60 * arrow[0], -60 * arrow[1]);
    else if (arrow) this.move(pane, arrow, event.altKey ? 1 : 16);
    else if ((event.key === "Enter" || event.key === " ") && this.marking && pane.cursor) this.toggle(pane, pane.cursor);
    else if ((event.key === "Delete" || event.key === "Backspace") && this.marking) {
      this.marks.pop();
      this.changed();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  get ratio() { return window.devicePixelRatio || 1; }

  /** Give the canvases the size of their panes. */
  sized() {
    for (const { element, canvas, overlay } of this.panes) {
      for (const one of [canvas, overlay]) {
        one.width = Math.max(1, Math.round(element.clientWidth * this.ratio));
        one.height = Math.max(1, Math.round(element.clientHeight * this.ratio));
      }
    }
  }

  resized() {
    if (!this.panes.length) return;
    this.sized();
    this.placed();
    this.render();
  }

  /** Fit what was fitted; of what was not, keep the middle where the panes have another size now. */
  placed() {
    for (const view of VIEWS) {
      const place = this.places[view], [pane] = this.of(view);
      if (!pane) continue;
      if (!place || place.fitted) {
        this.fit(view);
        continue;
      }
      const { width, height } = pane.canvas;
      const x0 = place.x0 + (place.width - width) / 2 / place.scale, y0 = place.y0 + (place.height - height) / 2 / place.scale;
      this.put(pane, x0, y0, place.scale, false);
    }
  }

  /** Place a pane's view; at one to one on whole pixels, so that nothing is interpolated. */
  put(pane, x0, y0, scale, fitted) {
    const on = scale === 1 ? Math.round : (value) => value;
    const { width, height } = pane.canvas;
    this.places[pane.view] = { x0: on(x0), y0: on(y0), scale, fitted, width, height };
  }

  of(view) { return this.panes.filter((pane) => pane.view === view); }

  /** Show a view whole, its chest wall at the pane's edge. */
  fit(view) {
    const [pane] = this.of(view);
    if (!pane) return;
    const { rows, columns } = pane.image, { width, height } = pane.canvas;
    const scale = Math.min(width / columns, height / rows);
    const x0 = this.task.laterality === "R" ? columns - width / scale : 0;
    this.put(pane, x0, (rows - height / scale) / 2, scale, true);
  }

  fitAll() {
    for (const view of VIEWS) this.fit(view);
    this.render();
  }

  /** One image pixel a screen pixel, about the middle. */
  actual() {
    for (const view of VIEWS) {
      const [pane] = this.of(view);
      if (pane) this.rescale(pane, 1, [pane.canvas.width / 2, pane.canvas.height / 2]);
    }
    this.render();
  }

  /** Zoom all views by a factor, the pane that is used about a place and the others about their middles. */
  zoom(factor, about) {
    const used = this.panes[this.active];
    for (const view of VIEWS) {
      const [pane] = this.of(view);
      if (!pane) continue;
      const scale = Math.min(ZOOMS[1], Math.max(ZOOMS[0], this.places[view].scale * factor));
      const middle = [pane.canvas.width / 2, pane.canvas.height / 2];
      this.rescale(pane, scale, about && used?.view === view ? about : middle);
    }
    this.render();
  }

  rescale(pane, scale, [i, j]) {
    const place = this.places[pane.view];
    this.put(pane, place.x0 + i / place.scale - i / scale, place.y0 + j / place.scale - j / scale, scale, false);
  }

  /** Move the images of the used pane's view by screen pixels. */
  pan(dx, dy) {
    const pane = this.panes[this.active];
    if (!pane) return;
    const { x0, y0, scale } = this.places[pane.view];
    this.put(pane, x0 - dx / scale, y0 - dy / scale, scale, false);
    this.render();
  }

  window(group) { return this.windows[group] ??= { centre: WHITE / 2, width: WHITE }; }

  /** Widen the window and raise the level of the used pane's images, by values of 16 bits. */
  adjust(wider, higher) {
    const pane = this.panes[this.active];
    if (!pane) return;
    const { centre, width } = this.window(pane.group);
    this.windows[pane.group] = {
      centre: Math.min(WHITE, Math.max(0, centre + higher)),
      width: Math.min(2 * WHITE, Math.max(NARROWEST, width + wider)),
    };
    this.render();
  }

  reset() {
    this.windows = {};
    this.inverted = false;
    this.fitAll();
  }

  invert() {
    this.inverted = !this.inverted;
    this.render();
  }

  inPane(pane, event) {
    const box = pane.element.getBoundingClientRect();
    return [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
  }

  /** The pixel of the image file at a place of the pane: [0, 0] is the middle of the one at the top left. */
  inImage(pane, event) {
    const [i, j] = this.inPane(pane, event), { x0, y0, scale } = this.places[pane.view];
    const x = x0 + i / scale, y = y0 + j / scale;
    return { x: (pane.image.mirrored ? pane.image.columns - x : x) - 0.5, y: y - 0.5 };
  }

  onScreen(pane, { x, y }) {
    const { x0, y0, scale } = this.places[pane.view];
    const shown = pane.image.mirrored ? pane.image.columns - (x + 0.5) : x + 0.5;
    return [(shown - x0) * scale, (y + 0.5 - y0) * scale];
  }

  middle(pane) {
    const { x0, y0, scale } = this.places[pane.view];
    const { rows, columns } = pane.image;
    // of what is seen of the image
    const mid = (start, length, size) => (Math.max(0, start) + Math.min(length, start + size / scale)) / 2;
    const x = mid(x0, columns, pane.canvas.width), y = mid(y0, rows, pane.canvas.height);
    return { x: Math.round((pane.image.mirrored ? columns - x : x) - 0.5), y: Math.round(y - 0.5) };
  }

  move(pane, [right, down], pixels) {
    const by = pixels / this.places[pane.view].scale, side = pane.image.mirrored ? -1 : 1;
    const { x, y } = pane.cursor ?? this.middle(pane);
    pane.cursor = {
      x: Math.min(pane.image.columns - 1, Math.max(0, x + side * right * by)),
      y: Math.min(pane.image.rows - 1, Math.max(0, y + down * by)),
    };
    this.render();
  }

  /** Mark a place, or take away the mark that is there. */
  toggle(pane, { x, y }) {
    if (x < -0.5 || y < -0.5 || x > pane.image.columns - 0.5 || y > pane.image.rows - 0.5) return;
    const near = (NEAR * this.ratio) / this.places[pane.view].scale;
    const there = this.marks.findIndex((one) => one.view === pane.view && Math.hypot(one.x - x, one.y - y) <= near);
    if (there >= 0) this.marks.splice(there, 1);
    else if (this.marks.length < MOST_MARKS) {
      this.marks.push({ view: pane.view, x: Math.round(10 * x) / 10, y: Math.round(10 * y) / 10 });
    }
    this.changed();
  }

  changed() {
    this.onMarks();
    this.render();
  }

  /** Draw at the next frame, once for all that happened before it. */
  render() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.renderNow();
    });
  }

  renderNow() {
    for (const pane of this.panes) {
      const { canvas, words, group, levels, image, view } = pane;
      const place = this.places[view], shown = this.window(group);
      const context = canvas.getContext("2d", { alpha: false });
      const target = context.createImageData(canvas.width, canvas.height);
      draw(target, levels, this.table(group, shown), place, image.mirrored);
      context.putImageData(target, 0, 0);
      this.overlay(pane);
      words.textContent = `W ${Math.round(shown.width)} L ${Math.round(shown.centre)} · ${Math.round(100 * place.scale)} %`;
      pane.element.dataset.place = [place.x0, place.y0, place.scale].join(" ");
    }
  }

  table(group, shown) {
    const key = `${shown.centre} ${shown.width} ${this.inverted}`;
    const kept = this.tables.get(group);
    if (kept?.key === key) return kept.table;
    const table = greys(shown, this.inverted);
    this.tables.set(group, { key, table });
    return table;
  }

  overlay(pane) {
    const { overlay, cursor, view } = pane;
    const context = overlay.getContext("2d");
    context.clearRect(0, 0, overlay.width, overlay.height);
    context.lineWidth = 1.5 * this.ratio;
    for (const mark of this.marks.filter((one) => one.view === view)) {
      const [i, j] = this.onScreen(pane, mark);
      context.strokeStyle = "#000";
      context.beginPath();
      context.arc(i, j, (NEAR + 1.5) * this.ratio, 0, 2 * Math.PI);
      context.stroke();
      context.strokeStyle = "#ffd24a";
      context.beginPath();
      context.arc(i, j, NEAR * this.ratio, 0, 2 * Math.PI);
      context.stroke();
    }
    if (!cursor) return;
    const [i, j] = this.onScreen(pane, cursor), arm = 14 * this.ratio;
    context.strokeStyle = "#ffd24a";
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(i + 4 * dx, j + 4 * dy);
      context.lineTo(i + arm * dx, j + arm * dy);
    }
    context.stroke();
  }
}
