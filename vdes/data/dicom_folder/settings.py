"""Settings for the datalist of a folder of DICOM studies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WORKERS = 2


@dataclass(frozen=True)
class DicomFolderSettings:
    """What a datalist of DICOM studies holds, and how its patients are split.

    Attributes:
        labels: table of labels, xlsx or csv, with StudyInstanceUID or AccessionNumber, and any of laterality (L or R;
            empty for both), pathology, density and birads. Without it all labels are unknown.
        columns: further columns of that table, such as age and centre, by which a study shows subgroups; their names
            as the table has them.
        test_fraction: share of the patients in the test set.
        validation_fraction: share of the patients in the validation set.
        seed: seed of the split.
        include_unpaired: keep images without a partner; the missing one is null.
        workers: number of processes that read the files.
    """

    labels: Path | None = None
    columns: tuple[str, ...] = ()
    test_fraction: float = 0.2
    validation_fraction: float = 0.1
    seed: int = 0
    include_unpaired: bool = False
    workers: int = WORKERS
