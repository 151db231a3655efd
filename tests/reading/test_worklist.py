from __future__ import annotations

from collections import Counter

import pytest

from vdes.reading.worklist import CHOICE, QUALITY, READING, chosen_real, work_list

CASES = {
    "malignant": [f"M{i}" for i in range(11)],
    "benign": [f"B{i}" for i in range(6)],
    "lesion-free": [f"N{i}" for i in range(13)],
}
CLASS = {case: name for name, members in CASES.items() for case in members}


def lists(design, readers=4, **changes):
    settings = {"repeats": 6, "choices": 8, "quality": 5, "seed": 1, **changes}
    return [work_list(reader, CASES, design, **settings) for reader in range(readers)]


@pytest.mark.parametrize("design", ["sequential", "crossover", "independent"])
def test_every_case_is_read_once_in_each_modality(design):
    for tasks in lists(design):
        readings = [task for task in tasks if task["part"] == READING]
        keys = Counter((task["case"], task["modality"], task["repeat"]) for task in readings)
        assert set(keys.values()) == {1}
        once = {(case, modality) for case, modality, repeat in keys if repeat == 0}
        assert once == {(case, modality) for case in CLASS for modality in ("low_energy", "real", "virtual")}
        # within a session each case once, but for the two tasks of a sitting
        sittings = Counter((task["session"], task["case"]) for task in readings if task["modality"] != "low_energy")
        assert set(sittings.values()) == {1}


@pytest.mark.parametrize("design", ["sequential", "crossover"])
def test_modalities_are_balanced_within_classes_and_sessions(design):
    names = ("real", "virtual") if design == "sequential" else ("low_energy", "real", "virtual")
    for tasks in lists(design):
        for session in range(1, len(names) + 1):
            for name in CASES:
                found = Counter(
                    task["modality"]
                    for task in tasks
                    if task["session"] == session and CLASS[task["case"]] == name and task["modality"] in names
                )
                assert max(found[one] for one in names) - min(found[one] for one in names) <= 1


def test_readers_start_with_different_modalities():
    first = [next(task["modality"] for task in tasks) for tasks in lists("independent", readers=3)]
    assert sorted(first) == ["low_energy", "real", "virtual"]
    for tasks in lists("independent"):
        for session in (1, 2, 3):
            assert len({task["modality"] for task in tasks if task["session"] == session}) == 1


def test_des_follows_low_energy_of_the_same_case():
    for tasks in lists("sequential"):
        readings = [task for task in tasks if task["part"] == READING]
        for low, des in zip(readings[::2], readings[1::2], strict=True):
            assert low["modality"] == "low_energy" and des["modality"] != "low_energy"
            assert low["case"] == des["case"] and low["reading"] == des["reading"]
            assert des["position"] == low["position"] + 1 and des["session"] == low["session"]
        assert len({task["reading"] for task in readings}) == len(readings) / 2


@pytest.mark.parametrize("design", ["sequential", "crossover", "independent"])
def test_the_last_session_has_repeats_then_choices_then_quality(design):
    for tasks in lists(design):
        last = [task for task in tasks if task["session"] == max(task["session"] for task in tasks)]
        order = [task["part"] for task in last]
        assert order == sorted(order, key=(READING, CHOICE, QUALITY).index)
        repeats = [task for task in last if task["part"] == READING and task["modality"] != "low_energy"]
        repeats = repeats if design == "sequential" else [task for task in last if task["part"] == READING]
        assert len(repeats) == 6 and all(task["repeat"] >= 1 for task in repeats)
        assert {CLASS[task["case"]] for task in repeats} == set(CASES)
        choices = [task for task in last if task["part"] == CHOICE]
        assert Counter(task["left"] for task in choices) == {"real": 4, "virtual": 4}
        quality = [(task["case"], task["modality"]) for task in last if task["part"] == QUALITY]
        assert len(set(quality)) == 10
        assert [task["position"] for task in last] == list(range(1, len(last) + 1))


def test_all_readers_repeat_and_compare_the_same_cases_in_orders_of_their_own():
    for part in (READING, CHOICE, QUALITY):
        found = [
            [(task["case"], task["modality"]) for task in tasks if task["session"] == 3 and task["part"] == part]
            for tasks in lists("sequential")
        ]
        assert all(sorted(one, key=str) == sorted(found[0], key=str) for one in found)
        assert all(one != found[0] for one in found[1:])
    sides = [tuple((t["case"], t["left"]) for t in tasks if t["part"] == CHOICE) for tasks in lists("sequential")]
    assert len(set(map(frozenset, sides))) > 1


def test_the_seed_decides_and_readers_differ():
    assert lists("sequential") == lists("sequential")
    assert lists("sequential") != lists("sequential", seed=2)
    one, two = (tuple(task["case"] for task in tasks) for tasks in lists("sequential", readers=2))
    assert one != two


def test_the_chosen_side():
    assert chosen_real({"left": "real"}, "left") == 1
    assert chosen_real({"left": "virtual"}, "left") == 0
    assert chosen_real({"left": "virtual"}, "right") == 1
