"""The ceiling: an ideal observer who knows the scores that determine the appearance of each lesion.

A lesion shows its morphology score in the low-energy image and its enhancement score in DES. Both are Gaussian with
unit variance, ``d'`` apart between the classes and correlated by ``coupling`` within a class. So the ideal observer's
likelihood ratio is linear in them, and its AUC is ``Phi(d' / sqrt 2)`` with ``d'**2 = d^T C^-1 d`` (Green & Swets,
1966). Images show the scores clipped, blurred and with noise, so a classifier can do better than these figures only by
chance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from vdes.phantom.latents import Knobs

IMAGES = ("low_energy", "des", "both")
_CERTAIN = 1e6


def log_likelihood_ratio(
    morphology: npt.ArrayLike, enhancement: npt.ArrayLike, knobs: Knobs, images: str
) -> npt.NDArray[np.floating]:
    """Return ln p(scores | malignant) - ln p(scores | benign).

    Args:
        morphology: scores.
        enhancement: scores, of the same shape.
        knobs: the distributions' parameters.
        images: low_energy (morphology seen), des (enhancement seen) or both.
    """
    first, second = np.asarray(morphology, float), np.asarray(enhancement, float)
    shift = np.array([knobs.morphology_dprime, knobs.enhancement_dprime])
    if images == "both":
        if _degenerate(knobs):
            if shift[0] != shift[1]:
                # fully coupled scores differ by a constant that depends only on the class
                half = (shift[1] - shift[0]) / 2
                return _CERTAIN * np.sign((second - first - half) * half)
            return log_likelihood_ratio(first, second, knobs, "low_energy")
        weight = np.linalg.solve([[1, knobs.coupling], [knobs.coupling, 1]], shift)
    else:
        weight = shift * (np.array(IMAGES[:2]) == images)
    ratio: npt.NDArray[np.floating] = weight[0] * first + weight[1] * second - weight @ shift / 2
    return ratio


def closed_form_auc(knobs: Knobs, images: str) -> float:
    """Return the area under the ideal observer's ROC curve between malignant and benign lesions."""
    shift = np.array([knobs.morphology_dprime, knobs.enhancement_dprime])
    if images == "both":
        if _degenerate(knobs):
            return 1.0 if shift[0] != shift[1] else float(norm.cdf(shift[0] / np.sqrt(2)))
        dprime = np.sqrt(shift @ np.linalg.solve([[1, knobs.coupling], [knobs.coupling, 1]], shift))
    else:
        dprime = shift[IMAGES.index(images)]
    return float(norm.cdf(dprime / np.sqrt(2)))


def oracle_table(breasts: pd.DataFrame, knobs: Knobs) -> pd.DataFrame:
    """Return the ideal observer's figures.

    Args:
        breasts: one row per breast with ``pathology``, ``morphology_score`` and ``enhancement_score`` (NaN if normal).
        knobs: the distributions' parameters.

    Returns:
        One row for each task and kind of image: ``task`` (lesions: malignant against benign; breasts: malignant against
        all others, with normal breasts certain for the ideal observer), ``images``, ``n``, ``malignant``, ``auc`` (NaN
        if a class is missing), ``f1`` (NaN without a malignant breast; breasts that are more likely malignant than not
        are called malignant) and ``closed_form_auc`` (lesions only).
    """
    from sklearn.metrics import f1_score, roc_auc_score

    rows = []
    for task in ("lesions", "breasts"):
        chosen = breasts[breasts["pathology"] != "normal"] if task == "lesions" else breasts
        truth = (chosen["pathology"] == "malignant").to_numpy(int)
        for images in IMAGES:
            ratio = log_likelihood_ratio(chosen["morphology_score"], chosen["enhancement_score"], knobs, images)
            ratio = np.where(chosen["pathology"] == "normal", -_CERTAIN, ratio)
            rows.append(
                {
                    "task": task,
                    "images": images,
                    "n": len(truth),
                    "malignant": int(truth.sum()),
                    "auc": float(roc_auc_score(truth, ratio)) if 0 < truth.sum() < len(truth) else float("nan"),
                    "f1": float(f1_score(truth, ratio > 0)) if truth.any() else float("nan"),
                    "closed_form_auc": closed_form_auc(knobs, images) if task == "lesions" else float("nan"),
                }
            )
    return pd.DataFrame(rows)


def _degenerate(knobs: Knobs) -> bool:
    return knobs.coupling > 1 - 1e-9
