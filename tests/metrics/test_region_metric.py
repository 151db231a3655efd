from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator

from vdes.errors import InputError
from vdes.metrics.contrast import LesionContrastMetric, lesion_contrast
from vdes.metrics.psnr import PSNRMetric, psnr
from vdes.metrics.region_metric import RegionMetric
from vdes.metrics.ssim import SSIMMetric, ssim


class Halve(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image / 2


@pytest.fixture()
def cases(textured, half) -> list[dict[str, Any]]:
    """Three cases; the last has no breast."""
    y = textured(1, batch=3)
    breasts = half(y, 50)
    breasts[2] = False
    lesions = torch.zeros_like(y)
    lesions[:, :, 20:40, 20:40] = 1
    return [
        {"case": f"P{i}_L_CC", "image": image, "label": label, "breast_mask": breast, "lesion_mask": lesion}
        for i, (image, label, breast, lesion) in enumerate(zip(textured(0, batch=3), y, breasts, lesions, strict=True))
    ]


def evaluator(cases: list[dict[str, Any]], metrics: dict[str, RegionMetric], **kwargs: Any) -> SupervisedEvaluator:
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(cases, batch_size=2),
        network=Halve(),
        key_val_metric=metrics,
        **kwargs,
    )


def test_an_evaluator_scores_regions_that_only_its_batch_holds(cases):
    engine = evaluator(
        cases,
        {
            "psnr_breast": RegionMetric(PSNRMetric(), region="breast_mask"),
            "ssim_image": RegionMetric(SSIMMetric()),
            "lesion_cnr": RegionMetric(LesionContrastMetric(), region="breast_mask", reference="lesion_mask"),
        },
    )
    engine.run()
    image, label, breast, lesion = (
        torch.stack([case[key] for case in cases]) for key in ("image", "label", "breast_mask", "lesion_mask")
    )
    details = psnr(image / 2, label, breast).numpy()
    assert engine.state.metrics["psnr_breast"] == pytest.approx(np.nanmean(details), rel=1e-6)
    assert engine.state.metrics["ssim_image"] == pytest.approx(ssim(image / 2, label).mean().item(), rel=1e-6)
    contrast = lesion_contrast(image / 2, lesion, breast).numpy()
    assert engine.state.metrics["lesion_cnr"] == pytest.approx(np.nanmean(contrast), rel=1e-6)
    assert engine.state.metric_details["psnr_breast"].numpy() == pytest.approx(details, nan_ok=True)
    assert engine.state.best_metric == engine.state.metrics["psnr_breast"]
    first = dict(engine.state.metrics)
    engine.run()
    assert engine.state.metrics == first


def test_a_case_without_the_mask_is_named(cases):
    with pytest.raises(InputError, match=r"case P0_L_CC: no key `fat_mask`, only .*breast_mask"):
        evaluator(cases, {"psnr": RegionMetric(PSNRMetric(), region="fat_mask")}).run()


def test_a_case_that_the_metric_refuses_is_named(cases):
    cases[1]["breast_mask"] = 0.5 * torch.ones_like(cases[1]["label"])
    cases[0]["breast_mask"] = torch.ones_like(cases[1]["label"])
    with pytest.raises(InputError, match="case P1_L_CC: mask: expected 0 and 1 only"):
        evaluator(cases, {"psnr": RegionMetric(PSNRMetric(), region="breast_mask")}).run()


def test_a_case_without_a_name_still_says_what_is_wrong(cases):
    for case in cases:
        del case["case"]
    with pytest.raises(InputError, match=r"case \(no key `case`\): no key `fat_mask`"):
        evaluator(cases, {"psnr": RegionMetric(PSNRMetric(), region="fat_mask")}).run()


def test_batches_that_stay_together_are_refused(cases):
    with pytest.raises(InputError, match="write `decollate: true`"):
        evaluator(cases, {"psnr": RegionMetric(PSNRMetric())}, decollate=False).run()
