"""A small phantom set, virtual DES images of it that are noisy copies of the real ones, and drawn predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import expit

from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.inference_items import output_stem
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

NOISE = {"quiet": 0.01, "loud": 0.05}  # standard deviation, of the intensity range


def write_noisy_copies(datalist: Path, folder: Path, noise: float) -> Path:
    """Write ``<folder>/*.png``, the real DES images with noise in 16 bits, and the datalist ``<folder>.json``."""
    rng = np.random.default_rng(0)
    low, high = Datalist.read(datalist).intensity_range("des")
    folder.mkdir(parents=True)
    listed = Datalist.read(datalist).content()
    for item in (item for section in SECTIONS for item in listed[section]):
        with Image.open(item["des"]) as image:
            real = (np.asarray(image, dtype=float) - low) / (high - low)
        noisy = (real + noise * rng.standard_normal(real.shape)).clip(0, 1)
        Image.fromarray(np.round(65535 * noisy).astype(np.uint16)).save(folder / f"{output_stem(item)}.png")
    target = folder.with_suffix(".json")
    write_virtual_datalist(datalist, folder, target)
    return target


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The datalist of 16 phantom patients, four views each, at 128 x 96 pixels."""
    settings = Settings(16, 3, 128, morphology_dprime=2.0, enhancement_dprime=2.0)
    return generate(tmp_path_factory.mktemp("phantoms") / "set", settings)


@pytest.fixture(scope="session")
def virtual(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By generator, the datalist of its virtual DES images of ``phantoms``: the real ones with noise."""
    folder = tmp_path_factory.mktemp("virtual")
    return {name: write_noisy_copies(phantoms, folder / name, noise) for name, noise in NOISE.items()}


@pytest.fixture(scope="session")
def drawn_predictions() -> Callable[..., pd.DataFrame]:
    """Draw an arm's predictions: patients of two breasts and views; in every other patient the left is malignant."""

    def draw(separation: float, seed: int = 0, patients: int = 30, threshold: float = 0.5) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        rows = []
        for number in range(patients):
            patient = f"P{number}"
            for side in "LR":
                malignant = float(side == "L" and number % 2 == 0)
                for view in ("CC", "MLO"):
                    rows.append(("image", f"{patient}_{side}_{view}", patient, side, malignant))
                rows.append(("breast", f"{patient}_{side}", patient, side, malignant))
            rows.append(("examination", patient, patient, "", float(number % 2 == 0)))
        table = pd.DataFrame(rows, columns=["level", "case", "patient", "laterality", "malignant"])
        table["logit"] = separation * (table["malignant"] - 0.5) + random.standard_normal(len(table))
        table["probability"] = expit(table["logit"])
        table["threshold"] = threshold
        return table.assign(prediction=(table["probability"] >= threshold).astype(int), inputs="des")

    return draw
