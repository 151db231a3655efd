from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image

from vdes.transforms.preprocessing import low_energy_preprocessing
from vdes.transforms.unpaired_preprocessing import unpaired_preprocessing

GRID = (96, 72)
RANGE = (0.0, 255.0)


@pytest.fixture
def item(breast, tmp_path: Path) -> dict[str, str]:
    """One file as either modality."""
    file = tmp_path / "P1_R_CC.png"
    Image.fromarray(breast((160, 100), "right").pixels.round().astype(np.uint8)).save(file)
    return {"case": "P1_R_CC", "patient": "P1", "low_energy": str(file), "des": str(file), "pathology": "normal"}


def test_both_modalities_go_through_what_inference_goes_through(item):
    expected = low_energy_preprocessing(*GRID, RANGE)(item)["image"].as_tensor()
    assert float(expected.max()) > 0.3
    for modality, key in (("low_energy", "image"), ("des", "label")):
        made = unpaired_preprocessing(modality, key, *GRID, RANGE)(item)
        assert set(made) == {key, "case", "patient"}
        assert torch.equal(made[key], expected) and not isinstance(made[key], MetaTensor)
        assert made[key].dtype == torch.float32


def test_the_other_image_may_be_missing(item):
    for modality, other in (("low_energy", "des"), ("des", "low_energy")):
        alone = {key: value for key, value in item.items() if key != other}
        assert unpaired_preprocessing(modality, "image", *GRID, RANGE)(alone)["image"].shape == (1, *GRID)


def test_the_range_is_that_of_the_modality(item):
    whole, half = (unpaired_preprocessing("des", "label", *GRID, (0.0, top))(item)["label"] for top in (255.0, 510.0))
    # the outline depends a little on the range
    assert float(half.sum() / whole.sum()) == pytest.approx(0.5, rel=0.05)
