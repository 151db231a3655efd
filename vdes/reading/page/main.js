// The page of a reader: shows a task, keeps its answer until the server has it, and moves to the next.

import { Form } from "/page/form.js";
import { image, keepOnly, preload } from "/page/images.js";
import { Viewer } from "/page/viewer.js";

const $ = (id) => document.getElementById(id);
const PENDING = "vdes-reading-pending", DRAFT = "vdes-reading-draft";
const TITLES = {
  low_energy: "Low energy alone", des: "Low energy and DES",
  choice: "Real and virtual DES", quality: "Quality of the DES image",
};
const TASK_PARTS = ["panes", "form", "tools", "pause", "help"]; // of the page, while there is a task
const RETRIES = [500, 1000, 2000, 5000]; // ms
const HELP = [
  ["Widen the window, raise the level", "drag to the right, drag down", "Shift + arrows, in an image"],
  ["Pan", "drag with the right button", "Ctrl + arrows, in an image"],
  ["Zoom", "wheel", "+ and −"],
  ["Show whole / one to one / invert / start over", "buttons", "F / O / I / X"],
  ["Mark a lesion, or remove its mark", "click", "L, arrows to the place (Alt: by pixels), Enter"],
  ["Remove the last mark", "", "Delete, in an image"],
  ["Go to a question", "click", "its letter, or Tab"],
  ["Answer", "click", "its digit, or arrows; 4 again for 4B and 4C"],
  ["Save and go on", "button", "Enter, in the form"],
  ["Pause", "button", "U"],
];

let state, shown = null, clock = { spent: 0, since: null };
const form = new Form($("fields"), draft);
const viewer = new Viewer($("panes"), () => {
  form.said(viewer.marks);
  draft();
});

// time on a task: while it is on the screen, without pauses
const seconds = () => (clock.spent + (clock.since === null ? 0 : performance.now() - clock.since)) / 1000;
function tick(running) {
  if (clock.since !== null) clock.spent += performance.now() - clock.since;
  clock.since = running ? performance.now() : null;
}
const running = () => shown !== null && !document.hidden && !document.querySelector("dialog[open]");

function notice(text) {
  $("notice").textContent = text ?? "";
  $("notice").hidden = !text;
}

const stored = (name) => {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
};

function draft() {
  if (!shown) return;
  const kept = { task: shown.task, answers: form.answers(), marks: viewer.marks, seconds: seconds() };
  localStorage.setItem(DRAFT, JSON.stringify(kept));
}

/** Ask the server until it answers; a refusal, such as 404, is returned to the caller. */
async function asked(path, options = {}) {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await fetch(path, options);
      if (response.status < 500) return { status: response.status, said: await response.json() };
    } catch { /* the network: try again */ }
    notice("The server does not respond. Nothing is lost; the page keeps trying.");
    await new Promise((go) => setTimeout(go, RETRIES[Math.min(attempt, RETRIES.length - 1)]));
  }
}

async function load() {
  const { status, said } = await asked("/api/state");
  if (status !== 200) return ended("This page cannot continue", said.error);
  notice(null);
  state = said;
  const pending = stored(PENDING);
  if (pending?.reader === state.reader) await send(pending);
  else await next();
}

/** Send an answer until it is stored, and show the task after it. */
async function send(pending) {
  $("submit").disabled = true;
  const { reader: _, ...body } = pending;
  const { status, said } = await asked("/api/answer", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Vdes-Reading": state.token },
    body: JSON.stringify(body),
  });
  $("submit").disabled = false;
  if (status === 422) { // a fault of the form: show the reader why
    localStorage.removeItem(PENDING);
    $("missing").textContent = said.error;
    if (!shown) await next();
    return;
  }
  if (status !== 200 && status !== 409) return ended("This page cannot continue", said.error);
  performance.mark("answered");
  localStorage.removeItem(PENDING);
  localStorage.removeItem(DRAFT);
  state = { ...state, ...said };
  notice(status === 409 ? "This case was answered in another window; here is the next one." : null);
  await next();
}

async function next() {
  const task = state.task;
  where();
  keepOnly(task, state.next);
  if (!task) {
    const when = state.opens && new Date(state.opens).toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });
    if (state.opens) return ended(`Session ${state.session} opens later`, `Please come back on ${when} or later. Your answers are saved.`);
    return ended("All done", "All your answers are saved. Thank you.");
  }
  let images;
  for (let attempt = 0; !images; attempt++) {
    try {
      images = await Promise.all(task.panels.map(async (panel) => {
        const entries = Object.entries(panel.views).map(async ([view, one]) => [view, await image(one)]);
        return Object.fromEntries(await Promise.all(entries));
      }));
    } catch {
      notice("The images cannot be loaded. The page keeps trying.");
      await new Promise((go) => setTimeout(go, RETRIES[Math.min(attempt, RETRIES.length - 1)]));
      if (attempt === 3) return load(); // the server may know better
    }
  }
  show(task, images);
  preload(state.next);
}

