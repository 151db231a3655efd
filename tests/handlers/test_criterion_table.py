from __future__ import annotations

import pandas as pd

from vdes.handlers.criterion_table import criterion_table
from vdes.statistics.lesion_summary import summarise_lesions


def test_methods_are_rows_and_the_counts_are_stated():
    rows = pd.DataFrame(
        {
            "case": ["a", "a", "b", "b", "b"],
            "patient": ["p", "p", "q", "q", "q"],
            "place": ["lesion", "elsewhere", "lesion", "lesion", "elsewhere"],
            "number": [1, 1, 1, 2, 1],
            "pixels": 9,
            "real_des": [1.0, 0.0, 2.0, 3.0, 0.1],
            "virtual_des": [1.5, 0.1, 2.5, 4.0, 0.0],
            "low_energy": [2.0, 0.3, 1.0, 1.5, 0.3],
        }
    )
    text = criterion_table(summarise_lesions(rows, n_resamples=50))
    lines = text.splitlines()
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines if "|" in line
    }
    assert [cells["virtual DES"][i].split()[0] for i in (0, 1, 2)] == ["2.667", "1.000", "0.050"]
    assert cells["low energy itself"][1].startswith("-0.500")
    assert cells["virtual DES minus low energy"][1].startswith("+1.500")
    assert cells["real DES"][1:] == ["-", "-"]
    assert "3 lesions of 2 patients" in text
    assert "2 places" in text


def test_no_lesion_has_no_table():
    assert criterion_table(summarise_lesions(pd.DataFrame())) == ""
