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
