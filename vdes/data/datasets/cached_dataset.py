"""Preprocessed cases, kept on disk."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from monai.data import DataLoader, PersistentDataset
from monai.data.utils import pickle_hashing
from monai.transforms import Compose
from monai.utils import convert_to_tensor
from torch.utils.data import Subset
from tqdm import tqdm

from vdes.data.checked_file import read_checked, write_checked
from vdes.data.datalist import PATH_FIELDS
from vdes.data.known_files import KnownFiles, check_content
from vdes.errors import InputError

logger = logging.getLogger(__name__)

CONTENT = "content"  # field of an item: the hashes of its files


class CachedCases(PersistentDataset):
    """MONAI's dataset with entries that are whole: several runs may share a folder, and damage is noticed.

    MONAI writes an entry on another disk and copies it, so a second run can read a part of it, and it raises what torch
    says of an entry that was cut. Here an entry starts with its hash and is renamed in its folder; one that was damaged
    is computed again.
    """

    def _cachecheck(self, item: dict[str, Any]) -> Any:
        """Return an item after the transform, from the cache or for it.

        Raises:
            InputError: a file of the item has changed since the data set was made, so that the entry would be that of
                another image.
        """
        file = _entry(self, item)
        if file.is_file():
            content = read_checked(file)
            if content is not None:
                return torch.load(io.BytesIO(content), weights_only=True)
            logger.warning("%s: damaged; the case is preprocessed again", file)
        made = convert_to_tensor(self._pre_transform(deepcopy(item)), convert_numeric=False, track_meta=self.track_meta)
        for path, sha256 in zip(_files(item), item[CONTENT], strict=True):
            check_content(path, sha256)
        buffer = io.BytesIO()
        torch.save(made, buffer)
        write_checked(file, buffer.getvalue())
        return made


def cached_dataset(
    items: Sequence[dict[str, Any]],
    transform: Compose,
    cache_dir: str | os.PathLike[str],
    num_workers: int = 0,
    known: KnownFiles | None = None,
) -> CachedCases:
    """Return the items after ``transform``, computed once per data set and kept in ``cache_dir``.

    Missing entries are computed now, with a progress bar. An entry is identified by its item, the parameters of the
    transform and the content of its files, so a corrected image never gets an old entry, whatever its size and time.

    Args:
        items: items of a datalist section.
        transform: deterministic MONAI transforms.
        cache_dir: folder, created if needed; it can be deleted at any time.
        num_workers: processes that compute missing entries.
        known: the content of files, of `vdes.data.training_record.TrainingRecord.files` in a training, so that its
            record speaks of what it has read.

    Raises:
        InputError: an entry cannot be written, or a file cannot be read or was changed while it was.

    """
    known = known or KnownFiles()
    named = [{**item, CONTENT: [known.sha256(file) for file in _files(item)]} for item in items]
    dataset = CachedCases(named, transform, Path(cache_dir), hash_transform=pickle_hashing)
    missing = [i for i, item in enumerate(named) if not _entry(dataset, item).is_file()]
    if missing:
        partial = CachedCases([named[i] for i in missing], transform, Path(cache_dir), hash_transform=pickle_hashing)
        loader = DataLoader(partial, batch_size=1, num_workers=num_workers, collate_fn=len)
        # a loader uses the random state; later results must not depend on what was in the cache
        with torch.random.fork_rng(devices=[]):
            for _ in tqdm(loader, desc="preprocessing", unit="case"):
                pass
    return dataset


def _files(item: dict[str, Any]) -> list[str]:
    """Return the files of an item."""
    return [item[field] for field in PATH_FIELDS if item.get(field) is not None]


def _entry(dataset: PersistentDataset, item: dict[str, Any]) -> Path:
    """Return the file of an item."""
    return Path(dataset.cache_dir) / f"{dataset.hash_func(item).decode('utf-8')}{dataset.transform_hash}.pt"


def aligned(dataset: PersistentDataset, max_edge_offset_px: float) -> Subset:
    """Return the cases of a cached dataset whose registration left at most ``max_edge_offset_px``, and log the others.

    Args:
        dataset: cases after `vdes.transforms.preprocessing.paired_preprocessing`; cases without registration are kept.
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
