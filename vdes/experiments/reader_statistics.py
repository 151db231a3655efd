"""The statistics of reader studies against known answers: a published analysis, and studies whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.errors import InputError
from vdes.experiments.settings import ReaderStatistics
from vdes.statistics.mrmc.figures_of_merit import Merits, auc_merits
from vdes.statistics.mrmc.obuchowski_rockette import components, difference, modality_test, modality_value
from vdes.statistics.mrmc.roe_metz import RoeMetz
from vdes.statistics.non_inferiority import non_inferiority

MODALITIES = ("spin_echo", "cine")
READERS = 5
# what OR-DBM MRMC 2.51 (University of Iowa) prints of these readings: trapezoidal areas, jackknife
PUBLISHED = {
    "AUC, spin echo": 0.89703704,
    "AUC, cine": 0.94083736,
    "AUC difference": -0.04380032,
    "MS(T)": 0.00479617,
    "MS(R)": 0.00383620,
    "MS(T*R)": 0.00055103,
    "Var(R)": 0.00153500,
    "Var(T*R)": 0.00020040,
    "Var(error)": 0.00080229,
    "Cov1": 0.00034661,
    "Cov2": 0.00034407,
    "Cov3": 0.00023903,
    "F, random readers": 4.46,
    "its denominator degrees of freedom": 15.26,
    "p, random readers": 0.0517,
    "95 % interval, low, random readers": -0.08796,
    "95 % interval, high, random readers": 0.00036,
    "chi-square, fixed readers": 5.47595,
    "p, fixed readers": 0.0193,
    "95 % interval, low, fixed readers": -0.08049,
    "95 % interval, high, fixed readers": -0.00711,
}
AUC, LOSS = 0.85, 0.05
# variances of cases and readers as Roe and Metz have them: high or low data correlation, high or low reader variance
STRUCTURES = {
    "high correlation, high reader variance": RoeMetz(0.03, 0.03, 0.3, 0.3, 0.2, 0.2),
    "high correlation, low reader variance": RoeMetz(0.0055, 0.0055, 0.3, 0.3, 0.2, 0.2),
    "low correlation, high reader variance": RoeMetz(0.03, 0.03, 0.1, 0.1, 0.2, 0.6),
    "low correlation, low reader variance": RoeMetz(0.0055, 0.0055, 0.1, 0.1, 0.2, 0.6),
}
SIZES = ((3, 50), (5, 50), (5, 100), (10, 100))  # readers, and cases of each class


def write_statistics(settings: ReaderStatistics, overwrite: bool = False) -> dict[str, Any]:
    """Compute the published analysis anew, simulate studies, and write both.

    A study is simulated twice: with modalities that are alike, and with one that loses `LOSS`. The first tells how
    often a difference is found that is not there; the second how often the intervals hold the truth, and how often an
    arm that is worse by exactly the margin is called non-inferior.

    Args:
        settings: readings, output and number of studies.
        overwrite: replace the file.

    Returns:
        What was written: ``van_dyke``, a row a figure with ``published`` and ``computed``, and ``simulated``, a row a
        structure and size with shares of the studies.

    Raises:
        InputError: the readings cannot be read, or the file exists.
    """
    found = {
        "van_dyke": van_dyke_rows(settings.readings),
        "simulated": simulated_rows(settings.studies, settings.seed),
        "studies": settings.studies,
        "seed": settings.seed,
        "versions": versions(),
    }
    settings.output.parent.mkdir(parents=True, exist_ok=True)
    with staged([settings.output], overwrite) as stages:
        stages[settings.output].write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def van_dyke_rows(file: Path) -> list[dict[str, Any]]:
    """Return the figures of `PUBLISHED` with those computed here.

    Args:
        file: a row a case with ``malignant`` and a column a reader and modality, such as ``R1_cine``.
    """
    merits = _van_dyke(file)
    parts, random, fixed = components(merits), modality_test(merits), modality_test(merits, "fixed")
    by_random, by_fixed = difference(merits, 0, 1), difference(merits, 0, 1, "fixed")
    values = merits.values
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    computed = {
        "AUC, spin echo": modality_value(merits, 0).value,
        "AUC, cine": modality_value(merits, 1).value,
        "AUC difference": by_random.value,
        "MS(T)": READERS * float(values.mean(axis=1).var(ddof=1)),
        "MS(R)": 2 * float(values.mean(axis=0).var(ddof=1)),
        "MS(T*R)": float((rest**2).sum()) / (READERS - 1),
        "Var(R)": parts.reader,
        "Var(T*R)": parts.interaction,
        "Var(error)": parts.error,
        "Cov1": parts.cov1,
        "Cov2": parts.cov2,
        "Cov3": parts.cov3,
        "F, random readers": random.statistic,
        "its denominator degrees of freedom": random.denominator_df,
        "p, random readers": random.p_value,
        "95 % interval, low, random readers": by_random.low,
        "95 % interval, high, random readers": by_random.high,
        "chi-square, fixed readers": fixed.statistic,
        "p, fixed readers": fixed.p_value,
        "95 % interval, low, fixed readers": by_fixed.low,
        "95 % interval, high, fixed readers": by_fixed.high,
    }
    return [
        {"figure": name, "published": published, "computed": computed[name]} for name, published in PUBLISHED.items()
    ]


def simulated_rows(studies: int, seed: int) -> list[dict[str, Any]]:
    """Return what many simulated studies find, a row a structure and size.

    Args:
        studies: simulated of each setting.
        seed: of the simulation.

    Returns:
        ``structure``, ``readers``, ``cases`` (of each class) and shares of the studies: ``rejected`` (the modalities
        alike, the test at .05), ``covered`` and ``value_covered`` (the 95 % intervals of difference and area hold the
        truth), ``called_non_inferior`` (an arm that is worse by the margin). Each has a standard error of
        ``sqrt(p (1 - p) / studies)``.
    """
    settings = [(name, *size) for name in STRUCTURES for size in SIZES]
    rows = []
    with tqdm(total=len(settings) * studies, desc="simulated studies", unit="study") as bar:
        for number, (name, readers, cases) in enumerate(settings):
            model, rng = STRUCTURES[name], np.random.default_rng([seed, number])
            good, worse = model.separation(AUC), model.separation(AUC - LOSS)
            found = np.zeros((studies, 4), dtype=bool)
            for row in found:
                alike = auc_merits(*model.draw([good, good], readers, cases, cases, rng))
                lost = auc_merits(*model.draw([worse, good], readers, cases, cases, rng))
                estimate, value = difference(lost, 0, 1), modality_value(lost, 1)
                verdict = non_inferiority(
                    estimate.value, estimate.low, estimate.high, estimate.standard_error, 2 * cases, LOSS
                ).verdict
                row[:] = (
                    difference(alike, 0, 1).p_value < 0.05,
                    estimate.low <= -LOSS <= estimate.high,
                    value.low <= AUC <= value.high,
                    verdict == "non-inferior",
                )
                bar.update()
            shares = found.mean(axis=0)
            rows.append(
                {"structure": name, "readers": readers, "cases": cases}
                | dict(
                    zip(
                        ("rejected", "covered", "value_covered", "called_non_inferior"), map(float, shares), strict=True
                    )
                )
            )
    return rows


def markdown(found: Mapping[str, Any]) -> str:
    """Return the tables of `write_statistics` in Markdown."""
    lines = ["| figure | published | vdes |", "| --- | --- | --- |"]
    for row in found["van_dyke"]:
        digits = len(str(row["published"]).partition(".")[2])
        if abs(row["published"]) < 0.01:
            digits = max(digits, 8 if row["figure"].startswith(("MS", "Var", "Cov")) else 5)
        lines.append(f"| {row['figure']} | {row['published']:.{digits}f} | {row['computed']:.{digits}f} |")
    lines += [
        "",
        "| variances | readers | cases of each class | size (.05) | coverage of the difference (.95) "
        "| coverage of the area (.95) | non-inferior at the margin (.025) |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found["simulated"]:
        shares = " | ".join(
            f"{row[name]:.3f}" for name in ("rejected", "covered", "value_covered", "called_non_inferior")
        )
        lines.append(f"| {row['structure']} | {row['readers']} | {row['cases']} | {shares} |")
    return "\n".join(lines)


def _van_dyke(file: Path) -> Merits:
    columns = [[f"R{reader}_{name}" for reader in range(1, READERS + 1)] for name in MODALITIES]
    try:
        table = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as a table of readings ({error})") from error
    lost = {"malignant", *columns[0], *columns[1]} - set(table.columns)
    if lost:
        raise InputError(f"{file}: no column `{min(lost)}`; expected the readings of Van Dyke et al.")
    return auc_merits(table["malignant"], np.array([[table[name] for name in names] for names in columns]))
