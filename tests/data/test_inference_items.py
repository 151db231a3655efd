from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from vdes.data.cdd_cesm.datalist import write_cdd_cesm
from vdes.data.cdd_cesm.settings import CddCesmSettings
from vdes.data.datalist import Datalist
from vdes.data.inference_items import check_outputs, inference_items, input_intensity_range, named_by_case, output_stem
from vdes.errors import InputError


def save(path: Path, dtype: type = np.uint8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((6, 4), dtype)).save(path)
    return path


def test_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "P1_L_MLO.png")
    monkeypatch.chdir(tmp_path)
    assert inference_items("P1_L_MLO.png") == [{"case": "P1_L_MLO", "low_energy": str(tmp_path / "P1_L_MLO.png")}]


def test_folder_is_read_sorted_and_without_its_sub_folders(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "c.TIFF", ".hidden.png", "deeper/d.png"):
        save(tmp_path / name)
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 6, 1), np.uint8), np.eye(4)), tmp_path / "d.nii.gz")
    (tmp_path / "notes.txt").write_text("x")
    assert [item["case"] for item in inference_items(tmp_path)] == ["a", "b", "c", "d"]


def test_official_layout_gives_its_low_energy_images(official) -> None:
    items = inference_items(official.path)
    assert len(items) == 26
    assert all("_DM_" in item["case"] for item in items)


def test_datalist_gives_all_splits_with_their_fields(official, tmp_path: Path) -> None:
    official.image("P3_R_DM_CC").unlink()
    write_cdd_cesm(official.path, tmp_path / "d.json", CddCesmSettings(include_unpaired=True))
    items = inference_items(tmp_path / "d.json")
    assert len(items) == 25 and "P3_R_CC" not in {item["case"] for item in items}
    item = next(item for item in items if item["case"] == "P11_R_CC")
    assert item["density"] == "c" and item["lesion_points"] == [[11, 7]]
    assert "lesion_mask" not in item and Path(item["des"]).is_file()


def test_range_is_the_datalists_then_the_given_then_the_bit_depths(official, tmp_path: Path) -> None:
    write_cdd_cesm(official.path, tmp_path / "d.json")
    listed = inference_items(tmp_path / "d.json")
    assert input_intensity_range(tmp_path / "d.json", listed, given=(0, 9)) == (0, 255)
    for dtype, expected in ((np.uint8, (0, 255)), (np.uint16, (0, 65535))):
        path = save(tmp_path / f"{dtype.__name__}.png", dtype)
        items = inference_items(path)
        assert input_intensity_range(path, items) == expected
        assert input_intensity_range(path, items, given=[0, 4095]) == (0, 4095)


def test_float_files_need_a_range(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", np.float32)
    items = inference_items(path)
    with pytest.raises(InputError, match=r"a\.tif: pixel type float32 has no natural intensity range; pass the range"):
        input_intensity_range(path, items)
    assert input_intensity_range(path, items, given=(0.0, 1.5)) == (0.0, 1.5)
    for wrong in ((1, 1), (2, 1), (1,), (0, float("nan"))):
        with pytest.raises(InputError, match="expected two increasing numbers"):
            input_intensity_range(path, items, given=wrong)


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: no such file or folder"):
        inference_items(tmp_path / "none")
    with pytest.raises(InputError, match=r"no image in this folder; expected files ending in \.png, .*\.nii\.gz"):
        inference_items(tmp_path)
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(InputError, match=r"a\.docx: not a file that vdes reads"):
        inference_items(tmp_path / "a.docx")


def test_two_files_of_one_stem_are_an_error(tmp_path: Path) -> None:
    save(tmp_path / "a.png"), save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"a\.jpg and .*a\.png have the same stem 'a'"):
        inference_items(tmp_path)


