import nibabel
import numpy as np
import pytest
from monai.data import NibabelReader, PILReader
from monai.transforms import LoadImage
from PIL import Image

from vdes.phantom.image_files import write_image


def test_png_holds_presentation_values_and_masks(tmp_path):
    shown = np.arange(12, dtype=np.uint16).reshape(4, 3) * 372
    write_image(tmp_path / "a.png", shown, None, 0.5)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), shown)
    write_image(tmp_path / "m.png", shown > 1000, None, 0.5)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "m.png")), shown > 1000)


def test_png_holds_physical_values_to_a_step(tmp_path):
    values = np.random.default_rng(0).uniform(-0.4, 0.7, (20, 15)).astype(np.float32)
    write_image(tmp_path / "v.png", values, (-0.5, 2e-5), 0.5)
    stored = np.asarray(Image.open(tmp_path / "v.png")).astype(float)
    assert stored * 2e-5 - 0.5 == pytest.approx(values, abs=1.1e-5)


def test_nifti_and_png_load_alike(tmp_path):
    shown = np.arange(12, dtype=np.uint16).reshape(4, 3) * 372
    for suffix in (".png", ".nii.gz"):
        write_image(tmp_path / f"a{suffix}", shown, None, 0.5)
    png = LoadImage(PILReader, image_only=True)(tmp_path / "a.png")
    nifti = LoadImage(NibabelReader, image_only=True)(tmp_path / "a.nii.gz")
    assert np.array_equal(np.asarray(png), np.asarray(nifti))


def test_nifti_holds_physical_values_and_the_pixel_size(tmp_path):
    values = np.random.default_rng(0).normal(size=(20, 15)).astype(np.float32)
    write_image(tmp_path / "v.nii.gz", values, (-0.5, 2e-5), 0.25)
    image = nibabel.load(tmp_path / "v.nii.gz")
    assert np.array_equal(image.get_fdata(dtype=np.float32).T, values)
    assert image.header.get_zooms()[:2] == pytest.approx((0.25, 0.25))
