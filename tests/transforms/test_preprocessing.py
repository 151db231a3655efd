from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Invertd
from PIL import Image
from scipy import ndimage

from vdes.errors import InputError
from vdes.transforms.breast_mask import chest_wall_is_left
from vdes.transforms.preprocessing import air_threshold, low_energy_preprocessing, prediction_in_breast, scale

RANGE = (0.0, 255.0)
GRID = (128, 96)


def save(file: Path, pixels: np.ndarray) -> dict[str, str]:
    Image.fromarray(pixels.round().astype(np.uint8)).save(file)
    return {"case": file.stem, "patient": "P1", "low_energy": str(file)}


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_network_sees_the_breast_at_the_left_on_the_grid(breast, tmp_path, side):
    made = breast((320, 200), side)
    out = low_energy_preprocessing(*GRID, RANGE)(save(tmp_path / "P1_L_CC.png", made.pixels))
    assert set(out) == {"image", "breast_mask", "case", "patient", "low_energy"}
    assert out["image"].shape == out["breast_mask"].shape == (1, *GRID)
    mask = out["breast_mask"][0].numpy()
    assert chest_wall_is_left(mask)
    # cropped to the breast, 269 of 320 rows and 150 of 200 columns, and scaled to fill the height
    assert mask.any(axis=1).all()
    assert mask.any(axis=0).sum() == pytest.approx(150 * 128 / 269, abs=2)
    inside = out["image"][0].numpy()[ndimage.binary_erosion(mask, iterations=4, border_value=1)]
    assert inside.mean() == pytest.approx(made.pixels[made.mask].mean() / 255, abs=0.01)
    assert 0.0 <= out["image"].min() <= out["image"].max() <= 1.0


def test_intensities_are_scaled_by_the_fixed_range_and_not_by_the_image(breast, tmp_path):
    made = breast((160, 100))
    bright, dark = (
        low_energy_preprocessing(*GRID, (0.0, 200.0))(save(tmp_path / f"{factor}.png", factor * made.pixels))
        for factor in (1.0, 0.5)
    )
    inner = bright["breast_mask"].bool() & (bright["image"] < 0.95) & (bright["image"] > 0.3)
    ratio = dark["image"][inner] / bright["image"][inner]
    assert float(ratio.median()) == pytest.approx(0.5, abs=0.01)
    clipped = scale("image", (50.0, 100.0))({"image": torch.tensor([[[0.0, 50.0, 75.0, 100.0, 255.0]]])})["image"]
    torch.testing.assert_close(clipped, torch.tensor([[[0.0, 0.0, 0.5, 1.0, 1.0]]]))


def test_air_is_the_lowest_fiftieth_of_the_range():
    assert air_threshold((0.0, 255.0)) == pytest.approx(5.1)
    assert air_threshold((-100.0, 100.0)) == pytest.approx(-96.0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_prediction_goes_back_to_the_place_of_the_low_energy_image(breast, tmp_path, side):
    made = breast((321, 199), side)
    item = save(tmp_path / "P1_L_CC.png", made.pixels)
    row, column = 130, 60 if side == "left" else 199 - 61
    rows, columns = np.indices(made.mask.shape)
    mark = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 5.0**2))
    pixels = (40.0 + 200.0 * mark) * made.mask
    item = save(tmp_path / "P1_L_CC.png", pixels)

    preprocessing = low_energy_preprocessing(*GRID, RANGE)
    [batch] = DataLoader(Dataset([item], preprocessing), batch_size=1)
    batch["pred"] = batch["image"].clone()  # a network that returns its input
    [case] = decollate_batch(batch)
    invert = Invertd("pred", preprocessing, orig_keys="image", nearest_interp=False)
    back = invert(prediction_in_breast()(case))["pred"]
    assert back.shape == (1, 321, 199)
    found = back[0].numpy() * 255
    # the mark stands 200 above the breast: its centre of gravity to a twentieth of a pixel
    weights = np.where(np.hypot(rows - row, columns - column) < 20, (found - 40).clip(0), 0)
    centre = [(weights * places).sum() / weights.sum() for places in (rows, columns)]
    assert centre == pytest.approx([row, column], abs=0.05)
    assert np.abs(found - pixels)[made.mask].mean() < 3
    assert np.abs(found[~made.mask]).mean() < 1


def test_the_pixel_size_of_a_nifti_file_sets_the_grid_and_comes_back_with_the_prediction(breast, tmp_path):
    made = breast((320, 200))
    file = tmp_path / "P1_L_CC.nii.gz"
    nibabel.save(nibabel.Nifti1Image(made.pixels.T, np.diag([-0.1, -0.1, 1, 1])), file)
    preprocessing = low_energy_preprocessing(*GRID, RANGE, pixel_size_mm=0.25)
    [batch] = DataLoader(Dataset([{"case": "P1_L_CC", "low_energy": str(file)}], preprocessing), batch_size=1)
    [case] = decollate_batch({**batch, "pred": batch["image"].clone()})
    # 26.9 mm by 15 mm
    assert case["breast_mask"][0].numpy().any(axis=1).sum() == pytest.approx(269 * 0.4, abs=2)
    assert case["breast_mask"][0].numpy().any(axis=0).sum() == pytest.approx(150 * 0.4, abs=2)
    back = Invertd("pred", preprocessing, orig_keys="image", nearest_interp=False)(case)["pred"]
    assert back.shape == (1, 320, 200)
    assert float(back.meta["pixel_size_mm"]) == pytest.approx(0.1)


def test_millimetres_without_a_pixel_size_name_the_file(breast, tmp_path):
    item = save(tmp_path / "P1_L_CC.png", breast().pixels)
    with pytest.raises(Exception, match="applying transform") as raised:
        low_energy_preprocessing(*GRID, RANGE, pixel_size_mm=0.25)(item)
    assert isinstance(raised.value.__cause__, InputError)
    assert str(raised.value.__cause__).startswith(f"{item['low_energy']}: working grid in millimetres")


def test_a_prediction_is_clipped_and_black_outside_the_breast():
    pred = MetaTensor(torch.tensor([[[-0.5, 0.25, 1.5, 0.75]]]))
    case = {"pred": pred, "breast_mask": MetaTensor(torch.tensor([[[1.0, 1.0, 1.0, 0.0]]]))}
    torch.testing.assert_close(
        prediction_in_breast()(case)["pred"].as_tensor(), torch.tensor([[[0.0, 0.25, 1.0, 0.0]]])
    )
