"""What a reader of the pages has before the first command: a clone, and files that the pages call the reader's."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vdes.cli import main

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tools"))
from pages import CLONE  # noqa: E402

CDD_CESM_COLUMNS = {
    "Image_name": "",
    "Patient_ID": "",
    "Side": "",
    "Type": "",
    "Age": 50,
    "Breast density (ACR)": "C",
    "BIRADS": 4,
    "Findings": "mass",
    "View": "",
    "Tags": "",
    "Machine": 1,
    "Pathology Classification/ Follow up": "",
}


@pytest.fixture(scope="session")
def phantom_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Phantom sets as PNG and as DICOM, by format."""
    folder = tmp_path_factory.mktemp("phantom_sets")
    for kind, patients in (("png", 16), ("dicom", 3)):
        words = ["phantom", str(folder / kind), f"--patients={patients}", "--seed=3", "--size=96", f"--format={kind}"]
        assert main(words) == 0
    return {kind: folder / kind for kind in ("png", "dicom")}


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the project as it stands, all of it committed, for what packs a bundle."""
    folder = tmp_path_factory.mktemp("clone")
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "bundles", "tools", "vdes")
    names = subprocess.run(["git", "-C", str(PROJECT), *listed], check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    who = ("-c", "user.name=vdes", "-c", "user.email=vdes@example.org")
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "all")):
        subprocess.run(["git", "-C", str(folder), *who, *command], check=True, capture_output=True)
    return folder


@pytest.fixture
def readers_folder(clone: Path, phantom_sets: dict[str, Path], reading_study: Path, tmp_path: Path) -> Path:
    """A folder with what the pages take for given: a datalist, CDD-CESM, studies and labels, split lists, a study."""
    (tmp_path / "phantom_study").symlink_to(reading_study)
    for name in CLONE:
        (tmp_path / name).symlink_to(clone / name)
    shutil.copytree(phantom_sets["png"] / "images", tmp_path / "images")
    shutil.copy(phantom_sets["png"] / "datalist.json", tmp_path)
    write_cdd_cesm_folder(phantom_sets["png"], tmp_path / "CDD-CESM")
    studies = phantom_sets["dicom"] / "images"
    shutil.copytree(studies, tmp_path / "studies")
    low_energy = next(path for path in sorted(studies.rglob("*.dcm")) if "low_energy" in path.name)
    shutil.copy(low_energy, tmp_path / "low_energy.dcm")
    (tmp_path / "labels.csv").write_text(f"StudyInstanceUID,pathology\n{study_of(low_energy)},benign\n")
    for name, rows in (("train", "P1_L_DM_CC.jpg\nP2_R_DM_MLO.jpg\n"), ("test", "P2_R_DM_CC.jpg\n")):
        (tmp_path / f"{name}.txt").write_text(rows)
    return tmp_path


def study_of(path: Path) -> str:
    import pydicom

    return str(pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID)


def write_cdd_cesm_folder(phantoms: Path, folder: Path) -> None:
    """Write the images of a phantom set in the official layout of CDD-CESM."""
    rows: list[dict[str, Any]] = []
    content = json.loads((phantoms / "datalist.json").read_text())
    kinds = (("low_energy", "DM", "DM", "Low energy"), ("des", "CM", "CESM", "Subtracted"))
    for item in [item for section in ("training", "validation", "test") for item in content[section]]:
        for modality, kind, written, title in kinds:
            number, side, view = item["patient"].removeprefix("P"), item["laterality"], item["view"]
            file = folder / f"{title} images of CDD-CESM" / f"P{number}_{side}_{kind}_{view}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.asarray(Image.open(phantoms / item[modality]))
            Image.fromarray((pixels >> 4).astype(np.uint8)).save(file, quality=95)
            stated = {"Image_name": file.stem, "Patient_ID": number, "Side": side, "Type": written, "View": view}
            stated["Pathology Classification/ Follow up"] = item["pathology"].capitalize()
            rows.append(CDD_CESM_COLUMNS | stated)
    with (folder / "Radiology-manual-annotations.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(CDD_CESM_COLUMNS))
        table.writeheader()
        table.writerows(rows)
