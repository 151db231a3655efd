"""A tiny data set in CDD-CESM's official layout, with its quirks."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

LOW_ENERGY = "Low energy images of CDD-CESM"
SUBTRACTED = "Subtracted images of CDD-CESM"
ANNOTATIONS = "Radiology-manual-annotations.csv"
SEGMENTATIONS = "Radiology_hand_drawn_segmentations_v2.csv"
COLUMNS = [
    "Image_name",
    "Patient_ID",
    "Side",
    "Type",
    "Age",
    "Breast density (ACR)",
    "BIRADS",
    "Findings",
    "View",
    "Tags",
    "Machine",
    "Pathology Classification/ Follow up",
]
VIA_COLUMNS = [
    "#filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
]
# the two modalities of a pair were cropped apart
SIZES = {"DM": (24, 40), "CM": (26, 44)}


@dataclass
class OfficialFolder:
    """The folder, and the tables to change before `save` writes them again."""

    path: Path
    columns: list[str] = field(default_factory=lambda: list(COLUMNS))
    rows: list[dict[str, Any]] = field(default_factory=list)
    regions: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def image(self, name: str) -> Path:
        """Return the path of an image by its name without suffix."""
        return self.path / (LOW_ENERGY if "_DM_" in name else SUBTRACTED) / f"{name}.jpg"

    def row(self, name: str) -> dict[str, Any]:
        """Return the annotation row of an image."""
        return next(row for row in self.rows if row["Image_name"].strip() == name)

    def add(self, number: int, side: str, view: str, pathology: str, repeat: str = "") -> None:
        """Add the two images and rows of a pair."""
        for kind in ("DM", "CM"):
            name = f"P{number}_{side}_{kind}_{view}{repeat}"
            path = self.image(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            width, height = SIZES[kind]
            pixels = np.random.default_rng(number).integers(0, 256, (height, width), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
            values = [name, number, side, "DM" if kind == "DM" else "CESM", 40 + number, "C" if kind == "DM" else "_"]
            values += [4, "mass ", view, "mass ", 1, pathology]
            self.rows.append(dict(zip(COLUMNS, values, strict=True)))

    def save(self) -> None:
        """Write the annotation csv and the segmentation csv."""
        with (self.path / ANNOTATIONS).open("w", newline="") as stream:
            table = csv.writer(stream, quoting=csv.QUOTE_ALL)
            table.writerow(self.columns)
            table.writerows([row[column] for column in self.columns] for row in self.rows)
        with (self.path / SEGMENTATIONS).open("w", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(VIA_COLUMNS)
            for number, (name, shape) in enumerate(self.regions):
                size = self.image(Path(name).stem).stat().st_size
                table.writerow([name, size, "{}", 1, number, json.dumps(shape), "{}"])


@pytest.fixture
def official(tmp_path: Path) -> OfficialFolder:
    """Twelve patients with two pairs each, two of them with a repeated view as well."""
    folder = OfficialFolder(tmp_path / "official")
    pathologies = ("Normal", "Benign", "Malignant")
    for number in range(1, 13):
        for view in ("CC", "MLO"):
            folder.add(number, "LR"[number % 2], view, pathologies[number % 3])
    folder.add(5, "R", "MLO", "Malignant", repeat="_2")
    folder.add(8, "L", "MLO", "Malignant", repeat="2")
    folder.row("P3_R_CM_CC")["Image_name"] = "P3_R_CM_CC "
    folder.row("P2_L_DM_CC")["BIRADS"] = "3$4$2"
    folder.row("P1_R_DM_CC")["Pathology Classification/ Follow up"] = "Benign"
    folder.row("P1_R_CM_CC")["Pathology Classification/ Follow up"] = "Normal"
    folder.row("P4_L_DM_CC")["Breast density (ACR)"] = "_"
    square = {"name": "polygon", "all_points_x": [4, 12, 12, 4], "all_points_y": [6, 6, 16, 16]}
    folder.regions = [
        ("P2_L_DM_CC.jpg", square),
        ("P2_L_CM_CC.jpg", {"name": "polygon", "all_points_x": [-2, 3, 3, -2], "all_points_y": [5, 5, 9, 9]}),
        ("P5_R_DM_MLO_2.jpg", {"name": "circle", "cx": 10, "cy": 20, "r": 5}),
        ("P8_L_DM_MLO2.jpg", {"name": "polyline", "all_points_x": [4, 12, 12, 4], "all_points_y": [6, 6, 16, 16]}),
        ("P11_R_DM_CC.jpg", {"name": "point", "cx": 7, "cy": 11}),
    ]
    folder.save()
    return folder
