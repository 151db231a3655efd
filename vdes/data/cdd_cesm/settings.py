"""How the datalist of CDD-CESM is made, checked at the door."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vdes.errors import InputError

TEST_FRACTION = 0.2


@dataclass(frozen=True)
class CddCesmSettings:
    """What a datalist of CDD-CESM holds, and how its patients are split.

    Attributes:
        label: image whose row of the annotation table labels a pair. The two rows differ in 83 of 1003 pairs; the DES
            row is the reading with contrast agent.
        folds: write this many datalists, OUTPUT's stem and _fold0.json and up, whose test sets together hold every
            case once, in place of one hold-out split.
        test_fraction: share of the patients in the test set, 0.2 unless given. Not with folds.
        validation_fraction: share of the patients in the validation set.
        seed: seed of the split.
        splits_of: datalist whose patients keep their sections, such as that of a generator that is trained already; the
            other patients are split as usual. Not with folds.
        include_unpaired: keep images without a partner; the missing one is null.
        annotations: annotation table, xlsx or csv. Without it the folder's ``Radiology*annotations*`` is read.
        segmentations: VIA csv of the lesions. Without it the folder's ``Radiology*segmentations*.csv`` is read, if any.
        drawn_on: if the folder's images are copies of another size, a folder of the same layout with the images that
            the lesions were drawn on, and their VIA csv.
    """

    label: Literal["low_energy", "des"] = "des"
    folds: int | None = None
    test_fraction: float | None = None
    validation_fraction: float = 0.1
    seed: int = 0
    splits_of: Path | None = None
    include_unpaired: bool = False
    annotations: Path | None = None
    segmentations: Path | None = None
    drawn_on: Path | None = None

    def __post_init__(self) -> None:
        """Check what excludes each other.

        Raises:
            InputError: ``folds`` with ``test_fraction`` or with ``splits_of``.
        """
        if self.folds is not None and self.test_fraction is not None:
            raise InputError(
                f"test_fraction: {self.test_fraction}; expected none with folds, whose test sets are the folds"
            )
        if self.folds is not None and self.splits_of is not None:
            raise InputError(f"{self.splits_of}: its splits can be kept in a hold-out split only; expected no folds")
