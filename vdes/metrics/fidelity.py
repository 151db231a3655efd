"""All fidelity and contrast figures of one case, for its prediction and the trivial predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_tensor

from vdes.metrics.contrast import lesion_contrast
from vdes.metrics.correlation import correlation
from vdes.metrics.mean_absolute_error import mean_absolute_error
from vdes.metrics.psnr import psnr
from vdes.metrics.roc import lesion_roc_area
from vdes.metrics.ssim import ssim
from vdes.metrics.vif import vif

REGIONS = ("image", "breast", "lesion")

OfRegions = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class FidelityMetric:
    """A metric, as the tables use it.

    Attributes:
        label: its usual name.
        of: function that computes it, see `FIDELITY` and `CONTRAST`.
        regions: the `REGIONS` in which it is measured.
        digits: digits after the decimal point in a table.
        more_is_better: False if the best value is 0.
    """

    label: str
    of: OfRegions
    regions: tuple[str, ...] = REGIONS
    digits: int = 3
    more_is_better: bool = True


# of a prediction and real DES, both (B, 1, H, W), the values (B, R) in regions (B, R, H, W)
FIDELITY = {
    "mae": FidelityMetric("MAE", mean_absolute_error, more_is_better=False),
    "psnr": FidelityMetric("PSNR (dB)", psnr, digits=2),
    "ssim": FidelityMetric("SSIM", ssim),
    "vif": FidelityMetric("VIF", vif),
    "correlation": FidelityMetric("correlation", correlation, regions=("breast",)),
}
# of an image (B, 1, H, W), real or predicted, with lesion and breast masks of its shape, the value (B, 1)
CONTRAST = {
    "lesion_cnr": FidelityMetric("lesion CNR", lesion_contrast, regions=("lesion",), digits=2),
    "lesion_roc_area": FidelityMetric("lesion ROC area", lesion_roc_area, regions=("lesion",)),
}
# the columns of a per-case table that are summarised
COLUMNS = {
    f"{name}_{region}": replace(metric, label=f"{region} {metric.label}", regions=(region,))
    for name, metric in FIDELITY.items()
    for region in metric.regions
} | CONTRAST
# and those of the tables that people read, by region
TABLES = {
    region: tuple(name for name, column in COLUMNS.items() if column.regions == (region,))
    for region in ("breast", "image", "lesion")
}
METHOD_LABELS = {
    "virtual_des": "virtual DES",
    "low_energy": "low energy itself",
    "constant": "constant level",
    "real_des": "real DES",
}


def fidelity(
    prediction: NdarrayOrTensor,
    des: NdarrayOrTensor,
    breast_mask: NdarrayOrTensor,
    lesion_mask: NdarrayOrTensor | None = None,
    des_lesion_mask: NdarrayOrTensor | None = None,
) -> dict[str, float]:
    """Score one prediction of one real DES image.

    Args:
        prediction: predicted DES (1, H, W), float; not clipped here.
        des: real DES (1, H, W), float in [0, 1] by the fixed range of its datalist, registered onto the low-energy
            image.
        breast_mask: (1, H, W) of 0 and 1.
        lesion_mask: lesions drawn on the low-energy image, (1, H, W) of 0 and 1; None or all 0 if there is none.
        des_lesion_mask: lesions drawn on the real DES, registered with it; the same.

    Returns:
        ``<metric>_<region>`` for each metric of `FIDELITY` over its regions of image, breast and lesion (drawn on low
        energy): mae, psnr (dB), ssim, vif and correlation; the metrics of `CONTRAST`, ``lesion_cnr`` and
        ``lesion_roc_area``, of the prediction, which has the geometry and the mask of the low-energy image;
        ``lesion_cnr_ratio``, its contrast over that of the real DES in its own mask. NaN if undefined.

    Raises:
        InputError: a metric refuses the images or masks.
    """
    prediction, des, breast = (convert_to_tensor(x)[None] for x in (prediction, des, breast_mask))
    breast = breast.float()
    lesion = _mask_or_empty(lesion_mask, breast)
    masks = dict(zip(REGIONS, (torch.ones_like(breast), breast, lesion), strict=True))
    scores = {}
    for name, metric in FIDELITY.items():
        regions = torch.cat([masks[region] for region in metric.regions], dim=1)
        for region, score in zip(metric.regions, metric.of(prediction, des, regions)[0], strict=True):
            scores[f"{name}_{region}"] = float(score)
    scores |= _contrast(prediction, lesion, breast)
    real = _contrast(des, _mask_or_empty(des_lesion_mask, breast), breast)
    scores["lesion_cnr_ratio"] = scores["lesion_cnr"] / real["lesion_cnr"] if real["lesion_cnr"] else float("nan")
    return scores


def case_rows(
    case: str,
    patient: str,
    low_energy: NdarrayOrTensor,
    des: NdarrayOrTensor,
    virtual_des: NdarrayOrTensor,
    breast_mask: NdarrayOrTensor,
    lesion_mask: NdarrayOrTensor,
    des_lesion_mask: NdarrayOrTensor,
    constant: float | None,
) -> list[dict[str, Any]]:
    """Return the rows of one case in the per-case table.

    One row per method: ``virtual_des``; the two trivial predictions ``low_energy`` (the image itself) and ``constant``
    (one level inside the breast, 0 outside); and ``real_des``, which has only the contrast columns.

    Args:
        case: unique name.
        patient: the patient's pseudonym.
        low_energy: (1, H, W), float in [0, 1].
        des: as in `fidelity`.
        virtual_des: the network's prediction, (1, H, W), float.
        breast_mask: as in `fidelity`.
        lesion_mask: as in `fidelity`.
        des_lesion_mask: as in `fidelity`.
        constant: `vdes.metrics.constant_level.constant_level` of the training cases; None omits its row.

    Returns:
        Dictionaries with ``case``, ``patient``, ``method`` and the figures of `fidelity`.

    Raises:
        InputError: a metric refuses the images or masks.
    """
    breast = convert_to_tensor(breast_mask)
    predictions = {"virtual_des": virtual_des, "low_energy": low_energy}
    if constant is not None:
        predictions["constant"] = constant * breast.to(torch.float64)
    rows: list[dict[str, Any]] = [
        {"case": case, "patient": patient, "method": method}
        | fidelity(prediction, des, breast, lesion_mask, des_lesion_mask)
        for method, prediction in predictions.items()
    ]
    real = _contrast(convert_to_tensor(des)[None], convert_to_tensor(des_lesion_mask)[None], breast[None])
    return [*rows, {"case": case, "patient": patient, "method": "real_des", **real}]


def _mask_or_empty(mask: NdarrayOrTensor | None, breast: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(breast) if mask is None else convert_to_tensor(mask)[None].float()


def _contrast(image: torch.Tensor, lesion: torch.Tensor, breast: torch.Tensor) -> dict[str, float]:
    return {name: float(metric.of(image, lesion, breast)) for name, metric in CONTRAST.items()}