function show(task, images) {
  const kept = stored(DRAFT), again = kept?.task === task.task ? kept : null;
  const same = shown?.sitting === task.sitting;
  const fields = state.forms[task.form];
  shown = task;
  $("message").hidden = true;
  for (const part of TASK_PARTS) $(part).hidden = false;
  $("title").textContent = TITLES[task.form];
  $("missing").textContent = "";
  form.show(fields, again?.answers);
  $("form").scrollTop = 0;
  viewer.show(task, images, same, fields.some((field) => field.kind === "marks"));
  if (again) viewer.marks = again.marks;
  form.said(viewer.marks);
  clock = { spent: 1000 * (again?.seconds ?? 0), since: null };
  if (!document.querySelector("dialog[open]")) $("title").focus();
  tick(running());
  requestAnimationFrame(() => requestAnimationFrame(() => {
    document.body.dataset.task = task.task; // it is on the screen
    if (performance.getEntriesByName("answered").length) performance.measure("shown", "answered");
    performance.clearMarks("answered");
  }));
}

function where() {
  const { session, sessions, session_done, session_total, done, total } = state;
  $("where").textContent = session
    ? `Session ${session} of ${sessions} · ${session_done + 1} of ${session_total} · ${done} of ${total} in all`
    : `${done} of ${total}`;
  $("progress").max = Math.max(1, session_total);
  $("progress").value = session ? session_done : 1;
}

function ended(title, text) {
  shown = null;
  tick(false);
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  for (const part of TASK_PARTS) $(part).hidden = true;
  $("message").hidden = false;
  $("message-title").textContent = title;
  $("message-text").textContent = text;
  $("message-title").focus();
  delete document.body.dataset.task;
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!shown || $("submit").disabled) return;
  const field = form.incomplete();
  if (field) {
    $("missing").textContent = `Still to answer: ${field.label}`;
    return form.focus(field);
  }
  const fields = state.forms[shown.form];
  const answer = form.answers();
  if (fields.some((one) => one.kind === "marks")) answer.marks = viewer.marks;
  tick(false);
  const pending = {
    reader: state.reader, task: shown.task, answer_id: crypto.randomUUID(), answer, seconds: Math.min(86400, seconds()),
  };
  localStorage.setItem(PENDING, JSON.stringify(pending)); // first: it outlives a crash of the browser
  send(pending);
});

const dialog = (name, open) => {
  if (open) $(name).showModal();
  else $(name).close();
};
for (const name of ["start-dialog", "pause-dialog", "help-dialog"]) {
  $(name).addEventListener("close", () => {
    tick(running());
    // the event comes late: a reader may be in an image by then
    if (shown && !$("panes").contains(document.activeElement)) $("title").focus();
  });
}
const paused = (name) => {
  if (!shown || document.querySelector("dialog[open]")) return;
  tick(false);
  draft();
  dialog(name, true);
};
$("pause").addEventListener("click", () => paused("pause-dialog"));
$("help").addEventListener("click", () => paused("help-dialog"));
$("resume").addEventListener("click", () => dialog("pause-dialog", false));
$("help-close").addEventListener("click", () => dialog("help-dialog", false));
$("start").addEventListener("click", () => dialog("start-dialog", false));
document.addEventListener("visibilitychange", () => {
  tick(running());
  draft();
});

const SHORTCUTS = {
  i: () => viewer.invert(), f: () => viewer.fitAll(), o: () => viewer.actual(), x: () => viewer.reset(),
  "+": () => viewer.zoom(1.25), "=": () => viewer.zoom(1.25), "-": () => viewer.zoom(0.8),
  u: () => $("pause").click(), "?": () => $("help").click(),
  l: () => viewer.marking && viewer.panes[0]?.element.focus({ focusVisible: true }),
};
for (const button of document.querySelectorAll("[data-tool]")) {
  button.addEventListener("click", () => shown && SHORTCUTS[button.dataset.tool]());
}
document.addEventListener("keydown", (event) => {
  if (!shown || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.type === "number" && /^[\d.+-]$/.test(event.key);
  if (typing) return;
  if (form.key(event)) return event.preventDefault();
  const run = SHORTCUTS[event.key.toLowerCase()];
  if (!run) return;
  event.preventDefault();
  run();
});

for (const row of HELP) {
  const cells = row.map((text) => Object.assign(document.createElement("td"), { textContent: text }));
  $("help-rows").append(document.createElement("tr"));
  $("help-rows").lastChild.append(...cells);
}
history.replaceState(null, "", "/reading"); // the link's secret leaves the address
await load();
if (shown) {
  $("start-text").textContent = state.done
    ? `You have answered ${state.done} of ${state.total}. Everything is saved; you continue where you left off.`
    : "Dim the room. For each case, look at the images, answer the questions and save. Answers cannot be changed later. You may pause at any time; press ? for the mouse and keyboard controls.";
  $("start").textContent = state.done ? "Continue" : "Start";
  dialog("start-dialog", true);
  tick(false);
}
document.body.dataset.ready = "1";
