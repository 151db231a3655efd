"""Batches of whole examinations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.data import Sampler


class ExaminationBatchSampler(Sampler[list[int]]):
    """Draw batches of whole examinations, each once an epoch, so that predictions of all levels can be trained.

    An examination counts once whatever the number of its images; batches differ in their number of images. The order
    comes from torch's random state. Under `torch.distributed` the processes share the first's order and each takes
    every n-th examination; a last round that is not complete is left out there, so that all take as many steps.

    Args:
        examinations: the examination of each item of the dataset.
        batch_size: examinations in a batch; the last batch may have fewer.

    """

    def __init__(self, examinations: Sequence[str], batch_size: int) -> None:
        groups: dict[str, list[int]] = {}
        for index, examination in enumerate(examinations):
            groups.setdefault(examination, []).append(index)
        self.groups = list(groups.values())
        self.batch_size = batch_size

    @classmethod
    def of(cls, items: Sequence[dict[str, Any]], batch_size: int) -> ExaminationBatchSampler:
        """Return the sampler of items with the field ``examination``."""
        return cls([item["examination"] for item in items], batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the indices of each batch."""
        order = torch.randperm(len(self.groups)).tolist()
        if _processes() > 1:
            shared = [order]
            dist.broadcast_object_list(shared, src=0)
            whole = len(order) - len(order) % _processes()
            order = shared[0][:whole][dist.get_rank() :: _processes()]
        for start in range(0, len(order), self.batch_size):
            yield [index for group in order[start : start + self.batch_size] for index in self.groups[group]]

    def __len__(self) -> int:
        """Return the number of batches of this process."""
        return -(-(len(self.groups) // _processes()) // self.batch_size)


def _processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
