// 16-bit images and how they become grey values on the screen.

export const WHITE = 65535;

/** Halve an image by the mean of each four pixels; an odd last row or column is left out. */
function halved({ data, rows, columns }) {
  const height = rows >> 1, width = columns >> 1;
  const half = new Uint16Array(height * width);
  for (let y = 0, to = 0; y < height; y++) {
    let from = 2 * y * columns;
    for (let x = 0; x < width; x++, from += 2, to++) {
      half[to] = (data[from] + data[from + 1] + data[from + columns] + data[from + columns + 1] + 2) >> 2;
    }
  }
  return { data: half, rows: height, columns: width };
}

/** The image and its halves, down to one that fits a small pane, so that a small picture has no aliasing. */
export function pyramid(data, rows, columns) {
  const levels = [{ data, rows, columns }];
  while (levels.at(-1).rows > 512 && levels.at(-1).columns > 384) levels.push(halved(levels.at(-1)));
  return levels;
}

/** Grey (0 to 255) of each of the 65,536 values: linear from centre - width / 2 to centre + width / 2. */
export function greys({ centre, width }, inverted) {
  const table = new Uint8ClampedArray(WHITE + 1);
  const low = centre - width / 2;
  for (let value = 0; value <= WHITE; value++) {
    const grey = ((value - low) / width) * 255; // a clamped array rounds
    table[value] = inverted ? 255 - Math.min(255, Math.max(0, grey)) : grey;
  }
  return table;
}

/**
 * Draw the part of an image that a pane shows.
 *
 * x0, y0: the image's place (of the mirrored image where mirrored) at the pane's corner, in pixels; scale: screen pixels
 * an image pixel. What lies outside the image is black, inverted or not.
 */
export function draw(target, levels, table, { x0, y0, scale }, mirrored) {
  const { width, height } = target;
  const out = new Uint32Array(target.data.buffer);
  const wanted = Math.max(0, Math.floor(Math.log2(1 / scale) + 1e-9));
  const level = Math.min(wanted, levels.length - 1);
  const { data, rows, columns } = levels[level];
  const shrunk = 2 ** level;
  const step = 1 / (scale * shrunk);
  const whole = levels[0].columns;
  const left = new Int32Array(width), share = new Float32Array(width);
  for (let i = 0; i < width; i++) {
    let x = x0 + (i + 0.5) / scale; // of the pixel's middle, from the image's corner
    if (mirrored) x = whole - x;
    x = x / shrunk - 0.5;
    left[i] = x < -0.5 || x > columns - 0.5 ? -1 : Math.min(columns - 1, Math.max(0, Math.floor(x)));
    share[i] = Math.min(1, Math.max(0, x - left[i]));
    if (left[i] === columns - 1) share[i] = 0;
  }
  let to = 0;
  for (let j = 0; j < height; j++) {
    const y = (y0 / shrunk) + (j + 0.5) * step - 0.5;
    if (y < -0.5 || y > rows - 0.5) {
      out.fill(0xff000000, to, to + width);
      to += width;
      continue;
    }
    const top = Math.min(rows - 1, Math.max(0, Math.floor(y)));
    const below = top === rows - 1 ? 0 : Math.min(1, Math.max(0, y - top));
    const first = top * columns, second = below ? first + columns : first;
    for (let i = 0; i < width; i++, to++) {
      const x = left[i];
      if (x < 0) {
        out[to] = 0xff000000;
        continue;
      }
      const next = share[i] ? x + 1 : x, s = share[i];
      const above = data[first + x] + s * (data[first + next] - data[first + x]);
      const under = data[second + x] + s * (data[second + next] - data[second + x]);
      const grey = table[(above + below * (under - above) + 0.5) | 0];
      out[to] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
    }
  }
}
