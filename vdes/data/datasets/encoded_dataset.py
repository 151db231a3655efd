"""Cases as the stored features of their images: each distinct image is read and encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import ignite.distributed as idist
import torch
from monai.data import Dataset
from monai.data.utils import pickle_hashing
from monai.inferers import Inferer
from monai.transforms import Compose, MapTransform
from tqdm import tqdm

from vdes.data.datasets.readable_cases import ReadableCases
from vdes.data.feature_store import FeatureStore
from vdes.data.known_files import KnownFiles
from vdes.data.levels import LEVEL_FIELDS
from vdes.data.versions import versions
from vdes.errors import InputError

Item = dict[str, Any]
KEY = "feature_key"  # of an image


class Encoder(Protocol):
    """What makes features of images, such as `vdes.networks.feature_classifier.InputEncoder`."""

    device: torch.device

    @property
    def identity(self) -> str:
        """What tells its features from those of another encoder."""

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Return features ``(B, 2, F)`` of images ``(B, 1, H, W)``."""


def encoded_dataset(
    items: Sequence[Item],
    transforms: Mapping[str, Compose],
    encoders: Mapping[str, Encoder],
    inferer: Inferer,
    cache_dir: str | Path,
    batch_size: int = 1,
    num_workers: int = 0,
) -> Dataset:
    """Return the items with ``image`` ``(M, 2, F)``: the features of each modality, NaN for one without a file.

    Features that are not in ``cache_dir`` are computed now, with a progress bar, once
    for each image content. They are kept by the content of the file, the transforms, the encoder and its weights, the
    engine, the precision and the versions. Several processes share the images.

    Args:
        items: items of a datalist.
        transforms: for each modality, from an item to its ``image`` ``(1, H, W)``, deterministic. An item's file under
            another name gives the same image.
        encoders: for each modality, in the order of M. Those without transforms are not used.
        inferer: runs the encoders.
        cache_dir: folder, created if needed; it can be deleted at any time.
        batch_size: images at a time, on a GPU.
        num_workers: processes that read ahead.

    Raises:
        InputError: an item has no file of a modality with transforms, the folder cannot be used, or an image was
            changed while it was read. An image that cannot be read is an error of the items that have it, when they are
            asked for.

    """
    store = FeatureStore(cache_dir)
    known = KnownFiles()
    unread: dict[str, str] = {}  # errors, by key

    def key(identity: str, file: str) -> str:
        return hashlib.sha256(f"{identity} {known.sha256(file)}".encode()).hexdigest()

    keys: list[dict[str, str]] = [{} for _ in items]
    for name, transform in transforms.items():
        identity = f"{versions()} {pickle_hashing(transform.flatten().transforms)!r} {encoders[name].identity}"
        distinct: dict[str, Item] = {}
        for item, found in zip(items, keys, strict=True):
            if item.get(name) is not None:
                found[name] = key(identity, str(item[name]))
                distinct.setdefault(found[name], item)
        share = list(distinct.items())[idist.get_rank() :: idist.get_world_size()]
        missing = {one: item for one, item in share if store.read(one) is None}
        files = {one: str(item[name]) for one, item in missing.items()}
        keyed = [{**item, KEY: one} for one, item in missing.items()]
        loader = ReadableCases(Dataset(keyed, _Image(transform)), batch_size=batch_size, num_workers=num_workers)
        _encode(files, loader, encoders[name], inferer, store, known)
        unread |= {item[KEY]: message for item, message in loader.failed}
    if idist.get_world_size() > 1:
        idist.barrier()
    for item, found in zip(items, keys, strict=True):
        if not found:
            raise InputError(f"{item.get('case')}: no {' and no '.join(transforms)}; expected at least one image")
    data = [{**item, "image": found} for item, found in zip(items, keys, strict=True)]
    return Dataset(data, StoredFeaturesd(store, tuple(encoders), unread))


class StoredFeaturesd(MapTransform):
    """Replace the keys of features in ``image``, by modality, by the features; keep the fields of levels."""

    def __init__(self, store: FeatureStore, modalities: Sequence[str], unread: Mapping[str, str]) -> None:
        super().__init__("image")
        self.store = store
        self.modalities = tuple(modalities)
        self.unread = unread

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with the features ``(M, 2, F)``."""
        found = {name: self._features(key) for name, key in data["image"].items()}
        absent = torch.full_like(next(iter(found.values())), torch.nan)
        image = torch.stack([found.get(name, absent) for name in self.modalities])
        return {**{field: data[field] for field in LEVEL_FIELDS if field in data}, "image": image}

    def _features(self, key: str) -> torch.Tensor:
        values = self.store.read(key)
        if values is None and key in self.unread:
            raise InputError(self.unread[key])
        if values is None:
            raise InputError(f"{self.store.file(key)}: vanished or was damaged during the run; run it again")
        return torch.from_numpy(values.copy()).reshape(2, -1)


class _Image:
    """Make the image of an item, with its key."""

    def __init__(self, transform: Compose) -> None:
        self.transform = transform

    def __call__(self, item: Item) -> Item:
        return {KEY: item[KEY], "image": self.transform(item)["image"]}


def _encode(
    files: Mapping[str, str],
    loader: ReadableCases,
    encoder: Encoder,
    inferer: Inferer,
    store: FeatureStore,
    known: KnownFiles,
) -> None:
    """Store the features of images, whose files are named by key."""
    if not files:
        return
    with (
        torch.random.fork_rng(devices=[]),  # a loader draws random numbers
        torch.inference_mode(),
        tqdm(total=len(files), desc="encoding images", unit="image", disable=idist.get_rank() != 0) as bar,
    ):
        for batch in loader:
            keys, images = batch[KEY], batch["image"]
            for key, features in zip(keys, inferer(images.to(encoder.device), encoder).cpu(), strict=True):
                if not bool(features.isfinite().all()):  # NaN would stand for an absent image
                    raise InputError(f"{files[key]}: the network's features of it are not finite numbers")
                known.check(files[key])  # else they would be those of another image
                store.write(key, features.numpy())
            bar.update(len(keys))
