// The form of a task, built from the questions that the server sends.

const create = (tag, fields = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
};

export class Form {
  /** root: the element for the fields; onChange: called when an answer changes. */
  constructor(root, onChange) {
    this.root = root;
    this.fields = [];
    root.addEventListener("input", () => {
      this.adapt();
      onChange();
    });
  }

  /** Draw the fields, with answers that were given before. */
  show(fields, answers = {}) {
    this.fields = fields;
    this.root.replaceChildren(...fields.map((field) => this.drawn(field)));
    for (const field of fields) if (answers[field.name] !== undefined) this.fill(field, answers[field.name]);
    this.adapt();
  }

  drawn(field) {
    const box = create("fieldset", { id: `field-${field.name}` });
    const key = create("kbd", { textContent: field.key.toUpperCase() });
    if (field.kind === "flag") {
      const input = create("input", { type: "checkbox", name: field.name, id: `input-${field.name}` });
      input.setAttribute("aria-keyshortcuts", field.key);
      box.append(create("label", { className: "flag" }, input, create("span", {}, `${field.label} `, key)));
      return box;
    }
    box.append(create("legend", {}, `${field.label} `, key));
    if (field.kind === "choice") box.append(this.options(field));
    if (field.kind === "number") box.append(this.number(field));
    if (field.kind === "marks") box.append(create("p", { className: "marks", id: "marks", textContent: "none marked" }));
    return box;
  }

  options(field) {
    const words = field.words.length ? field.words : field.options.map(String);
    return create("div", { className: "options" }, ...words.map((word, number) => {
      const input = create("input", { type: "radio", name: field.name, value: number });
      const numbered = /^\d/.test(word) ? [] : [create("kbd", { textContent: number + 1 })];
      return create("label", {}, input, ...numbered, word);
    }));
  }

  number(field) {
    const [min, max] = field.options;
    const number = create("input", { type: "number", name: field.name, min, max, step: 1 });
    number.setAttribute("aria-label", field.label);
    const range = create("input", { type: "range", min, max, step: 1, value: Math.round((min + max) / 2) });
    range.setAttribute("aria-label", `${field.label}, slider`);
    range.addEventListener("input", () => { number.value = range.value; });
    number.addEventListener("input", () => { if (number.value !== "") range.value = number.value; });
    return create("div", { className: "number" }, number, range);
  }

  fill(field, value) {
    const box = this.box(field);
    if (field.kind === "choice") {
      const input = box.querySelector(`input[value="${field.options.indexOf(value)}"]`);
      if (input) input.checked = true;
    } else if (field.kind === "number") {
      for (const input of box.querySelectorAll("input")) input.value = value;
    } else if (field.kind === "flag") box.querySelector("input").checked = value === 1;
  }

  box(field) { return this.root.querySelector(`#field-${field.name}`); }

  /** The answer to a field; undefined where there is none yet. */
  value(field) {
    const box = this.box(field);
    if (field.kind === "flag") return box.querySelector("input").checked ? 1 : 0;
    if (field.kind === "number") {
      const text = box.querySelector("input").value;
      const [low, high] = field.options, value = Number(text);
      return text !== "" && Number.isInteger(value) && value >= low && value <= high ? value : undefined;
    }
    const chosen = box.querySelector("input:checked");
    return chosen ? field.options[Number(chosen.value)] : undefined;
  }

  applies(field) {
    if (!field.only_if) return true;
    const [name, values] = field.only_if;
    return values.includes(this.value(this.fields.find((one) => one.name === name)));
  }

  adapt() {
    for (const field of this.fields) this.box(field).hidden = !this.applies(field);
  }

  /** All answers that apply, without marks; incomplete ones are left out. */
  answers() {
    const found = {};
    for (const field of this.fields) {
      if (field.kind === "marks" || !this.applies(field)) continue;
      const value = this.value(field);
      if (value !== undefined) found[field.name] = value;
    }
    return found;
  }

  /** The first field that needs an answer; null where all have one. */
  incomplete() {
    return this.fields.find((field) =>
      field.kind !== "marks" && this.applies(field) && this.value(field) === undefined) ?? null;
  }

  focus(field) {
    const box = this.box(field);
    (box.querySelector("input:checked") ?? box.querySelector("input"))?.focus();
  }

  said(marks) {
    const line = this.root.querySelector("#marks");
    if (line) line.textContent = marks.length ? `${marks.length} marked: ${marks.map((one) => one.view).join(", ")}` : "none marked";
  }

  /** Answer by key: a letter leads to its field (and toggles a flag), a digit chooses in the field that has the focus. */
  key(event) {
    const letter = event.key.toLowerCase();
    const field = this.fields.find((one) => one.key === letter && one.kind !== "marks" && this.applies(one));
    if (field) {
      this.focus(field);
      if (field.kind === "flag") this.box(field).querySelector("input").click();
      return true;
    }
    const radio = document.activeElement;
    if (!/^\d$/.test(event.key) || radio?.type !== "radio" || !this.root.contains(radio)) return false;
    const all = [...this.root.querySelectorAll(`input[name="${radio.name}"]`)];
    const words = all.map((one) => one.closest("label").lastChild.textContent);
    const fitting = all.filter((_, number) => words[number].startsWith(event.key)); // 4: 4A, 4B, 4C in turn
    const at = fitting.findIndex((one) => one.checked);
    const chosen = fitting.length ? fitting[(at + 1) % fitting.length] : /^\d/.test(words[0]) ? null : all[Number(event.key) - 1];
    if (!chosen) return false;
    chosen.focus();
    chosen.click();
    return true;
  }
}
