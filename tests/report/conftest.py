"""Cases as a MONAI evaluator reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from vdes.data.levels import LEVEL_FIELDS, with_levels

SIZE = (64, 48)


@pytest.fixture()
def cases() -> list[dict[str, Any]]:
    """Five cases of three patients; the last has no lesion."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    breast = torch.from_numpy(((rows - 32) / 30) ** 2 + (columns / 44) ** 2 < 1)[None].float()
    made = []
    for i, patient in enumerate(("P1", "P1", "P2", "P3", "P3")):
        drawn = (torch.from_numpy(np.hypot(rows - 30, columns - shift) < 6)[None].float() for shift in (16, 18))
        lesion, des_lesion = (mask * (i < 4) for mask in drawn)
        texture = torch.from_numpy(gaussian_filter(rng.standard_normal(SIZE), 2)[None]).float()
        label = breast * (0.4 + 0.5 * texture + 0.2 * des_lesion).clip(0, 1)
        made.append(
            {
                "case": f"{patient}_{'LR'[i % 2]}_CC",
                "patient": patient,
                "image": breast * (0.5 + 0.8 * texture + 0.2 * lesion).clip(0, 1),
                "label": label,
                "breast_mask": breast,
                "lesion_mask": lesion,
                "des_lesion_mask": des_lesion,
            }
        )
    return made


@pytest.fixture()
def views() -> list[dict[str, Any]]:
    """A classifier's cases: ten patients with three views of two breasts, every other patient with a brighter one."""
    generator = torch.Generator().manual_seed(1)
    made = []
    for i in range(30):
        pathology = "malignant" if i // 3 % 2 and i % 3 == 1 else "benign"
        fields = {"case": f"c{i}", "patient": f"P{i // 3}", "laterality": "LLR"[i % 3], "pathology": pathology}
        item = with_levels(fields)
        contrast = 0.2 + 0.3 * (pathology == "malignant") + 0.5 * torch.rand(1, generator=generator)
        image = contrast * torch.rand(2, 64, 64, generator=generator)
        if i % 5 == 0:
            image[i % 2] = torch.nan
        made.append({**{field: item[field] for field in LEVEL_FIELDS}, "image": image})
    return made
