from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from vdes.errors import InputError
from vdes.transforms.read_mammogram import ReadMammogram, ReadMammogramd

SHAPE = (37, 23)


@pytest.fixture(scope="module")
def read() -> ReadMammogram:
    return ReadMammogram()


def corner(high: int, dtype: type) -> np.ndarray:
    """Rise along the columns, with a mark in the top right corner, so that every mirror image differs."""
    pixels = np.broadcast_to(np.linspace(0, high // 2, SHAPE[1]), SHAPE).astype(dtype)
    pixels[:5, -7:] = high
    return pixels


def save_nifti(file: Path, array: np.ndarray, affine: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(array, affine), file)
    return file


@pytest.mark.parametrize(
    ("name", "high", "dtype"),
    [("a.png", 255, np.uint8), ("a.png", 65535, np.uint16), ("a.tif", 65535, np.uint16), ("A.BMP", 255, np.uint8)],
)
def test_pixels_come_as_they_are_stored_and_as_they_are_looked_at(read, tmp_path, name, high, dtype):
    pixels = corner(high, dtype)
    Image.fromarray(pixels).save(tmp_path / name)
    image = read(tmp_path / name)
    assert image.dtype == torch.float32
    assert image.shape == (1, *SHAPE)
    np.testing.assert_array_equal(image[0].numpy(), pixels)
    assert image.meta["filename_or_obj"] == str(tmp_path / name)
    assert np.isnan(image.meta["pixel_size_mm"])


def test_dicom_comes_as_it_is_displayed_whatever_its_name(read, tmp_path, write_mammogram):
    pixels = corner(4095, np.uint16)
    for name in ("a.dcm", "1.2.840.113"):
        inverted = {"PhotometricInterpretation": "MONOCHROME1", "ImagerPixelSpacing": ["0.07", "0.07"]}
        image = read(write_mammogram(tmp_path / name, 4095 - pixels, **inverted))
        assert image.dtype == torch.float32 and image.shape == (1, *SHAPE)
        np.testing.assert_allclose(image[0].numpy(), pixels / 4095 * 65535, atol=0.01)
        assert image.meta["pixel_size_mm"] == 0.07


def test_a_density_in_a_png_is_not_a_pixel_size(read, tmp_path):
    Image.fromarray(corner(255, np.uint8)).save(tmp_path / "a.png", dpi=(300, 300))
    assert np.isnan(read(tmp_path / "a.png").meta["pixel_size_mm"])


def test_grey_stored_as_rgb_is_the_same_grey(read, tmp_path):
    grey = corner(255, np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.jpg", quality=95)
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(tmp_path / "rgb.jpg", quality=95)
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(tmp_path / "rgb.png")
    np.testing.assert_array_equal(read(tmp_path / "rgb.jpg").numpy(), read(tmp_path / "grey.jpg").numpy())
    np.testing.assert_array_equal(read(tmp_path / "rgb.png")[0].numpy(), grey)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("directions", [(-0.25, -0.25), (0.25, 0.25), (-0.25, 0.25)])
def test_the_first_axis_of_nifti_is_the_columns_whatever_its_directions(read, tmp_path, suffix, directions):
    pixels = corner(4000, np.int16)
    file = save_nifti(tmp_path / f"a{suffix}", pixels.T[..., None], np.diag([*directions, 1.0, 1.0]))
    image = read(file)
    np.testing.assert_array_equal(image[0].numpy(), pixels)
    assert image.meta["pixel_size_mm"] == pytest.approx(0.25)
    torch.testing.assert_close(image.affine, torch.eye(4, dtype=torch.float64))


def test_nifti_values_are_scaled_by_slope_and_intercept(read, tmp_path):
    stored = nibabel.Nifti1Image(corner(4000, np.int16).T, np.eye(4))
    stored.header.set_slope_inter(0.5, -10)
    nibabel.save(stored, tmp_path / "a.nii")
    expected = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj).T
    np.testing.assert_allclose(read(tmp_path / "a.nii")[0].numpy(), expected)


def unreadable(folder: Path, kind: str) -> tuple[Path, str]:
    """Write a file that is not a mammogram, and return it with what the error must say."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 48), dtype=np.uint8)
    if kind == "missing":
        return folder / "none.png", "no such file"
    if kind == "folder":
        (folder / "folder.png").mkdir()
        return folder / "folder.png", "no such file"
    if kind in ("jpg", "png", "tif"):
        Image.fromarray(noise).save(folder / f"whole.{kind}")
        file = folder / f"cut.{kind}"
        file.write_bytes((folder / f"whole.{kind}").read_bytes()[:1500])
        return file, "cannot be read as an image"
    if kind == "nii.gz":
        whole = save_nifti(folder / "whole.nii.gz", noise, np.eye(4))
        (folder / "cut.nii.gz").write_bytes(whole.read_bytes()[:1500])
        return folder / "cut.nii.gz", "cannot be read as an image"
    if kind == "text":
        (folder / "text.png").write_text("no image")
        return folder / "text.png", "cannot be read as an image"
    if kind == "volume":
        return save_nifti(folder / "volume.nii", np.zeros((4, 5, 6), np.uint8), np.eye(4)), r"\(4, 5, 6\)"
    if kind == "cmyk":
        Image.fromarray(np.stack([noise] * 4, axis=-1), "CMYK").save(folder / "cmyk.jpg")
        return folder / "cmyk.jpg", r"expected one two-dimensional image, found an array of shape \(64, 48, 4\)"
    values = noise.astype(np.float32)
    values[3, 4] = float(kind)
    return save_nifti(folder / "values.nii", values, np.eye(4)), "expected finite numbers"


@pytest.mark.parametrize(
    "kind",
    ["missing", "folder", "jpg", "png", "tif", "nii.gz", "text", "volume", "cmyk", "nan", "inf"],
)
def test_what_is_no_mammogram_is_named_in_one_line(read, tmp_path, kind):
    file, message = unreadable(tmp_path, kind)
    with pytest.raises(InputError, match=message) as raised:
        read(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert len(str(raised.value).splitlines()) == 1


@pytest.fixture
def pair(tmp_path) -> dict[str, str]:
    """Write a low-energy image, a DES image of another size, and a mask on each."""
    rng = np.random.default_rng(0)
    sizes = {"low_energy": SHAPE, "lesion_mask": SHAPE, "des": (40, 30), "des_lesion_mask": (40, 30)}
    for name, size in sizes.items():
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(tmp_path / f"{name}.png")
    return {name: str(tmp_path / f"{name}.png") for name in sizes}


DRAWN_ON = (("lesion_mask", "low_energy"), ("des_lesion_mask", "des"))
KEYS = ("lesion_mask", "des_lesion_mask", "low_energy", "des")


@pytest.mark.parametrize("absent", [{}, {"lesion_mask": None, "des_lesion_mask": None}])
def test_a_mask_that_was_not_drawn_is_zeros_of_the_size_of_its_image(pair, absent):
    item = {key: file for key, file in pair.items() if not key.endswith("lesion_mask")} | absent
    read = ReadMammogramd(KEYS, same_size=DRAWN_ON)(item | {"case": "P1_L_CC"})
    assert {key: tuple(read[key].shape) for key in KEYS} == {
        "lesion_mask": (1, *SHAPE),
        "des_lesion_mask": (1, 40, 30),
        "low_energy": (1, *SHAPE),
        "des": (1, 40, 30),
    }
    assert not read["lesion_mask"].any()
    assert not read["des_lesion_mask"].any()
    assert read["low_energy"].any()
    assert read["case"] == "P1_L_CC"
    assert "pixel_size_mm" not in read


def test_a_mask_of_another_size_than_its_image_is_refused(pair):
    with pytest.raises(InputError) as raised:
        ReadMammogramd(KEYS, same_size=DRAWN_ON)(pair | {"lesion_mask": pair["des_lesion_mask"]})
    message = str(raised.value)
    assert message.startswith(f"{pair['des_lesion_mask']}: field lesion_mask: size (40, 30)")
    assert f"differs from {SHAPE} of {pair['low_energy']}" in message


def test_the_pixel_size_of_the_reference_counts_unless_the_item_states_one(pair, tmp_path):
    for name, spacing in (("low_energy", 0.2), ("des", 0.3)):
        save_nifti(tmp_path / f"{name}.nii", np.ones((10, 12), np.float32), np.diag([spacing, spacing, 1, 1]))
    item = {name: str(tmp_path / f"{name}.nii") for name in ("low_energy", "des")}
    read = ReadMammogramd(("low_energy", "des"))
    assert read(item)["pixel_size_mm"] == pytest.approx(0.2)
    assert read(item | {"pixel_size_mm": None})["pixel_size_mm"] == pytest.approx(0.2)
    assert read(item | {"pixel_size_mm": 0.1})["pixel_size_mm"] == 0.1


def test_a_turned_jpeg_is_read_as_it_is_displayed(tmp_path: Path) -> None:
    stored = np.zeros((40, 30), np.uint8)
    stored[:20] = 200  # the upper half; turned by 90 degrees clockwise, the right half
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=100)
    image = ReadMammogram()(tmp_path / "a.jpg")[0]
    assert image.shape == (30, 40)
    assert float(image[:, 21:].min()) > 150 and float(image[:, :19].max()) < 50


def test_of_several_images_in_a_file_none_is_taken(tmp_path: Path) -> None:
    pages = [Image.new("L", (30, 40), value) for value in (10, 200)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match=r"a\.tif: holds 2 images; expected one image in a file$"):
        ReadMammogram()(tmp_path / "a.tif")
