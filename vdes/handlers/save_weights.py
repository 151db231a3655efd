"""Write weights with the record of where they come from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vdes.data.staging import staged
from vdes.data.training_record import RECORD_SUFFIX, sealed


def save_state(state: Mapping[str, Any], file: Path) -> None:
    """Write what `torch.save` does, by way of memory, because its error on a full disk does not say so.

    Raises:
        OSError: the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    file.write_bytes(buffer.getbuffer())


def save_weights(state: Mapping[str, torch.Tensor], file: Path, record: Mapping[str, Any]) -> None:
    """Write a state dict, and beside it its record, which is tied to it by hash.

    A process that is killed between the two renames leaves a record of other weights, which proves nothing.

    Args:
        state: the state dict.
        file: the file to write or replace; its folder must exist.
        record: as `vdes.data.training_record.TrainingRecord.content`.

    Raises:
        InputError: the folder cannot be written to, or the disk is full.
    """
    recorded = file.with_suffix(RECORD_SUFFIX)
    with staged([recorded, file], overwrite=True) as stages:
        save_state(state, stages[file])
        stages[recorded].write_text(sealed(record, stages[file]), encoding="utf-8")
