"""The record of what weights come from, to prevent testing them on it.

It lies beside the weights, ``model.json`` beside ``model.pt``, and holds the hash of the weights, the images of their
training, and the same of their ancestors: all weights that the training started from, or whose images it learned from,
and the ancestors of those. A record that is missing, was edited or belongs to other weights proves nothing: where such
weights come from is unknown.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from vdes.data.datalist import PATH_FIELDS, Datalist, PathLike
from vdes.data.known_files import KnownFiles, check_content, file_sha256
from vdes.data.vocabulary import MODALITIES
from vdes.errors import InputError

RECORD_SUFFIX = ".json"  # model.json beside model.pt
MADE_BY = "made_by"  # field of a datalist: the origin of the weights that made its images
DIGITS = 12  # of a hash: 48 bits, so a collision among a million images is unlikely
SEEN = ("training", "validation")
SEAL, WEIGHTS, UNKNOWN, ANCESTORS = "record_sha256", "weights_sha256", "unknown", "ancestors"
_NOT_READ = frozenset({"case", *PATH_FIELDS})  # of an item: its files count by their content, under any name

Record = dict[str, Any]


@dataclass(frozen=True)
class TrainingRecord:
    """What a training sees: the images of its datalist, and the ancestors of its weights.

    A training hashes each file once and reads it afterwards: `read_weights` comes before the weights are loaded, and
    the data sets of `vdes.data.datasets.cached_dataset` share ``files``, so that the record speaks of what was read
    and not of what lies there later.

    Args:
        datalist: the datalist of the training, or its file.
        ancestors: by knob, the weights that the training starts from; None and what is not a file are left out.
        files: the content of the files.

    """

    datalist: PathLike | Datalist
    ancestors: Mapping[str, PathLike | None] = field(default_factory=dict)
    files: KnownFiles = field(default_factory=KnownFiles)

    def read_weights(self) -> None:
        """Find out what the weights are that the training starts from, before they are loaded."""
        _ = self._origins, self.ancestors_sha256

    def check_weights(self) -> None:
        """Make sure, once they are loaded, that the weights are those of `read_weights`; later calls do nothing.

        Raises:
            InputError: a file of them was replaced, changed or removed in between.
        """
        _ = self._weights_checked

    @cached_property
    def content(self) -> Record:
        """The record without the hash of the weights, which do not exist yet.

        Images are identified by the first `DIGITS` hexadecimal digits of their file's SHA-256, which say nothing about
        a patient.

        Returns:
            ``data`` (name of the data set), ``phantom`` (the settings of a phantom set, None of others), ``split``,
            ``datalist_sha256``, ``patients`` (their number), ``images``, the sorted fingerprints of the training and
            validation sections, and ``ancestors``. Each of these has a ``role`` and the hash of its weights, and either
            the fields of its own training or ``unknown``, the reason.

        Raises:
            InputError: as `vdes.data.datalist.Datalist.items`.

        """
        listed = self._listed
        items = listed.items(*SEEN)
        files = {item[modality] for item in items for modality in MODALITIES if item[modality] is not None}
        return {
            "data": listed.name,
            "phantom": listed.fields.get("phantom"),
            "split": listed.split,
            "datalist_sha256": listed.sha256,
            "patients": len({item["patient"] for item in items}),
            "images": sorted(self.files.sha256(file)[:DIGITS] for file in files),
            ANCESTORS: self._ancestors(listed),
        }

    @cached_property
    def data_sha256(self) -> str:
        """The hash of all that a training reads: the content of images and masks, labels, sections and ranges.

        Names of cases and files are not part of it, so that a data set may be moved.
        """
        listed = self._listed
        read: list[Any] = [listed.fields["intensity_range"], listed.aligned]
        for section in SEEN:
            for item in listed.items(section):
                hashes = [self.files.sha256(item[name]) if item[name] is not None else None for name in PATH_FIELDS]
                read.append([section, hashes, {key: value for key, value in item.items() if key not in _NOT_READ}])
        return _digest(read)

    @cached_property
    def ancestors_sha256(self) -> dict[str, str | None]:
        """The hashes of the weights that the training starts from, by knob; None where there are none."""
        found = dict(self._origins)
        return {role: found[role][0][WEIGHTS] if role in found else None for role in self.ancestors}

    @cached_property
    def _listed(self) -> Datalist:
        return Datalist.of(self.datalist)

    @cached_property
    def _origins(self) -> list[tuple[str, list[Record]]]:
        """The weights that are files, with their ancestors, by role."""
        named = [(role, file) for role, file in self.ancestors.items() if file is not None and Path(file).is_file()]
        return [(role, origin(role, file)) for role, file in named]

    @cached_property
    def _weights_checked(self) -> bool:
        for role, entries in self._origins:
            check_content(str(self.ancestors[role]), entries[0][WEIGHTS])
        return True

    def _ancestors(self, listed: Datalist) -> list[Record]:
        found = [entry for _, entries in self._origins for entry in entries]
        return _once([*found, *listed.fields.get(MADE_BY, ())])


def origin(role: str, weights: PathLike) -> list[Record]:
    """Return weights and their ancestors as a record lists them: one entry each, these weights first.

    Args:
        role: what the weights are used for, such as ``initial_weights``.
        weights: their file.
    """
    named = {"role": role, WEIGHTS: file_sha256(weights)}
    record = read_record(weights)
    if isinstance(record, str):
        return [{**named, UNKNOWN: record}]
    own = {key: value for key, value in record.items() if key not in (SEAL, WEIGHTS, ANCESTORS)}
    return _once([{**named, **own}, *record[ANCESTORS]])


def sealed(content: Mapping[str, Any], weights: PathLike) -> str:
    """Return the text of a record that belongs to the weights in a file.

    Args:
        content: as `TrainingRecord.content`, or the `known_record` of other weights with the same origin.
        weights: the file of the weights, under any name.
    """
    record = {WEIGHTS: file_sha256(weights), **{k: v for k, v in content.items() if k not in (SEAL, WEIGHTS)}}
    return json.dumps({**record, SEAL: _digest(record)}) + "\n"


def read_record(weights: PathLike) -> Record | str:
    """Return the record beside weights, or in a few words why it proves nothing."""
    file = Path(weights).with_suffix(RECORD_SUFFIX)
    if not file.is_file():
        return "no record beside them"
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        stated = record.pop(SEAL)
        whole = stated == _digest(record) and isinstance(record[ANCESTORS], list) and isinstance(record["images"], list)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{file.name} is not the record of a training"
    if not whole:
        return f"{file.name} was edited"
    if not Path(weights).is_file() or record[WEIGHTS] != file_sha256(weights):
        return f"{file.name} is the record of other weights"
    return {**record, SEAL: stated}


def known_record(weights: PathLike) -> Record:
    """Return the record beside weights, for a changed copy of them, such as in half precision.

    Raises:
        InputError: there are no such weights, or the record proves nothing, see `read_record`.
    """
    if not Path(weights).is_file():
        raise InputError(f"{weights}: no such file; expected weights with the record of their training")
    record = read_record(weights)
    if isinstance(record, str):
        raise InputError(f"{weights}: {record}; expected the record that training writes")
    return record


@dataclass(frozen=True)
class Origin:
    """What is known about the origin of weights.

    Attributes:
        told: a description, for a report.
        known: whether it is known of the weights and of all their ancestors.
    """

    told: str
    known: bool


def check_trained_on(weights: Path, items: list[dict[str, Any]], where: str) -> Origin:
    """Refuse weights that have seen an image of these items in training or validation, or whose ancestors have.

    Args:
        weights: their file; training writes its record next to it.
        items: items of a datalist's test section.
        where: the datalist, for messages.

    Returns:
        What the weights were trained on.

    Raises:
        InputError: the weights or an ancestor have seen a test image.

    """
    files = {item["case"]: [item[field] for field in MODALITIES if item.get(field)] for item in items}
    hashes = {case: {fingerprint(path) for path in paths} for case, paths in files.items()}
    these, *ancestors = origin("", weights)
    for entry in (these, *ancestors):
        known = set(entry.get("images", ()))
        seen = [case for case, prints in hashes.items() if prints & known]
        if seen:
            by = f" by its ancestor {_named(entry)}" if entry["role"] else ""
            raise InputError(
                f"{weights}: trained or validated on {len(seen)} of the {len(items)} test images of {where}{by}, such "
                f"as {seen[0]}; expected weights that have not seen the test patients"
            )
    if UNKNOWN in these:
        return Origin(f"unknown ({these[UNKNOWN]}), so they may have seen the test patients", False)
    told = f"{these['data']}: {len(these['images'])} images of {these['patients']} patients"
    known_ones = [entry for entry in ancestors if UNKNOWN not in entry]
    if known_ones:
        told += f", and {len(known_ones)} ancestor{'s' * (len(known_ones) > 1)}"
    told += ", none of them in this test set"
    unknown = [f"{_named(entry)} ({entry[UNKNOWN]})" for entry in ancestors if UNKNOWN in entry]
    if unknown:
        told += f"; the origin of an ancestor is unknown: {', '.join(unknown)}"
    return Origin(told, not unknown)


def fingerprint(file: str | os.PathLike[str]) -> str:
    """Return the first `DIGITS` hexadecimal digits of a file's SHA-256."""
    return file_sha256(file)[:DIGITS]


def _named(entry: Mapping[str, Any]) -> str:
    return f"{entry['role']} {str(entry.get(WEIGHTS) or '')[:DIGITS]}".strip()


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _once(entries: Iterable[Record]) -> list[Record]:
    """Return the entries without those of the same weights as an earlier one."""
    found: dict[str, Record] = {}
    for entry in entries:
        found.setdefault(str(entry.get(WEIGHTS) or _digest(entry)), entry)
    return list(found.values())
