from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdes.errors import InputError
from vdes.experiments.reader_statistics import SIZES, STRUCTURES, markdown, van_dyke_rows, write_statistics
from vdes.experiments.settings import ReaderStatistics
from vdes.reading.reading_page import FEW_READERS

ROOT = Path(__file__).parents[2]
VAN_DYKE = ROOT / "tests" / "statistics" / "mrmc" / "van_dyke.csv"
RESULTS = ROOT / "docs" / "results" / "reader_statistics.json"
PAGE = ROOT / "docs" / "explanation" / "reader_statistics.md"


def test_the_published_figures_are_found():
    for row in van_dyke_rows(VAN_DYKE):
        digits = max(len(str(row["published"]).partition(".")[2]), 4 if row["figure"].startswith("p,") else 0)
        assert round(row["computed"], digits) == pytest.approx(row["published"], abs=1e-9), row["figure"]


def test_a_few_studies_are_simulated_and_written(tmp_path: Path):
    output = tmp_path / "results" / "few.json"
    found = write_statistics(ReaderStatistics(VAN_DYKE, output, studies=2))
    assert json.loads(output.read_text()) == json.loads(json.dumps(found))
    assert len(found["simulated"]) == len(STRUCTURES) * len(SIZES)
    with pytest.raises(InputError, match="exists already"):
        write_statistics(ReaderStatistics(VAN_DYKE, output, studies=1))
    assert len(markdown(found).splitlines()) == 2 + len(found["van_dyke"]) + 3 + len(found["simulated"])


def test_the_documentation_has_the_tables_of_the_results():
    found = json.loads(RESULTS.read_text())
    assert markdown(found) in PAGE.read_text()
    # what is written is what is computed today
    for old, new in zip(found["van_dyke"], van_dyke_rows(VAN_DYKE), strict=True):
        assert old["computed"] == pytest.approx(new["computed"], rel=1e-9)
    for row in found["simulated"]:
        few = (
            0.02 if row["readers"] < FEW_READERS else 0.0
        )  # with three readers the method is known to be too confident
        for name, nominal in (("rejected", 0.05), ("called_non_inferior", 0.025)):
            assert row[name] < nominal + 4 * (nominal * (1 - nominal) / found["studies"]) ** 0.5 + few, row
        assert row["covered"] > 0.95 - 4 * (0.05 * 0.95 / found["studies"]) ** 0.5 - few, row


def test_bad_input_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read as a table of readings"):
        van_dyke_rows(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("malignant\n1\n")
    with pytest.raises(InputError, match="no column `R1_cine`; expected the readings of Van Dyke"):
        van_dyke_rows(tmp_path / "other.csv")
    with pytest.raises(InputError, match="--studies: expected 1 or more, got 0"):
        ReaderStatistics(VAN_DYKE, tmp_path / "x", studies=0)
