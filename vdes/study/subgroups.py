"""Where do virtual images fail? The study's metrics by subgroups of the cases, and tests of interaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from statsmodels.stats.multitest import multipletests

from vdes.statistics.interaction import interaction_tests
from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.study.arms import Arm, compared
from vdes.study.question import Question
from vdes.study.study_tables import at_level, records
from vdes.study.subgroup_variables import group_table

LEVEL = "image"
METRICS = ("sensitivity", "specificity", "auc")
FEWEST_CASES = 10  # smaller groups have no figures
FEW_PATIENTS = 20  # below it percentile intervals are too narrow, see vdes.statistics.bootstrap
RESAMPLES = 2000
NEEDS = {"sensitivity": {True}, "specificity": {False}}  # classes; other metrics need both

Rows = list[dict[str, Any]]


def subgroups(
    cases: Sequence[Mapping[str, Any]],
    arms: Sequence[Arm],
    predictions: Mapping[str, pd.DataFrame],
    question: Question,
    columns: Sequence[str] = (),
) -> dict[str, Rows]:
    """Return metrics of the virtual arms and their references by density, view, lesion, and so on, at image level.

    Subgroups are exploratory: among so many of them some differ by chance.

    Args:
        cases: the cases of cases.json, as `vdes.study.subgroup_variables.group_table` takes them.
        arms: the arms with predictions.
        predictions: by arm.
        question: the question, with the metric, and the confidence and seed of the intervals.
        columns: the datalist's further columns.

    Returns:
        The tables by name.

        - ``subgroups``: rows with ``variable``, ``group``, ``arm`` and ``reference``, the value of both and their
          difference with paired patient-bootstrap intervals, in the question's metric and `METRICS`, and a ``warning``
          (None, or why the figures say little). A metric that a group's classes do not define is left out.
        - ``small_subgroups``: ``variable``, ``group``, ``cases`` and ``patients`` of groups of fewer than
          `FEWEST_CASES` cases, which have no rows.
        - ``interactions``: for each variable, arm and metric whether the difference differs between the groups, by
          `vdes.statistics.interaction`: ``groups`` (their number), ``statistic``, ``degrees_of_freedom``, ``p_value``
          and ``p_holm``, with Holm's correction over the variables of an arm and metric.

    """
    table = group_table(cases, columns)
    metrics = tuple(dict.fromkeys((question.metric, *METRICS)))
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    small: dict[tuple[str, str], dict[str, Any]] = {}
    tested: Rows = []
    for arm, reference in compared(arms, predictions, "virtual"):
        one, other = (at_level(predictions[name], LEVEL) for name in (arm.arm, reference))
        for variable in map(str, table):
            members: dict[str, set[str]] = {}
            defined: dict[str, tuple[str, ...]] = {}
            for group, part in _parts(one, table[variable]):
                if len(part) < FEWEST_CASES:
                    counts = {"cases": len(part), "patients": int(part["patient"].nunique())}
                    small[variable, group] = {"variable": variable, "group": group, **counts}
                    continue
                members[group] = set(part["case"])
                defined[group] = _defined(part, metrics)
                pair = {reference: other[other["case"].isin(members[group])], arm.arm: part}
                found = paired_bootstrap(
                    pair, reference, defined[group], RESAMPLES, question.seed, question.confidence
                ).assign(variable=variable, group=group, level=LEVEL, reference=reference, warning=_warning(part))
                for row in records(found.drop(columns="standard_error")):
                    key = tuple(row[name] for name in ("variable", "group", "arm", "metric", "statistic", "reference"))
                    rows[key] = row
            for metric in metrics:
                groups = {group: members[group] for group in members if metric in defined[group]}
                if len(groups) > 1:
                    test = interaction_tests(one, other, groups, [metric], RESAMPLES, question.seed)[metric]
                    named = {"variable": variable, "level": LEVEL, "arm": arm.arm, "reference": reference}
                    tested.append({**named, "metric": metric, "groups": len(groups), **test._asdict()})
    return {"subgroups": list(rows.values()), "small_subgroups": list(small.values()), "interactions": _holm(tested)}


def _parts(table: pd.DataFrame, groups: pd.Series) -> list[tuple[str, pd.DataFrame]]:
    """Return the known groups with their rows of a table of predictions."""
    of_case = table["case"].map(groups)
    return [(str(group), table[of_case == group]) for group in sorted(of_case.dropna().unique())]


def _defined(table: pd.DataFrame, metrics: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics that are defined in a group."""
    classes = set(table["malignant"].astype(bool))
    return tuple(name for name in metrics if NEEDS.get(name, {True, False}) <= classes)


def _warning(table: pd.DataFrame) -> str | None:
    """Return why the figures of a group say little, None if it is large enough."""
    patients, malignant = table["patient"].nunique(), int(table["malignant"].sum())
    if patients < FEW_PATIENTS:
        return f"fewer than {FEW_PATIENTS} patients: the interval is too narrow"
    for count, name in ((malignant, "malignant"), (len(table) - malignant, "other")):
        if 0 < count < FEWEST_CASES:
            return f"only {count} {name} {'case' if count == 1 else 'cases'}"
    return None


def _holm(tested: Rows) -> Rows:
    """Add ``p_holm``; tests that are not defined are not counted."""
    table = pd.DataFrame(tested)
    if table.empty:
        return []
    table["p_holm"] = float("nan")
    for _, group in table[table["p_value"].notna()].groupby(["arm", "metric"], sort=False):
        table.loc[group.index, "p_holm"] = multipletests(group["p_value"], method="holm")[1]
    return records(table)
