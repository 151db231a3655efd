// Images of the task and of the one after it, fetched once.

import { pyramid } from "/page/pixels.js";

const kept = new Map(); // by name, a promise of the image's pyramid

async function fetched({ image, rows, columns }) {
  const response = await fetch(`/api/image/${image}`);
  if (!response.ok) throw new Error(`image: ${response.status}`);
  const data = new Uint16Array(await response.arrayBuffer());
  if (data.length !== rows * columns) throw new Error("image: incomplete");
  return pyramid(data, rows, columns);
}

/** A promise of an image; one that failed is fetched again when it is next asked for. */
export function image(view) {
  if (!kept.has(view.image)) {
    const promise = fetched(view);
    promise.catch(() => kept.delete(view.image));
    kept.set(view.image, promise);
  }
  return kept.get(view.image);
}

const all = (task) => task ? task.panels.flatMap((panel) => Object.values(panel.views)) : [];

/** Forget images of neither task. */
export function keepOnly(task, next) {
  const wanted = new Set([...all(task), ...all(next)].map((view) => view.image));
  for (const name of kept.keys()) if (!wanted.has(name)) kept.delete(name);
}

/** Fetch the images of a task one after another, so that they do not slow an answer down. */
export async function preload(task) {
  for (const view of all(task)) {
    try {
      await image(view);
    } catch {
      return; // it is fetched again, with a notice, when it is shown
    }
  }
}
