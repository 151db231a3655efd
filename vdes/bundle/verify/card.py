"""The card, docs/README.md: that its commands are well-formed and that what it shows is there."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import monai.bundle
from monai.bundle import ConfigParser, ConfigWorkflow

from vdes.bundle.bundle import Bundle
from vdes.bundle.knobs import takes
from vdes.bundle.locate import PACKAGE
from vdes.bundle.verify.commands import CARD, Command, Program, commands
from vdes.bundle.verify.line import Line
from vdes.errors import InputError

PROJECT = PACKAGE.parent  # of an installed package or a packed archive it holds vdes/ alone
MONAI_COMMANDS = (
    *("run", "run_workflow", "verify_metadata", "verify_net_in_out", "ckpt_export", "onnx_export", "trt_export"),
    *("init_bundle", "download", "download_large_files"),
)


def check_commands(bundle: Bundle, program: Program) -> Iterator[Line]:
    """Tell which commands name a program, a config, a knob or a script that does not exist."""
    try:
        given = commands(bundle)
    except InputError as error:
        yield Line(CARD, str(error))
        return
    for command in given:
        if command.monai is not None:
            problems = of_monai(bundle.root, command)
        elif command.words[0] == "vdes":
            problems = of_vdes(command, program)
        elif command.words[0] == "python":
            problems = of_tools(command)
        else:
            problems = iter([f"{command.words[0]}: expected python, torchrun or vdes"])
        for problem in problems:
            yield Line(command.where, problem)
    yield from _knobs_in_text(bundle, program)


def check_pictures(bundle: Bundle) -> Iterator[Line]:
    """Tell which pictures, links and tables of the card are not there."""
    if CARD not in bundle.files:
        return
    lines = bundle.text(CARD).splitlines()
    for number, line in enumerate(lines, start=1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            inside = (bundle.root / "docs" / target).resolve()
            if "://" not in target and not target.startswith("#") and not inside.exists():
                yield Line(f"{CARD}:{number}", f"{target}: no such file")
        mark = re.fullmatch(r"<!-- (\w+(?::\w+)?) -->", line)
        if mark and number < len(lines) and lines[number] == f"<!-- /{mark[1]} -->":
            yield Line(f"{CARD}:{number}", f"{mark[1]}: the table is empty; vdes experiment card fills it")


def weights_named(bundle: Bundle) -> list[str]:
    """Return the weights of its own that the card names, as ``models/NAME.pt``."""
    if CARD not in bundle.files:
        return []
    return sorted(set(re.findall(r"(?<![\w/])models/\w+\.pt", bundle.text(CARD))))


def of_monai(root: Path, command: Command) -> Iterator[str]:
    """Tell what is wrong with a command of MONAI that is given in the folder ``root``."""
    name = str(command.monai)
    if name not in MONAI_COMMANDS:
        yield f"monai.bundle {name}: no such command; expected one of {', '.join(MONAI_COMMANDS)}"
        return
    files = config_files(command)
    missing = [file for file in files if not (root / file).is_file()]
    for file in missing:
        yield f"--config_file: {file}: no such file in {root.name}"
    if missing:
        return
    known = set(inspect.signature(getattr(monai.bundle, name)).parameters)
    known |= set(inspect.signature(ConfigWorkflow.__init__).parameters) if name == "run" else set()
    parser = ConfigParser(ConfigParser.load_config_files([str(root / file) for file in files]) if files else {})
    for option in command.options:
        if option not in known and not takes(parser, option):
            yield f"--{option}: no knob of {', '.join(files) or name}"


def config_files(command: Command) -> list[str]:
    """Return the configs that a command of MONAI names, relative to the bundle."""
    value = command.options.get("config_file", "")
    if not value.startswith("["):
        return [value] if value else []
    try:
        files: Any = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return [value]
    return [str(file) for file in files]


def of_vdes(command: Command, program: Program) -> Iterator[str]:
    """Tell what ``vdes`` has against a command."""
    complaint = program.complaint(command.words[1:])
    if complaint:
        yield complaint


def of_tools(command: Command) -> Iterator[str]:
    """Tell whether a command names a script that there is not, or an option that the script does not have."""
    script = PROJECT / command.words[1]
    if not script.is_file():
        if not command.words[1].startswith("vdes/") and not (PROJECT / "tools").is_dir():
            return  # a script of the clone, which is not here
        yield f"{command.words[1]}: no such script in the project"
        return
    source = script.read_text(encoding="utf-8")
    for option in command.options:
        if f'"--{option}"' not in source:
            yield f"--{option}: no option of {command.words[1]}"


def _knobs_in_text(bundle: Bundle, program: Program) -> Iterator[Line]:
    """Tell which options the card's prose names, such as --height 256, that no config, script or command has."""
    if CARD not in bundle.files:
        return
    known = {option.removeprefix("--") for option in program.options}
    for config in bundle.configs:
        known |= bundle.content(config).keys()
    for script in set(re.findall(r"(?:tools|vdes)/[\w/]+\.py", bundle.text(CARD))):
        if (PROJECT / script).is_file():
            known |= set(re.findall(r'"--([\w-]+)"', (PROJECT / script).read_text(encoding="utf-8")))
    for number, line in enumerate(bundle.text(CARD).splitlines(), start=1):
        for span in re.findall(r"`(--[^`]+)`", line):
            for option in re.findall(r"--([\w-]+)", span):
                if option not in known:
                    yield Line(f"{CARD}:{number}", f"--{option}: no knob of any config and no option of a command")
