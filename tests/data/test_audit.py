from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdes.data.audit import Overlap, overlaps, read_splits
from vdes.errors import InputError


def save(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_shared_patients_and_their_share_of_the_smaller_split() -> None:
    splits = {"train": {"P1", "P2", "P10", "P3"}, "test": {"P10", "P2"}, "val": {"P9"}}
    assert overlaps(splits) == [
        Overlap("train", "test", ("P2", "P10"), "test", 1.0),
        Overlap("train", "val", (), "val", 0.0),
        Overlap("test", "val", (), "val", 0.0),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "P1_L_DM_CC.jpg\nP12_R_DM_CC.jpg\n"),
        ("a.txt", "image\n\nfolder/P1_L_DM_CC.jpg\nP9_data/P12_R_CC.png\n"),
        (
            "a.txt",
            "id\timg_x\nP1_L_CC\tPublic\\Low energy images of CDD-CESM\\P1_L_DM_CC.jpg\nP12_L_CC\tx\\P12_L_DM_CC.jpg\n",
        ),
        ("a.csv", "image;label\nP1_L_DM_CC;1\nP12_L_DM_CC;0\n"),
        ("a.csv", '﻿name,path\r\n1,"C:\\some, folder\\P1_L_DM_CC.jpg"\r\n2,P12.png\r\n'),
        ("a.csv", "Patient_ID,file\n1,scan3.png\n12,scan4.png\n"),
        ("a.tsv", "file\tpatient\nP7_L_DM_CC\tP1\nP8_L_DM_CC\tP12\n"),
    ],
)
def test_lists_in_the_forms_that_people_publish(tmp_path: Path, name: str, text: str) -> None:
    other = save(tmp_path / "b.txt", "P5_L_DM_CC\n")
    assert read_splits([save(tmp_path / name, text), other]) == {"a": {"P1", "P12"}, "b": {"P5"}}


def test_all_patients_that_a_row_names_count(tmp_path: Path) -> None:
    mixed = save(tmp_path / "a.csv", "P1_L_DM_CC,P2_L_CM_CC\n")
    assert read_splits([mixed, save(tmp_path / "b.txt", "P2_R_DM_CC\n")])["a"] == {"P1", "P2"}


def test_pattern_finds_patients_in_other_names(tmp_path: Path) -> None:
    first = save(tmp_path / "a.txt", "case-7\\scan1.png\n")
    second = save(tmp_path / "b.txt", "case-7/scan2.png\ncase-8/scan1.png\n")
    assert read_splits([first, second], r"case-(\d+)/") == {"a": {"7"}, "b": {"7", "8"}}


def test_sections_of_a_datalist_are_splits_also_when_it_leaks(tmp_path: Path) -> None:
    content = {
        "name": "x",
        "numbers": [1, 2],
        "training": [{"case": "a", "patient": "P1"}, {"case": "b", "patient": "P2"}],
        "validation": [],
        "test": [{"case": "c", "patient": "P2"}],
    }
    path = save(tmp_path / "d.json", json.dumps(content))
    assert read_splits([path]) == {"training": {"P1", "P2"}, "test": {"P2"}}


def test_json_lists_of_other_projects_are_read_by_their_file_names(tmp_path: Path) -> None:
    content = {"training": [{"image": "./im/P1_L.nii.gz", "label": 1}], "test": ["./im/P1_R.nii.gz"]}
    assert read_splits([save(tmp_path / "d.json", json.dumps(content))]) == {"training": {"P1"}, "test": {"P1"}}


def test_sections_of_one_name_in_two_datalists_are_one_split(tmp_path: Path) -> None:
    first = save(tmp_path / "a.json", json.dumps({"training": [{"patient": "P1"}], "test": [{"patient": "P2"}]}))
    second = save(tmp_path / "b.json", json.dumps({"training": [{"patient": "P2"}], "test": [{"patient": "P3"}]}))
    found = {(one.first, one.second): one.patients for one in overlaps(read_splits([first, second]))}
    assert found == {("training", "test"): ("P2",)}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "P1_L_DM_CC\nscan7.png\n", r"a\.txt: line 2: no patient in \['scan7\.png'\]"),
        ("a.txt", "PX1_L\nP1x_L\n", r"a\.txt: line 2: no patient in"),
        ("a.json", '{"training": [{"image": "x.png"}]}', r"a\.json: training\[0\]: no patient in"),
        ("a.md", "P1", r"a\.md: expected a datalist"),
        ("a.txt", "", "only the split 'b' with patients; expected two splits"),
        ("a.json", "{", r"a\.json: line 1"),
    ],
)
def test_bad_lists_are_errors_with_their_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    other = save(tmp_path / "b.txt", "P5_L_DM_CC\n")
    with pytest.raises(InputError, match=message):
        read_splits([save(tmp_path / name, text), other])


