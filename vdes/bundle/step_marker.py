"""What marks a step of a long job as done: a file with the hashes of what it made, and of what that was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vdes.bundle.digest import digest
from vdes.data.staging import staged


@dataclass(frozen=True)
class Marker:
    """The record of a finished step.

    Attributes:
        step: name of the step.
        seconds: its duration.
        units: its units of work.
        made: hash of its outputs.
        needs: the hash of the outputs of each step that it needs, when it ran.
    """

    step: str
    seconds: float
    units: float
    made: str
    needs: dict[str, str]


def marker_file(name: str, folder: Path) -> Path:
    """Return the file that marks a step as done."""
    return folder / f"{name.replace(' ', '_').replace('/', '-')}.json"


def read_marker(name: str, folder: Path) -> Marker | None:
    """Return the record of a step; None if there is none, or it is damaged."""
    try:
        found = json.loads(marker_file(name, folder).read_bytes())
        marker = Marker(**found)
        whole = marker.step == name and isinstance(marker.needs, dict) and isinstance(marker.made, str)
        return marker if whole and marker.seconds >= 0 else None
    except (OSError, ValueError, TypeError):
        return None


def write_marker(marker: Marker, folder: Path) -> None:
    """Write the record of a step, completely or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    file = marker_file(marker.step, folder)
    with staged([file], overwrite=True) as stages:
        stages[file].write_text(json.dumps(asdict(marker)) + "\n", encoding="utf-8")


def why_not_done(name: str, outputs: Sequence[Path], needs: Sequence[str], folder: Path) -> str | None:
    """Return why a step has to be run: None if it is done, and empty if it was not yet.

    A step is done if its outputs are those that it made, and were made from what the steps that it needs have left.
    """
    marker = read_marker(name, folder)
    if marker is None:
        return "its record is damaged" if marker_file(name, folder).exists() else ""
    if digest(outputs) != marker.made:
        return "what it made was changed or lost"
    if any(marker.needs.get(need) != made for need, made in made_by(needs, folder).items()):
        return "what it was made from has changed"
    return None


def made_by(names: Sequence[str], folder: Path) -> Mapping[str, str]:
    """Return the hashes of what the steps have made, of those that have a record."""
    found = ((name, read_marker(name, folder)) for name in names)
    return {name: marker.made for name, marker in found if marker is not None}
