from __future__ import annotations

import random
from collections import Counter

import pytest

from vdes.data.splits import hold_out, k_fold, worst_pathology
from vdes.errors import InputError

PATHOLOGIES = ("normal", "benign", "malignant")


def make_items(patients: int = 100) -> list[dict]:
    """Patients with 1 to 4 views; half are malignant, a third of the others benign."""
    items = []
    for number in range(patients):
        pathology = "malignant" if number % 2 else "benign" if number % 6 == 0 else "normal"
        for view in range(1 + number % 4):
            # an affected patient has a normal view as well
            items.append(
                {
                    "case": f"P{number}_{view}",
                    "patient": f"P{number}",
                    "pathology": pathology if view == 0 else "normal",
                }
            )
    return items


def patients(items: list[dict]) -> set[str]:
    return {item["patient"] for item in items}


def assert_disjoint_and_complete(sections: dict[str, list[dict]], items: list[dict]) -> None:
    cases = [item["case"] for section in sections.values() for item in section]
    assert sorted(cases) == sorted(item["case"] for item in items)
    for first, second in (("training", "validation"), ("training", "test"), ("validation", "test")):
        assert not patients(sections[first]) & patients(sections[second])


def test_a_patient_counts_by_the_worst_finding() -> None:
    items = [
        {"patient": "P1", "pathology": "benign"},
        {"patient": "P1", "pathology": "malignant"},
        {"patient": "P1", "pathology": "normal"},
        {"patient": "P2", "pathology": None},
        {"patient": "P3", "pathology": None},
        {"patient": "P3", "pathology": "normal"},
    ]
    assert worst_pathology(items) == {"P1": "malignant", "P2": "unknown", "P3": "normal"}


@pytest.mark.parametrize("seed", range(5))
def test_hold_out_keeps_patients_apart_and_the_mix_alike(seed: int) -> None:
    items = make_items()
    sections = hold_out(items, seed=seed)
    assert_disjoint_and_complete(sections, items)
    assert {name: len(patients(section)) for name, section in sections.items()} == {
        "training": 70,
        "validation": 10,
        "test": 20,
    }
    whole = Counter(worst_pathology(items).values())
    for section in sections.values():
        found = Counter(worst_pathology(section).values())
        for pathology, count in whole.items():
            assert abs(found[pathology] - count * len(patients(section)) / 100) <= 1


def test_hold_out_depends_on_the_seed_and_not_on_the_order() -> None:
    items = make_items()
    shuffled = random.Random(0).sample(items, len(items))
    assert hold_out(items, seed=4) == hold_out(shuffled, seed=4)
    assert patients(hold_out(items, seed=4)["test"]) != patients(hold_out(items, seed=5)["test"])


def test_hold_out_takes_fractions_of_zero_and_strata_of_one() -> None:
    items = [*make_items(7), {"case": "X", "patient": "PX", "pathology": None}]
    sections = hold_out(items, test_fraction=0, validation_fraction=0.01)
    assert sections["test"] == [] and len(patients(sections["validation"])) == 1
    assert_disjoint_and_complete(sections, items)


def test_every_patient_can_be_drawn_for_the_test_set() -> None:
    items = make_items(20)
    drawn = set().union(*(patients(hold_out(items, seed=seed)["test"]) for seed in range(60)))
    assert drawn == patients(items)


@pytest.mark.parametrize("fractions", [(0.75, 0.25), (0.5, 0.5), (0.9, 0.1)])
def test_fractions_of_one_in_all_leave_nothing_for_training(fractions: tuple[float, float]) -> None:
    items = make_items(9)
    sections = hold_out(items, *fractions)
    assert sections["training"] == []
    assert len(sections["test"]) + len(sections["validation"]) == len(items)
    assert sections["test"] and sections["validation"]


@pytest.mark.parametrize("fractions", [(1.0, 0.1), (-0.1, 0.1), (0.2, 1.5), (0.6, 0.5)])
def test_impossible_fractions_are_errors(fractions: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="fraction"):
        hold_out(make_items(10), *fractions)


def test_folds_cover_every_case_once_and_keep_patients_apart() -> None:
    items = make_items()
    folds = k_fold(items, 5, seed=1)
    tested = [item["case"] for fold in folds for item in fold["test"]]
    assert sorted(tested) == sorted(item["case"] for item in items)
    share = Counter(worst_pathology(items).values())["malignant"] / 100
    for fold in folds:
        assert_disjoint_and_complete(fold, items)
        assert len(patients(fold["validation"])) == 10
        assert 15 <= len(patients(fold["test"])) <= 25
        found = Counter(worst_pathology(fold["test"]).values())
        assert found["malignant"] / len(patients(fold["test"])) == pytest.approx(share, abs=0.1)


def test_folds_depend_on_the_seed_and_not_on_the_order() -> None:
    items = make_items()
    shuffled = random.Random(0).sample(items, len(items))
    assert k_fold(items, 4, seed=2) == k_fold(shuffled, 4, seed=2)
    assert k_fold(items, 4, seed=2) != k_fold(items, 4, seed=3)


def test_a_pathology_rarer_than_the_folds_is_no_obstacle() -> None:
    items = [dict(item, pathology="normal") for item in make_items(12)]
    items[0]["pathology"] = "malignant"
    folds = k_fold(items, 4)
    assert sum(item["pathology"] == "malignant" for fold in folds for item in fold["test"]) == 1


@pytest.mark.parametrize("folds", [0, 1, 13])
def test_impossible_folds_are_errors(folds: int) -> None:
    with pytest.raises(InputError, match=f"{folds} folds of 12 patients"):
        k_fold(make_items(12), folds)


def test_folds_that_leave_nobody_to_train_are_an_error() -> None:
    with pytest.raises(InputError, match="too few"):
        k_fold(make_items(2), 2)


def test_pathologies_all_rarer_than_the_folds_are_an_error() -> None:
    items = [{"case": name, "patient": name, "pathology": name} for name in PATHOLOGIES]
    with pytest.raises(InputError, match="3 items cannot be split into 3 folds"):
        k_fold(items, 3)


def test_settled_patients_stay_and_the_others_are_split_by_their_own_fractions() -> None:
    items = make_items()
    before = hold_out(items[: len(items) // 2], seed=3)
    settled = {item["patient"]: name for name, section in before.items() for item in section}
    sections = hold_out(items, 0.25, 0.1, seed=1, settled=settled)
    assert_disjoint_and_complete(sections, items)
    for name, section in before.items():
        assert patients(section) <= patients(sections[name])
    others = {name: patients(section) - settled.keys() for name, section in sections.items()}
    count = sum(map(len, others.values()))
    assert [len(others[name]) for name in ("test", "validation")] == [round(0.25 * count), round(0.1 * count)]


def test_when_all_patients_are_settled_nothing_is_drawn() -> None:
    items = make_items(6)
    settled = {f"P{number}": "test" if number < 2 else "training" for number in range(6)}
    sections = hold_out(items, settled=settled)
    assert patients(sections["test"]) == {"P0", "P1"} and not sections["validation"]
