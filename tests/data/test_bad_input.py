"""Each kind of bad input gives one line that names file and field, exit status 2, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vdes.cli import main

COLUMN = "Pathology Classification/ Follow up"


def no_folder(official) -> None:
    official.path.rename(official.path.with_name("moved"))


def empty_folder(official) -> None:
    for file in list(official.path.glob("*/*.jpg")):
        file.unlink()


def no_annotations(official) -> None:
    (official.path / "Radiology-manual-annotations.csv").unlink()


def missing_column(official) -> None:
    official.columns.remove(COLUMN)
    official.save()


def truncated_image(official) -> None:
    file = official.image("P2_L_DM_CC")
    file.write_bytes(file.read_bytes()[:-200])


def unreadable_image(official) -> None:
    official.image("P2_L_DM_CC").write_text("no image")


def other_size(official) -> None:
    official.regions[0][1]["all_points_x"] = [40, 120, 120, 40]
    official.save()


def duplicate_row(official) -> None:
    official.rows.append(official.rows[0])
    official.save()


def duplicate_image(official) -> None:
    Image.new("L", (24, 40)).save(official.image("P2_L_DM_CC").with_suffix(".png"))


def mixed_depths(official) -> None:
    file = official.image("P2_L_DM_CC")
    file.unlink()
    Image.fromarray(np.zeros((40, 24), np.uint16)).save(file.with_suffix(".png"))


def float_images(official) -> None:
    for file in list((official.path / "Subtracted images of CDD-CESM").iterdir()):
        file.unlink()
        Image.fromarray(np.zeros((44, 26), np.float32)).save(file.with_suffix(".tif"))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (no_folder, ["official: no such folder"]),
        (empty_folder, ["official: no annotated image", "Low energy images of CDD-CESM"]),
        (no_annotations, ["official: no 'Radiology*annotations*' csv or xlsx", "--annotations"]),
        (missing_column, ["Radiology-manual-annotations.csv", f"column '{COLUMN}' is missing"]),
        (truncated_image, ["P2_L_DM_CC.jpg", "truncated"]),
        (unreadable_image, ["P2_L_DM_CC.jpg", "unreadable"]),
        (other_size, ["segmentations_v2.csv: row 2", "x = 120", "P2_L_DM_CC.jpg", "24 x 40"]),
        (duplicate_row, ["Radiology-manual-annotations.csv: row 54", "'P1_R_DM_CC' is in row 2 already"]),
        (duplicate_image, ["P2_L_DM_CC.png", "same view as P2_L_DM_CC.jpg"]),
        (mixed_depths, ["P2_L_DM_CC.png", "uint16", "uint8"]),
        (float_images, [".tif", "float32", "expected 8-bit or 16-bit"]),
    ],
)
def test_datalist_command(
    official, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable, named: list[str]
) -> None:
    spoil(official)
    out = tmp_path / "out"
    out.mkdir()
    assert main(["datalist", "cdd-cesm", str(official.path), "--output", str(out / "d.json")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    for text in named:
        assert text in captured.err
    assert list(out.iterdir()) == []
