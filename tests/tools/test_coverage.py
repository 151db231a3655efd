"""Coverage counts what the tests start: the settings in pyproject.toml, tried on a process that starts another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
STARTS = "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'vdes.cli', '--version'], check=True)\n"


def test_branches_of_the_processes_that_a_test_starts_are_counted(tmp_path: Path) -> None:
    script = tmp_path / "starts.py"
    script.write_text(STARTS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment |= {"PYTHONPATH": str(PROJECT), "COVERAGE_FILE": str(tmp_path / "data")}
    options = f"--rcfile={PROJECT / 'pyproject.toml'}"
    for words in (
        ["run", options, str(script)],
        ["combine", options],
        ["json", options, "--fail-under=0", "-o", str(tmp_path / "report.json")],
    ):
        command = [sys.executable, "-m", "coverage", *words]
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    files = {Path(name).as_posix(): found for name, found in report["files"].items()}
    assert report["meta"]["branch_coverage"]
    assert {name.partition("/")[0] for name in files} == {"vdes"}
    assert files["vdes/cli/app.py"]["summary"]["covered_branches"] > 0  # run by the process that was started alone
    assert files["vdes/report/roc_plot.py"]["summary"]["covered_lines"] == 0  # what nothing imports counts too
