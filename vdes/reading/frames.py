"""The images as readers see them: real and virtual DES are encoded alike and differ only in content.

Real and virtual DES come from different programs: one may be an 8-bit JPEG of another size than the low-energy image,
the other a 16-bit PNG that is 0 outside the breast. `vdes.reading.render` gives both the same geometry and support;
here they get the same quantisation (that of the coarser of the two) with the same dither, and the same file: rows x
columns little-endian uint16, without a header or compression.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from vdes.errors import InputError

WHITE = 65535
COARSEST = 255.0  # levels: an 8-bit file
KINDS = ("low_energy", "real", "virtual")
SAMPLED = 500_000  # pixels of an image that decide its source's quantisation
REGULAR = 0.05  # of a step: how far values may lie off an even grid


def levels_of(values: np.ndarray) -> float:
    """Return how many even steps from 0 to 1 a source's values take, at least 255 and at most 65535.

    The step is fitted to the distinct values. Where they do not lie on an even grid, as after a maker's curve, the grid
    is four times coarser than their most common distance, and dither hides the rest of the curve.

    Args:
        values: the pixels of one image, in [0, 1].
    """
    distinct = np.unique(values.ravel()[:: max(1, values.size // SAMPLED)].astype(np.float64))
    distances = np.diff(distinct)
    distances = distances[distances > 0.25 / WHITE]
    if distances.size == 0:
        return COARSEST
    common = np.median(np.sort(distances)[: max(1, distances.size // 2)])
    levels = 1 / distances[distances < 1.5 * common].mean()
    if levels > WHITE / 1.5:  # finer than a file can hold
        return WHITE
    above = distinct - distinct[0]
    for reach in (0.01, 0.1, 1.0):  # a small error of the step grows with the number of steps
        part = above[above <= reach]
        steps = np.rint(part * levels)
        if steps.any():
            levels = float(steps @ steps / (steps @ part))
    if np.abs(above * levels - np.rint(above * levels)).mean() > REGULAR:
        levels /= 4
    return float(np.clip(levels, COARSEST, WHITE))


def encode(image: np.ndarray, levels: float, random: np.random.Generator) -> bytes:
    """Return an image as stored in its file.

    Values are rounded to ``levels`` even steps and dithered by half a step either way, which fills all 16 bits alike
    whatever the source was; 0, outside the breast, stays 0.

    Args:
        image: float in [0, 1], (rows, columns).
        levels: steps from 0 to 1.
        random: for the dither; it must not be guessable, or the dither would give the images away.
    """
    steps = np.rint(image.astype(np.float64) * levels)
    dithered = (steps + random.uniform(-0.5, 0.5, image.shape)) / levels
    coded = np.rint(np.clip(dithered, 0, 1) * WHITE)
    return np.where(image > 0, coded, 0).astype("<u2").tobytes()


def read_frame(path: Path, rows: int, columns: int) -> np.ndarray:
    """Return an image, uint16 (rows, columns).

    Raises:
        InputError: the file does not exist or has another size.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected an image of the reader study") from error
    if len(data) != 2 * rows * columns:
        raise InputError(f"{path}: {len(data)} bytes; expected {2 * rows * columns}, for {rows} x {columns} pixels")
    return np.frombuffer(data, "<u2").reshape(rows, columns)


def digest(data: bytes) -> str:
    """Return the SHA-256 of an image's bytes."""
    return hashlib.sha256(data).hexdigest()
