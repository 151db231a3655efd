from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from vdes.bundle.steps import SECONDS, Step, estimated_seconds, is_done, parsed_only, plan, run_steps
from vdes.errors import InputError


class Job:
    """Steps a, b (needs a), c: what ran is in ``ran``; ``broken`` names steps that fail."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.broken: set[str] = set()
        self.steps = [
            Step("a", "virtual", 10, self.runner("a"), fold=0, model="unet"),
            Step("b", "predict", 10, self.runner("b"), ("a",), fold=0, model="arms"),
            Step("c", "virtual", 30, self.runner("c"), fold=1, model="unet"),
        ]

    def runner(self, name: str) -> Callable[[], None]:
        def run() -> None:
            if name in self.broken:
                raise InputError(f"{name} is broken")
            self.ran.append(name)

        return run


def test_done_steps_are_not_done_again(tmp_path: Path) -> None:
    job = Job()
    assert run_steps(job.steps, tmp_path) == {}
    assert job.ran == ["a", "b", "c"]
    assert run_steps(job.steps, tmp_path) == {}
    assert job.ran == ["a", "b", "c"]


def test_a_failing_step_stops_those_that_need_it_and_no_others(tmp_path: Path) -> None:
    job = Job()
    job.broken = {"a"}
    assert run_steps(job.steps, tmp_path) == {"a": "a is broken", "b": "needs a, which failed"}
    assert job.ran == ["c"]
    job.broken = set()
    assert run_steps(job.steps, tmp_path) == {}
    assert job.ran == ["c", "a", "b"]


def test_an_interrupted_job_goes_on_where_it_stopped(tmp_path: Path) -> None:
    job = Job()

    def interrupt() -> None:
        raise KeyboardInterrupt

    interrupted = [job.steps[0], Step("b", "predict", 10, interrupt, ("a",)), job.steps[2]]
    with pytest.raises(KeyboardInterrupt):
        run_steps(interrupted, tmp_path)
    assert [is_done(step, tmp_path) for step in job.steps] == [True, False, False]
    run_steps(job.steps, tmp_path)
    assert job.ran == ["a", "b", "c"]


def test_several_steps_run_at_a_time_and_each_after_what_it_needs(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=10)  # passed by two steps that run at the same time, or by none
    ran: list[str] = []

    def together(name: str) -> Callable[[], None]:
        return lambda: (both.wait(), ran.append(name))[1]  # type: ignore[func-returns-value]

    steps = [
        Step("last", "predict", 1, lambda: ran.append("last"), ("a", "b")),
        Step("a", "virtual", 1, together("a")),
        Step("b", "virtual", 1, together("b")),
    ]
    assert run_steps(steps, tmp_path, jobs=2) == {}
    assert sorted(ran[:2]) == ["a", "b"] and ran[2] == "last"


def test_a_model_comes_with_its_datalists_and_what_these_are_made_of(tmp_path: Path) -> None:
    job = Job()
    steps = [
        Step("real", "datalist", 1, job.runner("real")),
        Step("control", "datalist", 1, job.runner("control"), ("real",)),
        Step("judge", "predict", 1, job.runner("judge"), ("control",), model="arms"),
        *job.steps[:1],
    ]
    assert run_steps(steps, tmp_path, parsed_only("model=arms")) == {}
    assert job.ran == ["real", "control", "judge"]


def test_steps_of_one_fold_and_model_alone(tmp_path: Path) -> None:
    job = Job()
    assert run_steps(job.steps, tmp_path, parsed_only("fold=1,model=unet")) == {}
    assert job.ran == ["c"]
    assert run_steps(job.steps, tmp_path, parsed_only("model=arms")) == {"b": "needs a, which is not done"}
    with pytest.raises(InputError, match="fold=7; no step"):
        run_steps(job.steps, tmp_path, parsed_only("fold=7"))


@pytest.mark.parametrize("text", ["fold", "fold=", "arm=3", "fold=1,"])
def test_what_is_no_fold_or_model_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match=r"^only: .*fold=2,model=cyclegan"):
        parsed_only(text)


def test_estimates_come_from_done_steps_of_the_kind(tmp_path: Path) -> None:
    job = Job()
    (start, rate), (other_start, other_rate) = SECONDS["virtual"], SECONDS["predict"]
    assert estimated_seconds(job.steps, tmp_path) == {
        "a": pytest.approx(start + 10 * rate),
        "b": pytest.approx(other_start + 10 * other_rate),
        "c": pytest.approx(start + 30 * rate),
    }
    (tmp_path / "a.json").write_text(json.dumps({"step": "a", "seconds": start + 4.0, "units": 10}))
    estimates = estimated_seconds(job.steps, tmp_path)
    assert (estimates["a"], estimates["c"]) == (start + 4.0, pytest.approx(start + 12.0))
    text = plan(job.steps, tmp_path)
    assert text.splitlines()[0].split() == ["done", "0", "min", f"{start + 4:02.0f}", "s", "a"]
    assert "to do" in text.splitlines()[2]
    assert "3 steps" in text
