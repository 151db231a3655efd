from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vdes import __version__, cli
from vdes.cli import build_parser, main

HEAVY = ("torch", "monai", "numpy", "pandas", "sklearn", "skimage", "PIL")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from vdes.cli import build_parser, main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        f"print('loaded:', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "datalist" in done.stdout and "audit" in done.stdout
    assert done.stdout.strip().endswith("loaded: []")


@pytest.mark.parametrize("command", [["datalist"], ["datalist", "cdd-cesm"], ["audit"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: vdes {' '.join(command)}")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"vdes {__version__}\n"


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "vdes.cli", "audit", "none.txt"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: none.txt: cannot be read (No such file or directory)\n" and done.stdout == ""


def test_audit_prints_shared_patients_with_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.txt").write_text("P1_L_DM_CC\nP2_L_DM_CC\nP3_L_DM_CC\n")
    (tmp_path / "test.txt").write_text("P2_R_DM_CC\nP9_R_DM_CC\n")
    assert main(["audit", str(tmp_path / "train.txt"), str(tmp_path / "test.txt")]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "train: 3 patients",
        "test: 2 patients",
        "train and test share 1 patients, 50.0 % of those in test: P2",
    ]


def test_audit_of_clean_splits_has_status_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.txt").write_text("scans/7/a.png\n")
    (tmp_path / "test.txt").write_text("scans/8/a.png\n")
    pattern = ["--patient-pattern", r"scans/(\d+)/"]
    assert main(["audit", str(tmp_path / "train.txt"), str(tmp_path / "test.txt"), *pattern]) == 0
    assert capsys.readouterr().out.endswith("no patient is in two splits\n")


def test_folds_and_test_fraction_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = str(tmp_path / "d.json")
    assert main(["datalist", "cdd-cesm", "x", "--output", output, "--folds", "3", "--test-fraction", "0.2"]) == 2
    assert capsys.readouterr().err.startswith("error: --test-fraction: ")


def test_a_phantom_set_of_the_command_line_is_that_of_python() -> None:
    from vdes.phantom.settings import Settings

    stated = vars(build_parser().parse_args(["phantom", "out"]))
    assert {name: stated[name] for name in Settings().record()} == Settings().record()


def test_a_study_of_a_wrong_folder_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["study", "--cdd-cesm", str(tmp_path / "empty"), "--output", str(tmp_path / "study")]) == 2
    assert "empty: no 'Radiology*annotations*' csv or xlsx file in it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (PermissionError(13, "Permission denied", "d.json"), 2, "error: d.json: Permission denied\n"),
    ],
)
def test_interruptions_and_system_errors_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, line: str
) -> None:
    def fail(arguments: object) -> int:
        raise error

    monkeypatch.setattr(cli, "run_audit", fail)
    assert main(["audit", "a.txt"]) == status
    assert capsys.readouterr().err == line


@pytest.mark.cdd_cesm
def test_datalist_of_the_official_folder_is_written_and_audited(
    cdd_cesm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "d.json"
    assert main(["datalist", "cdd-cesm", str(cdd_cesm / "pairs"), "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"wrote {output}\n") and "113    210    210         210" in printed
    assert main(["audit", str(output)]) == 0
    assert len(list((tmp_path / "d_masks").glob("*/*.png"))) == 420


def test_commands_say_once_which_precision_networks_run_in(tmp_path: Path) -> None:
    program = """
from vdes.cli import main
from vdes.engines.precision import autocast_dtype
main(["audit", "none.txt"])
for _ in range(2):
    autocast_dtype("auto", "cpu")
"""
    limits = {**os.environ, "DNNL_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=limits, capture_output=True, text=True)
    assert done.stderr.splitlines()[1:] == ["precision: float32 (auto: this processor has no bfloat16 instructions)"]
