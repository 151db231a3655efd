from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from vdes import __version__
from vdes.cli import audit, main
from vdes.cli.app import COMMANDS, application, complaint, options

HEAVY = ("torch", "monai", "numpy", "pandas", "sklearn", "skimage", "PIL", "ignite", "matplotlib", "pydicom")
HELP = """
import sys
from vdes.cli import main
status = main({words!r})
print("status:", status)
print("loaded:", [name for name in {heavy!r} if name in sys.modules])
print("commands:", [name for name in sys.modules if name.startswith("vdes.") and name.split(".")[1] != "cli"])
"""


def ran(*words: str) -> str:
    """What a process of its own prints that runs a command, with its exit status and the heavy packages it imported."""
    code = HELP.format(words=list(words), heavy=HEAVY)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def commands(app: App, *above: str) -> Iterator[tuple[str, ...]]:
    """All commands of a program, groups of commands included, each with those above it."""
    for name in app:
        if not name.startswith("-"):
            yield (*above, name)
            yield from commands(app[name], *above, name)


ALL = list(commands(application()))
GROUPS = [words for words in ALL if sum(other[: len(words)] == words for other in ALL) > 1]


def test_help_is_quick_because_it_imports_nothing_but_the_command_line() -> None:
    printed = ran("--help")
    assert all(f" {name} " in printed for name in COMMANDS)
    assert "status: 0\nloaded: []\ncommands: ['vdes.errors']\n" in printed


@pytest.mark.parametrize("command", ["study"])
def test_help_of_a_command_needs_no_network_library(command: str) -> None:
    printed = ran(*next(words for words in ALL if words[0] == command and words not in GROUPS), "--help")
    loaded = ast.literal_eval(printed.partition("loaded: ")[2].partition("\n")[0])
    assert {"torch", "monai", "pandas"} & set(loaded) == set()


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"Usage: vdes {' '.join(command)}")
    if command in GROUPS:
        assert "COMMAND --help" in printed
    else:
        assert f"example: vdes {' '.join(command)} " in " ".join(printed.split())


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_every_option_is_explained(command: tuple[str, ...]) -> None:
    app = application()
    for name in command:
        app = app[name]
    if command not in GROUPS:
        arguments = app.assemble_argument_collection(parse_docstring=True)
        assert [argument.name for argument in arguments if argument.show and not argument.parameter.help] == []


def test_an_example_is_a_command_without_a_complaint() -> None:
    for command in ALL:
        app = application()
        for name in command:
            app = app[name]
        for line in (app.help_epilogue or "").splitlines():
            if line.startswith("example: vdes "):
                assert complaint(shlex.split(line)[2:]) is None, line


def test_no_command_is_help_and_exit_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["datalist"]) == 2
    assert capsys.readouterr().out.startswith("Usage: vdes COMMAND")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["phntom"], 'Unknown command "phntom". Did you mean "phantom"? Available commands: datalist, audit, '),
        (["datalist", "dcom"], 'Unknown command "dcom". Did you mean "dicom"?'),
        (["phantom", "out", "--patents", "3"], "Unknown option: --patents. Did you mean --patients?"),
        (["phantom", "out", "--patients", "x"], 'Invalid value for --patients: unable to convert "x" into int.'),
        (["phantom"], 'Command "phantom" parameter OUT requires an argument. See vdes phantom --help'),
        (["phantom", "out", "--patients"], "--patients requires an argument. See vdes phantom --help"),
        (["datalist", "cdd-cesm", "x", "--output", "d.json", "--label", "le"], 'Choose from: "low_energy", "des".'),
        (
            ["study", "--output", "x", "--datalist", "x.json", "--world", "told"],
            "--world: told; expected --phantom with it, or a datalist of that world without",
        ),
        (["study", "--output", "x"], "cases: none; expected one of --datalist, --cdd-cesm and --phantom"),
        (
            ["study", "--output", "x", "--phantom", "9", "--datalist", "d.json"],
            "cases: datalist, phantom; expected one of --datalist, --cdd-cesm and --phantom",
        ),
        (["study", "--phantom", "9"], "--output: none; expected the folder of the study"),
        (["study", "--plan", "--f1", ".8", ".8", "--phantom", "9"], "--plan: cases; a plan has no such options"),
        (["study", "--output", "x", "--phantom", "9", "--f1", ".8", ".8"], "assumed values: expected with --plan"),
        (["study", "--plan", "--f1", ".8", "1"], "--f1: 1.0; expected a number above 0 and below 1"),
        (["phantom", "out", "--no-overwrite"], "Unknown option: --no-overwrite."),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and said in error
    assert error == f"error: {complaint(words)}\n"


def test_nothing_is_complained_of_a_good_command_and_it_is_not_run(tmp_path: Path) -> None:
    assert complaint(["phantom", str(tmp_path / "out"), "--patients", "3"]) is None
    assert complaint(["phantom", "--help"]) is None
    assert list(tmp_path.iterdir()) == []


def test_options_are_those_that_the_commands_have() -> None:
    assert {"--patients", "--cdd-cesm", "--test-fraction", "--generator"} <= options()
    assert all(name.startswith("--") and not name.startswith(("--no-", "--empty-")) for name in options())


def test_an_option_with_several_values_may_be_repeated(tmp_path: Path) -> None:
    words = ["study", "--phantom=9", "--output=x", "--generator", "a=b,height=64", "--generator", "c=d"]
    _, bound, _ = application(["study"]).parse_args(words)
    assert bound.arguments["models"].generator == ("a=b,height=64", "c=d")


def test_of_an_option_that_is_given_twice_the_last_counts() -> None:
    words = ["phantom", "out", "--patients", "9", "--patients=5", "--overwrite", "--overwrite"]
    _, bound, _ = application(["phantom"]).parse_args(words)
    assert bound.arguments["settings"].patients == 5 and bound.arguments["overwrite"]


def test_bundles_come_from_the_environment_unless_an_option_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDES_BUNDLES", "mine")
    words = ["study", "--phantom=9", "--output=x"]
    found = [application(["study"]).parse_args([*words, *more])[1].arguments for more in ([], ["--bundles=yours"])]
    assert [arguments["bundles"] for arguments in found] == [Path("mine"), Path("yours")]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0 and capsys.readouterr().out == f"vdes {__version__}\n"


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
    assert capsys.readouterr().err.startswith("error: test_fraction: 0.2; expected none with folds")


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
    def fail(files: list[Path], /) -> int:
        raise error

    monkeypatch.setattr(audit.app, "default_command", fail)
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
