"""What the analysis and the simulated readers of a reader study are asked to do, checked at the door."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vdes.errors import InputError


@dataclass(frozen=True)
class AnalysisSettings:
    """How readings are analysed.

    Attributes:
        output: folder for the tables. Without it analysis in the reader study's folder; a file of readings needs one.
        arm: of a file of readings, the modality that is new. A reader study has the question in its plan.
        reference: of a file of readings, the modality that it is compared with.
        margin: of a file of readings, the largest loss of AUC that is acceptable; without it 0.05.
        covariance: how the covariances of the areas under the ROC curves are estimated.
        tolerance_mm: how far from a lesion a mark may lie and still mean it.
        n_resamples: bootstrap samples behind the intervals of agreement, marks and features.
        seed: seed of the bootstrap.
        unfinished: analyse though readings are outstanding. This ends the blinding, and the report says so.
    """

    output: Path | None = None
    arm: str | None = None
    reference: str | None = None
    margin: float | None = None
    covariance: Literal["jackknife", "delong"] = "jackknife"
    tolerance_mm: float = 5.0
    n_resamples: int = 2000
    seed: int = 0
    unfinished: bool = False

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: one is out of its range; the message names it.
        """
        for name, least in (("tolerance_mm", 0), ("n_resamples", 1), ("seed", 0)):
            if not getattr(self, name) >= least:
                raise InputError(f"{name}: {getattr(self, name)}; expected {least} or more")


@dataclass(frozen=True)
class SimulatedReaders:
    """What simulated readers are like.

    Attributes:
        virtual_noise: standard deviation of the noise with which virtual DES shows a lesion's enhancement score; that
            of the score itself within a class is 1. With 0 virtual DES shows all that real DES does.
        internal_noise: standard deviation of a reader's own noise in a reading, that of the ideal observer's decision
            variable being 1; it varies somewhat between readers.
        seed: seed of all that is random.
    """

    virtual_noise: float = 1.0
    internal_noise: float = 0.6
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: one is out of its range; the message names it.
        """
        for name in ("virtual_noise", "internal_noise", "seed"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise InputError(f"{name}: {value}; expected 0 or more")
