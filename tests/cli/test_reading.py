from __future__ import annotations

from pathlib import Path

import pytest

from vdes.cli.app import main


@pytest.fixture()
def file(tmp_path: Path) -> Path:
    lines = ["BEGIN DATA:", *(f"-1,C{case},0,{case % 2}" for case in range(12))]
    lines += [
        f"R{reader},C{case},{modality},{10 * (case % 2) + (5 * case + 3 * reader + len(modality)) % 11}"
        for reader in range(2)
        for modality in ("old", "newer")
        for case in range(12)
    ]
    (tmp_path / "mine.imrmc").write_text("\n".join(lines))
    return tmp_path / "mine.imrmc"


def test_a_file_is_analysed_and_reported(file, capsys):
    out = file.parent / "out"
    assert main(["reading", "analyse", str(file), "--output", str(out), "--arm", "newer", "--reference", "old"]) == 0
    assert main(["reading", "report", str(out)]) == 0
    assert capsys.readouterr().out == f"wrote {out}\nwrote {out / 'report.html'}\n"
    assert (out / "accuracy.csv").is_file()


def test_a_mistake_is_one_line(file, capsys):
    assert main(["reading", "analyse", str(file)]) == 2
    assert main(["reading", "simulate", str(file.parent)]) == 2
    assert main(["reading", "simulate", str(file.parent), "--virtual-noise", "-1"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
    assert errors[0].startswith(f"error: {file}: is a file; expected --output")
    assert "plan.json: no such file" in errors[1]
    assert errors[2].startswith("error: virtual_noise: -1.0; expected 0 or more")


def test_a_study_is_planned_and_links_are_made(reading_study, tmp_path, capsys):
    reading = tmp_path / "reading"
    asked = ["reading", "plan", "--study", str(reading_study), "--output", str(reading), "--readers", "2"]
    asked += ["--cases", "5", "--choices", "0", "--quality", "1", "--repeat-share", "0"]
    assert main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"wrote {reading / 'plan.json'}, sha256 ")
    assert lines[1] == "5 cases (2 malignant, 1 benign, 2 lesion-free) from 36 breasts"
    assert lines[2] == "2 readers, sequential: 3 sessions, 22 answers each"
    assert lines[3].startswith("2 readers of 5 cases find virtual DES non-inferior with a probability of ")
    assert main(["reading", "links", str(reading)]) == 0
    assert capsys.readouterr().out == f"wrote {reading / 'links.txt'}\n"
    for words, message in (
        (asked, "plan.json: exists already; pass --overwrite"),
        (["reading", "links", str(reading)], "links.txt: exists already; pass --overwrite"),
        (["reading", "links", str(reading), "--reader", "R7", "--overwrite"], "reader: 'R7' is not in the plan"),
        (["reading", "serve", str(reading), "--host", "0.0.0.0"], "host: 0.0.0.0: readings would cross the network"),
        (["reading", "serve", str(tmp_path)], "plan.json: no such file"),
        ([*asked, "--design", "parallel"], "design"),
    ):
        assert main(words) == 2
        [error] = capsys.readouterr().err.splitlines()
        assert error.startswith("error: ") and message in error
