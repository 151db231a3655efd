"""The steps of a long job: each is done once, in order, and skipped when the job is started again.

A step whose outputs were changed or lost since, or were made from others, is done again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vdes.bundle.digest import digest
from vdes.bundle.output_lock import LOCK_FILE, locked
from vdes.bundle.step_inputs import StepInputs
from vdes.bundle.step_marker import Marker, made_by, marker_file, read_marker, why_not_done, write_marker
from vdes.data.checkpoint import damage
from vdes.errors import InputError, find_input_error

# seconds that two cores took to begin, and for a unit of work: an image of 256 px, once through inference or training
SECONDS = {
    "datalist": (0.5, 0.001),
    "evaluate": (15.0, 0.3),
    "train unet": (15.0, 0.10),
    "train joint": (15.0, 0.16),
    "train cyclegan": (15.0, 0.75),
    "train classifier": (15.0, 0.09),
    "virtual": (1.0, 0.05),
    "predict": (1.0, 0.015),
    "images": (1.0, 0.07),
}


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        name: unique among the steps; it names the file that marks the step as done.
        kind: one of `SECONDS`, for estimates.
        units: units of work.
        run: runs the step; its output must be complete or absent.
        needs: names of the steps that must be done before it.
        outputs: the files and folders that it makes; other steps and the figures read nothing else of it.
        restart: further files, and folders of trainings, that are removed before a finished step is repeated, or an
            interrupted one whose checkpoint was damaged.
        fold: the fold that it belongs to, None for all.
        model: the model that it trains or runs, None for none.
    """

    name: str
    kind: str
    units: float
    run: Callable[[], object]
    needs: Sequence[str] = field(default_factory=tuple)
    outputs: Sequence[Path] = field(default_factory=tuple)
    restart: Sequence[Path] = field(default_factory=tuple)
    fold: int | None = None
    model: str | None = None


def run_steps(
    steps: Sequence[Step],
    folder: Path,
    only: Mapping[str, str] | None = None,
    jobs: int = 1,
    title: str = "study",
    inputs: StepInputs | None = None,
) -> dict[str, str]:
    """Run the unfinished steps, with a progress bar for all.

    A failed step is reported at the end, and the steps that need it are skipped; the others continue. An interrupted
    step is repeated, or resumed if its own program can. A finished step is repeated, with one line, if its outputs or
    its record were damaged, or if a step that it needs has made something else since; an interrupted training starts
    from the beginning, with one line, if its checkpoint was damaged. A step during which an input was changed fails,
    and what it has made is removed.

    Args:
        steps: the steps; ready steps run in this order.
        folder: folder with a file for each finished step.
        only: run only the steps of this ``fold`` and ``model``, as texts, and those that write their datalists. Other
            steps that they need must be done.
        jobs: number of steps at a time. A single step at a time runs in this thread.
        title: title of the progress bar.
        inputs: the files that the steps read and none of them makes.

    Returns:
        The failed steps, each with its reason. With ``only`` this includes steps whose needs are not done.

    Raises:
        InputError: no step belongs to this fold and model, or an input is not the one that the job began with.

    """
    chosen = _chosen(steps, only)
    if inputs is not None:
        inputs.open(folder)
    failed: dict[str, str] = {}
    by_name = {step.name: step for step in steps}
    todo = _todo(chosen, folder)
    done: set[str] = set()  # known to be whole
    estimates = estimated_seconds(steps, folder)
    left = {name: estimates[name] for name in todo}
    total = sum(estimates[step.name] for step in chosen)
    order = TopologicalSorter({name: [need for need in by_name[name].needs if need in todo] for name in todo})
    order.prepare()
    ready: list[str] = []
    running: dict[Future[float], str] = {}
    pool = ThreadPoolExecutor(jobs) if jobs > 1 else _ThisThread()
    with pool, tqdm(total=1.0, desc=title, bar_format="{desc} |{bar}| {percentage:3.0f} % [{elapsed}]") as bar:
        while order.is_active():
            ready = sorted({*ready, *order.get_ready()}, key=todo.__getitem__)
            while ready and len(running) < jobs:
                name = ready.pop(0)
                step = by_name[name]
                missing = [need for need in step.needs if need not in done and not is_done(by_name[need], folder)]
                if missing:
                    why = "failed" if missing[0] in failed else "is not done"
                    failed[name] = f"needs {missing[0]}, which {why}"
                    order.done(name)
                    continue
                done.update(step.needs)
                reason = why_not_done(name, step.outputs, step.needs, folder)
                if reason is None:  # a step that it needs was repeated, with the same outputs
                    order.done(name)
                    del left[name]
                    continue
                if reason:
                    tqdm.write(f"{name}: {reason}; it is done again")
                    _forget(step, folder)
                bar.n = 1 - sum(left.values()) / total if total else 0.0
                bar.set_description(f"{title}: {', '.join([*running.values(), name])}")
                running[pool.submit(_timed, step, folder, inputs)] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                name = running.pop(future)
                order.done(name)
                try:
                    seconds = future.result()
                except InputError as error:
                    failed[name] = str(error)
                    tqdm.write(f"failed: {name}: {error}")
                    continue
                finished = by_name[name]
                made = digest(finished.outputs)
                needed = dict(made_by(finished.needs, folder))
                write_marker(Marker(name, round(seconds, 1), finished.units, made, needed), folder)
                done.add(name)
                del left[name]
        bar.n = 1 - sum(left.values()) / total if total else 1.0
        bar.set_description(title)
    return failed


