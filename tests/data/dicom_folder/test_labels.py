from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from vdes.data.dicom_folder.labels import read_study_labels
from vdes.dicom.image_facts import read_image_facts
from vdes.errors import InputError


@pytest.fixture
def breasts(write_mammogram, tmp_path: Path):
    """The facts of a left and a right breast of one study."""
    return [
        read_image_facts(
            write_mammogram(tmp_path / f"{side}.dcm", study="2.25.7", AccessionNumber="A7", laterality=side)
        )
        for side in "LR"
    ]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("column", ["StudyInstanceUID", "AccessionNumber"])
def test_a_breasts_row_counts_before_its_studys(breasts, tmp_path: Path, suffix: str, column: str) -> None:
    study = {"StudyInstanceUID": "2.25.7", "AccessionNumber": "A7"}[column]
    table = pd.DataFrame(
        {
            column: [study, study, "other"],
            "laterality": ["", "r", ""],
            "pathology": ["Normal", "malignant", "benign"],
            "birads": ["1", "5", ""],
        }
    )
    file = tmp_path / f"labels{suffix}"
    table.to_csv(file, index=False) if suffix == ".csv" else table.to_excel(file, index=False)
    labels = read_study_labels(file)
    left, right = (labels.of(facts) for facts in breasts)
    assert left == {"pathology": "normal", "density": None, "birads": 1}
    assert right == {"pathology": "malignant", "density": None, "birads": 5}
    assert labels.unused == 1


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        (("StudyInstanceUID", "Laterality", "Pathology", "BI-RADS"), ","),
        (("study instance uid", "Side", "PATHOLOGY", "birads"), ";"),
        (("Study_Instance_UID", "Breast Side", "Pathology Classification/ Follow up", "BIRADS category"), "\t"),
    ],
)
def test_columns_are_found_however_they_are_written(breasts, tmp_path: Path, header, delimiter: str) -> None:
    rows = [
        (*header, "Pathology report number"),
        ("2.25.7", "left", "malignant", "5", "x"),
        ("2.25.7", "R", "", "1", ""),
    ]
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(delimiter.join(row) for row in rows))
    labels = read_study_labels(file)
    left, right = (labels.of(facts) for facts in breasts)
    assert left == {"pathology": "malignant", "density": None, "birads": 5}
    assert right == {"pathology": None, "density": None, "birads": 1}
    [note] = labels.notes()
    assert note.startswith(
        "studies of the table, 1 with pathology, 0 with density, 1 with birads; StudyInstanceUID from"
    )
    assert f"pathology from '{header[2]}'" in note


def test_without_a_table_everything_is_unknown(breasts) -> None:
    labels = read_study_labels(None)
    assert labels.of(breasts[0]) == {"pathology": None, "density": None, "birads": None}
    assert labels.unused == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study,pathology\n1,benign\n", "no column that names the study; expected one of StudyInstanceUID, Accession"),
        ("AccessionNumber,weight\n1,L\n", "no label column; expected any of pathology, density, birads"),
        ("AccessionNumber,pathology\n,benign\n", "row 2: AccessionNumber: is empty"),
        ("AccessionNumber,pathology\n1,bad\n", "row 2: pathology: 'bad'; expected one of normal, benign, malignant"),
        ("AccessionNumber,birads\n1,4a\n", "row 2: birads: '4a'; expected one of 0, 1, 2"),
        ("AccessionNumber,laterality,birads\n1,B,4\n", "row 2: laterality: 'B'; expected L, R"),
        ("AccessionNumber,Pathology result\n1,benign\n", "column 'Pathology result': looks like pathology, but is no"),
        ("AccessionNumber,patology,birads\n1,benign,2\n", "column 'patology': looks like pathology, but is no"),
        ("AccessionNumber,birads,BreastSideInfo\n1,2,L\n", "column 'BreastSideInfo': looks like laterality, but is no"),
        ("AccessionNumber,side,laterality,birads\n1,L,R,2\n", "columns 'side' and 'laterality': both are laterality"),
        ("AccessionNumber,birads,birads\n1,2,3\n", "column 'birads' is there 2 times; expected once"),
        ("AccessionNumber,birads\n1,2,3\n", "line 2: 3 cells; expected 2, as in the first line"),
        ("\nAccessionNumber,birads\n", "its first line is empty"),
        ("AccessionNumber,birads\n1,4\n\n1,5\n", "row 4: AccessionNumber: already labelled above"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=message.replace("(", r"\(")) as error:
        read_study_labels(file)
    assert str(error.value).startswith(f"{file}: ")
    with pytest.raises(InputError, match="cannot be read"):
        read_study_labels(tmp_path / "none.csv")


def test_further_columns_are_taken_by_name(breasts, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("AccessionNumber,Side,pathology,age,Centre\nA7,L,normal,54,north\nA9,R,benign,,south\n")
    labels = read_study_labels(file, ("age", "Centre"))
    assert labels.of(breasts[0]) == {
        "pathology": "normal", "density": None, "birads": None, "age": 54, "Centre": "north",
    }  # fmt: skip
    assert labels.of(breasts[1]) == dict.fromkeys(("pathology", "density", "birads", "age", "Centre"))


@pytest.mark.parametrize(
    ("further", "message"),
    [
        (("Age",), r"labels.csv: column 'Age': is not one of its further columns; expected some of age, empty"),
        (("pathology",), r"labels.csv: column 'pathology': is not one of its further columns"),
        (("age", "age"), r"columns: 'age' is there twice"),
        (("empty",), r"labels.csv: column 'empty': is empty"),
    ],
)
def test_a_further_column_that_is_not_there_is_named(tmp_path: Path, further: tuple[str, ...], message: str) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("AccessionNumber,pathology,age,empty\nA7,normal,54,\n")
    with pytest.raises(InputError, match=message):
        read_study_labels(file, further)
    with pytest.raises(InputError, match=r"columns: .*: expected a table of labels"):
        read_study_labels(None, further)
