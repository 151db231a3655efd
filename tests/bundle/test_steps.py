from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from vdes.bundle.digest import digest
from vdes.bundle.output_lock import locked
from vdes.bundle.step_marker import Marker, write_marker
from vdes.bundle.steps import SECONDS, Step, check_idle, estimated_seconds, is_done, parsed_only, plan, run_steps
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
    write_marker(Marker("a", start + 4.0, 10, digest([]), {}), tmp_path)
    estimates = estimated_seconds(job.steps, tmp_path)
    assert (estimates["a"], estimates["c"]) == (start + 4.0, pytest.approx(start + 12.0))
    text = plan(job.steps, tmp_path)
    assert text.splitlines()[0].split() == ["done", "0", "min", f"{start + 4:02.0f}", "s", "a"]
    assert "to do" in text.splitlines()[2]
    assert "3 steps" in text


class Files:
    """Steps that write: a, a folder; b, a file of what a says; c, a file that nothing else needs."""

    def __init__(self, folder: Path) -> None:
        self.ran: list[str] = []
        self.said = "first"
        self.a, self.b, self.c, self.checkpoint = (folder / name for name in ("a", "b.txt", "c.txt", "last.pt"))
        self.steps = [
            Step("a", "virtual", 1, self.write_a, outputs=[self.a], restart=[self.checkpoint]),
            Step("b", "predict", 1, self.write_b, ["a"], outputs=[self.b]),
            Step("c", "predict", 1, self.write_c, outputs=[self.c]),
        ]

    def write_a(self) -> None:
        assert not self.checkpoint.exists()
        self.ran.append("a")
        self.a.mkdir(exist_ok=True)
        for name in ("one", "two"):
            (self.a / name).write_text(f"{name} {self.said}")
        self.checkpoint.write_text("resumed from here")

    def write_b(self) -> None:
        self.ran.append("b")
        self.b.write_text((self.a / "one").read_text().upper())

    def write_c(self) -> None:
        self.ran.append("c")
        self.c.write_text("c")


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


DAMAGES: dict[str, Callable[[Files, Path], object]] = {
    "a file of a folder is lost": lambda files, steps: (files.a / "two").unlink(),
    "a folder is lost": lambda files, steps: shutil.rmtree(files.a),
    "a bit is flipped": lambda files, steps: flipped(files.a / "one"),
    "a file is cut": lambda files, steps: (files.a / "one").write_text("o"),
    "a file is renamed": lambda files, steps: (files.a / "one").rename(files.a / "three"),
    "a file is added": lambda files, steps: (files.a / "three").write_text("3"),
    "an empty record": lambda files, steps: (steps / "a.json").write_text(""),
    "a record of something else": lambda files, steps: (steps / "a.json").write_text("[]"),
    "a record of another step": lambda files, steps: shutil.copy(steps / "c.json", steps / "a.json"),
    "a record without its hash": lambda files, steps: (steps / "a.json").write_text('{"step": "a", "seconds": 1}'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_was_damaged_is_made_again_and_nothing_else(
    damage: Callable[[Files, Path], object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, steps = Files(tmp_path), tmp_path / "steps"
    assert run_steps(files.steps, steps) == {}
    damage(files, steps)
    assert plan(files.steps, steps).splitlines()[0].startswith("to do")
    assert run_steps(files.steps, steps) == {}
    assert files.ran == ["a", "b", "c", "a"]  # b was made from what a makes again
    assert (files.a / "one").read_text() == "one first" and len(list(files.a.iterdir())) == 2
    assert "a: " in capsys.readouterr().out
    assert all(is_done(step, steps) for step in files.steps)


def test_what_was_made_from_something_else_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, steps = Files(tmp_path), tmp_path / "steps"
    run_steps(files.steps, steps)
    files.said = "second"
    (steps / "a.json").unlink()
    files.checkpoint.unlink()
    assert run_steps(files.steps, steps) == {}
    assert files.ran == ["a", "b", "c", "a", "b"]
    assert files.b.read_text() == "ONE SECOND"
    assert "b: what it was made from has changed; it is done again" in capsys.readouterr().out


def test_an_unfinished_step_keeps_its_checkpoint(tmp_path: Path) -> None:
    checkpoint = tmp_path / "last.pt"

    def resume() -> None:
        assert checkpoint.read_text() == "epoch 3"

    checkpoint.write_text("epoch 3")
    assert run_steps([Step("train", "train unet", 1, resume, restart=[checkpoint])], tmp_path / "steps") == {}


def test_an_interrupted_training_whose_checkpoint_is_damaged_starts_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = tmp_path / "training"
    begun = []

    def train() -> None:
        begun.append(not training.exists())

    steps = [Step("train", "train unet", 1, train, restart=[training])]
    training.mkdir()
    (training / "last.pt").write_bytes(b"PK, and the rest was lost")
    assert run_steps(steps, tmp_path / "steps") == {}
    assert begun == [True]
    assert capsys.readouterr().out.strip() == "train: last.pt is damaged; it is done again"


def test_a_step_that_runs_elsewhere_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "one.lock"
    with locked(file, "one"), pytest.raises(InputError, match="one: another process is writing to it"):
        check_idle(tmp_path)
    file.touch()  # of a process that was killed
    check_idle(tmp_path)
    assert not file.exists()


def test_a_full_disk_fails_its_step_alone(tmp_path: Path) -> None:
    def full() -> None:
        raise RuntimeError("a library") from OSError(28, "No space left on device", "a.png")

    job = Job()
    failed = run_steps([Step("full", "virtual", 1, full), *job.steps], tmp_path)
    assert failed == {"full": "a.png: cannot be written (No space left on device); free space and run it again"}
    assert job.ran == ["a", "b", "c"]
