"""A bundle's folder as the checks see it, and the lines that they answer with."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from vdes.errors import InputError

CONFIG_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Line:
    """What a check has to say.

    Attributes:
        where: the file, with the line where there is one, relative to the bundle.
        what: what is wrong and what was expected, or a figure.
        good: a figure and nothing wrong.
        stops: so wrong that nothing of the bundle may be run.
    """

    where: str
    what: str
    good: bool = False
    stops: bool = False

    def __str__(self) -> str:
        """Return it in one line."""
        return " ".join(f"{self.where}: {self.what}".split())


class Bundle:
    """A bundle's folder.

    Raises:
        InputError: it is not a folder, or holds no folder ``configs``.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(f"{root}: no such folder; expected that of a bundle")
        if not (root / "configs").is_dir():
            raise InputError(f"{root}: holds no folder configs; expected the folder of a bundle")
        self.root = root.resolve()

    @property
    def name(self) -> str:
        """The name of the bundle, which is that of its folder."""
        return self.root.name

    @cached_property
    def files(self) -> list[str]:
        """The files that belong to it, sorted: in a git checkout those that git does not ignore."""
        command = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."]
        listed = subprocess.run(command, capture_output=True, text=True) if shutil.which("git") else None
        if listed is not None and listed.returncode == 0 and listed.stdout:
            names = set(listed.stdout.split("\0"))
        else:
            names = {file.relative_to(self.root).as_posix() for file in self.root.rglob("*")}
        return sorted(name for name in names if "__pycache__" not in name and (self.root / name).is_file())

    def text(self, name: str) -> str:
        """Return the text of one of its files."""
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What configs/metadata.json says; nothing where it is missing or no JSON object, which is a check's to say."""
        try:
            content = json.loads(self.text("configs/metadata.json"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def config(self, name: str) -> str | None:
        """Return the file of a config such as ``train``, whatever its format, or None."""
        found = (f"configs/{name}{suffix}" for suffix in CONFIG_SUFFIXES)
        return next((file for file in found if file in self.files), None)

    @property
    def configs(self) -> list[str]:
        """The files of all configs, the metadata apart."""
        own = [name for name in self.files if name.startswith("configs/") and name.endswith(CONFIG_SUFFIXES)]
        return [name for name in own if name != "configs/metadata.json"]

    def content(self, config: str) -> dict[str, Any]:
        """Return what a config says as it stands; nothing where it is no YAML of a mapping."""
        try:
            content = yaml.safe_load(self.text(config))
        except yaml.YAMLError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def weights(self) -> list[str]:
        """The files of weights that are there."""
        return [name for name in self.files if name.startswith("models/") and name.endswith(".pt")]

    @property
    def large_files(self) -> dict[str, dict[str, Any]]:
        """What large_files.yml lists of files that are fetched from elsewhere, by their paths."""
        file = next(
            (name for name in self.files if name.startswith("large_files") and name.endswith(CONFIG_SUFFIXES)), ""
        )
        listed = self.content(file).get("large_files") if file else None
        entries = listed if isinstance(listed, list) else []
        return {str(entry["path"]): entry for entry in entries if isinstance(entry, dict) and "path" in entry}
