from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose

from vdes.errors import CaseError, InputError, find_input_error
from vdes.handlers.write_behind import DEPTH, WriteBehind


def evaluated(postprocessing: WriteBehind, cases: int, attached: bool = True) -> SupervisedEvaluator:
    """Run an evaluator whose network doubles the numbers of cases."""
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=[{"image": torch.full((1, 1, 2, 2), float(i))} for i in range(cases)],
        network=torch.nn.Upsample(scale_factor=2),
        postprocessing=postprocessing,
        val_handlers=[postprocessing] if attached else None,
    )
    evaluator.run()
    return evaluator


class Writer:
    """Write a case to a file, slowly, and note which thread did."""

    def __init__(self, folder: Path, fails: int | None = None, seconds: float = 0.0) -> None:
        self.folder, self.fails, self.seconds = folder, fails, seconds

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        case = int(data["pred"].mean())
        time.sleep(self.seconds)
        if case == self.fails:
            raise InputError(f"{self.folder / str(case)}: cannot be written")
        place = len(list(self.folder.iterdir()))
        (self.folder / str(case)).write_text(f"{place} {threading.current_thread().name}")
        return data


def written(folder: Path) -> dict[int, str]:
    return {int(file.name): file.read_text() for file in folder.iterdir()}


def test_all_cases_are_written_in_their_order_by_another_thread(tmp_path: Path) -> None:
    postprocessing = WriteBehind(Writer(tmp_path, seconds=0.01))
    for _ in range(2):  # an evaluator may run again
        evaluated(postprocessing, 10)
        assert written(tmp_path) == {i: f"{i} write-behind_0" for i in range(10)}
        for file in tmp_path.iterdir():
            file.unlink()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("write-behind")]


def test_without_the_handler_it_writes_at_once(tmp_path: Path) -> None:
    evaluated(WriteBehind(Writer(tmp_path)), 3, attached=False)
    assert written(tmp_path) == {i: f"{i} MainThread" for i in range(3)}


@pytest.mark.parametrize("fails", [0, 5, 9])
def test_a_failed_write_stops_the_run(tmp_path: Path, fails: int) -> None:
    with pytest.raises(Exception) as caught:
        evaluated(WriteBehind(Writer(tmp_path, fails)), 10)
    error = find_input_error(caught.value)
    assert str(error) == f"{tmp_path / str(fails)}: cannot be written"
    assert set(range(fails)) <= set(written(tmp_path)) <= set(range(10)) - {fails}
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("write-behind")]


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        ([3], "case 3: not finite"),
        ([9], "case 9: not finite"),
        ([0, 9], "2 cases failed: case 0: not finite; case 9: not finite"),
        (
            range(2, 9),
            "7 cases failed: " + "; ".join(f"case {case}: not finite" for case in range(2, 7)) + "; and 2 more",
        ),
    ],
)
def test_after_an_error_of_one_case_the_others_go_on(tmp_path: Path, fails: Any, message: str) -> None:
    class OfSomeCases(Writer):
        def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
            case = int(data["pred"].mean())
            if case in fails:
                raise CaseError(f"case {case}: not finite")
            return super().__call__(data)

    # in a Compose, as in the bundles, which wraps the error
    postprocessing = WriteBehind(Compose([OfSomeCases(tmp_path)]))
    with pytest.raises(InputError, match=f"^{message}$"):
        evaluated(postprocessing, 10)
    assert set(written(tmp_path)) == set(range(10)) - set(fails)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("write-behind")]
    fails = []  # nothing is left of the failure in a second run
    evaluated(postprocessing, 10)


def test_what_an_earlier_run_has_made_of_a_case_that_fails_is_removed_and_said(tmp_path: Path) -> None:
    fails: list[int] = []

    def write(data: dict[str, Any]) -> dict[str, Any]:
        if int(data["pred"].mean()) in fails:
            raise CaseError(f"case {int(data['pred'].mean())}: not finite")
        return Writer(tmp_path)(data)

    def discard(data: dict[str, Any]) -> Path | None:
        file = tmp_path / str(int(data["pred"].mean()))
        older = file.exists()
        file.unlink(missing_ok=True)
        return file if older else None

    postprocessing = WriteBehind(write, discard)
    evaluated(postprocessing, 4)
    fails += [2, 7]
    message = (
        f"2 cases failed: case 2: not finite; {tmp_path / '2'}, made of it by an earlier run, was removed; "
        "case 7: not finite"
    )
    with pytest.raises(CaseError, match=f"^{message}$"):
        evaluated(postprocessing, 9)
    assert set(written(tmp_path)) == set(range(9)) - set(fails)


def test_only_a_few_cases_wait(tmp_path: Path) -> None:
    release = threading.Event()
    waiting = WriteBehind(lambda data: release.wait(20))
    waiting.start(None)
    handed: list[int] = []

    def hand_over(call: Callable[[Any], Any]) -> None:
        for case in range(DEPTH + 3):
            call(case)
            handed.append(case)

    thread = threading.Thread(target=hand_over, args=(waiting,))
    thread.start()
    time.sleep(0.3)
    assert len(handed) == DEPTH
    release.set()
    thread.join()
    waiting.complete(None)
    assert len(handed) == DEPTH + 3
