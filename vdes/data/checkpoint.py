"""The checkpoint of a training: its hash, and whether an interrupted training can go on from its files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vdes.data.training_record import RECORD_SUFFIX, read_record

CHECKPOINT = "last.pt"  # in the folder of a training
SEAL = "sha256"
FIELDS = ("run", "progress", SEAL)  # that every checkpoint has, beside the states


def sealed_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a checkpoint with its hash."""
    return {**state, SEAL: state_digest(state)}


def is_whole(state: Mapping[str, Any]) -> bool:
    """Tell whether the state of a checkpoint is the one that it was written with."""
    return state.get(SEAL) == state_digest({name: value for name, value in state.items() if name != SEAL})


def state_digest(state: Any) -> str:
    """Return the hash of nested states: of their names, and of the bytes of their tensors.

    `torch.load` reads tensors of which a bit was flipped on the disk without a word.
    """
    total = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            plain = value.detach().cpu().contiguous()
            total.update(f"{plain.dtype} {tuple(plain.shape)}\0".encode())
            total.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
        elif isinstance(value, Mapping):
            total.update(f"{len(value)} fields\0".encode())
            for name, inside in value.items():
                total.update(f"{name!r}\0".encode())
                add(inside)
        elif isinstance(value, list | tuple):
            total.update(f"{len(value)} values\0".encode())
            for inside in value:
                add(inside)
        else:
            total.update(f"{value!r}\0".encode())

    add(state)
    return total.hexdigest()


def damage(folder: Path) -> str | None:
    """Return which file of an interrupted training was damaged since, in a few words; None if it can go on.

    Looks at its checkpoint, and at the weights that it has kept so far, by their record. Checkpoints without any of
    `FIELDS`, and weights without a record beside a checkpoint that knows of none, may be those of another program, and
    are not judged.

    Args:
        folder: folder of the training, which need not exist.
    """
    file = folder / CHECKPOINT
    if not file.is_file():
        return None  # it starts from the beginning
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):
        return None  # which the training itself reports
    except Exception:  # whatever torch raises on a file that was cut or changed
        return f"{file.name} is damaged"
    if not isinstance(state, dict) or not any(field in state for field in FIELDS):
        return None
    if not is_whole(state):
        return f"{file.name} is damaged"
    records = sorted(folder.glob(f"*{RECORD_SUFFIX}"))
    if state.get("progress", {}).get("best_metric_epoch", 0) > 0:  # it has kept weights, with their record
        if not records and not any(weights.name != file.name for weights in folder.glob(f"*{file.suffix}")):
            return "the weights that it has kept are lost"
        for weights in sorted(folder.glob(f"*{file.suffix}")):
            if weights.name != file.name and not weights.with_suffix(RECORD_SUFFIX).is_file():
                return f"the record of {weights.name} is lost"
    for record in records:
        weights = record.with_suffix(file.suffix)
        if isinstance(read_record(weights), str):
            return f"{weights.name} or its record is damaged"
    return None
