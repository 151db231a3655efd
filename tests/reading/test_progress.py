from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from vdes.reading.progress import Progress
from vdes.reading.store import Store


@pytest.fixture()
def store(reading):
    with Store(reading) as store:
        yield store


def answered(store, answer_to, count):
    with store.batch():
        for task in store.tasks["R1"][store.done("R1") : count]:
            store.add(task["task"], answer_to(task), 1)


def names(shown):
    return {image["image"] for panel in shown["panels"] for image in panel["views"].values()}


def test_images_of_this_task_and_the_next_are_there_and_no_others(store, answer_to):
    progress = Progress(store)
    seen = {}
    for done in range(6):
        answered(store, answer_to, done)
        state = progress.state("R1")
        seen[done] = names(state["task"])
        assert all(progress.frame("R1", name) for name in names(state["task"]) | names(state["next"]))
        assert not any(progress.frame("R2", name) for name in names(state["task"]))
    assert not any(progress.frame("R1", name) for name in seen[0])
    # a sitting keeps its low-energy images, and another sitting has names of its own
    assert seen[0] < seen[1] and not seen[1] & seen[2]


def test_panels_show_what_the_task_is_about(store, answer_to):
    progress = Progress(store)
    plan = store.plan
    for number, task in enumerate(store.tasks["R1"]):
        shown = progress.state("R1")["task"]
        views = next(case for case in plan["cases"] if case["case"] == task["case"])["views"]
        kinds = [
            {
                next(kind for kind, image in views[view]["images"].items() if image["file"] == frame.file)
                for view, image in panel["views"].items()
                if (frame := progress.frame("R1", image["image"]))
            }
            for panel in shown["panels"]
        ]
        if task["part"] == "choice":
            other = {"real": "virtual", "virtual": "real"}[task["left"]]
            assert kinds == [{task["left"]}, {other}]
            assert [panel["label"] for panel in shown["panels"]] == ["DES, left", "DES, right"]
        elif task["part"] == "reading" and task["modality"] == "low_energy":
            assert kinds == [{"low_energy"}]
        else:
            assert kinds == [{"low_energy"}, {task["modality"]}]
            assert [panel["label"] for panel in shown["panels"]] == ["Low energy", "DES"]
        answered(store, answer_to, number + 1)
    state = progress.state("R1")
    assert state["task"] is None and state["next"] is None and state["opens"] is None
    assert state["done"] == state["total"]


def test_nothing_is_fetched_ahead_across_sessions(store, answer_to):
    progress = Progress(store)
    last = sum(task["session"] == 1 for task in store.tasks["R1"]) - 1
    answered(store, answer_to, last)
    state = progress.state("R1")
    assert state["next"] is None and state["session_done"] == last == state["session_total"] - 1


def test_a_session_opens_when_its_wash_out_is_over(store, answer_to):
    progress = Progress(store)
    progress.washout = timedelta(days=3)
    first = sum(task["session"] == 1 for task in store.tasks["R1"])
    answered(store, answer_to, first)
    state = progress.state("R1")
    opens = datetime.fromisoformat(state["opens"])
    assert timedelta(days=2.9) < opens - datetime.now(timezone.utc) <= timedelta(days=3)
    assert state["task"] is None and not progress.may_answer("R1", store.tasks["R1"][first]["task"])
    assert progress.may_answer("R1", store.tasks["R1"][first - 1]["task"])  # to say that it is stored already
    progress.washout = timedelta(0)
    assert progress.state("R1")["task"]["task"] == store.tasks["R1"][first]["task"]
    assert not progress.may_answer("R2", store.tasks["R1"][first]["task"])


def test_the_state_says_nothing_of_case_or_kind(store):
    said = json.dumps(Progress(store).state("R1"))
    for case in store.plan["cases"]:
        assert case["case"] not in said and case["patient"] not in said
        for record in case["views"].values():
            assert not any(image["file"] in said or image["sha256"] in said for image in record["images"].values())
    assert store.plan["key"] not in said and "virtual" not in said and "real" not in said