def test_files_of_one_name_in_folders_by_patient_are_named_by_their_case(small_datalist: Path, tmp_path: Path) -> None:
    content = Datalist.read(small_datalist).content()
    for item in content["test"]:
        folder = tmp_path / item["case"]
        folder.mkdir()
        item["low_energy"] = shutil.copy(item["low_energy"], str(folder / "low_energy.png"))
    assert len(content["test"]) > 1
    Datalist.write(tmp_path / "d.json", content)
    items = inference_items(tmp_path / "d.json")
    assert named_by_case(items) and not named_by_case(inference_items(small_datalist))
    assert [output_stem(item, by_case=True) for item in items] == [item["case"] for item in items]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"{items[0]['case']}.png").touch()
    with pytest.raises(InputError, match=rf"{items[0]['case']}\.png: exists already \(1 of {len(items)} outputs do\)"):
        check_outputs(tmp_path / "out", items, ".png", overwrite=False)


def test_mixed_bit_depths_are_an_error(tmp_path: Path) -> None:
    save(tmp_path / "a.png"), save(tmp_path / "b.png", np.uint16)
    with pytest.raises(InputError, match=r"b\.png: pixel type uint16, but .*a\.png has uint8"):
        inference_items(tmp_path)


def test_truncated_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 40), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"a\.png: unreadable or truncated image"):
        inference_items(tmp_path)


def test_datalist_without_low_energy_images_is_an_error(official, tmp_path: Path) -> None:
    for file in (official.path / "Low energy images of CDD-CESM").iterdir():
        file.unlink()
    write_cdd_cesm(official.path, tmp_path / "d.json", CddCesmSettings(include_unpaired=True))
    with pytest.raises(InputError, match=r"d\.json: no item has 'low_energy'"):
        inference_items(tmp_path / "d.json")


def test_outputs_that_exist_are_refused_with_their_number(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / "in" / name)
    items = inference_items(tmp_path / "in")
    out = tmp_path / "out"
    check_outputs(out, items, ".nii.gz", overwrite=False)
    out.mkdir()
    for name in ("b.nii.gz", "c.nii.gz", "a.png"):
        (out / name).write_text("mine")
    with pytest.raises(InputError, match=r"b\.nii\.gz: exists already \(2 of 3 outputs do\); .*--overwrite true"):
        check_outputs(out, items, ".nii.gz", overwrite=False)
    check_outputs(out, items, ".nii.gz", overwrite=True)
    with pytest.raises(InputError, match=r"a\.png: is a file; expected a folder"):
        check_outputs(out / "a.png", items, ".png", overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["same folder", "linked folder", "hard link", "link to the input", "linked input"])
def test_no_output_replaces_an_input(tmp_path: Path, kind: str, overwrite: bool) -> None:
    save(tmp_path / "in" / "a.png")
    out = tmp_path / "out"
    given = tmp_path / "in"
    if kind == "same folder":
        out = tmp_path / "in" / ".." / "in"
    elif kind == "linked folder":
        out.symlink_to(tmp_path / "in")
    else:
        out.mkdir()
        if kind == "hard link":
            (out / "a.png").hardlink_to(tmp_path / "in" / "a.png")
        elif kind == "link to the input":
            (out / "a.png").symlink_to(tmp_path / "in" / "a.png")
        else:
            given = tmp_path / "links"
            given.mkdir()
            (tmp_path / "in" / "a.png").rename(out / "a.png")
            (given / "a.png").symlink_to(out / "a.png")
    with pytest.raises(
        InputError, match=r"a\.png: is an input of this run, which no output may replace; choose another"
    ):
        check_outputs(out, inference_items(given), ".png", overwrite)
    check_outputs(out, inference_items(given), ".nii.gz", overwrite)


def test_dicom_files_are_taken_with_and_without_a_suffix(tmp_path: Path, write_mammogram) -> None:
    for name in ("a.dcm", "1.2.840.113.1", "1.2.840.113.2"):
        write_mammogram(tmp_path / name)
    (tmp_path / "notes").write_text("no image")
    items = inference_items(tmp_path)
    assert [item["case"] for item in items] == ["1.2.840.113.1", "1.2.840.113.2", "a"]
    assert input_intensity_range(tmp_path, items) == (0, 65535)
    save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"b\.png: pixel type uint8, but .*1\.2\.840\.113\.1 has uint16"):
        inference_items(tmp_path)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"ImageType": ["DERIVED", "PRIMARY", "", "SUBTRACTION"]}, "is a des image (ImageType SUBTRACTION); expected"),
        ({"SyntheticData": "YES"}, "is a virtual_des image (SyntheticData YES); expected a low-energy image"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw: PresentationIntentType FOR PROCESSING; expected"),
        ({"PixelData": None}, "PixelData is missing"),
    ],
)
def test_dicom_files_of_another_kind_are_refused(tmp_path: Path, write_mammogram, attributes, message) -> None:
    file = write_mammogram(tmp_path / "a.dcm", **attributes)
    with pytest.raises(InputError) as error:
        inference_items(file)
    assert str(error.value).startswith(f"{file}: {message}")


