"""The rows that the page shows, from a study's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vdes.report.study_words import kind
from vdes.statistics.classification_metrics import METRICS
from vdes.study.contents import CONTENTS

Row = Mapping[str, Any]

BREASTS = "breasts"


def comparison_rows(
    rows: Iterable[Row],
    keys: Sequence[str],
    verdicts: Iterable[Row] = (),
    tests: Iterable[Row] = (),
    calibration: Iterable[Row] = (),
) -> list[dict[str, Any]]:
    """Join each arm's value, its difference from its reference and the conclusion.

    Args:
        rows: of ``classification`` or ``subgroups`` in ``metrics.json``.
        keys: fields that identify a row in addition to arm and metric: level, or variable, group and level.
        verdicts: non-inferiority.
        tests: McNemar and DeLong.
        calibration: equivalence.

    Returns:
        One row for each arm, metric and value of ``keys``, in the order of the values: those fields, ``value``,
        ``difference`` (a row, or None), ``reference``, ``margin``, ``verdict`` and ``test`` (a row, or None).

    """
    rows = list(rows)
    fields = [*keys, "arm", "metric"]
    differences = {_key(row, fields): row for row in rows if row["statistic"] == "difference"}
    judged = {_key(row, fields): row for row in [*calibration, *verdicts]}
    tested = {_key(row, [*keys, "arm", "test"]): row for row in tests}
    joined: list[dict[str, Any]] = []
    for row in rows:
        if row["statistic"] != "value":
            continue
        key = _key(row, fields)
        test = METRICS[row["metric"]].test if row["metric"] in METRICS else None
        difference = differences.get(key)
        joined.append(
            {field: row.get(field) for field in fields}
            | {"value": row, "difference": difference, "reference": difference["reference"] if difference else None}
            | {"margin": judged.get(key, {}).get("margin"), "verdict": judged.get(key, {}).get("verdict")}
            | {"test": tested.get((*key[:-1], test))}
        )
    return joined


def oracle_rows(oracle: Iterable[Row], comparisons: Iterable[Row], arms: Iterable[Row]) -> list[dict[str, Any]]:
    """Return each arm's AUC for breasts with the ceiling set by the information in its images.

    Virtual DES is computed from low energy, and another patient's DES says nothing about this one, so an arm whose
    images show no contrast of their patient (`vdes.study.contents`) has the ceiling of low energy.

    Returns:
        One row per arm: ``arm``, its ``kind``, ``value`` (its AUC at breast level), ``seen`` (low_energy, des or both),
        and the ``ceiling`` among all breasts and the ``closed_form`` among lesions (None if unknown). No rows without
        an oracle.

    """
    oracle = list(oracle)
    if not oracle:
        return []
    ceiling = {row["images"]: row["auc"] for row in oracle if row["task"] == BREASTS}
    closed_form = {row["images"]: row["closed_form_auc"] for row in oracle if row["task"] != BREASTS}
    values = {row["arm"]: row["value"] for row in comparisons if (row["level"], row["metric"]) == ("breast", "auc")}
    found = []
    for arm in arms:
        shows_contrast = arm["content"] is not None and CONTENTS[arm["content"]].shows_contrast
        seen = arm["inputs"] if shows_contrast else "low_energy"
        if arm["arm"] in values:
            found.append(
                {"arm": arm["arm"], "kind": kind(arm), "value": values[arm["arm"]], "seen": seen}
                | {"ceiling": ceiling.get(seen), "closed_form": closed_form.get(seen)}
            )
    return found


def _key(row: Row, fields: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row.get(field) for field in fields)
