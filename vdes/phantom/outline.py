"""The outline of a compressed breast in one view, its distance map, thickness and skin.

All views are drawn as views of a left breast: chest wall at the left edge, lengths in mm from the upper left corner.
The generator mirrors right breasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from vdes.phantom.beams import SKIN_CM
from vdes.phantom.fields import resize

Image = npt.NDArray[np.floating]

FIELD_MM = (240.0, 180.0)  # the small paddle: 24 by 18 cm
_GRID_MM = 1.5
_FILLET_MM = 3.0  # length over which the nipple merges into the skin


@dataclass(frozen=True)
class Outline:
    """One view's geometry.

    Attributes:
        view: CC or MLO.
        curve_mm: (n, 2) rows and columns along the skin, from the top down.
        nipple_mm: row and column of the nipple's base.
        nipple_radius_mm: 0 if the nipple is not in profile.
        depth_mm: from the chest wall edge to the nipple.
        pectoral_mm: MLO: column at the top edge and row at the chest wall where the muscle ends; (0, 0) in CC.
        edge_mm: width of the zone in which the breast is not compressed and rounds off.
    """

    view: str
    curve_mm: npt.NDArray[np.floating]
    nipple_mm: tuple[float, float]
    nipple_radius_mm: float
    depth_mm: float
    pectoral_mm: tuple[float, float]
    edge_mm: float

    def inside_mm(self, points_mm: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the distance of (n, 2) points to the skin, positive inside."""
        tree = cKDTree(self.curve_mm)
        _, nearest = tree.query(points_mm)
        tangent = np.gradient(self.curve_mm, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        away = points_mm - self.curve_mm[nearest]
        along = (away * tangent[nearest]).sum(axis=1)
        # the curve runs down with the breast on its left, towards smaller columns
        across = away[:, 0] * tangent[nearest, 1] - away[:, 1] * tangent[nearest, 0]
        distance: npt.NDArray[np.floating] = np.sign(across) * np.hypot(across, np.maximum(np.abs(along) - 1.0, 0))
        return distance

    def lesion_mm(self, behind_mm: float, outward_mm: float, up_mm: float) -> tuple[float, float]:
        """Return row and column of the projection of a point in the breast; `LesionLatents` has the axes.

        Both views keep the distance behind the nipple. CC shows the side of the arm at the top, MLO looks along 45
        degrees.
        """
        height = outward_mm if self.view == "CC" else (outward_mm + up_mm) / np.sqrt(2)
        return self.nipple_mm[0] - float(height), self.depth_mm - behind_mm

    def pectoral_depth_mm(self, rows_mm: Image, columns_mm: Image) -> Image:
        """Return how far inside the pectoral muscle's edge a point lies (negative: in front of it)."""
        top, foot = self.pectoral_mm
        if not top:
            return np.full(np.broadcast_shapes(rows_mm.shape, columns_mm.shape), -1e3, np.float32)
        share = np.clip(rows_mm / foot, -0.2, 1.5)
        # slightly convex towards the nipple
        edge = top * (1 - share) + 0.16 * top * np.clip(share * (1 - share), -0.3, None) * 2
        slope = np.float32(np.hypot(1.0, top / foot))
        result: Image = ((edge - columns_mm) / slope).astype(np.float32)
        return result


def draw_outline(view: str, depth_mm: float, thickness_mm: float, rng: np.random.Generator) -> Outline:
    """Draw the outline of one view of a breast.

    Args:
        view: CC or MLO.
        depth_mm: chest wall to nipple.
        thickness_mm: compressed thickness.
        rng: random number generator of the shape.
    """
    edge = thickness_mm / 2 * rng.uniform(0.65, 0.9)
    radius = rng.uniform(4.2, 5.6) if rng.random() < 0.6 else 0.0
    depth = depth_mm * rng.uniform(0.97, 1.03)
    if view == "CC":
        half = min(depth * rng.uniform(0.86, 1.08), 112.0)
        centre = FIELD_MM[0] / 2 + rng.uniform(-1, 1) * max(0.0, 112.0 - half)
        angle = np.linspace(-np.pi / 2, np.pi / 2, 41)
        skew = rng.uniform(-0.07, 0.07)
        wobble = 1 + sum(rng.normal(0, 0.008) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4))
        x = depth * np.cos(angle) ** rng.uniform(0.9, 1.2) * wobble
        y = centre + half * (np.sin(angle) * wobble + skew * np.cos(angle) ** 2)
        # beyond the chest wall edge the sides continue, slightly diverging
        flare = rng.uniform(2, 14, size=2)
        control = np.vstack(
            [[y[0] - flare[0], -40], np.column_stack([y, x])[1:-1], [y[-1] + flare[1], -40]],
        )
        nipple_row = float(y[np.argmax(x)])
        pectoral = (0.0, 0.0)
    else:
        nipple_row = FIELD_MM[0] * rng.uniform(0.52, 0.62)
        lower = min(depth * rng.uniform(0.72, 0.92), FIELD_MM[0] - nipple_row - 14)
        top = depth * rng.uniform(0.5, 0.8)
        wiggle = rng.normal(0, 0.012, 8) * depth
        control = np.array(
            [
                [-40, top * 1.02],
                [nipple_row * 0.12, top + wiggle[0]],
                [nipple_row * 0.42, 0.45 * top + 0.48 * depth + wiggle[1]],
                [nipple_row * 0.75, depth * 0.92 + wiggle[2]],
                [nipple_row, depth],
                [nipple_row + lower * 0.38, depth * 0.93 + wiggle[3]],
                [nipple_row + lower * 0.75, depth * 0.67 + wiggle[4]],
                [nipple_row + lower * 0.97, depth * 0.30 + wiggle[5]],
                [nipple_row + lower * 1.07, depth * rng.uniform(-0.05, 0.05)],
                [nipple_row + lower * 1.20, -45],
            ]
        )
        steep = rng.uniform(np.deg2rad(16), np.deg2rad(28))
        muscle = top * rng.uniform(0.5, 0.75)
        pectoral = (float(muscle), float(min(muscle / np.tan(steep), nipple_row * 1.15)))
    chord = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(control, axis=0).T))])
    curve = CubicSpline(chord, control)(np.linspace(0, chord[-1], 900))
    nipple_column = curve[np.abs(curve[:, 0] - nipple_row).argmin(), 1]
    return Outline(view, curve, (nipple_row, float(nipple_column)), float(radius), float(depth), pectoral, float(edge))


