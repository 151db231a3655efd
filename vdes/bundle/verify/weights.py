"""Check the weights: they are those that were measured, and contain only tensors."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.line import Line
from vdes.data.training_record import RECORD_SUFFIX, read_record


def check_weights(bundle: Bundle) -> Iterator[Line]:
    """Report weights whose hash is not the recorded one, that contain more than finite tensors, or of unknown origin.

    The hash of ``models/NAME.pt`` is recorded with its figures: ``weights_sha256`` in the provenance of the files
    ``docs/results/*_NAME.json`` from evaluation; that of a downloaded file is in ``large_files.yml``.
    """
    for name in bundle.stored_weights:
        yield from _check_hash(bundle, name)
        yield from _check_content(bundle.root / name, name)
        yield from _check_record(bundle.root / name, name)


def recorded_hashes(bundle: Bundle, weights: str) -> set[str]:
    """Return the SHA-256 sums in the results of a file of weights."""
    found: set[str] = set()
    for name in bundle.files:
        if name.startswith("docs/results/") and name.endswith(f"_{Path(weights).stem}.json"):
            try:
                found |= set(_stated(json.loads(bundle.text(name))))
            except ValueError:
                continue  # the card's check reads them
    return found


def _stated(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "weights_sha256" and isinstance(value, str):
                yield value
            else:
                yield from _stated(value)
    elif isinstance(content, list):
        for value in content:
            yield from _stated(value)


def _check_hash(bundle: Bundle, name: str) -> Iterator[Line]:
    content = (bundle.root / name).read_bytes()
    listed = bundle.large_files.get(name)
    if listed is not None and listed.get("hash_val"):
        kind = str(listed.get("hash_type") or "md5")
        found = hashlib.new(kind, content).hexdigest()
        if found != listed["hash_val"]:
            yield Line(name, f"{kind} {found}; large_files.yml lists {listed['hash_val']}", stops=True)
        return
    sha256 = hashlib.sha256(content).hexdigest()
    recorded = recorded_hashes(bundle, name)
    where = f"docs/results/*_{Path(name).stem}.json"
    if not recorded:
        yield Line(name, f"no {where} records its sha256 (weights_sha256): evaluate it and keep the results")
    elif sha256 not in recorded:
        yield Line(
            name,
            f"sha256 {sha256[:12]}; {where} was measured on {', '.join(sorted(h[:12] for h in recorded))}",
            stops=True,
        )


def _check_record(file: Path, name: str) -> Iterator[Line]:
    """Report a record of the training that is missing, edited, or not that of the weights."""
    record = read_record(file)
    if isinstance(record, str):
        recorded = str(Path(name).with_suffix(RECORD_SUFFIX))
        yield Line(recorded, f"{record}; expected the record that the training of {Path(name).name} wrote beside it")


def _check_content(file: Path, name: str) -> Iterator[Line]:
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        wanted = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"it wants to run {wanted[1]}" if wanted else str(error).strip().partition("\n")[0]
        yield Line(name, f"refused by torch.load(weights_only=True): {reason}", stops=True)
        return
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        yield Line(name, f"a {type(state).__name__} of more than tensors; expected a state dict", stops=True)
        return
    for key, value in state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            yield Line(name, f"{key}: has values that are not finite")
