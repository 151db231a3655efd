"""Glandular tissue, ligaments, vessels and the pectoral muscle of one view, as projected thickness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from vdes.phantom.fields import deposit, power_law, resize, wander
from vdes.phantom.outline import FIELD_MM, Compressed, Outline

Image = npt.NDArray[np.floating]

FIBRE_SIGMAS_MM = (0.16, 0.3, 0.55, 1.0, 1.8)
# mg of iodine per cm3 of venous blood two to five minutes after the injection, and in muscle
BLOOD_MG_CM3 = 2.0
MUSCLE_MG_CM3 = 0.03
BACKGROUND_CAP_MG_CM2 = 0.7
PEAK = (0.5, 0.95)  # share of gland that the disc can reach, from place to place; the rest of a ray is always fat


@dataclass(frozen=True)
class Parenchyma:
    """Projected maps of one view, shape (H, W).

    Attributes:
        glandular: mm of glandular tissue (of muscle and blood too, which attenuate alike).
        iodine: mg/cm2 of contrast outside the lesion.
        zone: 0 to 1, where the glandular disc lies.
    """

    glandular: Image
    iodine: Image
    zone: Image


def _smoothstep(values: Image) -> Image:
    share = np.clip(values, 0, 1)
    result: Image = share * share * (3 - 2 * share)
    return result


def _zone(outline: Outline, body: Compressed, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return where the glandular disc lies: behind the nipple, clear of skin, chest wall and muscle."""
    coarse = (160, 120)
    pixel = FIELD_MM[0] / coarse[0]
    inside = resize(body.inside, coarse)
    rows = ((np.arange(coarse[0], dtype=np.float32) + 0.5) * np.float32(pixel))[:, None]
    columns = ((np.arange(coarse[1], dtype=np.float32) + 0.5) * np.float32(pixel))[None]
    away = np.hypot(rows - outline.nipple_mm[0], columns - outline.nipple_mm[1])
    ragged = power_law(coarse, 3.0, rng, 60.0, pixel)
    fat = rng.uniform(7, 15) * (1 - 0.85 * np.exp(-((away / 22) ** 2))) + 5.0 * ragged
    clear = _smoothstep((inside - fat) / 9)
    behind = outline.pectoral_depth_mm(rows, columns)
    back = _smoothstep((columns - rng.uniform(-25, 12) + 7 * ragged) / 26) * _smoothstep((-behind - 2) / 22)
    half = outline.depth_mm * rng.uniform(0.55, 0.8)
    middle = outline.nipple_mm[0] - rng.uniform(0.0, 0.16) * outline.depth_mm
    band = np.exp(-(np.abs((rows - middle) / half + 0.25 * ragged) ** 3))
    return resize((clear * back * band).astype(np.float32), shape)


