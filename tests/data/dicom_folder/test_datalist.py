"""Folders of studies as datalists, among them one that is mostly damaged."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.fileset import FileSet
from pydicom.uid import JPEG2000Lossless

from vdes.cli import main
from vdes.data.datalist import Datalist
from vdes.data.dicom_folder.datalist import write_dicom_datalist
from vdes.data.dicom_folder.settings import DicomFolderSettings
from vdes.data.inference_items import inference_items, input_intensity_range
from vdes.errors import InputError

RECOMBINED = ["DERIVED", "PRIMARY", "", "RECOMBINED"]


@pytest.fixture
def studies(write_mammogram, tmp_path: Path) -> Path:
    """Five studies of four patients, both breasts in CC, low energy and DES, named as archives name them."""
    folder = tmp_path / "studies"
    for study in range(5):
        for side in "LR":
            common: dict[str, Any] = {
                "study": f"2.25.{study + 10}",
                "laterality": side,
                "PatientID": f"Doe{study // 2}",
            }
            common["AccessionNumber"] = f"A{study}"
            if study == 4:
                common["PatientID"] = None
            write_mammogram(folder / f"{study}" / f"IM{side}1", **common)
            write_mammogram(folder / f"{study}" / f"IM{side}2", ImageType=RECOMBINED, **common)
    return folder


def test_pairs_are_listed_under_names_that_tell_nothing(studies: Path, tmp_path: Path) -> None:
    output = tmp_path / "d.json"
    pd.DataFrame({"AccessionNumber": ["A0", "A3", "Z"], "pathology": ["malignant", "benign", "normal"]}).to_csv(
        tmp_path / "labels.csv", index=False
    )
    datalist = write_dicom_datalist(studies, output, DicomFolderSettings(labels=tmp_path / "labels.csv"))
    items = Datalist.read(output).items()
    assert {item["case"] for item in items} == {
        f"{study}_{side}_CC" for study in ("P1_S1", "P1_S2", "P2_S1", "P2_S2", "P3_S1") for side in "LR"
    }
    by_case = {item["case"]: item for item in items}
    first = by_case["P1_S1_L_CC"]
    assert Path(first["low_energy"]) == studies / "0" / "IML1" and Path(first["des"]) == studies / "0" / "IML2"
    assert first["evidence"] == {"low_energy": "ImageType LOW_ENERGY", "des": "ImageType RECOMBINED"}
    assert (first["pathology"], first["pixel_size_mm"]) == ("malignant", 0.1)
    assert by_case["P2_S2_R_CC"]["pathology"] == "benign" and by_case["P1_S2_L_CC"]["pathology"] is None
    assert "Doe" not in output.read_text() and "A0" not in output.read_text()
    assert datalist.fields["report"]["left_out"] == []
    assert [note["what"] for note in datalist.fields["report"]["notes"]] == [
        "studies without PatientID, each counted as a separate patient unless name and birth date match",
        "studies of the table, 3 with pathology, 0 with density, 0 with birads; "
        "AccessionNumber from 'AccessionNumber', pathology from 'pathology'",
        "studies of the table without images here",
    ]
    # the same folder gives the same file
    before = output.read_bytes()
    write_dicom_datalist(studies, output, DicomFolderSettings(labels=tmp_path / "labels.csv"), overwrite=True)
    assert output.read_bytes() == before

    listed = inference_items(output)
    assert input_intensity_range(output, listed) == (0, 65535)
    assert input_intensity_range(studies / "0" / "IML1", inference_items(studies / "0" / "IML1")) == (0, 65535)


def test_what_is_left_out_has_a_reason(write_mammogram, studies: Path, tmp_path: Path, capsys) -> None:
    odd: dict[str, dict[str, Any]] = {
        "raw": {"PresentationIntentType": "FOR PROCESSING"},
        "high": {"ImageType": ["ORIGINAL", "PRIMARY", "", "HIGH_ENERGY"]},
        "virtual": {"SyntheticData": "YES"},
        "tomo": {"ImageType": ["DERIVED", "PRIMARY", "TOMO", "GENERATED_2D"]},
        "ct": {"Modality": "CT"},
        "film": {"ViewPosition": None, "ViewCodeSequence": None},
        "nowhere": {"ImageLaterality": None},
        "alone": {"study": "2.25.99"},
        "no_uid": {"StudyInstanceUID": "Doe"},
    }
    for name, attributes in odd.items():
        write_mammogram(studies / "odd" / name, **attributes)
    (studies / "odd" / "copy").write_bytes((studies / "0" / "IML1").read_bytes())
    (studies / "notes.txt").write_text("notes")
    assert main(["datalist", "dicom", str(studies), "--output", str(tmp_path / "d.json")]) == 0
    printed = capsys.readouterr().out
    left_out = Datalist.read(tmp_path / "d.json").fields["report"]["left_out"]
    report = {entry["names"][0]: entry["what"] for entry in left_out}
    assert report.pop("odd/no_uid").startswith("damaged or unreadable DICOM (StudyInstanceUID is missing or not a UID")
    assert report == {
        "odd/raw": "raw: PresentationIntentType FOR PROCESSING; expected an image for presentation",
        "odd/high": "high-energy image, not for display (ImageType HIGH_ENERGY)",
        "odd/virtual": "virtual DES (SyntheticData YES); expected an image that was acquired",
        "odd/tomo": "neither low-energy nor DES (ImageType TOMO)",
        "odd/ct": "Modality CT; expected MG",
        "odd/film": "ViewPosition missing; expected CC or MLO",
        "odd/nowhere": "ImageLaterality is missing; expected L or R",
        "odd/alone": "no DES image of the view in the study (--include-unpaired keeps it)",
        "odd/copy": "copy of another file: same SOPInstanceUID",
        "notes.txt": "not a DICOM file (no DICM at byte 128)",
    }
    assert "left out: 1 Modality CT; expected MG: odd/ct" in printed
    datalist = write_dicom_datalist(studies, tmp_path / "all.json", DicomFolderSettings(include_unpaired=True))
    [alone] = [item for item in datalist.items() if item["des"] is None]
    assert Path(alone["low_energy"]) == studies / "odd" / "alone"


def test_a_folder_without_pairs_is_refused_and_nothing_is_written(write_mammogram, tmp_path: Path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    write_mammogram(tmp_path / "one" / "a")
    output = tmp_path / "d.json"
    for folder, message in (
        ("none", "no such folder"),
        ("empty", "contains no files"),
        ("one", "1 no DES image of the"),
    ):
        assert main(["datalist", "dicom", str(tmp_path / folder), "--output", str(output)]) == 2
        line = capsys.readouterr().err
        assert line.startswith(f"error: {tmp_path / folder}: ") and message in line and line.count("\n") == 1
    output.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        write_dicom_datalist(tmp_path / "one", output)
    assert output.read_text() == "mine"


def test_file_names_in_another_encoding_are_listed_and_printed(studies: Path, tmp_path: Path, capfd) -> None:
    """Names in Latin-1, as old servers keep them, are no UTF-8."""
    folder = os.fsdecode(os.fsencode(studies) + b"/\xe9tude")
    (studies / "0").rename(folder)
    (Path(folder) / os.fsdecode(b"notes\xe9")).write_text("notes")
    assert main(["datalist", "dicom", str(studies), "--output", str(tmp_path / "d.json")]) == 0
    assert "\\xe9tude/notes\\xe9" in capfd.readouterr().out
    items = Datalist.read(tmp_path / "d.json").items()
    assert len(items) == 10 and Path(folder) / "IML1" in {Path(item["low_energy"]) for item in items}
    assert len(inference_items(tmp_path / "d.json")) == 10


@pytest.mark.parametrize(
    ("patients", "option"), [(1, "--test-fraction 0 --validation-fraction 0"), (2, "--validation-")]
)
def test_too_few_patients_for_the_default_split_are_told_the_option(
    write_mammogram, tmp_path: Path, capsys, patients: int, option: str
) -> None:
    for number in range(patients):
        common = {"study": f"2.25.{number}", "PatientID": f"Doe{number}"}
        write_mammogram(tmp_path / "studies" / f"{number}" / "a", **common)
        write_mammogram(tmp_path / "studies" / f"{number}" / "b", ImageType=RECOMBINED, **common)
    command = ["datalist", "dicom", str(tmp_path / "studies"), "--output", str(tmp_path / "d.json")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert option in error and not (tmp_path / "d.json").exists()
    fractions = error.split(", as with ")[1].split()
    assert main([*command, *fractions]) == 0


def _damages(good: Path, folder: Path) -> list[Callable[[np.random.Generator], bytes]]:
    """Return the ways to make a bad file of a good one, each of a random kind of its own."""
    whole = good.read_bytes()
    pixels = whole.index(b"\xe0\x7f\x10\x00")

    def truncated(rng: np.random.Generator) -> bytes:
        return whole[: int(rng.integers(0, len(whole) - 1))]

    def flipped(rng: np.random.Generator) -> bytes:
        damaged = bytearray(whole)
        for place in rng.integers(128, pixels, 40):
            damaged[place] ^= int(rng.integers(1, 256))
        return bytes(damaged)

    def changed(rng: np.random.Generator) -> bytes:
        image = pydicom.dcmread(good)
        match int(rng.integers(6)):
            case 0:
                del image.PixelData
            case 1:
                image.Rows = image.Columns = 65535
            case 2:
                image.Rows = int(rng.integers(1, 9)) * 7
            case 3:
                image.Rows = 0
            case 4:  # wrong representation
                image["Rows"].VR, image["Rows"]._value = "LO", "many"
            case 5:  # an RT object: no image
                image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
                image.Modality = "RTSTRUCT"
                del image.PixelData, image.Rows, image.Columns
        stream = io.BytesIO()
        image.save_as(stream)
        return stream.getvalue()

    def compressed(rng: np.random.Generator) -> bytes:
        image = pydicom.dcmread(good)
        image.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
        stream = io.BytesIO()
        image.save_as(stream)
        damaged = bytearray(stream.getvalue())
        start = damaged.index(b"\xff\x4f\xff\x51")  # the codestream's head
        damaged[start + 2 : start + 60] = rng.bytes(58)
        return bytes(damaged)

    def archive(rng: np.random.Generator) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as file:
            file.writestr("a", rng.bytes(2000))
        return stream.getvalue()

    return [truncated, flipped, changed, compressed, archive]


def test_every_good_file_among_300_damaged_ones_is_listed(write_mammogram, studies: Path, tmp_path: Path) -> None:
    """Twenty good files; the bad ones are left out with a reason each, and nothing crashes or hangs."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 4096, (64, 48))
    good = write_mammogram(tmp_path / "good.dcm", noise, study="2.25.77")
    ways = _damages(good, tmp_path)
    (studies / "bad").mkdir()
    for number in range(300):
        (studies / "bad" / f"{number:03d}.dcm").write_bytes(ways[number % len(ways)](rng))
    disc = FileSet()
    for file in sorted((studies / "0").iterdir()):
        image = pydicom.dcmread(file)
        image.PatientName, image.StudyDate, image.StudyTime, image.StudyID = "Doe", "20200101", "080000", "1"
        image.SeriesNumber, image.InstanceNumber = 1, 1
        disc.add(image)
    disc.write(tmp_path / "disc")
    (studies / "DICOMDIR").write_bytes((tmp_path / "disc" / "DICOMDIR").read_bytes())

    datalist = write_dicom_datalist(studies, tmp_path / "d.json")
    items = datalist.items()
    files = {Path(item[field]) for item in items for field in ("low_energy", "des")}
    assert files == {file for file in studies.rglob("IM*")} and len(files) == 20
    left_out = {name for entry in datalist.fields["report"]["left_out"] for name in entry["names"]}
    assert left_out == {"DICOMDIR", *(f"bad/{number:03d}.dcm" for number in range(300))}
    assert all(entry["what"] and "\n" not in entry["what"] for entry in datalist.fields["report"]["left_out"])
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_further_columns_become_fields_that_the_datalist_names(studies: Path, tmp_path: Path, capsys) -> None:
    output, labels = tmp_path / "d.json", tmp_path / "labels.csv"
    table = pd.DataFrame({"AccessionNumber": [f"A{n}" for n in range(5)], "pathology": "benign"})
    table.assign(age=[54, 61, 47, 58, ""], Centre=["n", "s", "n", "s", "s"], record=list("vwxyz")).to_csv(labels)
    asked = ["datalist", "dicom", str(studies), "--output", str(output), "--labels", str(labels)]
    assert main([*asked, "--columns", "age", "--columns", "Centre"]) == 0
    datalist = Datalist.read(output)
    assert datalist.fields["columns"] == ["age", "Centre"]
    ages = {item["case"]: (item["age"], item["Centre"]) for item in datalist.items()}
    assert ages["P1_S1_L_CC"] == (54, "n") and ages["P3_S1_R_CC"] == (None, "s")
    capsys.readouterr()
    assert main([*asked, "--overwrite", "--columns", "height"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "labels.csv: column 'height': is not one of its further columns; expected some of " in line
    # P1 and P2 have two studies each, with a record each
    table.assign(record=["a", "a", "b", "b", "c"]).to_csv(labels)
    assert main([*asked, "--overwrite", "--columns", "record"]) == 2
    assert "labels.csv: record: differs between all 3 patients" in capsys.readouterr().err
