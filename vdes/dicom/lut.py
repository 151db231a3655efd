"""Look-up tables of a header; archives contain more forms of them than the standard allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from vdes.dicom.values import DamageError, items_of, numbers_of, value_of

_DEPTHS = (8, *range(10, 17))  # PS3.3 C.11.2.1.1


@dataclass(frozen=True)
class Lut:
    """A look-up table.

    Attributes:
        first: the input value that maps to the first entry.
        depth: bits per entry.
        entries: (N,).
    """

    first: int
    depth: int
    entries: npt.NDArray[np.int32]

    @property
    def white(self) -> int:
        """The highest value that an entry can have."""
        return (1 << self.depth) - 1

    def __call__(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
        """Look values up; those below and above the table get its first and last entry."""
        return self.entries[np.clip(np.round(values) - self.first, 0, self.entries.size - 1).astype(np.int64)]


def lut_of(dataset: Dataset, keyword: str) -> Lut | None:
    """Return the first look-up table of a sequence, skipping items without one, or None.

    As in dcmtk, it has as many entries as the data contain, whatever its descriptor states.

    Args:
        dataset: of an image.
        keyword: ModalityLUTSequence or VOILUTSequence.

    Raises:
        DamageError: its descriptor breaks the standard's rules, or its data exceed the depth that it states.
    """
    for item in items_of(dataset, keyword):
        data = value_of(item, "LUTData")
        descriptor = numbers_of(item, "LUTDescriptor")
        if data is None and not descriptor:
            continue
        if data is None or len(descriptor) != 3:
            raise DamageError(f"{keyword}: LUTDescriptor or LUTData is missing")
        first, depth = int(descriptor[1]), int(descriptor[2])
        if depth not in _DEPTHS:
            raise DamageError(f"{keyword}: LUTDescriptor: {depth} bits; expected 8 or 10 to 16")
        if first > 0x7FFF and dataset.get("PixelRepresentation") == 1:
            first -= 0x10000  # signed, but read as unsigned
        entries = _entries(data, int(descriptor[0]) or 0x10000, depth, _order(dataset))
        if not entries.size or int(entries.max()) >> depth:
            raise DamageError(f"{keyword}: LUTDescriptor: {depth} bits, which its data exceed")
        return Lut(first, depth, entries)
    return None


def _entries(data: object, count: int, depth: int, order: str) -> npt.NDArray[np.int32]:
    if isinstance(data, bytes):
        packed = depth == 8 and len(data) <= count + count % 2  # two entries per word
        return np.frombuffer(data, "u1" if packed else f"{order}u2")[: count if packed else None].astype(np.int32)
    return np.atleast_1d(np.asarray(data)).astype(np.int32) & 0xFFFF


def _order(dataset: Dataset) -> str:
    little_endian = getattr(dataset, "original_encoding", (None, None))[1]
    return ">" if little_endian is False else "<"
