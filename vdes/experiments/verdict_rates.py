"""How often the verdicts of studies are wrong: many simulated studies whose truth is known.

Writes a JSON file, and the page and the figure of the same name beside it.

    vdes experiment verdicts --output docs/results/verdicts.json
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from vdes.bundle.output_lock import sole_writer
from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.experiments.known_scores import LEVELS, KnownScores
from vdes.experiments.settings import VerdictRates
from vdes.experiments.verdict_figure import verdict_figure
from vdes.experiments.verdict_page import page
from vdes.study.question import Question
from vdes.study.simulated_study import judged

METRICS = ("f1", "auc", "sensitivity")
MARGIN = 0.05
DIFFERENCES = (0.0, -MARGIN, -2 * MARGIN)
PATIENTS = (60, 120, 360)
CORRELATIONS = (0.4, 0.8)
ROUNDING = 1e-9  # of differences of metrics that are equal on paper


@dataclass(frozen=True)
class Setting:
    """What the simulated studies of one row have in common; ``number`` is its place in the grid."""

    number: int
    scores: KnownScores
    patients: int

    def record(self) -> dict[str, Any]:
        """Return the setting as a dictionary for JSON."""
        return {**asdict(self.scores), "patients": self.patients}


def grid() -> list[Setting]:
    """Return all settings; what is compared in a table stands together."""
    found = itertools.product(LEVELS, METRICS, CORRELATIONS, PATIENTS, DIFFERENCES)
    return [
        Setting(number, KnownScores(level, metric, difference, correlation), patients)
        for number, (level, metric, correlation, patients, difference) in enumerate(found)
    ]


def write_rates(settings: VerdictRates, overwrite: bool = False) -> dict[str, Any]:
    """Simulate the studies of all settings and write their rates, with the page and the figure.

    Finished settings are kept in a folder beside the output until all are done, so that an interrupted run goes on
    where it was; those of other numbers, seeds or versions are simulated anew.

    Args:
        settings: output, numbers and seed.
        overwrite: replace the files.

    Returns:
        What was written: ``seed``, ``studies`` (of each setting), ``resamples``, ``margin``, ``confidence``,
        ``versions`` and ``rates``, a row a setting as of `rates`.

    Raises:
        InputError: a file exists already or cannot be written, or another process writes it.
    """
    output = settings.output
    targets = [output, output.with_suffix(".md"), output.with_suffix(".png")]
    parts = output.with_name(f"{output.stem}.parts")
    with sole_writer(parts), staged(targets, overwrite) as stages:
        stated = {"seed": settings.seed, "studies": settings.studies, "resamples": settings.resamples}
        found: dict[str, Any] = {
            **stated,
            "margin": MARGIN,
            "confidence": Question("arm").confidence,
            "versions": versions(),
            "rates": _all_rates(settings, parts),
        }
        text = json.dumps(found, indent=1, allow_nan=False) + "\n"
        stages[targets[0]].write_text(text, encoding="utf-8")
        stages[targets[1]].write_text(page(json.loads(text), output), encoding="utf-8")
        verdict_figure(found["rates"], MARGIN).savefig(stages[targets[2]], metadata={"Software": None})
    shutil.rmtree(parts)
    return found


def rates(setting: Setting, studies: int, resamples: int, seed: int) -> dict[str, Any]:
    """Return what the simulated studies of a setting find.

    Each study gets its intervals and its verdict from the functions that give them to real studies, with a seed of its
    own for the bootstrap.

    Args:
        setting: the setting.
        studies: number of studies.
        resamples: bootstrap samples of each.
        seed: of the simulation; each setting has its own stream.

    Returns:
        The setting, and numbers of studies: ``studies``, ``non_inferior``, ``inferior``, ``covered`` (the interval of
        the difference holds the truth) and ``undefined`` (no interval, counted as not covered).
    """
    rng = np.random.default_rng([seed, setting.number])
    scores = setting.scores
    question = Question("arm", metric=scores.metric, level=scores.level, margin=MARGIN, n_resamples=resamples)
    counts = dict.fromkeys(("non_inferior", "inferior", "covered", "undefined"), 0)
    for _ in range(studies):
        drawn, bootstrap_seed = scores.draw(setting.patients, rng), int(rng.integers(2**31))
        found = judged(drawn, question, bootstrap_seed)
        counts["non_inferior"] += found.verdict == "non-inferior"
        counts["inferior"] += found.verdict == "inferior"
        counts["covered"] += found.difference.low - ROUNDING <= scores.difference <= found.difference.high + ROUNDING
        counts["undefined"] += bool(np.isnan(found.difference.low))
    return {**setting.record(), "studies": studies, **counts}


def _all_rates(settings: VerdictRates, parts: Path) -> list[dict[str, Any]]:
    """Return the rows of all settings, simulating those that are not in the folder of parts."""
    asked = (settings.studies, settings.resamples, settings.seed)
    rows: dict[int, dict[str, Any]] = {}
    with tqdm(total=len(grid()) * settings.studies, desc="simulated studies", unit="study") as bar:
        for number, row in _finished(parts, settings):
            rows[number] = row
        bar.update(len(rows) * settings.studies)
        # forked processes of a parent that may have threads can hang
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(settings.jobs, mp_context=context) as pool:
            running = {
                pool.submit(rates, setting, *asked): setting.number for setting in grid() if setting.number not in rows
            }
            try:
                for done in as_completed(running):
                    number = running[done]
                    rows[number] = done.result()
                    _keep(parts, number, settings, rows[number])
                    bar.update(settings.studies)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return [rows[setting.number] for setting in grid()]


def _stamp(settings: VerdictRates, setting: Setting) -> dict[str, Any]:
    """Return what a finished part depends on."""
    numbers = {"studies": settings.studies, "resamples": settings.resamples, "seed": settings.seed}
    return {**numbers, "margin": MARGIN, "setting": setting.record(), "versions": versions()}


def _keep(parts: Path, number: int, settings: VerdictRates, row: dict[str, Any]) -> None:
    file = parts / f"{number}.json"
    with staged([file], overwrite=True) as stages:
        stages[file].write_text(json.dumps({"of": _stamp(settings, grid()[number]), "row": row}), encoding="utf-8")


def _finished(parts: Path, settings: VerdictRates) -> Iterator[tuple[int, dict[str, Any]]]:
    for setting in grid():
        try:
            part = json.loads((parts / f"{setting.number}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if (
            isinstance(part, dict)
            and "row" in part
            and part.get("of") == json.loads(json.dumps(_stamp(settings, setting)))
        ):
            yield setting.number, part["row"]
