"""How likely a reader study of this size is to give an answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import nct, norm
from scipy.stats import t as student


@dataclass(frozen=True)
class Assumptions:
    """What the power is computed for; none of it is known before the study, so all of it is stated.

    Attributes:
        auc: of both modalities: the true difference is 0.
        error_correlation_reader: of a reader's errors in the two modalities (r1).
        error_correlation_modality: of two readers' errors in one modality (r2).
        error_correlation_both: of two readers' errors in different modalities (r3).
        reader_by_modality_sd: standard deviation of a reader's own difference between the modalities (sigma of TR).
    """

    auc: float = 0.85
    error_correlation_reader: float = 0.5
    error_correlation_modality: float = 0.35
    error_correlation_both: float = 0.3
    reader_by_modality_sd: float = 0.015


def mrmc_power(
    margin: float,
    readers: int,
    malignant: int,
    others: int,
    confidence: float = 0.95,
    random_readers: bool = True,
    assumptions: Assumptions | None = None,
) -> float:
    """Return the probability that virtual DES is found non-inferior by AUC when it is as good as real DES.

    By Hillis, Obuchowski and Berbaum (Acad Radiol 18:129, 2011), from the mean squares of Obuchowski and Rockette with
    Hillis's degrees of freedom: the lower limit of the two-sided interval of the difference must exceed ``-margin``.
    The variance of an area is that of Hanley and McNeil (Radiology 143:29, 1982).

    Args:
        margin: the largest loss of AUC to accept, above 0.
        readers: 2 or more where they are random, else 1 or more.
        malignant: cases.
        others: cases.
        confidence: of the two-sided interval.
        random_readers: whether the answer is about readers in general, or about these alone.
        assumptions: what is taken for true.

    """
    assumed = assumptions or Assumptions()
    error = _hanley_mcneil(assumed.auc, malignant, others)
    r1, r2, r3 = (
        assumed.error_correlation_reader,
        assumed.error_correlation_modality,
        assumed.error_correlation_both,
    )
    between = max(r2 - r3, 0.0)
    own = assumed.reader_by_modality_sd**2 if random_readers else 0.0
    total = own + error * (1 - r1 + (readers - 1) * between)
    shift = margin / np.sqrt(2 * total / readers)
    tail = 1 - (1 - confidence) / 2
    if not random_readers:
        return float(norm.sf(norm.ppf(tail) - shift))
    freedom = (readers - 1) * (total / (own + error * (1 - r1 - between))) ** 2
    return float(nct.sf(student.ppf(tail, freedom), freedom, shift))


def sizing_record(power: float, wanted: float, assumptions: Assumptions | None = None) -> dict[str, Any]:
    """Return a power with what it was computed for, for the plan."""
    return {
        "method": "Hillis, Obuchowski and Berbaum 2011; non-inferiority of AUC",
        "power": round(power, 3),
        "wanted": wanted,
        "assumptions": asdict(assumptions or Assumptions()),
    }


def _hanley_mcneil(auc: float, malignant: int, others: int) -> float:
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    within = (malignant - 1) * (first - auc**2) + (others - 1) * (second - auc**2)
    return float((auc * (1 - auc) + within) / (malignant * others))
