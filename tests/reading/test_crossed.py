from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.reading.crossed import crossed


@pytest.fixture()
def truth() -> pd.DataFrame:
    cases = [f"C{number}" for number in range(6)]
    return pd.DataFrame({"case": cases, "patient": cases, "malignant": [1, 1, 1, 0, 0, 0]})


@pytest.fixture()
def readings(truth) -> pd.DataFrame:
    rows = [
        (reader, case, modality, repeat, 10 * place + repeat)
        for place, reader in enumerate(["R10", "R2"])
        for case in truth["case"]
        for modality in ("virtual", "low_energy", "real")
        for repeat in (1, 0)
    ]
    return pd.DataFrame(rows, columns=["reader", "case", "modality", "repeat", "malignancy"])


def test_first_readings_become_a_cube(readings, truth):
    found = crossed(readings.sample(frac=1, random_state=0), truth)
    assert found.readers == ["R2", "R10"]
    assert found.modalities == ["low_energy", "real", "virtual"]
    cube = found.cube("malignancy")
    assert cube.shape == (3, 2, 6)
    assert (cube[:, 0] == 10).all()
    assert (cube[:, 1] == 0).all()
    assert found.malignant.tolist() == [1, 1, 1, 0, 0, 0]
    assert (found.cube("case")[0, 0] == found.cases["case"]).all()


def test_a_reader_who_read_little_is_left_out_and_a_case_that_one_lacks(readings, truth):
    few = readings[(readings["reader"] != "R2") | (readings["case"] == "C0")]
    found = crossed(few, truth)
    assert found.readers == ["R10"]
    assert found.left_out_readers == {"R2": 3}
    assert found.left_out_cases == []
    gap = readings[~((readings["reader"] == "R2") & (readings["case"] == "C4") & (readings["modality"] == "real"))]
    found = crossed(gap, truth)
    assert (found.readers, found.left_out_readers, found.left_out_cases) == (["R2", "R10"], {}, ["C4"])
    assert found.cube("malignancy").shape == (3, 2, 5)
    assert not np.isin("C4", found.cases["case"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, t: (r.drop(columns="reader"), t), "readings: no column `reader`"),
        (lambda r, t: (r[r["repeat"] > 5], t), "readings: there are none yet"),
        (lambda r, t: (pd.concat([r, r[:1]]), t), "reader R10, case C0, virtual: reading 1 is there twice"),
        (lambda r, t: (r, t[1:]), "readings: case C0 is not among the cases"),
        (lambda r, t: (r, pd.concat([t, t[:1]])), "truth: case C0 is there twice"),
        (lambda r, t: (r, t.assign(malignant=2)), "truth: case C0: malignant: expected 0 or 1"),
        (lambda r, t: (r, t.assign(malignant=1)), "0 other cases were read by all readers"),
        (lambda r, t: (r[r["case"] == "C0"], t), "no reader has read enough: reader R10 has made 3 of 18 readings"),
    ],
)
def test_bad_input_is_named(readings, truth, change, message):
    with pytest.raises(InputError, match=message):
        crossed(*change(readings, truth))
