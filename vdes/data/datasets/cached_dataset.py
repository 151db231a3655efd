"""Preprocessed cases, kept on disk."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from monai.data import DataLoader, PersistentDataset
from monai.data.utils import pickle_hashing
from monai.transforms import Compose
from torch.utils.data import Subset
from tqdm import tqdm

from vdes.data.datalist import PATH_FIELDS
from vdes.errors import InputError

logger = logging.getLogger(__name__)


def cached_dataset(
    items: Sequence[dict[str, Any]], transform: Compose, cache_dir: str | os.PathLike[str], num_workers: int = 0
) -> PersistentDataset:
    """Return the items after ``transform``, computed once for a data set and kept in ``cache_dir``.

    What is not there yet is computed now, with a progress bar. An entry is found by its item, the transform's
    parameters and the size and time of its files, so that a corrected image is never taken from an old entry.

    Args:
        items: items of a datalist section.
        transform: deterministic MONAI transforms.
        cache_dir: folder, made if needed; it can be deleted at any time.
        num_workers: processes that compute what is missing.

    """
    stamped = [{**item, "stamp": _stamp(item)} for item in items]
    dataset = PersistentDataset(stamped, transform, Path(cache_dir), hash_transform=pickle_hashing)
    missing = [i for i, item in enumerate(stamped) if not _entry(dataset, item).is_file()]
    if missing:
        partial = PersistentDataset(
            [stamped[i] for i in missing], transform, Path(cache_dir), hash_transform=pickle_hashing
        )
        loader = DataLoader(partial, batch_size=1, num_workers=num_workers, collate_fn=len)
        # a loader draws from the random state; what follows must not depend on how much was in the cache
        with torch.random.fork_rng(devices=[]):
            for _ in tqdm(loader, desc="preprocessing", unit="case"):
                pass
    return dataset


def _stamp(item: dict[str, Any]) -> list[tuple[int, int]]:
    found = [Path(item[field]).stat() for field in PATH_FIELDS if item.get(field) is not None]
    return [(status.st_size, status.st_mtime_ns) for status in found]


def _entry(dataset: PersistentDataset, item: dict[str, Any]) -> Path:
    """Return the file that `PersistentDataset` uses for an item."""
    return Path(dataset.cache_dir) / f"{dataset.hash_func(item).decode('utf-8')}{dataset.transform_hash}.pt"


def aligned(dataset: PersistentDataset, max_edge_offset_px: float) -> Subset:
    """Return the cases of a cached dataset whose registration left at most ``max_edge_offset_px``, and log the others.

    Args:
        dataset: cases after `vdes.transforms.preprocessing.paired_preprocessing`; those that were not registered stay.
        max_edge_offset_px: largest median distance between the breast edges, in pixels of the file.

    Raises:
        InputError: no case is left.

    """
    offsets = [float(case.get("edge_offset_px", 0.0)) for case in dataset]
    kept = [i for i, offset in enumerate(offsets) if offset <= max_edge_offset_px]
    for i in sorted(set(range(len(offsets))) - set(kept)):
        logger.warning("left out, not registered: %s (breast edges %.1f px apart)", dataset[i]["case"], offsets[i])
    if not kept:
        raise InputError(f"no pair of {len(offsets)} could be registered to within {max_edge_offset_px:g} px")
    return Subset(dataset, kept)
