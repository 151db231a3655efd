"""One lesion in three dimensions, and its projection into a view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import center_of_mass, gaussian_filter, rotate

from vdes.phantom.fields import deposit, resize, wander
from vdes.phantom.latents import LOOSE, LesionLatents
from vdes.phantom.outline import FIELD_MM, Outline
from vdes.phantom.parenchyma import FIBRE_SIGMAS_MM

Image = npt.NDArray[np.floating]
Volume = npt.NDArray[np.floating]

_VOXELS = 64
_HALF_WIDTH = 1.9  # of the box, in lesion radii
_CALCIUM_SIGMAS_MM = (0.12, 0.22, 0.4)
_MASK_FROM = 0.12  # of the largest projected thickness


@dataclass(frozen=True)
class LesionVolume:
    """A lesion on a cube of voxels, with axes to the arm, to the head, and from chest wall to nipple.

    Attributes:
        tissue: 0 to 1, share of tumour.
        uptake: 0 to 1, iodine relative to its largest concentration.
        voxel_mm: edge of a voxel.
        spicules: (n, 3) directions of its spicules.
        calcifications: (m, 3) positions in mm from the middle.
        calcification_mm3: (m,) volumes.
        seed: seed of the course of the spicules, the same in both views.
    """

    tissue: Volume
    uptake: Volume
    voxel_mm: float
    spicules: npt.NDArray[np.floating]
    calcifications: npt.NDArray[np.floating]
    calcification_mm3: npt.NDArray[np.floating]
    seed: int


@dataclass(frozen=True)
class ProjectedLesion:
    """Maps of shape (H, W): tumour and calcium in mm, iodine in mg/cm2, and where the lesion is."""

    tissue: Image
    calcium: Image
    iodine: Image
    mask: npt.NDArray[np.bool_]


def _noise(sigma: float, rng: np.random.Generator) -> Volume:
    field = gaussian_filter(rng.standard_normal((_VOXELS,) * 3, dtype=np.float32), sigma, mode="wrap", truncate=3.0)
    result: Volume = field / field.std()
    return result


def build_lesion(latents: LesionLatents, rng: np.random.Generator) -> LesionVolume:
    """Build the lesion described by the latents."""
    rough = latents.irregularity
    axis = np.linspace(-_HALF_WIDTH, _HALF_WIDTH, _VOXELS, dtype=np.float32)
    outward, up, forward = np.meshgrid(axis, axis, axis, indexing="ij")
    stretch = np.exp(rng.normal(0, 0.15 + 0.03 * rough, 3))
    coarse, fine = _noise(7.0, rng), _noise(2.7, rng)
    if latents.non_mass:
        # a segment that points at the nipple, filled with clumps
        radius = np.sqrt((outward / 0.95) ** 2 + (up / 0.95) ** 2 + (forward / 1.5) ** 2)
        depth = 1 - radius + 0.28 * coarse
        clumps = np.clip((0.7 * fine + 0.5 * coarse + 0.35 - 0.9 * radius**2) / (0.5 + 0.4 * (1 - rough)), 0, 1)
        inside = np.clip(depth / 0.5 + 0.5, 0, 1) * clumps
        tissue = inside * np.float32((0.22 + 0.16 * rough) * (latents.solidity / LOOSE))
        uptake = inside
    else:
        radius = np.sqrt((outward / stretch[0]) ** 2 + (up / stretch[1]) ** 2 + (forward / stretch[2]) ** 2)
        depth = 1 - radius + (0.07 + 0.08 * rough) * coarse + (0.015 + 0.15 * rough) * fine
        soft = 0.2 + 0.3 * rough
        inside = np.clip(depth / soft + 0.5, 0, 1)
        inside *= inside * (3 - 2 * inside)
        tissue = inside * np.float32(latents.solidity)
        patchy = np.exp(0.28 * fine + 0.15 * coarse)
        wall = np.exp(-(((depth - 0.22) / 0.20) ** 2)) + 0.22 if latents.rim else np.float32(1)
        uptake = inside * patchy * wall
    # clumps and bulges are not balanced, so centre the tissue on the position of the lesion
    moved = [round((_VOXELS - 1) / 2 - middle) for middle in center_of_mass(tissue)]
    tissue, uptake = (np.roll(volume, moved, axis=(0, 1, 2)) for volume in (tissue, uptake))
    spicules = np.zeros((0, 3))
    if not latents.non_mass and rough > 0.3:
        spicules = rng.standard_normal((int(10 + 45 * rough**2), 3))
        spicules /= np.linalg.norm(spicules, axis=1, keepdims=True)
    positions, volumes = np.zeros((0, 3)), np.zeros(0)
    if latents.calcified:
        # higher scores give more and finer ones
        above = latents.morphology_score - 1.175
        count = int(rng.integers(3, 8) + rng.poisson(7 * min(above, 2.0)))
        size = 0.5 * np.exp(-0.75 * min(above, 1.4)) * rng.lognormal(0, 0.3, count)
        positions = rng.normal(0, 0.33 * latents.diameter_mm / 2 * (1.5 if latents.non_mass else 1.0), (count, 3))
        volumes = 4 / 3 * np.pi * (size / 2) ** 3
    voxel = latents.diameter_mm * _HALF_WIDTH / _VOXELS
    peak = float(np.percentile(uptake, 99.5)) or 1.0
    return LesionVolume(
        tissue.astype(np.float32),
        np.clip(uptake / peak, 0, None).astype(np.float32),
        voxel,
        spicules,
        positions,
        volumes,
        int(rng.integers(2**32)),
    )


def _view_axes(view: str) -> npt.NDArray[np.floating]:
    """Return the image's row and column axes in the lesion's frame, shape (2, 3)."""
    if view == "CC":
        return np.array([[-1.0, 0, 0], [0, 0, 1]])
    return np.array([[-np.sqrt(0.5), -np.sqrt(0.5), 0], [0, 0, 1]])


def _project(volume: Volume, view: str, voxel_mm: float) -> Image:
    """Return the ray sums of a volume in mm, rows down and columns to the nipple."""
    if view == "MLO":
        # turn the head-arm plane by 45 degrees, so that the first axis is the one that MLO shows upright
        volume = rotate(volume, -45.0, axes=(0, 1), reshape=False, order=1, mode="constant")
    result: Image = (volume.sum(axis=1) * voxel_mm)[::-1].astype(np.float32)
    return result


def project_lesion(
    lesion: LesionVolume, latents: LesionLatents, outline: Outline, shape: tuple[int, int], compression: float = 1.0
) -> ProjectedLesion:
    """Project a lesion into a view.

    Args:
        lesion: the volume.
        latents: the latents it was built from, which set its position and iodine.
        outline: the geometry of the view.
        shape: shape of the image.
        compression: factor on the path length through it, for a breast thinner than the lesion.
    """
    pixel = FIELD_MM[0] / shape[0]
    centre = np.array(outline.lesion_mm(latents.behind_mm, latents.outward_mm, latents.up_mm))
    size = lesion.voxel_mm * _VOXELS
    side = max(4, round(size / pixel))
    corner = np.round(centre / pixel - side / 2).astype(int)
    window = [slice(max(0, c), min(n, c + side)) for c, n in zip(corner, shape, strict=True)]
    source = tuple(slice(w.start - c, w.stop - c) for w, c in zip(window, corner, strict=True))

    def place(volume: Volume) -> Image:
        image = np.zeros(shape, np.float32)
        flat = _project(volume, outline.view, lesion.voxel_mm)
        image[tuple(window)] = np.clip(resize(flat, (side, side)), 0, None)[source]
        return image

    tissue = place(lesion.tissue) * np.float32(compression)
    uptake = place(lesion.uptake)
    # the level is that of the bright part, not of the brightest pixel
    bright = uptake[uptake > 0.05 * uptake.max()]
    iodine = uptake * np.float32(latents.iodine_mg_cm2 / np.percentile(bright, 85))
    mask = tissue > _MASK_FROM * tissue.max()

    rng = np.random.default_rng(lesion.seed)
    axes = _view_axes(outline.view)
    radius = latents.diameter_mm / 2
    if len(lesion.spicules):
        count = len(lesion.spicules)
        reach = radius * (0.35 + 1.0 * latents.irregularity) * rng.lognormal(-0.1, 0.45, count)
        bend = rng.uniform(0.3, 1.1, count)
        flat = lesion.spicules @ axes.T
        seen = np.linalg.norm(flat, axis=1)
        start = centre + flat * radius * rng.uniform(0.45, 0.85, (count, 1))
        steps = max(24, int(40 / pixel))
        jitter = rng.normal(0, 0.35, count)
        path = wander(start, np.arctan2(flat[:, 0], flat[:, 1]) + jitter, reach * seen, bend, steps, rng)
        taper = np.linspace(1, 0, steps) ** 1.3
        sigma = rng.uniform(0.16, 0.45, count)
        area = sigma * rng.gamma(2.0, 0.55, count) * (1.4 + 2.8 * latents.irregularity)
        volume = area[:, None] * (reach / steps)[:, None] * taper
        strands = deposit(path.reshape(-1, 2), volume.ravel(), np.repeat(sigma, steps), shape, pixel, FIBRE_SIGMAS_MM)
        tissue = tissue + strands
        # spicules take up contrast like the tumour they belong to
        iodine = iodine + strands * np.float32(latents.iodine_mg_cm2 / max(float(tissue.max()), 1.0))
    calcium = np.zeros(shape, np.float32)
    if len(lesion.calcifications):
        points = centre + lesion.calcifications @ axes.T
        sigma = np.cbrt(lesion.calcification_mm3 * 3 / (4 * np.pi)) * 0.6
        calcium = deposit(points, lesion.calcification_mm3, np.maximum(sigma, 0.05), shape, pixel, _CALCIUM_SIGMAS_MM)
    return ProjectedLesion(tissue, calcium, iodine, mask)
