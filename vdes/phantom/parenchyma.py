"""Glandular tissue, ligaments, vessels and the pectoral muscle of one view, as projected thickness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates
from scipy.optimize import brentq

from vdes.phantom.fields import coarsening, deposit, power_law, resize, wander
from vdes.phantom.outline import FIELD_MM, Compressed, Outline

Image = npt.NDArray[np.floating]

FIBRE_SIGMAS_MM = (0.16, 0.3, 0.55, 1.0, 1.8)
# mg of iodine per cm3 of venous blood two to five minutes after the injection, and in muscle
BLOOD_MG_CM3 = 2.0
MUSCLE_MG_CM3 = 0.03
BACKGROUND_CAP_MG_CM2 = 0.7
FINEST_MM = 0.5  # the finest structure of the texture; its grid need not be finer
_LAYERS = 2
PEAK = (0.3, 0.95)  # largest share of gland in the disc, which varies with location; the rest of a ray is always fat


@dataclass(frozen=True)
class Parenchyma:
    """Projected maps of one view, shape (H, W).

    Attributes:
        glandular: mm of glandular tissue, including muscle and blood, which have the same attenuation.
        iodine: mg/cm2 of contrast outside the lesion.
        zone: 0 to 1, location of the glandular disc.
    """

    glandular: Image
    iodine: Image
    zone: Image


def _smoothstep(values: Image) -> Image:
    share = np.clip(values, 0, 1)
    result: Image = share * share * (3 - 2 * share)
    return result


def _zone(outline: Outline, body: Compressed, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return the location of the glandular disc: behind the nipple, clear of skin, chest wall and muscle."""
    coarse = (160, 120)
    pixel = FIELD_MM[0] / coarse[0]
    inside = resize(body.inside, coarse)
    rows = ((np.arange(coarse[0], dtype=np.float32) + 0.5) * np.float32(pixel))[:, None]
    columns = ((np.arange(coarse[1], dtype=np.float32) + 0.5) * np.float32(pixel))[None]
    away = np.hypot(rows - outline.nipple_mm[0], columns - outline.nipple_mm[1])
    ragged = power_law(coarse, 3.0, rng, 60.0, pixel)
    fat = rng.uniform(5, 12) * (1 - 0.85 * np.exp(-((away / 22) ** 2))) + 4.0 * ragged
    clear = _smoothstep((inside - fat) / 15)
    behind = outline.pectoral_depth_mm(rows, columns)
    back = _smoothstep((columns - rng.uniform(-30, 8) + 9 * ragged) / 45) * _smoothstep((-behind - 1) / 26)
    half = outline.depth_mm * rng.uniform(0.55, 0.85)
    middle = outline.nipple_mm[0] - rng.uniform(0.0, 0.16) * outline.depth_mm
    band = np.exp(-(np.abs((rows - middle) / half + 0.25 * ragged) ** 2.5))
    return resize((clear * back * band).astype(np.float32), shape)


