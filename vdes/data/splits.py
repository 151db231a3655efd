"""Training, validation and test sets that share no patient and have the same mix of pathologies."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vdes.data.vocabulary import PATHOLOGIES
from vdes.errors import InputError

Item = dict[str, Any]


def worst_pathology(items: Sequence[Item]) -> dict[str, str]:
    """Return the worst pathology of each patient's items (``unknown`` if none of them has one)."""
    rank = ("unknown", *PATHOLOGIES)
    worst: dict[str, str] = {}
    for item in items:
        pathology = item["pathology"] or "unknown"
        worst[item["patient"]] = max(pathology, worst.get(item["patient"], "unknown"), key=rank.index)
    return worst


def hold_out(
    items: Sequence[Item],
    test_fraction: float = 0.2,
    validation_fraction: float = 0.1,
    seed: int = 0,
    settled: Mapping[str, str] | None = None,
) -> dict[str, list[Item]]:
    """Split once, by patient, stratified by each patient's worst pathology.

    The patients of each stratum are shuffled and spaced evenly on a line; the test set is its start, and the
    validation set comes next. Unlike ``sklearn.model_selection.train_test_split`` this accepts strata of one patient.

    Args:
        items: datalist items with ``case``, ``patient`` and ``pathology``, in any order.
        test_fraction: fraction of the patients, 0 or more; above 0 the set has at least one patient.
        validation_fraction: fraction of the patients, likewise; a sum of 1 deliberately gives an empty training set.
        seed: seed of the shuffling.
        settled: the sections of patients that were split before and keep their section; the fractions apply to the
            others.

    Returns:
        The items of ``training``, ``validation`` and ``test``, each sorted by case; the same for the same items and
        seed.

    Raises:
        InputError: a fraction is out of range, or no patient is left for training with a sum below 1.
    """
    _check_fractions(test_fraction, validation_fraction)
    settled = settled or {}
    line = _stratified_line([item for item in items if item["patient"] not in settled], seed)
    n_test, n_validation = (_share(fraction, len(line)) for fraction in (test_fraction, validation_fraction))
    if math.isclose(test_fraction + validation_fraction, 1.0):
        n_validation = len(line) - n_test
    elif line and n_test + n_validation >= len(line):
        option = "--validation-fraction 0" if n_test < len(line) else "--test-fraction 0 --validation-fraction 0"
        raise InputError(
            f"{len(line)} patients are too few for a test fraction of {test_fraction:g} and a validation fraction of "
            f"{validation_fraction:g}; expected at least one patient to be left for training, as with {option}"
        )
    drawn = {"test": line[:n_test], "validation": line[n_test : n_test + n_validation]}
    kept = {name: [patient for patient, section in settled.items() if section == name] for name in drawn}
    return _sections(items, **{name: {*drawn[name], *kept[name]} for name in drawn})


def k_fold(
    items: Sequence[Item], folds: int, validation_fraction: float = 0.1, seed: int = 0
) -> list[dict[str, list[Item]]]:
    """Split into ``folds`` test sets that cover all items once, with scikit-learn's StratifiedGroupKFold.

    Args:
        items: datalist items with ``case``, ``patient`` and ``pathology``, in any order.
        folds: number of folds, 2 or more, at most the number of patients.
        validation_fraction: fraction of all patients, drawn with stratification from those outside the test set.
        seed: seed of both shufflings.

    Returns:
        For each fold the items of ``training``, ``validation`` and ``test``, each sorted by case.

    Raises:
        InputError: there are too few patients for this number of folds, or no patient is left for training.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # imported here, because it takes seconds

    _check_fractions(0.0, validation_fraction)
    worst = worst_pathology(items)
    if not 2 <= folds <= len(worst):
        raise InputError(
            f"{folds} folds of {len(worst)} patients; expected 2 or more folds, each with at least one patient"
        )
    ordered = _ordered(items)
    patients = [item["patient"] for item in ordered]
    strata = [worst[patient] for patient in patients]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a pathology with fewer items than folds cannot be in all of them
        try:
            tests = [{patients[index] for index in test} for _, test in splitter.split(ordered, strata, patients)]
        except ValueError as error:
            raise InputError(f"{len(ordered)} items cannot be split into {folds} folds ({error})") from error
    splits = []
    for test in tests:
        others = [item for item in ordered if item["patient"] not in test]
        line = _stratified_line(others, seed)
        n_validation = _share(validation_fraction, len(worst))
        if not test or n_validation >= len(line):
            raise InputError(
                f"{len(worst)} patients are too few for {folds} folds with a validation set; use fewer folds"
            )
        splits.append(_sections(ordered, test=test, validation=set(line[:n_validation])))
    return splits


def _check_fractions(test_fraction: float, validation_fraction: float) -> None:
    for name, fraction in (("test", test_fraction), ("validation", validation_fraction)):
        if not 0 <= fraction < 1:
            raise InputError(f"{name} fraction: {fraction:g}; expected 0 or more and less than 1")


def _share(fraction: float, count: int) -> int:
    return max(1, round(fraction * count)) if fraction > 0 else 0


def _ordered(items: Sequence[Item]) -> list[Item]:
    return sorted(items, key=lambda item: item["case"])


def _stratified_line(items: Sequence[Item], seed: int) -> list[str]:
    """Order the patients so that every part of the line has the strata in proportion."""
    random = np.random.default_rng(seed)
    worst = worst_pathology(items)
    positions: list[tuple[float, str]] = []
    for stratum in sorted(set(worst.values())):
        members = sorted(patient for patient, pathology in worst.items() if pathology == stratum)
        shuffled = random.permutation(members).tolist()
        positions += [((rank + 0.5) / len(members), patient) for rank, patient in enumerate(shuffled)]
    return [patient for _, patient in sorted(positions)]


def _sections(items: Sequence[Item], test: set[str], validation: set[str]) -> dict[str, list[Item]]:
    sections: dict[str, list[Item]] = {"training": [], "validation": [], "test": []}
    for item in _ordered(items):
        patient = item["patient"]
        sections["test" if patient in test else "validation" if patient in validation else "training"].append(item)
    return sections
