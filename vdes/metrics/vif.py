"""Visual information fidelity over a region, in the pixel domain."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.config import NdarrayOrTensor
from scipy.ndimage import correlate1d

from vdes.errors import InputError
from vdes.metrics.cumulative_region_metric import CumulativeRegionMetric
from vdes.metrics.regions import check_pair

WINDOWS = (17, 9, 5, 3)  # one per scale, each scale half the size of the last
SMALLEST_SIDE = 41  # leaves one window at the coarsest scale
NOISE_VARIANCE = 2.0  # of the visual channel, on images of 0..255
EPSILON = 1e-10


def vif(
    y_pred: NdarrayOrTensor, y: NdarrayOrTensor, mask: NdarrayOrTensor | None = None, data_range: float = 1.0
) -> torch.Tensor:
    r"""Return the pixel-domain visual information fidelity (VIFp) of every region.

    Sheikh and Bovik, "Image information and visual quality", IEEE Trans. Image Process. 15(2), 2006, in the multi-scale
    pixel-domain form of the authors' ``vifp_mscale``: four scales, Gaussian windows of 17, 9, 5 and 3 pixels with a
    sigma of a fifth of their size,

    .. math::
        \mathrm{VIF}_M = \frac{\sum_{s}\sum_{w \in M_s} \log(1 + g^2 \sigma_y^2 / (\sigma_v^2 + \sigma_n^2))}
                              {\sum_{s}\sum_{w \in M_s} \log(1 + \sigma_y^2 / \sigma_n^2)} .

    The noise variance of the visual channel, 2, is for images of 0..255, so images are scaled to that range from
    [0, data_range]; images in [0, 1] or [-1, 1] would give other values. VIF is 1 for identical images, about 0 for a
    prediction without structure, and above 1 for the reference with more contrast.

    For a region, the information of the windows centred on its pixels is summed at each scale (``M_s``: the mask
    sampled at the centres of that scale's windows). Windows lie entirely in the image, as in the authors' code, so
    no window is centred within 8 (finest scale) to 20 (coarsest) pixels of the image border.

    Args:
        y_pred: predicted images (B, 1, H, W), float; H and W at least 41.
        y: reference images (B, 1, H, W), float in [0, data_range].
        mask: regions (B, R, H, W) of 0 and 1; None is the whole image.
        data_range: width of the fixed range the images were scaled to.

    Returns:
        Ratios (B, R), 0 or more, float64; NaN for an empty region or a flat reference.

    Raises:
        InputError: the images are smaller than 41 pixels, or as in `vdes.metrics.regions.check_pair`.
    """
    pair = check_pair(y_pred, y, mask, data_range)
    if min(pair.y.shape[1:]) < SMALLEST_SIDE:
        raise InputError(f"y: expected images of at least {SMALLEST_SIDE} pixels a side, got {pair.y.shape[1:]}")
    scale = 255 / data_range
    ratios = [_ratios(scale * p, scale * t, regions) for p, t, regions in zip(*pair, strict=True)]
    return torch.from_numpy(np.stack(ratios))


def _ratios(distorted: np.ndarray, reference: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return VIF of one image for each of its regions: (H, W), (H, W), (R, H, W) -> (R,)."""
    kept, total = np.zeros(len(regions)), np.zeros(len(regions))
    for scale, window in enumerate(WINDOWS):
        border = window // 2
        inner = (..., slice(border, -border), slice(border, -border))
        if scale > 0:
            distorted, reference = _smooth(np.stack([distorted, reference]), window)[..., ::2, ::2]
            regions = regions[inner][..., ::2, ::2]
        passed, present = _information(distorted, reference, window)
        windows = regions[inner].reshape(len(regions), -1).astype(float)
        kept += windows @ passed.ravel()
        total += windows @ present.ravel()
    return np.divide(kept, total, out=np.full_like(kept, np.nan), where=total > 0)


def _information(distorted: np.ndarray, reference: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the information about the scene in each window of the distorted and of the reference image, in nats."""
    products = [distorted, reference, distorted * distorted, reference * reference, distorted * reference]
    mean_d, mean_r, square_d, square_r, product = _smooth(np.stack(products), window)
    variance_d = np.maximum(square_d - mean_d * mean_d, 0)
    variance_r = np.maximum(square_r - mean_r * mean_r, 0)
    covariance = product - mean_d * mean_r

    flat_d, flat_r = variance_d < EPSILON, variance_r < EPSILON
    gain = covariance / (variance_r + EPSILON)
    noise = variance_d - gain * covariance
    # without structure in one of the images, or if it is inverted, no information is preserved: all is noise
    lost = flat_d | flat_r | (gain < 0)
    gain[lost] = 0
    noise[lost] = variance_d[lost]
    noise[flat_d] = 0
    variance_r[flat_r] = 0
    noise = np.maximum(noise, EPSILON)
    return np.log1p(gain**2 * variance_r / (noise + NOISE_VARIANCE)), np.log1p(variance_r / NOISE_VARIANCE)


def _smooth(images: np.ndarray, window: int) -> np.ndarray:
    """Filter the last two axes with the Gaussian window and keep the part that needs no padding."""
    border = window // 2
    kernel = np.exp(-0.5 * np.square(np.arange(-border, border + 1) / (window / 5)))
    kernel /= kernel.sum()
    for axis in (-2, -1):
        images = correlate1d(images, kernel, axis=axis)
    return images[..., border:-border, border:-border]


class VIFMetric(CumulativeRegionMetric):
    """`vif` as a MONAI metric; arguments as there and in `CumulativeRegionMetric`."""

    def __init__(self, data_range: float = 1.0, reduction: str = "mean", get_not_nans: bool = False) -> None:
        super().__init__(reduction=reduction, get_not_nans=get_not_nans)
        self.data_range = data_range

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor, mask: Any = None) -> torch.Tensor:
        return vif(y_pred, y, mask, self.data_range)