def _grain(outline: Outline, body: Compressed, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return the position of each pixel in undistorted tissue, rows and columns in pixels, shape (2, H, W).

    Tissue is drawn with its strands along the columns; this bends them towards the nipple, where they converge.
    """
    pixel = FIELD_MM[0] / shape[0]
    columns = resize(np.broadcast_to(body.columns, body.thickness.shape), shape)[:1]
    rows = resize(np.broadcast_to(body.rows, body.thickness.shape), shape)[:, :1]
    behind = np.clip((outline.depth_mm - columns) / outline.depth_mm, 0, 1)
    # the axis of the gland climbs to the armpit, in MLO above all
    tilt = rng.uniform(0.2, 0.4) if outline.view == "MLO" else rng.uniform(-0.05, 0.12)
    axis = outline.nipple_mm[0] - tilt * outline.depth_mm * behind
    squeezed = 1 / (0.5 + 0.5 * behind**0.8)
    bends = [resize(power_law((120, 90), 5.0, rng, 110.0, 2.0, 15.0), shape) for _ in range(2)]
    # the axis is the middle row of the tissue; parts bent in from beyond its ends lie outside the breast
    along = np.float32(FIELD_MM[0] / 2) + (rows - axis) * squeezed
    result: Image = np.stack([along + 7.0 * bends[0], columns + 3.0 * bends[1]])
    return result / np.float32(pixel)


def _tissue(
    outline: Outline, body: Compressed, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Image, Image]:
    """Return texture (about unit variance) and septa (0 to 1), with strands towards the nipple."""
    factor = coarsening(FINEST_MM / (FIELD_MM[0] / shape[0]), shape)
    grid = (shape[0] // factor, shape[1] // factor)
    pixel = FIELD_MM[0] / grid[0]
    texture, septa = np.zeros((2, *grid), np.float32)
    # strands at different heights in the breast cross in its projection
    for _ in range(_LAYERS):
        layer = power_law(grid, 3.1, rng, 34.0, pixel, stretch=1.2)
        # walls between fat lobules are the zero lines of smooth fields; another field modulates them
        walls = np.zeros(grid, np.float32)
        for wavelength, sharp, weight in ((38.0, 0.15, 0.55), (18.0, 0.2, 0.4)):
            field = power_law(grid, 5.0, rng, wavelength, pixel, 1.0, stretch=1.5)
            walls += np.float32(weight) * np.exp(-np.abs(field) / np.float32(sharp))
        walls *= np.clip(0.6 + 0.6 * resize(power_law((120, 90), 3.5, rng, 40.0, 2.0), grid), 0, None)
        where = _grain(outline, body, grid, rng)
        texture += map_coordinates(layer, where, order=1, mode="reflect") / np.float32(np.sqrt(_LAYERS))
        septa += map_coordinates(walls, where, order=1, mode="reflect")
    return resize(texture, shape), resize(septa, shape)


def _fibres(count: int, outline: Outline, zone: Image, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return ligaments and ducts in mm: thin tapering curves that run towards the nipple, denser where the gland is."""
    pixel = FIELD_MM[0] / shape[0]
    coarse = resize(zone, (120, 90))
    chance = (np.clip(coarse, 0, None) + 0.12 * (coarse > -1)).ravel()
    cell = rng.choice(chance.size, count, p=chance / chance.sum())
    start = (np.stack(np.divmod(cell, 90), axis=-1) + rng.random((count, 2))) * 2.0
    to_nipple = np.arctan2(outline.nipple_mm[0] - start[:, 0], outline.nipple_mm[1] - start[:, 1])
    direction = to_nipple + rng.normal(0, 0.35, count)
    length = np.clip(rng.lognormal(np.log(20), 0.6, count), 5, 80)
    steps = max(40, int(110 / pixel))
    path = wander(
        start - 0.4 * length[:, None] * np.stack([np.sin(direction), np.cos(direction)], -1),
        direction,
        length,
        rng.uniform(0.3, 0.8, count),
        steps,
        rng,
    )
    taper = np.sin(np.pi * np.linspace(0, 1, steps)) ** 1.5
    sigma = np.clip(rng.lognormal(np.log(0.45), 0.6, count), 0.16, 2.2)
    # the cross-section of a sheet seen on edge: some mm deep, as wide as its profile
    area = sigma * rng.lognormal(0.3, 0.7, count)
    volume = area[:, None] * (length / steps)[:, None] * taper
    return deposit(path.reshape(-1, 2), volume.ravel(), np.repeat(sigma, steps), shape, pixel, FIBRE_SIGMAS_MM)


def _vessels(outline: Outline, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return veins and their branches in mm."""
    pixel = FIELD_MM[0] / shape[0]
    count = int(rng.integers(3, 7))
    total = np.zeros(shape, np.float32)
    start: npt.NDArray[np.floating] = np.column_stack(
        [
            outline.nipple_mm[0] + rng.uniform(-0.95, 0.75, count) * outline.depth_mm,
            rng.uniform(-8, 10, count),
        ]
    )
    aim = np.arctan2(outline.nipple_mm[0] - start[:, 0], 1.35 * outline.nipple_mm[1] - start[:, 1])
    steps = max(120, int(400 / pixel))
    path: npt.NDArray[np.floating] = np.zeros((0, steps, 2))
    for generation, (width, reach) in enumerate(((0.75, 0.85), (0.42, 0.4), (0.28, 0.25))):
        if generation:
            parent = rng.integers(0, len(path), count := int(2.2 * len(path)))
            fork = rng.integers(steps // 6, int(steps * 0.85), count)
            heading = path[parent, fork] - path[parent, fork - 3]
            start = path[parent, fork]
            aim = np.arctan2(heading[:, 0], heading[:, 1]) + rng.choice([-1, 1], count) * rng.uniform(0.3, 0.9, count)
        length = outline.depth_mm * reach * rng.uniform(0.6, 1.15, count)
        path = wander(start, aim, length, rng.uniform(0.2, 0.6, count), steps, rng)
        sigma = width * rng.uniform(0.6, 1.15, count)[:, None] * np.linspace(1, 0.6, steps)
        # a tube of radius 1.6 sigma
        volume = np.pi * (1.6 * sigma) ** 2 * (length / steps)[:, None]
        total += deposit(path.reshape(-1, 2), volume.ravel(), sigma.ravel(), shape, pixel, FIBRE_SIGMAS_MM)
    return total


def _muscle(outline: Outline, body: Compressed, room: Image, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return the pectoral muscle in mm: a wedge with a soft edge and bundles along it."""
    depth = outline.pectoral_depth_mm(body.rows, body.columns)
    if not outline.pectoral_mm[0]:
        return np.zeros(shape, np.float32)
    pixel = FIELD_MM[0] / shape[0]
    bundles = power_law(shape, 3.2, rng, 18.0, pixel)
    share = _smoothstep((depth + 3) / 9) * (0.16 + 0.34 * _smoothstep(depth / 50)) * (1 + 0.07 * bundles)
    result: Image = (np.clip(share, 0, 0.95) * room).astype(np.float32)
    return result


def draw_parenchyma(
    outline: Outline,
    body: Compressed,
    glandular_fraction: float,
    background_mg_cm3: float,
    rng: np.random.Generator,
) -> Parenchyma:
    """Draw the tissue of one view.

    The disc is a sigmoid of its zone plus a power-law field. Its offset is solved so that glandular tissue, including
    ligaments but not muscle, is ``glandular_fraction`` of the volume within the skin.

    Args:
        outline: the geometry of the view.
        body: the compressed breast.
        glandular_fraction: share of glandular tissue by volume.
        background_mg_cm3: background enhancement, mg/cm2 per cm of gland.
        rng: random number generator of the view's texture.
    """
    shape = body.thickness.shape
    room = body.thickness - body.skin
    zone = _zone(outline, body, (shape[0], shape[1]), rng)
    muscle = _muscle(outline, body, room, (shape[0], shape[1]), rng)
    texture, septa = _tissue(outline, body, (shape[0], shape[1]), rng)
    fibres = _fibres(int(300 + 700 * glandular_fraction), outline, zone, (shape[0], shape[1]), rng)
    strands = fibres + np.float32(0.06) * septa * room * _smoothstep(body.inside / 14)
    # a third of the gland of a fatty breast is in strands, but little of a dense breast's
    wanted = glandular_fraction * float(room.sum(dtype=np.float64))
    strands *= np.float32(min(1.5, 0.35 * wanted / max(float(strands.sum(dtype=np.float64)), 1e-6)))
    strands = np.minimum(strands, 0.6 * room)
    free = np.clip(room - muscle, 0, None)
    # regions of the disc that are mostly fat, and others that are mostly gland
    lobes = resize(power_law((120, 90), 4.0, rng, 55.0, 2.0, 6.0), (shape[0], shape[1]))
    drive = 3.0 * zone + 0.65 * lobes + 0.4 * texture + 0.85 * septa

    peak = 0.55 + 0.5 * glandular_fraction + 0.13 * texture
    peak += 0.13 * resize(power_law((120, 90), 3.0, rng, 50.0, 2.0), (shape[0], shape[1]))
    free_peak = free * np.clip(peak, *PEAK)

    small = (shape[0] // max(1, shape[0] // 160), shape[1] // max(1, shape[1] // 120))
    drive_small, free_small, peak_small, strands_small = (
        resize(image, small) for image in (drive, free, free_peak, strands)
    )
    scale = room.size / drive_small.size

    def surplus(offset: float) -> float:
        disc = peak_small / (1 + np.exp(offset - drive_small))
        return float(np.minimum(disc + strands_small, free_small).sum(dtype=np.float64)) * scale - wanted

    low, high = -30.0, 30.0
    offset = brentq(surplus, low, high, xtol=0.01) if surplus(low) > 0 > surplus(high) else low
    gland = np.minimum(free_peak / (1 + np.exp(np.float32(offset) - drive)) + strands, free)
    uptake = np.exp(0.35 * resize(power_law((120, 90), 4.0, rng, 60.0, 2.0), (shape[0], shape[1])))
    iodine = np.minimum(background_mg_cm3 * uptake * gland / 10, BACKGROUND_CAP_MG_CM2)
    vessels = np.minimum(_vessels(outline, (shape[0], shape[1]), rng), 0.5 * np.clip(room - gland - muscle, 0, None))
    iodine += (BLOOD_MG_CM3 * vessels + MUSCLE_MG_CM3 * muscle) / 10
    return Parenchyma(gland + muscle + vessels, iodine.astype(np.float32), zone)
