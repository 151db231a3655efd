"""An empty environment in which a packed bundle runs without vdes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vdes.errors import InputError


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        folder: of the environment.
    """

    folder: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    @classmethod
    def make(cls, folder: Path, python: str, requirements: Sequence[str], oldest: bool = False) -> Environment:
        """Make the environment by uv, with what is asked for and what that needs, and nothing else.

        Args:
            folder: of the environment.
            python: the interpreter, a program on the path or a file.
            requirements: what is asked for.
            oldest: of it install the oldest versions that are allowed, not the newest.

        Raises:
            InputError: there is no uv, or it cannot make the environment; with its reason.
        """
        if shutil.which("uv") is None:
            raise InputError("no program uv; expected it on the path (pip install uv)")
        made = cls(folder)
        _done(["uv", "venv", "--quiet", "--python", python, str(folder)])
        resolution = "lowest-direct" if oldest else "highest"
        words = ["uv", "pip", "install", "--quiet", "--resolution", resolution, "--python", made.python]
        _done([*words, *requirements])
        return made

    def versions(self) -> dict[str, str]:
        """Return the version of each package that is installed, and of Python."""
        words = ["uv", "pip", "list", "--quiet", "--python", self.python, "--format", "json"]
        python = _done([self.python, "-c", "import platform; print(platform.python_version())"]).strip()
        return {"python": python, **{one["name"]: one["version"] for one in json.loads(_done(words))}}

    def run(self, words: Sequence[str], folder: Path) -> None:
        """Run a module in a folder, which Python searches first.

        Raises:
            InputError: it ends with another status than 0; with its last line.
        """
        _done([self.python, "-m", *words], folder)


def _done(words: Sequence[str], folder: Path | None = None) -> str:
    """Return what a program prints."""
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(words, cwd=folder, env=own, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        reason = lines[-1].strip() if lines else "no reason given"
        raise InputError(f"{' '.join(words[1:3])}: exit status {done.returncode}: {reason}")
    return done.stdout