class _ThisThread(Executor):
    """Run submitted calls at once, in the submitting thread, so that Ctrl-C ends them."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except InputError as error:
            future.set_exception(error)
        return future


def _timed(step: Step, folder: Path, inputs: StepInputs | None) -> float:
    """Run a step, unless another process does at the same time, and return its duration in seconds."""
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with locked(marker_file(step.name, folder).with_suffix(LOCK_FILE), step.name):
        damaged = next(filter(None, map(damage, step.restart)), None)
        if damaged:
            tqdm.write(f"{step.name}: {damaged}; it is done again")
            _forget(step, folder)
        try:
            step.run()
        except Exception as error:  # a full disk, and what a worker process sends
            found = find_input_error(error)
            if found is None:
                raise
            raise found from error
        try:
            if inputs is not None:
                inputs.check()
        except InputError:
            _forget(step, folder)
            raise
    return time.monotonic() - started


def check_idle(folder: Path) -> None:
    """Make sure that no other process runs a step, such as one that was started with ``--only``.

    Args:
        folder: folder with a file for each finished step.

    Raises:
        InputError: one does.
    """
    for file in folder.glob(f"*{LOCK_FILE}"):
        with locked(file, f"{folder.parent}: {file.stem}"):
            pass


def parsed_only(text: str | None) -> dict[str, str]:
    """Return the fold and model of a text such as ``fold=2,model=cyclegan``; None is all.

    Raises:
        InputError: the text has another form.
    """
    pairs = [part.partition("=") for part in text.split(",")] if text else []
    for key, equals, value in pairs:
        if key.strip() not in ("fold", "model") or not equals or not value.strip():
            raise InputError(f"only: {text!r}; expected fold=K, model=NAME or both, such as fold=2,model=cyclegan")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _chosen(steps: Sequence[Step], only: Mapping[str, str] | None) -> list[Step]:
    """Return the steps of a fold and model, and the steps that make their datalists."""
    if not only:
        return list(steps)
    names = {step.name for step in steps if all(str(getattr(step, key)) == value for key, value in only.items())}
    if not names:
        raise InputError(f"only: {_text(only)}; no step of the study belongs to it")
    by_name = {step.name: step for step in steps}
    needed = [need for step in steps if step.name in names for need in step.needs]
    while needed:
        step = by_name[needed.pop()]
        if step.kind == "datalist" and step.name not in names:
            names.add(step.name)
            needed += step.needs
    return [step for step in steps if step.name in names]


def is_done(step: Step, folder: Path) -> bool:
    """Tell whether a step is done, and what it made is as it left it."""
    return why_not_done(step.name, step.outputs, step.needs, folder) is None


def _todo(steps: Sequence[Step], folder: Path) -> dict[str, int]:
    """Return the steps that are not done, and those that need one of them, with their places."""
    todo = {step.name for step in steps if not is_done(step, folder)}
    known = -1
    while known != len(todo):
        known = len(todo)
        todo |= {step.name for step in steps if todo.intersection(step.needs)}
    return {step.name: i for i, step in enumerate(steps) if step.name in todo}


def _forget(step: Step, folder: Path) -> None:
    """Remove what a step has left, so that it starts from the beginning."""
    marker_file(step.name, folder).unlink(missing_ok=True)
    for path in (*step.outputs, *step.restart):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def estimated_seconds(steps: Sequence[Step], folder: Path) -> dict[str, float]:
    """Return the duration of finished steps, and estimates for others from those of their kind or `SECONDS`."""
    taken: dict[str, float] = {}
    measured: dict[str, list[tuple[float, float]]] = {}
    for step in steps:
        marker = read_marker(step.name, folder)
        if marker is not None:
            taken[step.name] = marker.seconds
            measured.setdefault(step.kind, []).append((taken[step.name] - SECONDS[step.kind][0], step.units))
    rates = {kind: rate for kind, (_, rate) in SECONDS.items()}
    for kind, pairs in measured.items():
        units = sum(unit for _, unit in pairs)
        if units > 0:
            rates[kind] = max(0.0, sum(seconds for seconds, _ in pairs) / units)
    return {step.name: taken.get(step.name, SECONDS[step.kind][0] + rates[step.kind] * step.units) for step in steps}


def plan(steps: Sequence[Step], folder: Path, only: Mapping[str, str] | None = None) -> str:
    """Return the steps, with their state and the estimated time of the others, as lines of text.

    Raises:
        InputError: as `run_steps`.
    """
    chosen = _chosen(steps, only)
    estimates = estimated_seconds(steps, folder)
    todo = {step.name for step in chosen if not is_done(step, folder)}
    lines = [
        f"{'to do' if step.name in todo else 'done':6}{_duration(estimates[step.name]):>9}  {step.name}"
        for step in chosen
    ]
    left = sum(estimates[name] for name in todo)
    return "\n".join([*lines, f"{len(chosen)} steps; about {_duration(left).strip()} left on two cores like ours"])


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60:02} min" if hours else f"{rest // 60} min {rest % 60:02} s"


def _text(only: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in only.items())
