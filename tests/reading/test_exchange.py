from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.reading.exchange import imrmc_text, mrmcaov_table, read_exchange


@pytest.fixture()
def study() -> tuple[pd.DataFrame, pd.DataFrame]:
    truth = pd.DataFrame({"case": ["C1", "C2"], "patient": ["C1", "C2"], "malignant": [1, 0]})
    rows = [(r, c, m, 10.0 * len(r + m), 0) for r in ("R1", "R2") for m in ("real", "virtual") for c in ("C1", "C2")]
    return pd.DataFrame(rows, columns=["reader", "case", "modality", "malignancy", "repeat"]), truth


def test_what_is_written_is_read_back(study, tmp_path: Path):
    readings, truth = study
    (tmp_path / "a.imrmc").write_text(imrmc_text(readings, truth))
    mrmcaov_table(readings, truth).to_csv(tmp_path / "b.csv", index=False)
    for name in ("a.imrmc", "b.csv"):
        back, known = read_exchange(tmp_path / name)
        pd.testing.assert_frame_equal(back, readings)
        pd.testing.assert_frame_equal(known, truth)


def test_imrmc_is_as_its_manual_has_it(study):
    lines = imrmc_text(*study).splitlines()
    assert lines[1:7] == ["N0: 1", "N1: 1", "NR: 2", "NM: 2", "BEGIN DATA:", "-1,C1,0,1"]
    assert lines[8] == "R1,C1,real,60.0"
    assert not any(" " in line for line in lines[6:])


def test_the_data_frame_of_the_r_package(tmp_path: Path):
    file = tmp_path / "c.csv"
    file.write_text(
        '"readerID","caseID","modalityID","score"\n"truth","case1","truth",0\n"truth","case2","truth",1\n'
        '"reader1","case1","modality1",-0.5\n"reader1","case2","modality1",1.5\n'
    )
    readings, truth = read_exchange(file)
    assert readings["malignancy"].tolist() == [-0.5, 1.5]
    assert truth.set_index("case")["malignant"].to_dict() == {"case1": 0, "case2": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected a line 'BEGIN DATA:'"),
        ("BEGIN DATA:\n-1,C1,0,1\nR1,C1,real,high\n", "line 3: score 'high'; expected a finite number"),
        ("BEGIN DATA:\n-1,C1,0,1\nR1,C1,real\n", "line 3: 3 fields"),
        ("BEGIN DATA:\n-1,C1,0,1\n-1,C1,0,1\n", "line 3: case C1 has its truth twice"),
        ("BEGIN DATA:\n-1,C1,0,3\n", "line 2: truth '3'; expected 0 or 1"),
        ("x\nBEGIN DATA:\n\n-1,C1,0,1\nR1,C2,real,1\n", "line 5: case C2 has no truth"),
        ("BEGIN DATA:\n-1,C1,0,1\n", "holds no reading"),
        ("reader,treatment,case,truth,rating\nR1,a,C1,1,2\nR1,b,C1,0,2\n", "line 3: case C1: truth 0; expected 1"),
        ("reader,treatment,case,truth,rating\nR1,a,C1\n", "line 2: 3 fields"),
        ("", "expected a line"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, text, message):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_exchange(tmp_path / "x.csv")
    with pytest.raises(InputError, match="cannot be read as text"):
        read_exchange(tmp_path / "none.csv")