def test_outputs_for_dicom_are_named_by_the_case(tmp_path: Path, write_mammogram) -> None:
    dicom = {"case": "P1_S1_L_CC", "low_energy": str(write_mammogram(tmp_path / "Doe^Jane.1"))}
    png = {"case": "P1_L_CC", "low_energy": str(save(tmp_path / "P1_L_DM_CC.png"))}
    assert [output_stem(item) for item in (dicom, png)] == ["P1_S1_L_CC", "P1_L_DM_CC"]
    check_outputs(tmp_path / "out", [dicom], ".dcm", overwrite=False)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "P1_S1_L_CC.png").write_text("mine")
    with pytest.raises(InputError, match=r"P1_S1_L_CC\.png: exists already \(1 of 2"):
        check_outputs(tmp_path / "out", [dicom, png], ".png", overwrite=False)
    with pytest.raises(InputError, match=r"P1_L_DM_CC\.png: not DICOM; outputs in \.dcm need low-energy images in"):
        check_outputs(tmp_path / "out", [dicom, png], ".dcm", overwrite=True)


def test_an_image_or_a_folder_is_of_the_last_input(tmp_path: Path) -> None:
    file = str(save(tmp_path / "a.png"))
    for inputs, modality in ((("low_energy", "des"), "des"), (("des",), "des"), (("low_energy",), "low_energy")):
        for path in (tmp_path, tmp_path / "a.png"):
            assert inference_items(path, inputs) == [{"case": "a", modality: file}]


def test_official_layout_gives_the_images_of_the_modality(official) -> None:
    items = inference_items(official.path, ("low_energy", "des"))
    assert len(items) == 26
    assert all("_CM_" in item["case"] and "_CM_" in item["des"] and "low_energy" not in item for item in items)
    assert all("_DM_" in item["low_energy"] for item in inference_items(official.path, ["low_energy"]))


def test_datalist_gives_items_with_either_input(official, tmp_path: Path) -> None:
    official.image("P3_R_DM_CC").unlink()
    official.image("P7_R_CM_MLO").unlink()
    write_cdd_cesm(official.path, tmp_path / "d.json", CddCesmSettings(include_unpaired=True))
    for inputs, count in ((("low_energy", "des"), 26), (("des",), 25), (("low_energy",), 25)):
        assert len(inference_items(tmp_path / "d.json", inputs)) == count
    items = {item["case"]: item for item in inference_items(tmp_path / "d.json", ("low_energy", "des"))}
    assert "low_energy" not in items["P3_R_CC"] and Path(items["P3_R_CC"]["des"]).is_file()
    assert "des" not in items["P7_R_MLO"] and Path(items["P7_R_MLO"]["low_energy"]).is_file()


def test_datalist_without_any_input_is_an_error(official, tmp_path: Path) -> None:
    for file in (official.path / "Subtracted images of CDD-CESM").iterdir():
        file.unlink()
    write_cdd_cesm(official.path, tmp_path / "d.json", CddCesmSettings(include_unpaired=True))
    with pytest.raises(InputError, match=r"d\.json: no item has 'des'; expected at least one image"):
        inference_items(tmp_path / "d.json", ("des",))
    assert len(inference_items(tmp_path / "d.json", ("low_energy", "des"))) == 26


