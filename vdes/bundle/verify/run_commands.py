"""Run the commands of a bundle's card, shortened, on phantoms."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from vdes.bundle.bundle import Bundle
from vdes.bundle.process import environment
from vdes.bundle.verify.card import config_files
from vdes.bundle.verify.commands import CARD, Command, commands
from vdes.bundle.verify.line import Line
from vdes.bundle.verify.phantoms import QUICK, lay_out, phantoms

SECONDS = 900


def check_runs(bundle: Bundle) -> Iterator[Line]:
    """Tell which commands of the card do not run.

    The workflows of MONAI and ``vdes datalist virtual`` run, in a copy of the bundle's folder, where datalist.json,
    images and virtual_des are those of a few phantoms. What needs CDD-CESM or hours (the project's own scripts, larger
    phantom sets) is named, not run.
    """
    started, ran, left = time.monotonic(), 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / bundle.name
        for file in bundle.files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(bundle.root / file, folder / file)
        lay_out(phantoms(Path(name)), folder)
        for command in commands(bundle):
            if not command.where.startswith(f"{CARD}:"):
                continue  # the heads of the configs repeat those of the card
            if command.monai != "run" and command.words[:3] != ("vdes", "datalist", "virtual"):
                left.append(" ".join(command.words[:2]))
                continue
            ran += 1
            failure = _failure(bundle, command, folder)
            if failure:
                yield Line(command.where, f"{failure} ({command})")
    names = ", ".join(sorted(set(left))) or "none"
    seconds = time.monotonic() - started
    yield Line(
        CARD, f"{ran} commands tried on phantoms in {seconds:.0f} s; not tried: {len(left)} ({names})", good=True
    )


def _failure(bundle: Bundle, command: Command, folder: Path) -> str | None:
    """Run one command, and return how it ended if that was not well."""
    known: set[str] = set().union(*(bundle.content(file) for file in config_files(command)))
    output = (folder / command.options.get("output_dir", ".")).resolve()
    if output != folder and output.is_relative_to(folder):
        shutil.rmtree(output, ignore_errors=True)  # of the command before: each starts afresh
    try:
        done = run(shortened(command, known), folder)
    except subprocess.TimeoutExpired:
        return f"did not end within {SECONDS} s"
    if done.returncode == 0:
        return None
    said = [line for line in done.stderr.strip().splitlines() if line.strip()]
    return f"ended with exit status {done.returncode}: {said[-1] if said else 'it said nothing'}"


def shortened(command: Command, known: Collection[str]) -> list[str]:
    """Return the words that start a command by this Python, with those of `QUICK` that are known and not given."""
    words = list(command.words)
    if words[0] == "torchrun":
        words[:1] = [sys.executable, "-m", "torch.distributed.run"]
    elif words[0] == "vdes":
        words[:1] = [sys.executable, "-m", "vdes.cli"]
    elif words[0] == "python":
        words[0] = sys.executable
    for knob, value in QUICK.items():
        if command.monai and knob in known and knob not in command.options:
            words += [f"--{knob}", str(value)]
    return words


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, with one thread.

    Raises:
        subprocess.TimeoutExpired: it did not end within `SECONDS`.
    """
    return subprocess.run(
        words, cwd=folder, env=environment(threads=1), capture_output=True, text=True, timeout=SECONDS
    )
