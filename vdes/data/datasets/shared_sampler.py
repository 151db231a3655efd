"""Cases shared out to several processes."""

from __future__ import annotations

from typing import Any

import torch.distributed as dist
from monai.data import DistributedSampler
from torch.utils.data import Dataset

from vdes.errors import InputError


class SharedSampler(DistributedSampler):
    """MONAI's `DistributedSampler`, which refuses fewer cases than processes in one line.

    Args:
        dataset: the cases.
        even_divisible: repeat cases, so that each process has as many.
        shuffle: in another order in each epoch.
        num_replicas: number of processes; None for those of the run.
        rank: number of this process; None for that in the run.

    Raises:
        InputError: there are more processes than cases.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        even_divisible: bool = True,
        shuffle: bool = True,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        processes = dist.get_world_size() if num_replicas is None else num_replicas
        cases = len(dataset)  # type: ignore[arg-type]
        if cases < processes:
            raise InputError(
                f"dataset_dir: {cases} images for {processes} processes; expected no more processes than images, so at "
                f"most --nproc_per_node={max(1, cases)}"
            )
        super().__init__(dataset, even_divisible, num_replicas, rank, shuffle)
