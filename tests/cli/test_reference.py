from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vdes.cli.app import application, commands


def written_by(options: list[str], folder: Path) -> str:
    program = [sys.executable, *options]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_every_command_has_its_options_and_examples_whatever_program_writes_them(tmp_path: Path) -> None:
    # processes of their own: commands that other tests have run keep the summary that the program listed
    program = "from vdes.cli.reference import reference\nprint(reference())\n"
    page = written_by(["-c", program], tmp_path)
    assert page.count("\n## ") + page.count("\n### ") == len(list(commands(application()))) - 1
    assert "### vdes train generator\n\n```console\nvdes train generator --datalist PATH --output PATH" in page
    assert "* `--seeds INT...`: seeds of each arm, one run each. *[default: 0 1 2]*" in page
    assert "```console\nvdes phantom phantoms --patients 50" in page
    assert "--no-" not in page and "--empty-" not in page
    (tmp_path / "writer").mkdir()
    (tmp_path / "writer" / "__main__.py").write_text(program)
    assert written_by(["-m", "writer"], tmp_path) == page
