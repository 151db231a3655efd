"""Write weights with the record of where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vdes.data.staging import staged
from vdes.data.training_record import RECORD_SUFFIX, sealed


def save_weights(state: Mapping[str, torch.Tensor], file: Path, record: Mapping[str, Any]) -> None:
    """Write a state dict, and beside it its record, which is tied to it by hash.

    A process that is killed between the two renames leaves a record of other weights, which proves nothing.

    Args:
        state: the state dict.
        file: the file to write or replace; its folder must exist.
        record: as `vdes.data.training_record.TrainingRecord.content`.

    Raises:
        InputError: the folder cannot be written to.
    """
    recorded = file.with_suffix(RECORD_SUFFIX)
    with staged([recorded, file], overwrite=True) as stages:
        torch.save(dict(state), stages[file])
        stages[recorded].write_text(sealed(record, stages[file]), encoding="utf-8")
