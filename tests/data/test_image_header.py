from __future__ import annotations

import struct
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from vdes.data.image_header import ImageHeader, check_size, common_dtype, image_stem, image_suffix, read_image_header
from vdes.errors import InputError


@pytest.mark.parametrize(
    ("name", "dtype", "expected"),
    [
        ("a.png", np.uint8, "uint8"),
        ("a.png", np.uint16, "uint16"),
        ("a.tif", np.uint8, "uint8"),
        ("a.tif", np.uint16, "uint16"),
        ("a.tiff", np.float32, "float32"),
        ("a.jpg", np.uint8, "uint8"),
        ("a.bmp", np.uint8, "uint8"),
    ],
)
def test_size_and_type_of_images(tmp_path: Path, name: str, dtype: type, expected: str) -> None:
    Image.fromarray(np.arange(15 * 9).reshape(15, 9).astype(dtype)).save(tmp_path / name)
    assert read_image_header(tmp_path / name) == ImageHeader(width=9, height=15, dtype=expected)


def test_colour_is_8_bit_and_a_palette_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (9, 15)).save(tmp_path / "rgb.jpg")
    assert read_image_header(tmp_path / "rgb.jpg").dtype == "uint8"
    Image.new("P", (9, 15)).save(tmp_path / "palette.png")
    with pytest.raises(InputError, match=r"palette\.png: pixel type 'P'; expected grey"):
        read_image_header(tmp_path / "palette.png")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_nifti_has_its_width_first(tmp_path: Path, name: str) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 15, 1), np.uint16), np.eye(4)), tmp_path / name)
    assert read_image_header(tmp_path / name) == ImageHeader(width=9, height=15, dtype="uint16")


def test_nifti_with_a_slope_holds_floats(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.linspace(0, 1, 6).reshape(2, 3, 1), np.eye(4))
    image.set_data_dtype(np.uint16)
    nibabel.save(image, tmp_path / "a.nii")
    header = read_image_header(tmp_path / "a.nii")
    assert header.dtype == "float32" and header.integer_range is None


def test_integer_ranges() -> None:
    assert ImageHeader(1, 1, "uint8").integer_range == (0, 255)
    assert ImageHeader(1, 1, "uint16").integer_range == (0, 65535)
    assert ImageHeader(1, 1, "int32").integer_range is None


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.bmp"])
def test_truncated_file_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (80, 60), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(InputError, match=f"{name}: unreadable or truncated image") as caught:
        read_image_header(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_bytes_behind_the_end_do_not_make_a_file_truncated(tmp_path: Path, name: str) -> None:
    Image.new("L", (60, 80), 7).save(tmp_path / name)
    with (tmp_path / name).open("ab") as stream:
        stream.write(bytes(500))
    assert read_image_header(tmp_path / name).width == 60


@pytest.mark.parametrize("name", ["a.png", "a.nii", "a.nii.gz"])
def test_other_content_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no image")
    with pytest.raises(InputError, match=f"{name}: unreadable"):
        read_image_header(tmp_path / name)


def test_missing_file_and_unknown_suffix_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such image file"):
        read_image_header(tmp_path / "a.png")
    with pytest.raises(InputError, match="not an image that vdes reads"):
        read_image_header(tmp_path / "a.docx")


def test_mixed_bit_depths_are_an_error_that_names_both_files() -> None:
    eight, sixteen = ImageHeader(1, 1, "uint8"), ImageHeader(1, 1, "uint16")
    assert common_dtype([("a.png", eight), ("b.png", eight)]) == "uint8"
    with pytest.raises(InputError, match=r"c\.png: pixel type uint16, but a\.png has uint8"):
        common_dtype([("a.png", eight), ("b.png", eight), ("c.png", sixteen)])


def test_stem_and_suffix() -> None:
    assert image_stem("a.b/P1_L_MLO.nii.gz") == "P1_L_MLO"
    assert image_stem("P1.5_L.JPG") == "P1.5_L"
    assert image_stem("P1.dcm") == "P1"
    assert image_suffix("x/a.NII.GZ") == ".nii.gz"
    assert image_suffix("x/a.DCM") == ".dcm"
    assert image_stem("1.2.840.113") == "1.2.840.113"
    assert image_suffix("x/a.docx") is None


def test_an_image_is_as_large_as_it_is_displayed(tmp_path: Path) -> None:
    exif = Image.Exif()
    for orientation, size in ((1, (30, 40)), (3, (30, 40)), (6, (40, 30)), (8, (40, 30))):
        exif[0x0112] = orientation
        Image.new("L", (30, 40)).save(tmp_path / "a.jpg", exif=exif)
        header = read_image_header(tmp_path / "a.jpg")
        assert (header.width, header.height) == size


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_file_of_several_images_is_refused(tmp_path: Path, name: str) -> None:
    pages = [Image.new("L", (30, 40), value) for value in (10, 200)]
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match=rf"{name}: holds 2 images; expected one image in a file$"):
        read_image_header(tmp_path / name)


def black_png(path: Path, width: int, height: int) -> Path:
    """Write a black image row by row: some kilobytes for any size."""
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", pixels), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )
    return path


def stated_nifti(path: Path, shape: tuple[int, ...]) -> Path:
    """Write a NIfTI file of float32 that has a header for the shape, and 100 bytes of pixels."""
    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.float32)
    header["magic"], header["vox_offset"] = b"n+1", 352
    path.write_bytes(header.binaryblock + bytes(104))
    return path


@pytest.mark.parametrize("width", [10_000, 20_000])  # Pillow would warn of the first, and refuse the second
def test_a_png_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, width: int) -> None:
    file = black_png(tmp_path / "bomb.png", width, 10_000)
    assert file.stat().st_size < 300_000
    for read in (read_image_header, check_size):
        with pytest.raises(InputError, match=r"bomb\.png: .* pixels; expected at most 80 million$"):
            read(file)


@pytest.mark.parametrize("shape", [(32000, 32000), (2048, 2048, 300)])
def test_a_nifti_of_too_many_pixels_is_refused_before_it_is_read(tmp_path: Path, shape: tuple[int, ...]) -> None:
    file = stated_nifti(tmp_path / "bomb.nii", shape)
    with pytest.raises(InputError, match=r"bomb\.nii: .* pixels; expected at most 80 million$"):
        check_size(file)


def test_a_nifti_that_is_shorter_than_it_states_is_refused(tmp_path: Path) -> None:
    file = stated_nifti(tmp_path / "cut.nii", (512, 256))
    with pytest.raises(InputError, match=r"cut\.nii: truncated image: 452 bytes of 524640"):
        read_image_header(file)
