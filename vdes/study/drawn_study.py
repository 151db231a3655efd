"""A simulated study of an arm and its reference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from vdes.statistics.resampled_metrics import Cases


class DrawnStudy(NamedTuple):
    """The predictions of two arms for the same simulated patients.

    Attributes:
        patients: (N,) the patients of the cases, as numbers from 0.
        arm: predictions of the arm.
        reference: predictions of its reference, for the same cases with the same labels.
    """

    patients: np.ndarray
    arm: Cases
    reference: Cases

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return both by name as tables of `vdes.statistics.predictions.known_cases`."""
        common = {"case": np.arange(len(self.patients)), "patient": self.patients}
        both = {"arm": self.arm, "reference": self.reference}
        return {name: pd.DataFrame({**common, **cases._asdict()}) for name, cases in both.items()}
