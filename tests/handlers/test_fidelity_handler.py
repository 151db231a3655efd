from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator

from vdes.errors import InputError
from vdes.handlers.fidelity_handler import FidelityHandler
from vdes.handlers.fidelity_table import to_markdown
from vdes.metrics.fidelity import TABLES, case_rows
from vdes.statistics.fidelity_summary import summarise

PROVENANCE = {"datalist": "pairs", "split": "test", "weights_sha256": "0" * 64}


class Halve(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return 0.8 * image


def evaluate(cases: list[dict[str, Any]], handler: FidelityHandler) -> None:
    SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(cases, batch_size=2),
        network=Halve(),
        val_handlers=[handler],
    ).run()


def test_an_evaluation_writes_the_rows_their_summary_and_its_provenance(cases, tmp_path, capsys):
    folder = tmp_path / "made" / "here"
    evaluate(cases, FidelityHandler(folder, constant=0.4, provenance=PROVENANCE, n_resamples=200, seed=5))

    names = {"image": "low_energy", "label": "des"}
    expected = pd.DataFrame(
        row
        for case in cases
        for row in case_rows(
            **{names.get(key, key): value for key, value in case.items()},
            virtual_des=0.8 * case["image"],
            constant=0.4,
        )
    )
    written = pd.read_csv(folder / "fidelity_per_case.csv")
    pd.testing.assert_frame_equal(written, expected, check_dtype=False, rtol=1e-6)
    assert written["method"].tolist() == ["virtual_des", "low_energy", "constant", "real_des"] * 5

    result = json.loads((folder / "fidelity.json").read_text())
    assert result["provenance"] == PROVENANCE
    assert result["constant_level"] == 0.4
    assert result["data_range"] == 1.0
    assert result["lesion_ring_width"] == 0.03
    assert (result["interval"]["n_resamples"], result["interval"]["seed"]) == (200, 5)
    summary = summarise(expected, n_resamples=200, seed=5)
    pd.testing.assert_frame_equal(pd.DataFrame(result["summary"]), summary, check_dtype=False, rtol=1e-6)
    by_key = {(row["method"], row["metric"], row["statistic"]): row for row in result["summary"]}
    assert by_key["virtual_des", "psnr_breast", "mean"]["cases"] == 5
    assert by_key["virtual_des", "psnr_lesion", "mean"]["cases"] == 4

    printed = capsys.readouterr().out
    for metrics in TABLES.values():
        assert to_markdown(summary, metrics) in printed


def test_the_same_evaluation_writes_the_same_bytes(cases, tmp_path):
    for name in ("first", "second"):
        evaluate(cases, FidelityHandler(tmp_path / name, 0.4, PROVENANCE))
    for file in ("fidelity_per_case.csv", "fidelity.json"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_a_handler_starts_afresh_and_replaces_only_when_told(cases, tmp_path):
    handler = FidelityHandler(tmp_path, 0.4, PROVENANCE)
    evaluate(cases, handler)
    before = (tmp_path / "fidelity_per_case.csv").read_bytes()
    with pytest.raises(InputError, match=r"fidelity_per_case\.csv: exists already"):
        evaluate(cases[:4], handler)
    assert (tmp_path / "fidelity_per_case.csv").read_bytes() == before
    handler.overwrite = True
    evaluate(cases[:4], handler)
    assert len(pd.read_csv(tmp_path / "fidelity_per_case.csv")) == 16


def test_a_perfect_prediction_is_still_json(cases, tmp_path):
    for case in cases:
        case["label"] = 0.8 * case["image"]
    evaluate(cases, FidelityHandler(tmp_path, 0.4, PROVENANCE))
    [psnr] = [
        row
        for row in json.loads((tmp_path / "fidelity.json").read_text())["summary"]
        if (row["method"], row["metric"], row["statistic"]) == ("virtual_des", "psnr_image", "mean")
    ]
    assert psnr["value"] is None
    assert psnr["cases"] == 5


def refused(cases: list[dict[str, Any]], folder: Path, message: str, provenance: Any = PROVENANCE) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(cases, FidelityHandler(folder, 0.4, provenance))
    assert not list(folder.iterdir())


def test_bad_cases_are_named_and_nothing_is_written(cases, tmp_path):
    refused([{**cases[0], "case": case["case"]} for case in cases] + cases[:1], tmp_path, "P1_L_CC is there twice")
    refused([*cases[:3], {**cases[3], "label": 255 * cases[3]["label"]}], tmp_path, "case P3_R_CC: y: values from")
    without = [{key: value for key, value in case.items() if key != "lesion_mask"} for case in cases]
    refused(without, tmp_path, "case P1_L_CC: no key `lesion_mask`, only breast_mask, ")


def test_provenance_that_json_cannot_hold_is_refused_before_the_work(cases, tmp_path):
    refused([{}], tmp_path, "provenance: expected what JSON can hold", {"when": object()})
    refused([{}], tmp_path, "provenance: expected what JSON can hold", {"loss": float("nan")})
