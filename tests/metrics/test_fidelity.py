from __future__ import annotations

import math

import pytest
import torch

from vdes.errors import InputError
from vdes.metrics.contrast import lesion_contrast
from vdes.metrics.correlation import correlation
from vdes.metrics.fidelity import COLUMNS, case_rows, fidelity
from vdes.metrics.mean_absolute_error import mean_absolute_error
from vdes.metrics.psnr import psnr
from vdes.metrics.roc import lesion_roc_area
from vdes.metrics.ssim import ssim
from vdes.metrics.vif import vif


@pytest.fixture()
def case(textured, half) -> dict[str, torch.Tensor]:
    des = 0.6 * textured(0)[0]
    lesion, des_lesion = torch.zeros_like(des), torch.zeros_like(des)
    lesion[:, 20:40, 20:40] = 1
    des_lesion[:, 25:42, 22:38] = 1
    return {
        "low_energy": textured(1)[0],
        "des": des + 0.2 * des_lesion,
        "virtual_des": 0.5 * textured(2)[0] + 0.1 * lesion,
        "breast_mask": half(des, 60),
        "lesion_mask": lesion,
        "des_lesion_mask": des_lesion,
    }


def test_every_figure_is_that_of_its_metric(case):
    batched = {key: value[None] for key, value in case.items()}
    prediction, des, breast = batched["virtual_des"], batched["des"], batched["breast_mask"]
    regions = {"image": None, "breast": breast, "lesion": batched["lesion_mask"]}
    expected = {
        f"{name}_{region}": metric(prediction, des, mask).item()
        for name, metric in {"mae": mean_absolute_error, "psnr": psnr, "ssim": ssim, "vif": vif}.items()
        for region, mask in regions.items()
    }
    contrast = lesion_contrast(prediction, batched["lesion_mask"], breast).item()
    expected |= {
        "correlation_breast": correlation(prediction, des, breast).item(),
        "lesion_cnr": contrast,
        "lesion_roc_area": lesion_roc_area(prediction, batched["lesion_mask"], breast).item(),
        "lesion_cnr_ratio": contrast / lesion_contrast(des, batched["des_lesion_mask"], breast).item(),
    }
    arguments = [case[key] for key in ("virtual_des", "des", "breast_mask", "lesion_mask", "des_lesion_mask")]
    found = fidelity(*arguments)
    assert found == pytest.approx(expected)
    assert list(found) == [*COLUMNS, "lesion_cnr_ratio"]


def test_a_perfect_prediction(case):
    scores = fidelity(case["des"], case["des"], case["breast_mask"], case["des_lesion_mask"], case["des_lesion_mask"])
    for region in ("image", "breast", "lesion"):
        assert scores[f"mae_{region}"] == 0
        assert scores[f"psnr_{region}"] == math.inf
        assert scores[f"ssim_{region}"] == pytest.approx(1)
        assert scores[f"vif_{region}"] == pytest.approx(1)
    assert scores["correlation_breast"] == pytest.approx(1)
    assert scores["lesion_cnr_ratio"] == 1


def test_without_lesions_the_lesion_columns_are_nan_and_the_others_stay(case):
    nothing = torch.zeros_like(case["lesion_mask"])
    arguments = case["virtual_des"], case["des"], case["breast_mask"]
    for scores in (fidelity(*arguments), fidelity(*arguments, nothing, nothing)):
        for name, score in scores.items():
            assert math.isnan(score) == ("lesion" in name), name


def test_an_unmarked_real_des_leaves_only_the_ratio_undefined(case):
    scores = fidelity(case["virtual_des"], case["des"], case["breast_mask"], case["lesion_mask"])
    assert math.isfinite(scores["lesion_cnr"])
    assert math.isnan(scores["lesion_cnr_ratio"])


def test_the_rows_of_a_case_hold_the_trivial_predictions_and_the_real_contrast(case):
    rows = case_rows(case="P1_L_CC", patient="P1", constant=0.3, **case)
    assert [(row["case"], row["patient"], row["method"]) for row in rows] == [
        ("P1_L_CC", "P1", method) for method in ("virtual_des", "low_energy", "constant", "real_des")
    ]
    masks = case["breast_mask"], case["lesion_mask"], case["des_lesion_mask"]
    by_method = {row.pop("method"): row for row in rows}
    for row in rows:
        del row["case"], row["patient"]
    assert by_method["virtual_des"] == fidelity(case["virtual_des"], case["des"], *masks)
    assert by_method["low_energy"] == fidelity(case["low_energy"], case["des"], *masks)
    level = 0.3 * case["breast_mask"].double()
    assert by_method["constant"] == pytest.approx(fidelity(level, case["des"], *masks), nan_ok=True)
    assert math.isnan(by_method["constant"]["lesion_cnr"])
    assert by_method["constant"]["lesion_roc_area"] == 0.5
    drawn_on_des = (x[None] for x in (case["des"], case["des_lesion_mask"], case["breast_mask"]))
    assert by_method["real_des"]["lesion_cnr"] == lesion_contrast(*drawn_on_des).item()
    assert set(by_method["real_des"]) == {"lesion_cnr", "lesion_roc_area"}


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_masks_of_any_dtype_are_taken_as_they_are(case, dtype):
    arguments = case["virtual_des"], case["des"]
    masks = [case[key] for key in ("breast_mask", "lesion_mask", "des_lesion_mask")]
    assert fidelity(*arguments, *(mask.to(dtype) for mask in masks)) == fidelity(*arguments, *masks)
    with pytest.raises(InputError, match="mask: expected 0 and 1 only, got 255"):
        fidelity(*arguments, masks[0].to(dtype), 255 * masks[1].to(torch.uint8))


def test_bad_input_is_named(case):
    with pytest.raises(InputError, match=r"y: values from .* are outside"):
        fidelity(case["virtual_des"], 255 * case["des"], case["breast_mask"])
