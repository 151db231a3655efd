"""Shapes drawn with the VGG Image Annotator (VIA): read from its csv, rendered to masks.

Coordinates are VIA's: x to the right and y down from the image's upper left corner, in pixels; pixel (row, column)
covers [column, column + 1) x [row, row + 1).

Source: Dutta and Zisserman, "The VIA annotation software for images, audio and video", ACM Multimedia 2019.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import draw

from vdes.data.image_header import ImageHeader
from vdes.errors import InputError

COLUMNS = ("#filename", "file_size", "region_shape_attributes")
# Outlines run a little over the edge (3 % of the side at most in CDD-CESM); more means an image of another size
OVERHANG = 0.1
_ELLIPSE_CORNERS = 72


@dataclass(frozen=True)
class Shape:
    """One drawn shape.

    Attributes:
        kind: VIA's name: ``polygon``, ``polyline`` (taken as closed), ``rect``, ``ellipse``, ``circle`` or ``point``.
        x: columns of the corners, or of the centre, in VIA coordinates.
        y: rows of the corners, or of the centre.
        radius_x: half axis of an ellipse along its own x, in pixels.
        radius_y: half axis of an ellipse along its own y, in pixels.
        theta: clockwise turn of an ellipse as seen on the screen, in radians.
        row: row of the csv file, the header being row 1.
    """

    kind: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    radius_x: float = 0.0
    radius_y: float = 0.0
    theta: float = 0.0
    row: int = 0


@dataclass
class DrawnImage:
    """The shapes drawn on one image, and the size in bytes of the image file that they were drawn on."""

    file_size: int
    shapes: list[Shape] = field(default_factory=list)


def read_via_csv(path: Path) -> dict[str, DrawnImage]:
    """Read a VIA csv file.

    Args:
        path: csv with the columns `COLUMNS`; rows without a region are images without shapes.

    Returns:
        For each file name, in the file's order, the shapes drawn on it.

    Raises:
        InputError: the file cannot be read, a column is missing, or a shape is not understood.
    """
    drawn: dict[str, DrawnImage] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: column '{missing[0]}' is missing; expected a csv file exported by VIA")
            for number, row in enumerate(reader, start=2):
                name = (row["#filename"] or "").strip()
                image = drawn.setdefault(name, DrawnImage(_integer(row["file_size"])))
                shape = _parse(row["region_shape_attributes"], number, f"{path}: row {number} ({name})")
                if shape is not None:
                    image.shapes.append(shape)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a csv file in UTF-8 ({error})") from error
    return drawn


def render(shapes: Sequence[Shape], height: int, width: int) -> NDArray[np.uint8] | None:
    """Render the shapes that have an area.

    A pixel belongs to a shape when its centre lies inside; an outline that crosses itself is filled whole, as VIA shows
    it; what lies outside the image is cut off; a shape too small to hold a pixel's centre marks the pixel it lies in.

    Args:
        shapes: shapes of one image; points are passed over.
        height: rows of the image.
        width: columns of the image.

    Returns:
        Mask (height, width) of 0 and 255, or None where no shape marks a pixel.
    """
    mask = np.zeros((height, width), dtype=np.uint8)
    for shape in shapes:
        if shape.kind == "point":
            continue
        filled = _fill_ellipse(mask, shape) if shape.kind in ("ellipse", "circle") else _fill_polygon(mask, shape)
        if not filled:
            row, column = math.floor(np.mean(shape.y)), math.floor(np.mean(shape.x))
            if 0 <= row < height and 0 <= column < width:
                mask[row, column] = 255
    return mask if mask.any() else None


def points(shapes: Sequence[Shape], height: int, width: int) -> list[list[int]]:
    """Return the drawn points as [row, column] of the pixel that each lies in; points outside the image are clipped."""
    return [
        [min(max(math.floor(shape.y[0]), 0), height - 1), min(max(math.floor(shape.x[0]), 0), width - 1)]
        for shape in shapes
        if shape.kind == "point"
    ]


def scaled(shape: Shape, x: float, y: float) -> Shape:
    """Return a shape as it lies on its image once that is ``x`` times as wide and ``y`` times as high.

    A stretched ellipse is a polygon through points of its outline, which differs by less than 0.2 % of its area.
    """
    columns, rows, kind = np.asarray(shape.x), np.asarray(shape.y), shape.kind
    if kind in ("ellipse", "circle"):
        angle = np.linspace(0, 2 * np.pi, _ELLIPSE_CORNERS, endpoint=False)
        along, across = shape.radius_x * np.cos(angle), shape.radius_y * np.sin(angle)
        columns = columns + along * np.cos(shape.theta) - across * np.sin(shape.theta)
        rows = rows + along * np.sin(shape.theta) + across * np.cos(shape.theta)
        kind = "polygon"
    return Shape(kind, tuple((x * columns).tolist()), tuple((y * rows).tolist()), row=shape.row)


def check_size(shapes: Sequence[Shape], header: ImageHeader, via_path: Path, image_path: Path) -> None:
    """Make sure that the shapes were drawn on an image of this size.

    Raises:
        InputError: a corner or centre lies further outside the image than an outline drawn over its edge would.
    """
    for shape in shapes:
        for axis, values, size in (("x", shape.x, header.width), ("y", shape.y, header.height)):
            farthest = max(values, key=lambda value: abs(value - size / 2))
            if not -OVERHANG * size <= farthest <= (1 + OVERHANG) * size:
                raise InputError(
                    f"{via_path}: row {shape.row}: {axis} = {farthest:g} of the {shape.kind} lies outside {image_path} "
                    f"({header.width} x {header.height} pixels); expected shapes drawn on an image of that size"
                )


def _fill_ellipse(mask: NDArray[np.uint8], shape: Shape) -> bool:
    """Set the pixels of an ellipse to 255; return whether there are any."""
    rows, columns = draw.ellipse(
        shape.y[0] - 0.5,
        shape.x[0] - 0.5,
        shape.radius_y,
        shape.radius_x,
        shape=mask.shape,
        rotation=-math.remainder(shape.theta, math.pi),  # scikit-image turns counter-clockwise, less than half a turn
    )
    mask[rows, columns] = 255
    return bool(rows.size)


def _fill_polygon(mask: NDArray[np.uint8], shape: Shape) -> bool:
    """Set the pixels of a polygon to 255; return whether there are any.

    The signed number of edges to the left of a pixel's centre is its winding number; inside is where it is not 0.
    scikit-image's polygon tests every pixel against every corner, which takes far longer on these outlines.
    """
    height, width = mask.shape
    y0, x0 = np.asarray(shape.y) - 0.5, np.asarray(shape.x) - 0.5
    y1, x1 = np.roll(y0, -1), np.roll(x0, -1)
    first = np.ceil(np.minimum(y0, y1)).clip(0, height).astype(int)
    last = np.ceil(np.maximum(y0, y1)).clip(0, height).astype(int)
    count = last - first  # rows of pixel centres that each edge crosses
    edge = np.repeat(np.arange(count.size), count)
    row = np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    if row.size == 0:
        return False
    crossing = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    column = np.ceil(crossing).clip(0, width).astype(int)
    top, left, right = row.min(), column.min(), column.max()
    winding = np.zeros((row.max() - top + 1, right - left + 1), dtype=np.int8)
    np.add.at(winding, (row - top, column - left), np.where(y1 > y0, 1, -1)[edge].astype(np.int8))
    # the last column lies behind every edge: it is outside, and may be one beyond the image
    inside = np.add.accumulate(winding, axis=1, dtype=np.int8)[:, :-1] != 0
    mask[top : row.max() + 1, left:right][inside] = 255
    return bool(inside.any())


def _parse(text: str | None, row: int, where: str) -> Shape | None:
    try:
        attributes = json.loads(text or "{}")
        return _shape(attributes, row) if attributes else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: region_shape_attributes: not a shape of VIA ({error!r})") from error


def _shape(attributes: dict[str, Any], row: int) -> Shape | None:
    def number(key: str) -> float:
        value = float(attributes[key])
        if not math.isfinite(value):
            raise InputError(f"{key} = {value}")
        return value

    name = attributes["name"]
    if name in ("polygon", "polyline"):
        x = tuple(float(value) for value in attributes["all_points_x"])
        y = tuple(float(value) for value in attributes["all_points_y"])
        if len(x) != len(y) or not x or not np.isfinite(x + y).all():
            raise InputError("all_points_x and all_points_y must be finite numbers, as many of one as of the other")
        return Shape(name, x, y, row=row)
    if name == "rect":
        left, top = number("x"), number("y")
        right, bottom = left + number("width"), top + number("height")
        return Shape(name, (left, right, right, left), (top, top, bottom, bottom), row=row)
    if name == "circle":
        radius = number("r")
        return Shape(name, (number("cx"),), (number("cy"),), radius, radius, row=row)
    if name == "ellipse":
        theta = number("theta") if "theta" in attributes else 0.0
        return Shape(name, (number("cx"),), (number("cy"),), number("rx"), number("ry"), theta, row=row)
    if name == "point":
        return Shape(name, (number("cx"),), (number("cy"),), row=row)
    raise InputError(f"unknown shape '{name}'")


def _integer(text: str | None) -> int:
    return int(text) if text and text.strip().lstrip("-").isdigit() else -1
