from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Compose
from PIL import Image
from scipy.ndimage import zoom
from torch.utils.data import default_collate

from vdes.data.levels import LEVEL_FIELDS, with_levels
from vdes.errors import InputError, find_input_error
from vdes.transforms.classifier_preprocessing import classifier_preprocessing
from vdes.transforms.stack_inputs import StackInputsd

RANGE = (0.0, 255.0)
SIZE = 64


def save(file: Path, pixels: np.ndarray) -> str:
    Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8)).save(file)
    return str(file)


@pytest.fixture
def item(breast, tmp_path: Path):
    """An item with both images, of other sizes and sides: their files know nothing of each other."""
    return with_levels(
        {
            "case": "P1_L_CC",
            "patient": "P1",
            "laterality": "L",
            "pathology": "malignant",
            "density": "c",
            "low_energy": save(tmp_path / "le.png", breast((160, 100)).pixels),
            "des": save(tmp_path / "des.png", breast((200, 90), "right", seed=1).pixels),
        }
    )


def test_both_images_come_on_the_grid_with_their_labels(item):
    out = classifier_preprocessing(SIZE, RANGE, RANGE)(item)
    assert set(out) == {"low_energy", "des", *LEVEL_FIELDS}
    assert {name: out[name] for name in LEVEL_FIELDS} == {name: item[name] for name in LEVEL_FIELDS}
    for name in ("low_energy", "des"):
        image = out[name]
        assert image.shape == (1, SIZE, SIZE) and image.dtype == torch.float32
        assert type(image) is torch.Tensor  # no metadata: they would tell the file
        assert 0.0 <= float(image.min()) < float(image.max()) <= 1.0
        # the crop is stretched over the whole square, chest wall at the left
        assert all(bool(edge.any()) for edge in (image[0, :, 0], image[0, :, -2:], image[0, :2], image[0, -2:]))
        assert float(image[0, :, :16].mean()) > 2 * float(image[0, :, -16:].mean())


def test_the_aspect_ratio_of_a_file_leaves_no_trace(breast, tmp_path):
    pixels = breast((200, 160)).pixels
    images = {}
    for name, factors in (("square", (1, 1)), ("wide", (0.75, 1.5)), ("tall", (2, 0.75))):
        file = save(tmp_path / f"{name}.png", zoom(pixels, factors, order=1, grid_mode=True, mode="nearest"))
        images[name] = classifier_preprocessing(SIZE, RANGE, RANGE)({"case": name, "low_energy": file})["low_energy"]
    for name in ("wide", "tall"):
        # the crop moves by a pixel or so of the file at each side
        assert float((images[name] - images["square"]).abs().mean()) < 0.02
    padded = save(tmp_path / "padded.png", np.pad(pixels, ((30, 60), (0, 90))))
    other = classifier_preprocessing(SIZE, RANGE, RANGE)({"case": "padded", "low_energy": padded})["low_energy"]
    torch.testing.assert_close(other, images["square"], atol=1e-6, rtol=0)


def test_what_lies_outside_the_breast_is_black(breast, tmp_path):
    made = breast((160, 100))
    clean, labelled = made.pixels.copy(), made.pixels.copy()
    labelled[2:14, 80:98] = 255  # a label
    labelled[~made.mask] += 4  # air that is not black, below a fiftieth of the range
    labelled[148:, 85:] += 90  # another marker
    images = [
        classifier_preprocessing(SIZE, RANGE, RANGE)({"case": "a", "des": save(tmp_path / f"{i}.png", pixels)})["des"]
        for i, pixels in enumerate((clean, labelled))
    ]
    assert float((images[0] == 0).float().mean()) > 0.15  # the corners of half an ellipse
    for image in images:
        for corner in (image[0, :6, -20:], image[0, -6:, -20:]):
            assert not corner.any()
    assert float((images[0] - images[1]).abs().mean()) < 0.02


@pytest.mark.parametrize(("present", "absent"), [("low_energy", "des"), ("des", "low_energy")])
def test_either_input_may_be_absent(item, present, absent):
    whole = classifier_preprocessing(SIZE, RANGE, RANGE)(item)
    without = {key: value for key, value in item.items() if key != absent}
    for one in (without, without | {absent: None}):
        out = classifier_preprocessing(SIZE, RANGE, RANGE)(one)
        assert absent not in out
        assert torch.equal(out[present], whole[present])
    # and where it is there, inputs leaves it out
    out = classifier_preprocessing(SIZE, RANGE, RANGE, inputs=[present])(item)
    assert absent not in out
    assert torch.equal(out[present], whole[present])