@dataclass(frozen=True)
class Compressed:
    """A breast between the paddles, on the image grid; every map of shape (H, W), lengths in mm.

    Attributes:
        breast: mask of the breast.
        inside: distance to the skin line, negative outside.
        thickness: thickness along the ray, including skin; 0 outside.
        skin: the part of it that is skin.
        nipple: 0 to 1, in and just behind a nipple in profile.
        rows, columns: pixel centres, shapes (H, 1) and (1, W).
    """

    breast: npt.NDArray[np.bool_]
    inside: Image
    thickness: Image
    skin: Image
    nipple: Image
    rows: Image
    columns: Image


def _dome(depth: Image, radius: float, height: float) -> Image:
    """Return the thickness of a slab of ``height`` whose edge is rounded off over ``radius``."""
    share = np.clip(depth / np.float32(radius), 0, 1)
    result: Image = np.float32(height) * np.sqrt(1 - (1 - share) ** 2)
    return result


def compress(outline: Outline, thickness_mm: float, shape: tuple[int, int]) -> Compressed:
    """Return the maps of a compressed breast.

    Args:
        outline: its geometry.
        thickness_mm: distance between the paddles.
        shape: shape of the image.
    """
    pixel = FIELD_MM[0] / shape[0]
    coarse = (round(FIELD_MM[0] / _GRID_MM), round(FIELD_MM[1] / _GRID_MM))
    grid = np.stack(np.meshgrid(*((np.arange(n) + 0.5) * _GRID_MM for n in coarse), indexing="ij"), axis=-1)
    inside = resize(outline.inside_mm(grid.reshape(-1, 2)).reshape(coarse).astype(np.float32), shape)
    rows = ((np.arange(shape[0], dtype=np.float32) + 0.5) * np.float32(pixel))[:, None]
    columns = ((np.arange(shape[1], dtype=np.float32) + 0.5) * np.float32(pixel))[None]
    thickness = _dome(inside, outline.edge_mm, thickness_mm)
    skin_mm = SKIN_CM * 10
    content = _dome(inside - skin_mm, outline.edge_mm - skin_mm, thickness_mm - 2 * skin_mm)
    away = np.hypot(rows - outline.nipple_mm[0], columns - outline.nipple_mm[1])
    skin = thickness - np.minimum(content, thickness)
    # the areola is thicker
    skin += np.float32(0.9) * np.exp(-((away / np.float32(14)) ** 2)) * (thickness > 4 * skin_mm)
    nipple = np.zeros(shape, np.float32)
    radius = np.float32(outline.nipple_radius_mm)
    if radius:
        # a cylinder with a round tip and a fillet to the skin: the smooth union of two distances
        beyond = np.maximum(columns - outline.nipple_mm[1] - np.float32(0.3) * radius, 0)
        ball = radius - np.hypot(rows - outline.nipple_mm[0], beyond)
        gap = np.clip(0.5 + 0.5 * (ball - inside) / _FILLET_MM, 0, 1)
        inside = inside + gap * (ball - inside) + np.float32(_FILLET_MM) * gap * (1 - gap)
        depth = np.clip(inside, 0, radius)
        bump = 2 * np.sqrt(depth * (2 * radius - depth))
        nipple = np.exp(
            -((np.hypot(rows - outline.nipple_mm[0], columns - outline.nipple_mm[1]) / (1.5 * radius)) ** 4)
        )
        skin += np.clip(bump - thickness, 0, None) * np.float32(0.8)
        thickness = np.maximum(thickness, bump)
    else:
        # pressed flat on the breast, it is a faint disc
        away = np.hypot(rows - outline.nipple_mm[0], columns - outline.nipple_mm[1] + 9)
        skin += np.float32(3.0) * np.exp(-((away / np.float32(4.5)) ** 4)) * (thickness > 8 * skin_mm)
    breast = thickness > 0.2
    thickness = np.where(breast, thickness, np.float32(0))
    skin = np.minimum(skin, thickness)
    return Compressed(breast, inside, thickness, skin, nipple, rows, columns)
