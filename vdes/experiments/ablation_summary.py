"""What the variants of an ablation achieve, and their paired differences to the base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vdes.statistics.bootstrap import cluster_bootstrap_mean
from vdes.statistics.lesion_summary import summarise_lesions
from vdes.statistics.wilcoxon_holm import wilcoxon_holm

OF_CASES = ("psnr_breast", "ssim_breast", "correlation_breast", "lesion_cnr", "lesion_roc_area")
VIRTUAL, LOW_ENERGY = "virtual_des", "low_energy"
PLACE = ["case", "patient", "place", "number", "pixels"]

VALUE = ("value", "low", "high")
DIFFERENCE = ("difference", "difference_low", "difference_high")
NO_NETWORK = "low energy itself"

Tables = tuple[pd.DataFrame, pd.DataFrame]


def ablation_summary(variants: Mapping[str, Tables], base: str, n_resamples: int = 2000) -> list[dict[str, Any]]:
    """Return the figures of all variants over the test patients of all folds.

    A case's figure, and the contrast of a lesion, is its mean over the seeds, so the intervals cover the sampling of
    patients, not of seeds.

    Args:
        variants: by name, the rows of `vdes.metrics.fidelity.case_rows` and those of
            `vdes.metrics.lesion_table.lesion_rows`, of all folds and seeds.
        base: name of the variant that the others are compared with.
        n_resamples: number of bootstrap samples.

    Returns:
        Rows of ``variant``, ``metric``, ``value``, ``low`` and ``high`` (95 % percentile bootstrap, patients
        resampled), ``cases`` and ``patients``; but for the base also ``difference``, ``difference_low`` and
        ``difference_high``, paired, and for metrics that are a mean over cases ``p_holm``: Wilcoxon signed-rank tests
        of the patients' mean differences, with Holm's correction over the variants. Undefined figures are None. The
        low-energy image itself is a variant ``low energy itself``, without differences.

    """
    cases = {name: _mean_over_seeds(tables[0], ["method", "case", "patient"]) for name, tables in variants.items()}
    lesions = {name: _mean_over_seeds(tables[1], PLACE).reset_index() for name, tables in variants.items()}
    rows = [*_of_cases(cases, base, n_resamples), *_of_lesions(lesions, base, n_resamples)]
    return [{key: None if isinstance(x, float) and not np.isfinite(x) else x for key, x in row.items()} for row in rows]


def _mean_over_seeds(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    numbers = [name for name in rows.columns if name not in keys]
    mean: pd.DataFrame = rows.groupby(keys, sort=False)[numbers].mean()
    return mean


def _of_cases(cases: Mapping[str, pd.DataFrame], base: str, n_resamples: int) -> Iterator[dict[str, Any]]:
    for metric in OF_CASES:
        found = {name: _figures(table, VIRTUAL, metric) for name, table in cases.items()}
        differences = {name: values - found[base] for name, values in found.items() if name != base}
        of_patients = {name: values.groupby("patient").mean().dropna() for name, values in differences.items()}
        tested = {name: values for name, values in of_patients.items() if len(values)}
        holm = dict(wilcoxon_holm(tested)[["comparison", "p_holm"]].to_numpy()) if tested else {}
        for name, values in {**found, NO_NETWORK: _figures(cases[base], LOW_ENERGY, metric)}.items():
            known = values.dropna()
            if known.empty:
                continue
            counts = {"cases": len(known), "patients": int(known.index.get_level_values("patient").nunique())}
            interval = dict(zip(VALUE, _mean(known, n_resamples), strict=True))
            row = {"variant": name, "metric": metric, **interval, **counts}
            if name in tested:
                row |= dict(zip(DIFFERENCE, _mean(differences[name], n_resamples), strict=True))
                row["p_holm"] = float(holm[name])
            yield row


def _figures(table: pd.DataFrame, method: str, metric: str) -> pd.Series:
    figures: pd.Series = table.xs(method, level="method")[metric]
    return figures


def _mean(values: pd.Series, n_resamples: int) -> tuple[float, float, float]:
    return cluster_bootstrap_mean(values, values.index.get_level_values("patient"), n_resamples)


def _of_lesions(lesions: Mapping[str, pd.DataFrame], base: str, n_resamples: int) -> Iterator[dict[str, Any]]:
    reference = lesions[base].set_index(PLACE)[VIRTUAL]
    for name, table in lesions.items():
        # in the place of low energy stands the base, to which the summary then gives the difference
        against = table.assign(**{LOW_ENERGY: reference.reindex(pd.MultiIndex.from_frame(table[PLACE])).to_numpy()})
        summary = summarise_lesions(against, n_resamples)
        yield from _rows_of(summary, name, name != base)
        if name == base:
            yield from _rows_of(summarise_lesions(table, n_resamples), NO_NETWORK, False, LOW_ENERGY)


def _rows_of(summary: pd.DataFrame, name: str, compared: bool, method: str = VIRTUAL) -> Iterator[dict[str, Any]]:
    of_method = summary[summary["method"] == method].set_index(["statistic", "metric"])
    for metric in of_method.loc["mean"].index if len(of_method) else ():
        mean = of_method.loc[("mean", metric)]
        row = {"variant": name, "metric": metric, **{key: float(mean[key]) for key in VALUE}}
        row |= {key: int(mean[key]) for key in ("cases", "patients")}
        if compared:
            found = of_method.loc[("difference_to_low_energy", metric)]
            row |= dict(zip(DIFFERENCE, (float(found[key]) for key in VALUE), strict=True))
        yield row