def test_missing_or_binary_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: cannot be read"):
        read_splits([tmp_path / "none.txt"])
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"a\.txt: not a text file"):
        read_splits([tmp_path / "a.txt"])


@pytest.mark.parametrize(("pattern", "message"), [("(", "is not a regular expression"), ("P\\d+", "has 0 groups")])
def test_bad_pattern_is_an_error(pattern: str, message: str) -> None:
    with pytest.raises(InputError, match=f"--patient-pattern: .*{message}"):
        read_splits([], pattern)


@pytest.mark.cdd_cesm
def test_the_published_fold_leaks(cdd_cesm: Path) -> None:
    lists = sorted((cdd_cesm.parent / "vce_cesm_folds").glob("*.txt"))
    found = {(one.first, one.second): one for one in overlaps(read_splits(lists))}
    leak = found["fold0_test", "fold0_train"]
    assert (len(leak.patients), leak.smaller) == (79, "fold0_test")
    assert leak.share == pytest.approx(79 / 87)
    assert len(found["fold0_train", "fold0_val"].patients) == 76
    assert len(found["fold0_test", "fold0_val"].patients) == 21


def test_two_spellings_of_a_patient_are_one(tmp_path: Path) -> None:
    first = save(tmp_path / "a.csv", "patient\nDoe 1\nM\u00fcller\n")
    second = save(tmp_path / "b.csv", "patient\nDOE  1\nMu\u0308ller \nP02\n")
    [overlap] = overlaps(read_splits([first, second]))
    assert overlap.patients == ("Doe 1", "M\u00fcller")


def test_headers_of_dicom_images_tell_who_is_one_person(write_mammogram, tmp_path: Path) -> None:
    """One woman of two studies, of which one names the issuer of her ID, listed as two patients."""
    issuers = {"P1": "Hospital", "P2": None, "P3": "Hospital"}
    for number, (patient, issuer) in enumerate(issuers.items()):
        attributes = {"PatientID": "Other" if patient == "P3" else "Doe", "PatientName": f"N{patient}"}
        file = tmp_path / f"{patient}.dcm"
        write_mammogram(
            file, study=f"2.25.{number + 1}", **attributes, **({"IssuerOfPatientID": issuer} if issuer else {})
        )
    sections = {"training": ["P1"], "validation": ["P3"], "test": ["P2"]}
    content = {
        name: [{"case": patient, "patient": patient, "low_energy": f"{patient}.dcm"} for patient in patients]
        for name, patients in sections.items()
    }
    found = overlaps(read_splits([save(tmp_path / "d.json", json.dumps(content))]))
    assert [(one.first, one.second, one.patients) for one in found if one.patients] == [
        ("training", "test", ("P1 = P2",))
    ]


def test_the_other_lists_of_a_datalist_are_no_splits(tmp_path: Path) -> None:
    items = {name: [{"case": f"P{n}", "patient": f"P{n}"}] for n, name in enumerate(("training", "validation", "test"))}
    (tmp_path / "d.json").write_text(json.dumps({**items, "oracle": [{"split": "all", "auc": 0.9}]}))
    assert read_splits([tmp_path / "d.json"]) == {"training": {"P0"}, "validation": {"P1"}, "test": {"P2"}}


def test_a_patient_in_two_spellings_is_one(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("patient\nP1\nP2\n")
    (tmp_path / "test.csv").write_text("patient\np1\nP3\n")
    [overlap] = overlaps(read_splits([tmp_path / "train.csv", tmp_path / "test.csv"]))
    assert overlap.patients == ("P1",)