def test_each_modality_has_its_own_fixed_range(item):
    half = classifier_preprocessing(SIZE, RANGE, (0.0, 510.0))(item)
    whole = classifier_preprocessing(SIZE, RANGE, RANGE)(item)
    assert torch.equal(half["low_energy"], whole["low_energy"])
    inner = (whole["des"] > 0.3) & (whole["des"] < 0.9) & (half["des"] > 0)
    assert float((half["des"] / whole["des"])[inner].median()) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("inputs", "named"), [(("low_energy", "des"), "no low_energy and no des"), (["des"], "no des")]
)
def test_an_item_without_its_inputs_is_named(item, inputs, named):
    without = {key: value for key, value in item.items() if key != "des"}
    if len(inputs) == 2:
        without["low_energy"] = None
    with pytest.raises(RuntimeError) as raised:
        classifier_preprocessing(SIZE, RANGE, RANGE, inputs)(without)
    cause = raised.value.__cause__
    assert isinstance(cause, InputError)
    assert str(cause) == f"P1_L_CC: {named}; expected at least one image"


def test_items_with_other_inputs_collate_in_one_batch(item):
    items = [
        item,
        {key: value for key, value in item.items() if key != "des"},
        with_levels({"case": "unknown", "des": item["des"]}),
    ]
    transform = Compose([classifier_preprocessing(SIZE, RANGE, RANGE), StackInputsd()])
    [batch] = DataLoader(Dataset(items, transform), batch_size=3)
    assert not isinstance(batch["image"], MetaTensor)
    assert batch["image"].shape == (3, 2, SIZE, SIZE) and batch["image"].dtype == torch.float32
    assert batch["image"].isnan().flatten(2).all(dim=2).tolist() == [[False, False], [False, True], [True, False]]
    assert batch["image"].isnan().flatten(2).any(dim=2).tolist() == [[False, False], [False, True], [True, False]]
    assert batch["case"] == ["P1_L_CC", "P1_L_CC", "unknown"]
    assert batch["breast"] == ["P1_L", "P1_L", "case unknown_case unknown"]
    assert batch["pathology_index"].isnan().tolist() == [False, False, True]
    assert default_collate([transform(each)["image"] for each in items]).shape == (3, 2, SIZE, SIZE)


def test_a_lesion_lies_where_its_image_has_it(item, breast, tmp_path):
    """The mask of a bright patch goes through mirroring, crop and stretch with its image."""
    made = breast((200, 90), "right", seed=1)
    patch = np.zeros((200, 90), bool)
    patch[90:120, 45:70] = True
    item["des"] = save(tmp_path / "patch.png", np.where(patch, 255.0, made.pixels * 0.5))
    item["des_lesion_mask"] = save(tmp_path / "mask.png", 255.0 * patch)
    out = classifier_preprocessing(SIZE, RANGE, RANGE, lesions=True)(item)
    assert set(out) == {"low_energy", "des", "low_energy_malignant", "des_malignant", *LEVEL_FIELDS}
    assert out["des_malignant"].shape == (1, SIZE, SIZE) and out["des_malignant"].dtype == torch.float32
    drawn, bright = out["des_malignant"] == 1, out["des"] > 0.75
    assert float((drawn & bright).sum() / (drawn | bright).sum()) > 0.85
    # the low-energy image of this malignant breast has no mask: not known, which is not nowhere
    assert bool(out["low_energy_malignant"].isnan().all())
    plain = classifier_preprocessing(SIZE, RANGE, RANGE)(item)
    assert set(plain) == {"low_energy", "des", *LEVEL_FIELDS}
    assert torch.equal(plain["des"], out["des"])


@pytest.mark.parametrize("pathology", ["normal", "benign"])
def test_an_image_that_is_not_malignant_shows_malignancy_nowhere(item, tmp_path, pathology):
    mask = np.zeros((200, 90))
    mask[90:120, 45:70] = 255  # a benign lesion is no malignant one
    drawn = with_levels({**item, "pathology": pathology, "des_lesion_mask": save(tmp_path / "mask.png", mask)})
    out = classifier_preprocessing(SIZE, RANGE, RANGE, lesions=True)(drawn)
    for name in ("low_energy_malignant", "des_malignant"):
        assert out[name].shape == (1, SIZE, SIZE) and not out[name].any()


def test_a_mask_of_another_size_is_named(item, tmp_path):
    item["des_lesion_mask"] = save(tmp_path / "mask.png", np.ones((100, 45)))
    with pytest.raises(RuntimeError) as raised:
        classifier_preprocessing(SIZE, RANGE, RANGE, lesions=True)(item)
    error = find_input_error(raised.value)
    assert error is not None and "mask.png: field des_lesion_mask: size (100, 45)" in str(error)
