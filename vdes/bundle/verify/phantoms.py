"""A few simulated patients for what a bundle has to be run on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

# 16 patients, of whom each split has some with malignant lesions
SETTINGS = Settings(16, 3, 96)
# what makes a run short; a config is given those of them that it has
QUICK: dict[str, Any] = {
    "epochs": 1,
    "height": 96,
    "num_workers": 0,
    "precision": "float32",
    "device": "cpu",
    "encoder_weights": "none",
    "classifier_encoder_weights": "none",
}


def phantoms(folder: Path) -> Path:
    """Make the phantom set below ``folder`` unless it is there, and return its datalist."""
    datalist = folder / "phantoms" / "datalist.json"
    return datalist if datalist.is_file() else generate(folder / "phantoms", SETTINGS)


def lay_out(datalist: Path, folder: Path) -> None:
    """Put into ``folder`` what the commands of the cards name.

    ``phantoms``, the set; ``datalist.json``, its datalist; ``images``, some of its low-energy images; and
    ``virtual_des``, images that stand for a generator's.
    """
    shutil.copytree(datalist.parent, folder / "phantoms")
    content = json.loads(datalist.read_text(encoding="utf-8"))
    low, high = content["intensity_range"]["des"]
    for name in ("images", "virtual_des"):
        (folder / name).mkdir()
    for section in ("training", "validation", "test"):
        for item in content[section]:
            low_energy = datalist.parent / item["low_energy"]
            image = np.asarray(Image.open(datalist.parent / item["des"]), dtype=float)
            whole = (65535 * ((image - low) / (high - low)).clip(0, 1)).round().astype(np.uint16)  # as inference writes
            Image.fromarray(whole).save(folder / "virtual_des" / low_energy.name)
            if section == "validation":
                shutil.copy(low_energy, folder / "images")
            for field, value in item.items():
                if isinstance(value, str) and (datalist.parent / value).is_file():
                    item[field] = f"phantoms/{value}"
    (folder / "datalist.json").write_text(json.dumps(content), encoding="utf-8")