def _fibres(count: int, outline: Outline, zone: Image, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return ligaments and ducts in mm: thin curves that mostly run towards the nipple, denser where the gland is."""
    pixel = FIELD_MM[0] / shape[0]
    coarse = resize(zone, (120, 90))
    chance = (np.clip(coarse, 0, None) + 0.04 * (coarse > -1)).ravel()
    cell = rng.choice(chance.size, count, p=chance / chance.sum())
    start = (np.stack(np.divmod(cell, 90), axis=-1) + rng.random((count, 2))) * 2.0
    to_nipple = np.arctan2(outline.nipple_mm[0] - start[:, 0], outline.nipple_mm[1] - start[:, 1])
    direction = to_nipple + rng.normal(0, 0.65, count)
    length = np.clip(rng.lognormal(np.log(24), 0.55, count), 6, 80)
    steps = max(40, int(110 / pixel))
    path = wander(
        start - 0.4 * length[:, None] * np.stack([np.sin(direction), np.cos(direction)], -1),
        direction,
        length,
        rng.uniform(0.15, 0.5, count),
        steps,
        rng,
    )
    taper = np.sin(np.pi * np.linspace(0, 1, steps)) ** 0.7
    sigma = np.clip(rng.lognormal(np.log(0.5), 0.6, count), 0.16, 2.2)
    # the cross-section of a sheet seen on edge: some mm deep, as wide as its profile
    area = sigma * 2.5 * rng.gamma(2.0, 0.8, count)
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

    The disc is a sigmoid of its zone plus a power-law field; its offset is solved so that glandular tissue, ligaments
    included and muscle not, makes up
    ``glandular_fraction`` of the volume within the skin.

    Args:
        outline: the view's geometry.
        body: the compressed breast.
        glandular_fraction: share of glandular tissue by volume.
        background_mg_cm3: background enhancement, mg/cm2 per cm of gland.
        rng: source of the view's texture.
    """
    shape = body.thickness.shape
    pixel = FIELD_MM[0] / shape[0]
    room = body.thickness - body.skin
    zone = _zone(outline, body, (shape[0], shape[1]), rng)
    muscle = _muscle(outline, body, room, (shape[0], shape[1]), rng)
    texture = power_law((shape[0], shape[1]), 3.3, rng, 28.0, pixel)
    # walls between fat lobules: the zero lines of two smooth fields
    walls = np.zeros(shape, np.float32)
    for wavelength in (34.0, 17.0):
        field = power_law((shape[0], shape[1]), 5.0, rng, wavelength, pixel, 1.2)
        walls += np.exp(-np.abs(field) / np.float32(0.3)) - np.float32(0.25)
    fibres = _fibres(int(420 + 900 * glandular_fraction), outline, zone, (shape[0], shape[1]), rng)
    # a third of a fatty breast's gland is in strands, little of a dense one's
    wanted = glandular_fraction * float(room.sum(dtype=np.float64))
    fibres *= np.float32(min(1.5, 0.48 * wanted / max(float(fibres.sum(dtype=np.float64)), 1e-6)))
    fibres = np.minimum(fibres, 0.6 * room)
    free = np.clip(room - muscle, 0, None)
    # regions of the disc that are mostly fat, and others that are mostly gland
    lobes = resize(power_law((120, 90), 4.0, rng, 55.0, 2.0, 6.0), (shape[0], shape[1]))
    drive = 3.0 * zone + 0.7 * lobes + 0.6 * texture + 0.55 * walls

    peak = 0.74 + 0.10 * resize(power_law((120, 90), 3.0, rng, 50.0, 2.0), (shape[0], shape[1])) + 0.07 * texture
    free_peak = free * np.clip(peak, *PEAK)

    small = (shape[0] // max(1, shape[0] // 160), shape[1] // max(1, shape[1] // 120))
    drive_small, free_small, peak_small, fibres_small = (
        resize(image, small) for image in (drive, free, free_peak, fibres)
    )
    scale = room.size / drive_small.size

    def surplus(offset: float) -> float:
        disc = peak_small / (1 + np.exp(offset - drive_small))
        return float(np.minimum(disc + fibres_small, free_small).sum(dtype=np.float64)) * scale - wanted

    low, high = -30.0, 30.0
    offset = brentq(surplus, low, high, xtol=0.01) if surplus(low) > 0 > surplus(high) else low
    gland = np.minimum(free_peak / (1 + np.exp(np.float32(offset) - drive)) + fibres, free)
    uptake = np.exp(0.35 * resize(power_law((120, 90), 4.0, rng, 60.0, 2.0), (shape[0], shape[1])))
    iodine = np.minimum(background_mg_cm3 * uptake * gland / 10, BACKGROUND_CAP_MG_CM2)
    vessels = np.minimum(_vessels(outline, (shape[0], shape[1]), rng), 0.5 * np.clip(room - gland - muscle, 0, None))
    iodine += (BLOOD_MG_CM3 * vessels + MUSCLE_MG_CM3 * muscle) / 10
    return Parenchyma(gland + muscle + vessels, iodine.astype(np.float32), zone)
