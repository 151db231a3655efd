"""Simulated reader studies whose truth is known (Roe and Metz, Academic Radiology 4(4), 1997)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm


@dataclass(frozen=True)
class RoeMetz:
    """Variance components of a rating; those that involve cases sum to 1.

    A rating by reader j of case k in modality i is the class mean plus a normal variate for each of reader, case and
    their interactions with each other and the modality; reader effects are drawn separately for malignant and other
    cases.

    Attributes:
        reader: of readers.
        modality_reader: of readers' preferences for modalities.
        case: of cases.
        modality_case: of cases in a modality.
        reader_case: of readers' opinions of a case, shared by all modalities.
        error: of the residual.
    """

    reader: float = 0.011
    modality_reader: float = 0.011
    case: float = 0.3
    modality_case: float = 0.3
    reader_case: float = 0.2
    error: float = 0.2

    def auc(self, separation: float) -> float:
        """Return the expected area under the ROC curve of a modality, over readers.

        Args:
            separation: between the means of malignant and other cases.
        """
        return float(norm.cdf(separation / np.sqrt(2 * (1 + self.reader + self.modality_reader))))

    def separation(self, auc: float) -> float:
        """Return the separation of the class means that gives an expected area under the ROC curve."""
        return float(norm.ppf(auc) * np.sqrt(2 * (1 + self.reader + self.modality_reader)))

    def draw(
        self, separations: Sequence[float], readers: int, malignant: int, others: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return labels (N,) and ratings (M, R, N) of one simulated study.

        Args:
            separations: of the class means, one per modality.
            readers: R.
            malignant: number of malignant cases, which come first.
            others: number of other cases.
            rng: source of randomness.
        """
        modalities, cases = len(separations), malignant + others
        labels = np.repeat([1, 0], [malignant, others])

        def part(variance: float, *shape: int) -> np.ndarray:
            return np.sqrt(variance) * rng.standard_normal(shape)

        ratings = np.asarray(separations, dtype=float)[:, None, None] * labels
        for_readers = part(self.reader, 1, readers, 2) + part(self.modality_reader, modalities, readers, 2)
        ratings = ratings + for_readers[:, :, labels]
        ratings = ratings + part(self.case, 1, 1, cases) + part(self.modality_case, modalities, 1, cases)
        ratings = ratings + part(self.reader_case, 1, readers, cases) + part(self.error, modalities, readers, cases)
        return labels, ratings
