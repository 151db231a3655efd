"""The loss of image-to-image translation from low energy to DES."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from vdes.errors import InputError

WINDOW = 11
STRIDE = 4
EPSILON = 1e-6  # keeps the correlation of a uniform image finite


class VirtualDesLoss(nn.Module):
    """Weighted sum of absolute error, squared error, 1 - SSIM, 1 - correlation, and absolute error inside lesions.

    ``l1_weight * mean|p - y| + l2_weight * mean (p - y)^2 + ssim_weight * (1 - SSIM(p, y))
    + correlation_weight * (1 - r(p, y)) + lesion_weight * mean over lesion pixels |p - y|``

    The trap: the absolute error is smallest at the median of the possible images and the squared error at their mean.
    Enhancement is skewed, so the median is too dark, and PSNR rewards the mean. SSIM (Wang et al., IEEE TIP 13:600,
    2004) has a uniform window of 11 pixels and a data range of 1. r is Pearson's correlation over the breast, averaged
    over the images. A third of the squared error is the overall level and gain of each image, which its display
    processing sets and the low-energy image does not reveal. r ignores them, so its gradient concerns what can be
    learned. Because r ignores the level, it needs another term. The lesion term is averaged over the lesion pixels of
    the batch, and is 0 if none are drawn.

    Args:
        l1_weight: weight of the absolute error.
        l2_weight: weight of the squared error.
        ssim_weight: weight of 1 - SSIM.
        correlation_weight: weight of 1 - correlation inside the breast.
        lesion_weight: weight of the absolute error inside lesions.

    Raises:
        InputError: a weight is below 0, or all are 0.

    Example:
        >>> image = torch.rand(2, 1, 64, 48)
        >>> float(VirtualDesLoss()(image, image))
        0.0

    """

    def __init__(
        self,
        l1_weight: float = 1.0,
        l2_weight: float = 0.0,
        ssim_weight: float = 0.1,
        correlation_weight: float = 0.0,
        lesion_weight: float = 0.0,
    ) -> None:
        super().__init__()
        weights = {
            "l1": l1_weight,
            "l2": l2_weight,
            "ssim": ssim_weight,
            "correlation": correlation_weight,
            "lesion": lesion_weight,
        }
        if min(weights.values()) < 0 or not any(weights.values()):
            raise InputError(f"loss: expected weights of 0 or more, and one above 0; got {weights}")
        self.weights = weights

    def forward(
        self,
        pred: torch.Tensor,
        des: torch.Tensor,
        lesion_mask: torch.Tensor | None = None,
        breast_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            pred: virtual DES ``(B, 1, H, W)``.
            des: the real DES in [0, 1], of the same shape.
            lesion_mask: 0 and 1, of the same shape; needed if ``lesion_weight`` is above 0.
            breast_mask: 0 and 1, of the same shape; needed if ``correlation_weight`` is above 0.

        Raises:
            InputError: shapes differ, or a mask that a term needs is missing.

        """
        masks = {"lesion": lesion_mask, "correlation": breast_mask}
        for name, image in {"des": des, "lesion_mask": lesion_mask, "breast_mask": breast_mask}.items():
            if image is not None and image.shape != pred.shape:
                raise InputError(f"{name}: shape {tuple(image.shape)}; expected that of pred, {tuple(pred.shape)}")
        for term, mask in masks.items():
            if self.weights[term] and mask is None:
                raise InputError(f"loss: {term}_weight is {self.weights[term]:g}; expected a mask for it, got none")
        pred, des = pred.float(), des.float()
        error = (pred - des).abs()
        loss = self.weights["l1"] * error.mean() + self.weights["l2"] * error.square().mean()
        if self.weights["ssim"]:
            loss = loss + self.weights["ssim"] * (1.0 - uniform_ssim(pred, des))
        if self.weights["correlation"] and breast_mask is not None:
            loss = loss + self.weights["correlation"] * (1.0 - correlation(pred, des, breast_mask.float()))
        if self.weights["lesion"] and lesion_mask is not None:
            lesion = lesion_mask.float()
            loss = loss + self.weights["lesion"] * (error * lesion).sum() / lesion.sum().clamp(min=1.0)
        return loss


def uniform_ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the mean SSIM of images ``(B, 1, H, W)`` of data range 1 with a uniform window of 11 pixels.

    It is MONAI's SSIM with ``kernel_type="uniform"`` at every fourth pixel of each row and column. MONAI's
    convolutions at every pixel take more time on a CPU than the network does; windows of 11 pixels overlap enough for
    a loss.
    """

    def mean(z: torch.Tensor) -> torch.Tensor:
        return avg_pool2d(z, WINDOW, stride=STRIDE)

    c1, c2 = 0.01**2, 0.03**2
    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * structure).mean()


def correlation(x: torch.Tensor, y: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return Pearson's correlation over ``mask``, the mean of images ``(B, 1, H, W)``; that of an even image is 0."""
    pixels = (1, 2, 3)
    count = mask.sum(pixels, keepdim=True).clamp(min=1.0)

    def centred(z: torch.Tensor) -> torch.Tensor:
        return (z - (z * mask).sum(pixels, keepdim=True) / count) * mask

    x, y = centred(x), centred(y)
    variances = x.square().sum(pixels) * y.square().sum(pixels)
    return ((x * y).sum(pixels) / (variances + EPSILON).sqrt()).mean()
