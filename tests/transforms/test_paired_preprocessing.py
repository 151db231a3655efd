from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image

from vdes.errors import find_input_error
from vdes.transforms.paired_preprocessing import paired_preprocessing

RANGE = (0.0, 255.0)
GRID = (160, 120)
KEYS = {"image", "label", "breast_mask", "lesion_mask", "des_lesion_mask", "case", "patient"}
OFFSETS = {"edge_offset_before_px", "edge_offset_px"}


def save(file: Path, pixels: np.ndarray) -> str:
    Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(file)
    return str(file)


@pytest.fixture
def item(breast, tmp_path) -> dict[str, Any]:
    """A pair whose DES image was cropped by another 3 rows and has the lesion where low energy has it."""
    made = breast((320, 240), "right", contrast=25)
    lesion = np.hypot(*(np.indices(made.mask.shape) - np.array([150, 150])[:, None, None])) < 15
    des = np.where(made.mask, 215 - made.pixels, 0)
    crop = slice(6, None)  # the mid-heights are 3 rows apart
    return {
        "case": "P1_R_CC",
        "patient": "P1",
        "pathology": "malignant",
        "low_energy": save(tmp_path / "low_energy.png", made.pixels),
        "des": save(tmp_path / "des.png", des[crop]),
        "lesion_mask": save(tmp_path / "lesion_mask.png", 255 * lesion),
        "des_lesion_mask": save(tmp_path / "des_lesion_mask.png", 255 * lesion[crop]),
    }


def test_a_pair_comes_registered_on_one_grid(item):
    out = paired_preprocessing(*GRID, RANGE, RANGE)(item)
    assert set(out) == KEYS | OFFSETS
    for key in ("image", "label"):
        assert out[key].dtype == torch.float32
        assert 0.0 <= out[key].min() < out[key].max() <= 1.0
    for key in ("breast_mask", "lesion_mask", "des_lesion_mask"):
        assert out[key].dtype == torch.uint8
        assert out[key].unique().tolist() == [0, 1]
    for key in KEYS - {"case", "patient"}:
        assert out[key].shape == (1, *GRID)
        assert not isinstance(out[key], MetaTensor)
    # 3 rows apart; across a skin line that is mostly oblique it is less
    assert out["edge_offset_px"] <= 1.0 < out["edge_offset_before_px"] <= 3.0
    lesion, des_lesion = out["lesion_mask"], out["des_lesion_mask"]
    assert 2 * (lesion * des_lesion).sum() / (lesion.sum() + des_lesion.sum()) > 0.9
    # DES is 215 minus low energy, where registration is right
    image, label = (out[key][lesion > 0] for key in ("image", "label"))
    assert (label - (215 / 255 - image)).abs().mean() < 0.01


def test_a_pair_known_to_be_aligned_is_not_moved(item, breast, tmp_path):
    made = breast((320, 240), "right", contrast=25)
    aligned = item | {"des": save(tmp_path / "aligned.png", 0.5 * made.pixels), "des_lesion_mask": item["lesion_mask"]}
    out = paired_preprocessing(*GRID, RANGE, RANGE, register=False)(aligned)
    assert set(out) == KEYS
    inner = out["breast_mask"] > 0
    torch.testing.assert_close(out["label"][inner], 0.5 * out["image"][inner], atol=0.003, rtol=0)
    torch.testing.assert_close(out["lesion_mask"], out["des_lesion_mask"])


def test_each_modality_has_its_own_range(item, breast, tmp_path):
    made = breast((320, 240), "right", contrast=25)
    same = item | {"des": save(tmp_path / "same.png", made.pixels), "des_lesion_mask": item["lesion_mask"]}
    out = paired_preprocessing(*GRID, RANGE, (-255.0, 255.0), register=False)(same)
    torch.testing.assert_close(out["label"], 0.5 + 0.5 * out["image"], atol=0.001, rtol=0)


@pytest.mark.parametrize("absent", [{"lesion_mask": None, "des_lesion_mask": None}, {}])
def test_without_drawn_lesions_the_masks_are_empty(item, absent):
    plain = {key: value for key, value in item.items() if not key.endswith("lesion_mask")} | absent
    out = paired_preprocessing(*GRID, RANGE, RANGE)(plain)
    for key in ("lesion_mask", "des_lesion_mask"):
        assert out[key].shape == (1, *GRID)
        assert out[key].dtype == torch.uint8
        assert not out[key].any()


@pytest.mark.parametrize(
    ("change", "register", "message"),
    [
        ({}, False, "des.png: field label: size (314, 240) (rows, columns) differs from (320, 240) of"),
        ({"lesion_mask": "des_lesion_mask"}, True, "des_lesion_mask.png: field lesion_mask: size (314, 240)"),
        ({"des": "nowhere.png"}, True, "nowhere.png: no such file"),
    ],
)
def test_what_does_not_fit_is_named(item, change, register, message):
    bad = item | {key: item.get(value, value) for key, value in change.items()}
    with pytest.raises(RuntimeError) as raised:
        paired_preprocessing(*GRID, RANGE, RANGE, register=register)(bad)
    assert message in str(find_input_error(raised.value))
