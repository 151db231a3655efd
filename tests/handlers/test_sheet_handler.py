from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from PIL import Image

from vdes.handlers import sheet_handler
from vdes.handlers.fidelity_handler import FidelityHandler
from vdes.handlers.sheet_handler import SheetHandler


class Halve(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return 0.8 * image


def evaluate(cases: list[dict[str, Any]], folder: Path) -> Path:
    """Evaluate as a bundle does, and return where the sheet should be."""
    handlers = [
        FidelityHandler(folder, constant=0.4, provenance={}, n_resamples=100),
        SheetHandler(folder / "sheet.png", folder / "fidelity_per_case.csv"),
    ]
    SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(cases, batch_size=2),
        network=Halve(),
        val_handlers=handlers,
    ).run()
    return folder / "sheet.png"


def gains(cases: list[dict[str, Any]]) -> dict[str, float]:
    """Return the gain of each case over the constant level in breast PSNR: a ratio of squared errors, in dB."""
    found = {}
    for case in cases:
        breast = case["breast_mask"] > 0
        label = case["label"][breast]
        errors = [(label - level).square().mean() for level in (0.4, 0.8 * case["image"][breast])]
        found[case["case"]] = 10 * math.log10(errors[0] / errors[1])
    return found


def distinct(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**case, "case": f"{case['case']}_{i}"} for i, case in enumerate(cases)]


def test_the_best_the_median_and_the_worst_case_are_drawn_as_they_are(cases, tmp_path, monkeypatch):
    drawn: list[Any] = []
    monkeypatch.setattr(sheet_handler, "picture_sheet", lambda shown, file: drawn.append((shown, file)))
    cases = distinct(cases)
    file = evaluate(cases, tmp_path)
    [(shown, path)] = drawn
    assert path == file
    ranked = sorted(gains(cases).items(), key=lambda pair: -pair[1])
    expected = [ranked[0], ranked[2], ranked[4]]
    by_name = {case["case"]: case for case in cases}
    for place, row, (name, gain) in zip(("best", "median", "worst"), shown, expected, strict=True):
        assert row["caption"] == f"{place}: {name}, breast PSNR {gain:+.2f} dB over the constant level"
        case = by_name[name]
        for panel, image in {
            "low_energy": case["image"],
            "des": case["label"],
            "virtual_des": 0.8 * case["image"],
            "lesion_mask": case["lesion_mask"],
            "des_lesion_mask": case["des_lesion_mask"],
        }.items():
            # kept as 8 bits
            np.testing.assert_allclose(row[panel], image.numpy(), atol=0.5 / 255 + 1e-6)


def test_the_sheet_is_a_picture_of_three_rows(cases, tmp_path):
    file = evaluate(distinct(cases), tmp_path)
    with Image.open(file) as picture:
        picture.verify()
        assert picture.height > picture.width * 0.8


def test_with_fewer_than_three_cases_there_is_none(cases, tmp_path):
    assert not evaluate(distinct(cases)[:2], tmp_path).exists()
    assert (tmp_path / "fidelity_per_case.csv").exists()
