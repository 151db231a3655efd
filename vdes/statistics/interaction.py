"""Interaction: does the difference between two arms differ between subgroups of the cases?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats

from vdes.errors import InputError
from vdes.statistics.bootstrap import MAX_UNDEFINED, cluster_bootstrap_weights
from vdes.statistics.classification_metrics import classification_metrics
from vdes.statistics.paired_bootstrap import aligned


class Interaction(NamedTuple):
    """A Wald test of equal differences in all groups; NaN where it is not defined."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


def interaction_tests(
    arm: pd.DataFrame,
    reference: pd.DataFrame,
    groups: Mapping[str, Collection[str]],
    metrics: Collection[str],
    n_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Interaction]:
    """Test for each metric whether the difference of an arm from its reference is the same in all groups of cases.

    A test in each group says nothing of a difference between groups (Altman and Bland, "Interaction revisited: the
    difference between two estimates", BMJ 326, 2003). This is the Wald test of the contrasts between the groups, with
    the covariance of a bootstrap of whole patients, so groups may share patients, such as the views of a breast. Its
    statistic is compared with ``df * F(df, patients - groups)``, which allows for a covariance that is estimated.

    Args:
        arm: predictions of one level, as in `vdes.statistics.predictions.known_cases`.
        reference: those of the reference, of the same cases.
        groups: by name, the cases of two groups or more without a common case; other cases are ignored.
        metrics: names of `vdes.statistics.classification_metrics.METRICS`, each defined in all groups.
        n_resamples: number of bootstrap samples, 2 or more.
        seed: of the bootstrap.

    Returns:
        The test by metric. It is not defined (NaN) if the metric is undefined in a group or in more than the share
        `MAX_UNDEFINED` of the resamples, a contrast between groups does not vary, or there are no more patients than
        groups.

    Raises:
        InputError: there are fewer than two groups, or as `vdes.statistics.paired_bootstrap.paired_bootstrap`.
    """
    if len(groups) < 2:
        raise InputError(f"groups: {', '.join(groups) or 'none'}; expected two or more")
    tables = aligned({"reference": reference, "arm": arm}, "reference")
    cases, patients = tables["reference"]["case"], tables["reference"]["patient"]
    masks = [cases.isin(list(members)).to_numpy() for members in groups.values()]
    for name, mask in zip(groups, masks, strict=True):
        if not mask.any():
            raise InputError(f"groups: {name}: none of its cases has predictions")

    def differences(weights: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return the (r, groups) differences by metric."""
        found: dict[str, list[np.ndarray]] = {metric: [] for metric in metrics}
        for mask in masks:
            times = None if weights is None else weights[:, mask]
            one, other = (_metrics(tables[name][mask], times, metrics) for name in ("arm", "reference"))
            for metric, values in found.items():
                values.append(one[metric] - other[metric])
        return {metric: np.stack(values, axis=1) for metric, values in found.items()}

    blocks = [differences(weights) for weights in cluster_bootstrap_weights(patients, n_resamples, seed)]
    n_patients = patients[np.logical_or.reduce(masks)].nunique()
    return {
        metric: _wald(values[0], np.concatenate([block[metric] for block in blocks]), n_patients)
        for metric, values in differences(None).items()
    }


def _metrics(table: pd.DataFrame, weights: np.ndarray | None, metrics: Collection[str]) -> dict[str, np.ndarray]:
    return classification_metrics(
        table["malignant"], table["probability"], weights=weights, prediction=table["prediction"], metrics=metrics
    )


def _wald(values: np.ndarray, resampled: np.ndarray, patients: int) -> Interaction:
    """Test whether (groups,) values are equal, given their (resamples, groups) resamples."""
    groups = len(values)
    defined = ~np.isnan(resampled).any(axis=1)
    undefined = Interaction(np.nan, groups - 1, np.nan)
    if np.isnan(values).any() or 1 - defined.mean() > MAX_UNDEFINED or defined.sum() < 2 or patients <= groups:
        return undefined
    covariance = np.atleast_2d(np.cov(np.diff(resampled[defined]), rowvar=False))
    if np.linalg.matrix_rank(covariance) < groups - 1:
        return undefined
    contrasts = np.diff(values)
    statistic = float(contrasts @ np.linalg.solve(covariance, contrasts))
    p_value = scipy.stats.f.sf(statistic / (groups - 1), groups - 1, patients - groups)
    return Interaction(statistic, groups - 1, float(p_value))
