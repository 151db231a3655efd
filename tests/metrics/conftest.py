"""Small images with structure, a breast and a lesion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter


@pytest.fixture()
def textured() -> Callable[..., torch.Tensor]:
    """Make a batch (B, 1, H, W) of smooth random texture inside [0, 1]."""

    def make(seed: int, size: tuple[int, int] = (64, 72), batch: int = 1) -> torch.Tensor:
        rng = np.random.default_rng(seed)
        noise = np.stack([gaussian_filter(rng.standard_normal(size), 1.5) for _ in range(batch)])
        return torch.from_numpy(np.clip(0.5 + 0.6 * noise, 0, 1))[:, None]

    return make


@pytest.fixture()
def half() -> Callable[..., torch.Tensor]:
    """Make a mask (B, 1, H, W) of the left part of a batch of images."""

    def make(images: torch.Tensor, columns: int) -> torch.Tensor:
        mask = torch.zeros(images.shape, dtype=torch.bool)
        mask[..., :columns] = True
        return mask

    return make
