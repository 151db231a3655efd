"""Random fields and curves on the image grid, and resizing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft
from PIL import Image as PilImage
from scipy.ndimage import gaussian_filter

Image = npt.NDArray[np.floating]


def resize(image: Image, shape: tuple[int, int]) -> Image:
    """Return ``image`` resampled to ``shape`` (bicubic upwards, averaging downwards), pixel edges aligned."""
    picture = PilImage.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    up = shape[0] >= image.shape[0]
    method = PilImage.Resampling.BICUBIC if up else PilImage.Resampling.BOX
    return np.asarray(picture.resize((shape[1], shape[0]), method), dtype=np.float32)


def coarsening(sigma_px: float, shape: tuple[int, int]) -> int:
    """Return the factor (1, 2 or 4) by which a grid may be coarsened for a Gaussian of ``sigma_px`` pixels."""
    fits = [factor for factor in (2, 4) if sigma_px >= 2.0 * factor and not (shape[0] % factor or shape[1] % factor)]
    return max(fits, default=1)


def smooth(image: Image, sigma_px: float) -> Image:
    """Return ``image`` smoothed by a Gaussian of that sigma, zero outside; wide ones are computed on a coarser grid."""
    factor = coarsening(sigma_px, (image.shape[0], image.shape[1]))
    if factor == 1:
        return gaussian_filter(image, sigma_px, mode="constant", truncate=3.0)
    coarse = resize(image, (image.shape[0] // factor, image.shape[1] // factor))
    spread = gaussian_filter(coarse, sigma_px / factor, mode="constant", truncate=3.0)
    return resize(spread, (image.shape[0], image.shape[1]))


def power_law(
    shape: tuple[int, int],
    beta: float,
    rng: np.random.Generator,
    lowest_mm: float,
    pixel_mm: float,
    highest_mm: float = 0.0,
    stretch: float = 1.0,
) -> Image:
    """Return a Gaussian field of unit variance whose power falls as ``1/f**beta``.

    Args:
        shape: rows and columns; the field is periodic on a somewhat larger grid, so its edges do not match.
        beta: exponent of the power spectrum.
        rng: source of the phases.
        lowest_mm: wavelength above which the spectrum is flat.
        pixel_mm: pixel size.
        highest_mm: wavelength below which there is nothing (0: the pixels decide).
        stretch: how much longer structures are along the columns than along the rows, their area kept.
    """
    size = [scipy.fft.next_fast_len(int(1.1 * n) + 8, real=True) for n in shape]
    rows = np.fft.fftfreq(size[0], pixel_mm).astype(np.float32)[:, None]
    columns = np.fft.rfftfreq(size[1], pixel_mm).astype(np.float32)[None]
    squared = rows**2 / np.float32(stretch) + columns**2 * np.float32(stretch)
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
    """Return the projected thickness in mm of thin curves: volumes at points, smoothed to their widths.

    The volume does not depend on the pixel size, so a fibre thinner than a pixel has the right weight.

    Args:
        points_mm: (n, 2) rows and columns in mm from the image's corner.
        volume_mm3: (n,) volume at every point.
        width_mm: (n,) sigma of the profile; rounded to the nearest of ``levels``.
        shape: rows and columns of the image.
        pixel_mm: its pixel size.
        levels: the available sigmas, in mm.
    """
    result = np.zeros(shape, np.float32)
    nearest = np.abs(np.log(width_mm[:, None] / np.asarray(levels))).argmin(axis=1)
    for level, sigma in enumerate(levels):
        chosen = nearest == level
        if not chosen.any():
            continue
        factor = coarsening(sigma / pixel_mm, shape)
        grid, pitch = (shape[0] // factor, shape[1] // factor), pixel_mm * factor
        image = _splat(points_mm[chosen] / pitch - 0.5, volume_mm3[chosen] / pitch**2, grid)
        if sigma / pitch > 0.3:
            image = gaussian_filter(image, sigma / pitch, mode="constant", truncate=3.0)
        result += image if factor == 1 else np.clip(resize(image, shape), 0, None)
    return result


def _splat(position: npt.NDArray[np.floating], weight: npt.NDArray[np.floating], shape: tuple[int, int]) -> Image:
    """Return the sum of weights on the four pixels around each position."""
    corner = np.floor(position).astype(np.int64)
    near = ((corner >= -1) & (corner < np.array(shape))).all(axis=1)
    corner, part, weight = corner[near] + 1, (position[near] - corner[near]), weight[near]
    # a border of one pixel for points just outside
    width = shape[1] + 2
    flat = np.zeros((shape[0] + 2) * width)
    start = corner[:, 0] * width + corner[:, 1]
    for down in (0, 1):
        for right in (0, 1):
            share = np.abs(1 - down - part[:, 0]) * np.abs(1 - right - part[:, 1])
            flat += np.bincount(start + down * width + right, share * weight, minlength=flat.size)
    result: Image = flat.reshape(-1, width)[1:-1, 1:-1].astype(np.float32)
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
        steps: points per curve.
        rng: source of the bends.
    """
    count = len(start_mm)
    noise = rng.standard_normal((count, 6))
    along = np.linspace(0, 1, steps)
    # a few cosines: curvature without kinks
    waves = np.cos(np.pi * np.arange(1, 7)[:, None] * along) * np.array([0.5, 0.6, 0.5, 0.35, 0.25, 0.15])[:, None]
    turn = bend[:, None] * (noise @ waves - (noise @ waves)[:, :1])
    angle = direction[:, None] + turn
    step = (length_mm / steps)[:, None]
    moves = np.stack([np.sin(angle) * step, np.cos(angle) * step], axis=-1)
    path: npt.NDArray[np.floating] = start_mm[:, None] + np.cumsum(moves, axis=1)
    return path
