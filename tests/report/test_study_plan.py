from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdes.cli import main
from vdes.errors import InputError
from vdes.report.study_plan import check_free, plan_text, write_plan

SHARE = {"value": 0.81, "low": 0.7, "high": 0.9}
FOUND = {
    "question": {"arm": "a", "metric": "f1", "level": "image", "margin": 0.05, "confidence": 0.95},
    "reference": "des",
    "pilot": {"folder": "study", "value": -0.02, "low": -0.1, "high": 0.05, "patients": 60},
    "assumed": None,
    "studies": 100,
    "difference": -0.02,
    "needed": [
        {"power": 0.8, "patients": 900, "fitted": {"value": 880.2, "low": 801.0, "high": 955.7}, "check": SHARE},
        {"power": 0.9, "patients": None, "fitted": {"value": 5600.0, "low": 5000.0, "high": 6300.0}, "check": None},
    ],
    "simulated": [{"patients": 500, "non_inferior": 60, "studies": 100}],
}


def test_a_plan_is_told_in_a_table() -> None:
    text = plan_text(FOUND)
    assert "a against des, F1 by image, margin 0.05, 95% interval; true difference planned for: -0.020" in text
    assert "pilot study: 60 patients, difference -0.020 (-0.100 to +0.050)" in text
    assert "81.0% (70.0% to 90.0%)" in text and "880 (801 to 956)" in text
    assert "more than 5,000" in text and "5,600 (5,000 to 6,300)" in text


def test_a_plan_is_written_once(tmp_path: Path) -> None:
    check_free(tmp_path / "plan", overwrite=False)
    files = write_plan(FOUND, tmp_path / "plan")
    assert json.loads(files[0].read_text()) == FOUND
    assert files[1].read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"plan.json: exists already; pass --overwrite"):
        check_free(tmp_path / "plan", overwrite=False)
    write_plan(FOUND, tmp_path / "plan", overwrite=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--plan: neither given; expected --pilot or assumed values"),
        (["--pilot", "no"], "no/metrics.json: no such file; expected the folder of a study"),
        (["--pilot", "no", "--f1", ".8", ".8"], "--plan: both given"),
        (["--f1", ".8", ".8", "--margin", "0"], "question: margin: 0.0; expected a number in (0, 1)"),
        (["--f1", ".8", ".75"], "is at or beyond the margin of 0.05: no number of patients suffices"),
        (["--f1", ".99", ".8"], "--f1: 0.99: not possible with a specificity of 0.85"),
    ],
)
def test_a_plan_that_cannot_be_made_is_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "--plan", *words]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1 and said in lines[0]
