from __future__ import annotations

import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image

from vdes import __version__
from vdes.errors import InputError
from vdes.transforms.read_mammogram import ReadMammogram
from vdes.transforms.save_virtual_des import NOTICE, SaveVirtualDesd

SHAPE = (37, 23)
RANGE = (-50.0, 200.0)


@pytest.fixture
def values() -> torch.Tensor:
    """Values from 0 to 1 ``(1, H, W)`` that no mirror image has."""
    return torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def read() -> ReadMammogram:
    return ReadMammogram()


def saved(folder: Path, values: torch.Tensor, extension: str, source: str = "a/P1_L_MLO.jpg") -> Path:
    """Save one image and return the only file in the folder."""
    data = {"pred": values, "low_energy": source, "case": "P1_L_MLO"}
    assert SaveVirtualDesd("pred", folder, extension, RANGE)(data) == data
    [file] = folder.iterdir()
    return file


def test_a_png_holds_sixteen_bits_and_says_what_it_is(tmp_path, values, read):
    file = saved(tmp_path / "made" / "here", values, ".png")
    expected = np.round(values[0].numpy() * 65535)
    with Image.open(file) as image:
        assert image.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(image), expected)
        assert image.text == {"Description": NOTICE, "Software": f"vdes {__version__}", "des_range": "-50 200"}
    assert "not for diagnosis" in NOTICE
    np.testing.assert_array_equal(read(file)[0].numpy(), expected)


@pytest.mark.parametrize("extension", [".nii", ".nii.gz"])
def test_nifti_holds_intensities_and_the_pixel_size(tmp_path, values, read, extension):
    pred = MetaTensor(values, meta={"pixel_size_mm": 0.07})
    file = saved(tmp_path, pred, extension)
    expected = -50 + 250 * values[0].numpy()
    volume = nibabel.load(file)
    assert volume.get_data_dtype() == np.float32
    np.testing.assert_allclose(volume.get_fdata(), expected.T, atol=1e-4)
    assert nibabel.aff2axcodes(volume.affine)[:2] == ("L", "P")
    assert volume.header.get_zooms()[:2] == pytest.approx((0.07, 0.07))
    assert (volume.header["cal_min"], volume.header["cal_max"]) == RANGE
    assert volume.header["descrip"].item().decode() == NOTICE
    again = read(file)
    np.testing.assert_allclose(again[0].numpy(), expected, atol=1e-4)
    assert again.meta["pixel_size_mm"] == pytest.approx(0.07)


@pytest.mark.parametrize("pixel_size", [None, float("nan")])
def test_an_unknown_pixel_size_is_one(tmp_path, values, pixel_size):
    pred = values if pixel_size is None else MetaTensor(values, meta={"pixel_size_mm": pixel_size})
    assert nibabel.load(saved(tmp_path, pred, ".nii")).header.get_zooms()[:2] == (1.0, 1.0)


@pytest.mark.parametrize(("extension", "atol"), [(".png", 0), (".nii", 1e-4), (".nii.gz", 1e-4)])
def test_simpleitk_reads_the_same_values(tmp_path, values, extension, atol):
    itk = pytest.importorskip("SimpleITK", reason="no package SimpleITK")
    file = saved(tmp_path, MetaTensor(values, meta={"pixel_size_mm": 0.07}), extension)
    image = itk.ReadImage(str(file))
    expected = np.round(values[0].numpy() * 65535) if extension == ".png" else -50 + 250 * values[0].numpy()
    np.testing.assert_allclose(itk.GetArrayFromImage(image).squeeze(), expected, rtol=0, atol=atol)
    if extension != ".png":
        assert image.GetSpacing()[:2] == pytest.approx((0.07, 0.07))


def test_values_beyond_the_range_are_clipped(tmp_path):
    file = saved(tmp_path, torch.tensor([[[-0.2, 0.0, 0.5, 1.0, 1.7]]]), ".png")
    assert np.asarray(Image.open(file)).tolist() == [[0, 0, 32768, 65535, 65535]]


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("P1_L_MLO.jpg", "P1_L_MLO"),
        ("b/P1.nii.gz", "P1"),
        ("a.b.c.png", "a.b.c"),
        ("1.2.840.10008.nii", "1.2.840.10008"),
    ],
)
@pytest.mark.parametrize("extension", [".png", ".nii.gz"])
def test_files_keep_the_stem_of_the_low_energy_file(tmp_path, source, stem, extension):
    file = saved(tmp_path, torch.zeros(1, 4, 5), extension, source)
    assert file.name == stem + extension


def test_an_older_file_is_replaced_whole(tmp_path, values, read):
    saved(tmp_path, torch.zeros(1, 4, 5), ".png")
    assert read(saved(tmp_path, values, ".png")).shape == (1, *SHAPE)


def test_only_the_file_of_a_case_is_discarded(tmp_path, values):
    case = {"pred": values, "low_energy": "a/P1_L_MLO.jpg", "case": "P1_L_MLO"}
    save = SaveVirtualDesd("pred", tmp_path, ".png", RANGE)
    for one in (case, {**case, "low_energy": "a/P2_L_MLO.jpg"}):
        save(one)
    assert save.discard(case) == tmp_path / "P1_L_MLO.png"
    assert [file.name for file in tmp_path.iterdir()] == ["P2_L_MLO.png"]
    assert save.discard(case) is None


@pytest.mark.parametrize("extension", ["png", ".jpg", ".dicom", ""])
def test_another_extension_is_refused_before_anything_is_made(tmp_path, extension):
    with pytest.raises(InputError, match=r"output_ext: .*: expected one of \.png, \.nii, \.nii\.gz"):
        SaveVirtualDesd("pred", tmp_path / "made", extension, RANGE)
    assert not (tmp_path / "made").exists()


def test_a_dicom_file_is_what_the_writer_makes_of_it(tmp_path, values):
    with pytest.raises(InputError, match="expected a dicom_writer with it"):
        SaveVirtualDesd("pred", tmp_path / "made", ".dcm", RANGE)
    given = []

    def write(file: Path, low_energy: str, pixels: np.ndarray) -> None:
        given.append((low_energy, pixels))
        file.write_bytes(b"made")

    data = {"pred": values, "low_energy": "a/secret.dcm", "case": "P1_S1_L_CC"}
    SaveVirtualDesd("pred", tmp_path, ".dcm", RANGE, dicom_writer=write)(data)
    assert (tmp_path / "P1_S1_L_CC.dcm").read_bytes() == b"made"
    assert given[0][0] == "a/secret.dcm"
    np.testing.assert_array_equal(given[0][1], values[0].numpy())


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of processes")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(InputError, match=r"P1_L_MLO\.png: cannot be written \(File too large\)"):
            saved(tmp_path, torch.rand(1, 100, 100), ".png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
