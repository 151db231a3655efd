from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from vdes.data.cdd_cesm.annotations import BIRADS_COLUMN, COLUMNS, NAME, PATHOLOGY, read_annotations
from vdes.errors import InputError


def table(official) -> Path:
    return official.path / "Radiology-manual-annotations.csv"


def test_quirks_are_taken_out_and_kept_as_written(official) -> None:
    rows = {row.name.strip(): row for row in read_annotations(table(official))}
    assert len(rows) == len(official.rows)
    assert rows["P3_R_CM_CC"].name == "P3_R_CM_CC " and rows["P3_R_CM_CC"].key.case == "P3_R_CC"
    assert rows["P2_L_DM_CC"].birads_written == "3$4$2" and rows["P2_L_DM_CC"].birads == 4
    assert rows["P2_L_DM_CC"].findings == "mass" and rows["P2_L_DM_CC"].tags == "mass"
    assert rows["P2_L_DM_CC"].density == "c" and rows["P2_L_CM_CC"].density is None
    assert rows["P2_L_DM_CC"].modality == "low_energy" and rows["P2_L_CM_CC"].modality == "des"
    assert rows["P8_L_CM_MLO2"].key.case == "P8_L_MLO_2" and rows["P5_R_CM_MLO_2"].key.case == "P5_R_MLO_2"
    assert rows["P12_L_CM_CC"].age == 52


def test_xlsx_and_csv_are_the_same_table(official, tmp_path: Path) -> None:
    frame = pd.DataFrame(official.rows)
    frame["BIRADS"] = [value if isinstance(value, str) else int(value) for value in frame["BIRADS"]]
    with pd.ExcelWriter(tmp_path / "table.xlsx") as book:
        pd.DataFrame({"other": [1]}).to_excel(book, sheet_name="mass_description", index=False)
        frame.to_excel(book, sheet_name="all", index=False)
    assert read_annotations(tmp_path / "table.xlsx") == read_annotations(table(official))


def test_blank_rows_do_not_shift_the_row_numbers(official) -> None:
    lines = table(official).read_text().splitlines()
    table(official).write_text("\n".join([lines[0], "", *lines[1:], ""]))
    rows = read_annotations(table(official))
    assert len(rows) == len(official.rows) and rows[0].row == 3


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (NAME, "scan7", r"row 4: Image_name: 'scan7'; expected P<number>"),
        (NAME, "P1_R_DM_CC", r"row 4: Image_name: 'P1_R_DM_CC' is in row 2 already"),
        ("Patient_ID", "7", r"row 4 \(P1_R_DM_MLO\): Patient_ID: '7'; expected '1'"),
        ("Side", "L", r"row 4 \(P1_R_DM_MLO\): Side: 'L'; expected 'R'"),
        ("View", "CC", r"row 4 \(P1_R_DM_MLO\): View: 'CC'; expected 'MLO'"),
        ("Type", "CESM", r"row 4 \(P1_R_DM_MLO\): Type: 'CESM'; expected 'DM'"),
        ("Age", "old", r"row 4 \(P1_R_DM_MLO\): Age: 'old'; expected a whole number"),
        ("Breast density (ACR)", "E", r"row 4 .*: Breast density \(ACR\): 'E'; expected A, B, C, D"),
        (BIRADS_COLUMN, "3$9", r"row 4 .*: BIRADS: '3\$9'; expected 0 to 6"),
        (PATHOLOGY, "Unsure", r"row 4 .*: Pathology Classification/ Follow up: 'Unsure'; expected Normal, Benign or"),
    ],
)
def test_wrong_cell_is_an_error_with_row_and_column(official, column: str, value: str, message: str) -> None:
    if column == NAME and value == "P1_R_DM_CC":
        official.rows[2] = dict(official.rows[0])
    official.rows[2][column] = value
    official.save()
    with pytest.raises(InputError, match=r"Radiology-manual-annotations\.csv: " + message) as caught:
        read_annotations(table(official))
    assert "\n" not in str(caught.value)


def test_unknown_numbers_are_none(official) -> None:
    official.rows[0].update({"Age": "_", "Machine": "", "BIRADS": "_"})
    official.save()
    row = read_annotations(table(official))[0]
    assert (row.age, row.machine, row.birads) == (None, None, None)


def test_files_that_are_no_table_are_errors(tmp_path: Path) -> None:
    for name, content in (("a.csv", b""), ("b.csv", b"\xff\xfe\x00"), ("a.xlsx", b"no workbook")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: not a (table|text file)") as caught:
            read_annotations(tmp_path / name)
        assert "\n" not in str(caught.value)
    header = ",".join(f'"{column}"' for column in COLUMNS)
    (tmp_path / "d.csv").write_text(f"{header}\n")
    with pytest.raises(InputError, match=r"d\.csv: no rows below the header"):
        read_annotations(tmp_path / "d.csv")
    with pytest.raises(InputError, match=r"c\.csv: cannot be read"):
        read_annotations(tmp_path / "c.csv")


@pytest.mark.cdd_cesm
def test_official_files_give_the_expected_counts(cdd_cesm: Path) -> None:
    folder = cdd_cesm / "annotations"
    expected = json.loads((folder / "expected_stats.json").read_text())
    rows = read_annotations(folder / "Radiology-manual-annotations.csv")
    assert read_annotations(folder / "Radiology manual annotations.xlsx") == rows
    labels: dict[str, dict[str, str]] = {}
    for row in rows:
        labels.setdefault(row.key.case, {})[row.modality] = row.pathology
    by_modality = {modality: [row for row in rows if row.modality == modality] for modality in ("low_energy", "des")}

    def pathologies(subset: list) -> dict[str, int]:
        return dict(Counter(row.pathology.capitalize() for row in subset))

    found = {
        "rows": len(rows),
        "patients": len({row.key.patient for row in rows}),
        "pairs": sum(len(pair) == 2 for pair in labels.values()),
        "type": {"DM": len(by_modality["low_energy"]), "CESM": len(by_modality["des"])},
        "label": pathologies(rows),
        "label_DM": pathologies(by_modality["low_energy"]),
        "label_CESM": pathologies(by_modality["des"]),
        "pair_label_disagreements": sum(len(set(pair.values())) > 1 for pair in labels.values()),
        "image_names_with_trailing_space": [row.name for row in rows if row.name != row.name.strip()],
        "repeat_view_names": [row.name for row in rows if row.key.repeat > 1],
        "birads": dict(Counter(row.birads_written for row in rows)),
        "acr": dict(Counter((row.density or "_").upper() for row in rows)),
        "view": dict(Counter(row.key.view for row in rows)),
        "side": dict(Counter(row.key.laterality for row in rows)),
        "machine": dict(Counter(str(row.machine) for row in rows)),
    }
    assert found == {key: value for key, value in expected.items() if key != "segmentation"}
