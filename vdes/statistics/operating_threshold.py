"""The threshold between probabilities and decisions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import precision_recall_curve


def best_f1_threshold(probability: ArrayLike, malignant: ArrayLike) -> float:
    """Return the threshold with the largest F1; use it on validation cases only.

    Candidates lie half-way between neighbouring probabilities, so no case lies on the threshold. If several have the
    same F1, the one nearest to one half is chosen.

    Args:
        probability: (N,) in [0, 1].
        malignant: (N,) 0 or 1, at least one of them 1.

    """
    precision, recall, found = precision_recall_curve(np.asarray(malignant), np.asarray(probability, dtype=float))
    below = np.concatenate([[0.0], found[:-1]])
    candidates = (below + found) / 2
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))[: len(found)]
    best = candidates[np.isclose(f1, f1.max())]
    return float(best[np.abs(best - 0.5).argmin()])