def test_ranges_are_those_of_each_modality(official, tmp_path: Path) -> None:
    write_cdd_cesm(official.path, tmp_path / "d.json")
    listed = json.loads((tmp_path / "d.json").read_text())
    listed["intensity_range"]["des"] = [-100, 100]
    (tmp_path / "d.json").write_text(json.dumps(listed))
    items = inference_items(tmp_path / "d.json", ("low_energy", "des"))
    assert input_intensity_range(tmp_path / "d.json", items, modality="low_energy") == (0, 255)
    assert input_intensity_range(tmp_path / "d.json", items, modality="des") == (-100, 100)


def test_the_range_of_a_modality_that_no_item_has_is_that_of_the_other(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.uint16)
    for inputs in (("low_energy",), ("des",)):
        items = inference_items(path, inputs)
        for modality in ("low_energy", "des"):
            assert input_intensity_range(path, items, modality=modality) == (0, 65535)


def test_two_des_files_of_one_stem_are_an_error(tmp_path: Path) -> None:
    save(tmp_path / "a.png"), save(tmp_path / "a.jpg")
    for inputs in (("des",), ("low_energy", "des"), ["low_energy"]):
        with pytest.raises(InputError, match=r"a\.jpg and .*a\.png have the same stem 'a'"):
            inference_items(tmp_path, inputs)


def test_des_files_of_mixed_bit_depths_are_an_error(tmp_path: Path) -> None:
    save(tmp_path / "a.png"), save(tmp_path / "b.png", np.uint16)
    with pytest.raises(InputError, match=r"b\.png: pixel type uint16, but .*a\.png has uint8"):
        inference_items(tmp_path, ("low_energy", "des"))


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "is a low_energy image (ImageType LOW_ENERGY); expected a DES image"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "HIGH_ENERGY"]}, "is a high_energy image (ImageType HIGH_ENERGY)"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "CESM"], "PresentationIntentType": "FOR PROCESSING"}, "raw: "),
    ],
)
def test_dicom_files_that_are_no_des_are_refused(tmp_path: Path, write_mammogram, attributes, message) -> None:
    file = write_mammogram(tmp_path / "a.dcm", **attributes)
    for inputs in (("des",), ("low_energy", "des")):
        with pytest.raises(InputError) as error:
            inference_items(file, inputs)
        assert str(error.value).startswith(f"{file}: {message}")


@pytest.mark.parametrize(
    "attributes",
    [
        {"ImageType": ["DERIVED", "PRIMARY", "", "SUBTRACTION"]},
        {"SyntheticData": "YES"},
        {"ImageType": ["DERIVED", "PRIMARY"], "KVP": 28},  # of an exposure that it may have been made from
    ],
)
def test_dicom_des_images_are_taken_real_and_virtual(tmp_path: Path, write_mammogram, attributes) -> None:
    file = write_mammogram(tmp_path / "a.dcm", **attributes)
    assert inference_items(file, ("low_energy", "des")) == [{"case": "a", "des": str(file)}]


def test_a_file_whose_name_is_no_id_is_refused_in_printable_words(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a\x1b[31m.png")
    with pytest.raises(
        InputError, match=r"a\\x1b\[31m\.png': the file's name: .*; expected a text that can name"
    ) as caught:
        inference_items(tmp_path)
    assert str(caught.value).isprintable()


def test_a_name_that_a_file_system_took_apart_is_the_same_case(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "e\u0301.png")
    [item] = inference_items(tmp_path)
    assert item["case"] == "\u00e9" and Path(item["low_energy"]).is_file()


@pytest.mark.parametrize(("largest", "warned"), [(4095, 12), (1023, 10), (16383, 14), (40000, None)])
def test_16_bit_files_of_fewer_bits_are_noticed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, largest: int, warned: int | None
) -> None:
    values = np.linspace(0, largest, 24 * 18).reshape(24, 18).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    items = inference_items(tmp_path / "a.png")
    assert input_intensity_range(tmp_path / "a.png", items) == (0.0, 65535.0)
    expected = f'if they have {warned} bits, pass --intensity_range "[0, {2 ** (warned or 1) - 1}]"'
    assert (expected in caplog.text) is (warned is not None) and bool(caplog.text) is (warned is not None)
    caplog.clear()
    assert input_intensity_range(tmp_path / "a.png", items, (0, 4095)) == (0.0, 4095.0) and not caplog.text
