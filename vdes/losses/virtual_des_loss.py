"""The loss of image-to-image translation from low energy to DES."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import avg_pool2d

WINDOW = 11
STRIDE = 4


class VirtualDesLoss(nn.Module):
    """Weighted sum of absolute error, squared error, structural dissimilarity and absolute error inside lesions.

    ``l1_weight * mean|p - y| + l2_weight * mean (p - y)^2 + ssim_weight * (1 - SSIM(p, y))
    + lesion_weight * mean over lesion pixels |p - y|``

    The trap: the absolute error asks for the median of what is possible and the squared error for the mean; enhancement
    is skewed, so the median is too dark, and PSNR is about the mean. SSIM (Wang et al., IEEE TIP 13:600, 2004) has a
    uniform window of 11 pixels and a data range of 1. The lesion term is averaged over the lesion pixels of the
    batch, and is 0 where none is drawn.

    Args:
        l1_weight: weight of the absolute error.
        l2_weight: weight of the squared error.
        ssim_weight: weight of 1 - SSIM.
        lesion_weight: weight of the absolute error inside lesions.

    Example:
        >>> image = torch.rand(2, 1, 64, 48)
        >>> float(VirtualDesLoss()(image, torch.cat([image, torch.zeros_like(image)], dim=1)))
        0.0

    """

    def __init__(
        self, l1_weight: float = 1.0, l2_weight: float = 0.0, ssim_weight: float = 0.1, lesion_weight: float = 0.0
    ) -> None:
        super().__init__()
        weights = {"l1": l1_weight, "l2": l2_weight, "ssim": ssim_weight, "lesion": lesion_weight}
        if min(weights.values()) < 0 or not any(weights.values()):
            raise ValueError(f"expected weights of 0 or more, and one above 0; got {weights}")
        self.weights = weights

    def forward(self, pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            pred: virtual DES ``(B, 1, H, W)``.
            target: ``(B, 2, H, W)``: the real DES in [0, 1] and the lesion mask, 0 or 1.

        """
        pred = pred.float()
        des, lesion = target.float().split(1, dim=1)
        error = (pred - des).abs()
        loss = self.weights["l1"] * error.mean() + self.weights["l2"] * error.square().mean()
        if self.weights["ssim"]:
            loss = loss + self.weights["ssim"] * (1.0 - uniform_ssim(pred, des))
        if self.weights["lesion"]:
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
