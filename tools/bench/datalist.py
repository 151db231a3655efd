"""How long does it take to read CDD-CESM's 1003 pairs and to write the datalist with its lesion masks?

Builds a temporary folder in the official layout, with as many images of the mean size and as many shapes, and times the
command and the readers on it. Run: python tools/bench/datalist.py
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vdes.data.cdd_cesm.annotations import COLUMNS
from vdes.data.cdd_cesm.names import FOLDERS
from vdes.data.datalist import Datalist
from vdes.data.inference_items import inference_items

PAIRS = 1003
PATIENTS = 326
SHAPES = 2971
DRAWN_IMAGES = 1233
HEIGHT, WIDTH = 2355, 1315
SEED = 0
VIA_COLUMNS = (
    "#filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
)


def main() -> None:
    """Build the folder, time each step, print a table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "CDD-CESM"
        build(folder)
        output = Path(temporary) / "datalist.json"
        command = [sys.executable, "-m", "vdes.cli"]
        rows = [
            ("vdes --help", timed(lambda: run([*command, "--help"]))),
            (
                "vdes datalist cdd-cesm",
                timed(lambda: run([*command, "datalist", "cdd-cesm", folder, "--output", output])),
            ),
            ("Datalist.read", timed(lambda: Datalist.read(output))),
            ("  again", timed(lambda: Datalist.read(output))),
            ("  with all files", timed(lambda: Datalist.read(output).items())),
            ("  section(training)", timed(lambda: Datalist.read(output).section("training"))),
            ("inference_items(folder)", timed(lambda: inference_items(folder))),
        ]
    print(f"{PAIRS} pairs of {HEIGHT} x {WIDTH} pixels, {SHAPES} shapes on {DRAWN_IMAGES} images")
    print(f"{'seconds':<26}{'wall':>8}{'processor':>12}")
    for name, (wall, processor) in rows:
        print(f"{name:<26}{wall:8.2f}{processor:12.2f}")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall-clock seconds and the processor seconds of ``work``, including child processes."""
    wall, processor = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - wall, sum(os.times()[:4]) - processor


def run(command: list[str | Path]) -> None:
    """Run a command quietly; its failure ends the benchmark."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def build(folder: Path) -> None:
    """Write the two image folders, the annotation csv and the segmentation csv."""
    pixels = io.BytesIO()
    Image.new("L", (WIDTH, HEIGHT), 90).save(pixels, "JPEG")
    views = [(number % PATIENTS + 1, view) for number, view in enumerate(range(PAIRS))]
    names: list[tuple[int, str, str, str, str]] = []
    for number, index in views:
        side, view = "LR"[index // PATIENTS % 2], ("CC", "MLO")[index // (2 * PATIENTS) % 2]
        names += [(number, side, view, kind, f"P{number}_{side}_{kind}_{view}") for kind in ("DM", "CM")]
    for kind, modality in (("DM", "low_energy"), ("CM", "des")):
        (folder / FOLDERS[modality]).mkdir(parents=True)
        for *_, image_kind, name in names:
            if image_kind == kind:
                (folder / FOLDERS[modality] / f"{name}.jpg").write_bytes(pixels.getvalue())
    with (folder / "Radiology-manual-annotations.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(COLUMNS)
        for number, side, view, kind, name in names:
            pathology = ("Normal", "Benign", "Malignant")[number % 3]
            image_type, density = ("DM", "C") if kind == "DM" else ("CESM", "_")
            table.writerow([name, number, side, image_type, 50, density, "4$2", "mass ", view, "mass", 1, pathology])
    random = np.random.default_rng(SEED)
    with (folder / "Radiology_hand_drawn_segmentations_v2.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(VIA_COLUMNS)
        for index in range(SHAPES):
            name = names[index % DRAWN_IMAGES][-1]
            size = pixels.getbuffer().nbytes
            table.writerow([f"{name}.jpg", size, "{}", 1, index // DRAWN_IMAGES, json.dumps(outline(random)), "{}"])


def outline(random: np.random.Generator) -> dict[str, object]:
    """Return a drawn polygon of 40 corners; sizes as in CDD-CESM (57, 256 and 1000 px at percentiles 10, 50, 90)."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radii = 128 * np.exp(random.normal(0, 1.1)) * random.uniform(0.8, 1.2, angles.size)
    x = random.uniform(0, WIDTH) + radii * np.cos(angles)
    y = random.uniform(0, HEIGHT) + radii * np.sin(angles)
    return {
        "name": "polygon",
        "all_points_x": x.clip(0, WIDTH).astype(int).tolist(),
        "all_points_y": y.clip(0, HEIGHT).astype(int).tolist(),
    }


if __name__ == "__main__":
    main()
