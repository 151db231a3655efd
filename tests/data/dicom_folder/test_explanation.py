from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pydicom
import pytest

from vdes.cli import main
from vdes.data.dicom_folder.explanation import COLUMNS, check_explanation
from vdes.errors import InputError


@pytest.fixture
def studies(write_mammogram, tmp_path: Path) -> Path:
    """A pair whose source reference stands against its frame of reference; a DES alone; what is no image."""
    folder = tmp_path / "studies"
    recombined = ["DERIVED", "PRIMARY", "", "RECOMBINED"]
    low = write_mammogram(folder / "le", KVP="29", SeriesDescription="CESM recombined", PatientID="SECRET")
    des = pydicom.dcmread(low)
    des.SOPInstanceUID = des.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    des.ImageType, des.FrameOfReferenceUID, des.AcquisitionTime = recombined, "1.2", "101530"
    del des.SeriesDescription
    reference = pydicom.Dataset()
    reference.ReferencedSOPInstanceUID = pydicom.dcmread(low).SOPInstanceUID
    des.SourceImageSequence = [reference]
    des.save_as(folder / "de")
    write_mammogram(folder / "alone", ImageType=recombined, view="MLO", AcquisitionTime="102000")
    write_mammogram(folder / "scout", ImageType=["ORIGINAL", "PRIMARY", "STEREO_SCOUT"])
    (folder / "notes.txt").write_text("notes")
    return folder


@pytest.mark.parametrize("suffix", [".csv", ".json", ".txt"])
def test_each_file_has_what_decided_and_what_contradicted(studies: Path, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"why{suffix}"
    command = ["datalist", "dicom", str(studies), "--output", str(tmp_path / "d.json"), "--explain", str(file)]
    assert main([*command, "--test-fraction", "0", "--validation-fraction", "0"]) == 0
    assert "SECRET" not in file.read_text()
    if suffix == ".txt":
        blocks = file.read_text().split("\n\n")
        assert len(blocks) == 5 and "outcome: paired\ncase: P1_S1_L_CC\nkind: des\n" in blocks[1]
        return
    rows = json.loads(file.read_text()) if suffix == ".json" else pd.read_csv(file).fillna("").to_dict("records")
    assert [row["file"] for row in rows] == ["alone", "de", "le", "notes.txt", "scout"]
    assert list(rows[0]) == list(COLUMNS)
    alone, des, low, notes, scout = rows
    assert alone["outcome"].startswith("left out: no low-energy image of the view in the study")
    assert (alone["kind"], alone["decided_by"], alone["case"]) == ("des", "ImageType RECOMBINED", "")
    assert (low["outcome"], low["partner"], des["partner"], low["case"]) == ("paired", "de", "le", "P1_S1_L_CC")
    assert low["contradicted_by"] == "SeriesDescription RECOMB" and low["decided_by"] == "ImageType LOW_ENERGY"
    assert des["paired_by"] == "SourceImageSequence"
    assert des["pair_contradicted_by"] == "FrameOfReferenceUID differs" and float(des["seconds_apart"]) == 30
    assert notes["outcome"] == "left out: not a DICOM file (no DICM at byte 128)" and notes["kind"] == ""
    assert scout["kind"] == "other" and "ImageType STEREO" in scout["outcome"]


def test_it_is_written_also_where_nothing_can_be_listed(studies: Path, tmp_path: Path, capsys) -> None:
    (studies / "de").unlink()
    command = ["datalist", "dicom", str(studies), "--output", str(tmp_path / "d.json")]
    assert main([*command, "--explain", str(tmp_path / "why.csv")]) == 2
    assert "no image to list" in capsys.readouterr().err
    assert len(pd.read_csv(tmp_path / "why.csv")) == 4 and not (tmp_path / "d.json").exists()
    # nothing of the user's is replaced unasked, and nothing is read before that is clear
    before = (tmp_path / "why.csv").read_bytes()
    assert main([*command, "--explain", str(tmp_path / "why.csv")]) == 2
    assert "why.csv: exists already" in capsys.readouterr().err
    assert (tmp_path / "why.csv").read_bytes() == before


def test_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"why.xlsx: expected a file to write the explanation to, ending in .csv"):
        check_explanation(tmp_path / "why.xlsx")
