"""Random fields and curves on the image grid, and resizing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft
from PIL import Image as PilImage
from scipy.ndimage import gaussian_filter

Image = npt.NDArray[np.float32]


def resize(image: Image, shape: tuple[int, int]) -> Image:
    """Return ``image`` resampled to ``shape`` (bicubic upwards, averaging downwards), pixel edges aligned."""
    picture = PilImage.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    up = shape[0] >= image.shape[0]
    method = PilImage.Resampling.BICUBIC if up else PilImage.Resampling.BOX
    return np.asarray(picture.resize((shape[1], shape[0]), method), dtype=np.float32)


def power_law(
    shape: tuple[int, int], beta: float, rng: np.random.Generator, lowest_mm: float, pixel_mm: float, highest_mm: float = 0.0
) -> Image:
    """Return a Gaussian field of unit variance whose power falls as ``1/f**beta``.

    Args:
        shape: rows and columns; the field is periodic on a somewhat larger grid, so its edges do not match.
        beta: exponent of the power spectrum.
        rng: source of the phases.
        lowest_mm: wavelength above which the spectrum is flat.
        pixel_mm: pixel size.
        highest_mm: wavelength below which there is nothing (0: the pixels decide).
    """
    size = [scipy.fft.next_fast_len(int(1.1 * n) + 8, real=True) for n in shape]
    rows = np.fft.fftfreq(size[0], pixel_mm).astype(np.float32)[:, None]
    columns = np.fft.rfftfreq(size[1], pixel_mm).astype(np.float32)[None]
    squared = rows**2 + columns**2
    amplitude = (squared + np.float32(1 / lowest_mm**2)) ** np.float32(-beta / 4)
    if highest_mm:
        amplitude *= np.exp(-squared * np.float32(0.5 * highest_mm**2))
    amplitude[0, 0] = 0
    white = scipy.fft.rfft2(rng.standard_normal(size, dtype=np.float32))
    field = scipy.fft.irfft2(white * amplitude, s=size)[: shape[0], : shape[1]]
    result: Image = (field / field.std()).astype(np.float32)
    return result


def deposit(
    points_mm: npt.NDArray[np.floating],
    volume_mm3: npt.NDArray[np.floating],
    width_mm: npt.NDArray[np.floating],
    shape: tuple[int, int],
    pixel_mm: float,
    levels: tuple[float, ...],
) -> Image:
    """Return the projected thickness in mm of thin curves: volumes put down at points and smeared to their widths.

    The volume is kept whatever the pixel size, so a fibre thinner than a pixel weighs what it should.

    Args:
        points_mm: (n, 2) rows and columns in mm from the image's corner.
        volume_mm3: (n,) volume at every point.
        width_mm: (n,) sigma of the profile; put into the nearest of ``levels``.
        shape, pixel_mm: the image.
        levels: the sigmas there are, in mm.
    """
    result = np.zeros(shape, np.float32)
    nearest = np.abs(np.log(width_mm[:, None] / np.asarray(levels))).argmin(axis=1)
    position = points_mm / pixel_mm - 0.5
    corner = np.floor(position).astype(np.int64)
    part = position - corner
    for level, sigma in enumerate(levels):
        chosen = nearest == level
        if not chosen.any():
            continue
        flat = np.zeros(shape[0] * shape[1])
        for down in (0, 1):
            for right in (0, 1):
                row, column = corner[chosen, 0] + down, corner[chosen, 1] + right
                share = np.abs(1 - down - part[chosen, 0]) * np.abs(1 - right - part[chosen, 1])
                inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
                flat += np.bincount(
                    (row * shape[1] + column)[inside],
                    (share * volume_mm3[chosen])[inside],
                    minlength=flat.size,
                )
        image = (flat / pixel_mm**2).astype(np.float32).reshape(shape)
        if sigma / pixel_mm > 0.3:
            image = gaussian_filter(image, sigma / pixel_mm, mode="constant", truncate=3.0)
        result += image
    return result


def wander(
    start_mm: npt.NDArray[np.floating],
    direction: npt.NDArray[np.floating],
    length_mm: npt.NDArray[np.floating],
    bend: npt.NDArray[np.floating],
    steps: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.floating]:
    """Return (n, steps, 2) points of curves that bend smoothly at random.

    Args:
        start_mm: (n, 2) row and column where they begin.
        direction: (n,) starting angle in radians (0: along the columns).
        length_mm: (n,) arc lengths.
        bend: (n,) standard deviation of the turn over the whole length, in radians.
        steps: points a curve.
        rng: source of the bends.
    """
    count = len(start_mm)
    noise = rng.standard_normal((count, 6))
    along = np.linspace(0, 1, steps)
    # a few cosines: curvature without kinks
    waves = np.cos(np.pi * np.arange(1, 7)[:, None] * along) / np.arange(1, 7)[:, None]
    turn = bend[:, None] * (noise @ waves - (noise @ waves)[:, :1])
    angle = direction[:, None] + turn
    step = (length_mm / steps)[:, None]
    moves = np.stack([np.sin(angle) * step, np.cos(angle) * step], axis=-1)
    path: npt.NDArray[np.floating] = start_mm[:, None] + np.cumsum(moves, axis=1)
    return path
