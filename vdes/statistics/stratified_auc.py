"""The area under the ROC curve within strata of cases, to exclude a factor that must not count."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from vdes.errors import InputError
from vdes.statistics.bootstrap import cluster_bootstrap_weights, percentile_interval
from vdes.statistics.predictions import known_cases


def stratified_auc(
    predictions: pd.DataFrame,
    strata: Sequence[Hashable],
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, float]:
    """Return the AUC over pairs of a malignant and another case of the same stratum, with its interval.

    It is the share of such pairs in which the malignant case has the higher probability, with ties counting half: the
    Mann-Whitney statistic summed over strata (van Elteren, Bull Inst Int Stat 37:351, 1960, weighted by the numbers of
    pairs). Factors that are constant within a stratum, such as the number of images of an examination or the network
    behind a probability, have no effect on it. Patients are resampled, each with all cases.

    Args:
        predictions: a table as in `vdes.statistics.predictions.known_cases`.
        strata: (N,) the stratum of each row.
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap.
        confidence: level of the two-sided percentile interval.

    Returns:
        ``value``, ``low``, ``high``, the number of ``pairs``, and the ``cases`` and ``patients`` in them. NaN without
        pairs.

    Raises:
        InputError: as `known_cases`; also when the lengths differ.
    """
    if len(strata) != len(predictions):
        raise InputError(f"strata: expected {len(predictions)}, one a case, got {len(strata)}")
    stratum = pd.factorize(pd.Series(list(strata), dtype=object))[0]
    known = predictions["malignant"].notna().to_numpy()
    table, stratum = known_cases(predictions), stratum[known]
    malignant = table["malignant"].to_numpy()
    # every pair, by its positions in the table
    higher, lower = np.nonzero(np.logical_and.outer(malignant, ~malignant) & np.equal.outer(stratum, stratum))
    if not len(higher):
        return dict.fromkeys(("value", "low", "high"), np.nan) | {"pairs": 0, "cases": 0, "patients": 0}
    gain = table["probability"].to_numpy()[higher] - table["probability"].to_numpy()[lower]
    right = (gain > 0) + (gain == 0) / 2
    value = float(right.mean())
    drawn = []
    for weights in cluster_bootstrap_weights(table["patient"], n_resamples, seed):
        for weight in weights:  # one at a time: all pairs of all resamples would not fit
            pairs = weight[higher] * weight[lower]
            drawn.append(pairs @ right / pairs.sum() if pairs.any() else np.nan)
    interval = percentile_interval(value, np.array(drawn), confidence)
    compared = table.iloc[np.union1d(higher, lower)]
    return {
        **interval._asdict(),
        "pairs": len(higher),
        "cases": len(compared),
        "patients": int(compared["patient"].nunique()),
    }
