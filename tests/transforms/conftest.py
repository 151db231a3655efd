"""A synthetic breast, and its real counterparts' quirks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter


@dataclass(frozen=True)
class Breast:
    """Pixels ``(H, W)`` in 0 to 255 with air at 0, and the outline that they were made with."""

    pixels: np.ndarray
    mask: np.ndarray


@pytest.fixture(scope="session")
def breast() -> Callable[..., Breast]:
    """Make half an ellipse of textured tissue with its chest wall at the left, or at the right for ``"right"``."""

    def make(shape: tuple[int, int] = (160, 100), side: str = "left", contrast: float = 20.0, seed: int = 0) -> Breast:
        rows, columns = np.mgrid[: shape[0], : shape[1]]
        mask = ((rows - shape[0] / 2) / (0.42 * shape[0])) ** 2 + (columns / (0.75 * shape[1])) ** 2 < 1
        texture = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 4)
        pixels = np.where(mask, (120 + contrast * texture / texture.std()).clip(40, 255), 0).astype(np.float32)
        if side == "right":
            pixels, mask = pixels[:, ::-1].copy(), mask[:, ::-1].copy()
        return Breast(pixels, mask)

    return make
