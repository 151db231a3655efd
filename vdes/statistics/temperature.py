"""Calibration by one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

RANGE = (0.1, 10.0)


def fitted_temperature(logit: ArrayLike, malignant: ArrayLike) -> float:
    """Return the temperature, the divisor of the logits that minimises their cross-entropy.

    Source: Guo et al., "On calibration of modern neural networks", ICML 2017. It moves no prediction across one half
    and does not change the ROC curve. Fit it on validation cases. It is limited to 0.1 to 10, because separated classes
    would give 0.

    Args:
        logit: (N,) logits of malignant against the rest.
        malignant: (N,) 0 or 1.

    """
    z, sign = np.asarray(logit, dtype=float), 2 * np.asarray(malignant, dtype=float) - 1

    def cross_entropy(log_temperature: float) -> float:
        return float(np.logaddexp(0.0, -sign * z / np.exp(log_temperature)).mean())

    return float(np.exp(minimize_scalar(cross_entropy, bounds=np.log(RANGE), method="bounded").x))
