"""The number of patients that a study needs, found by simulated studies with the study's own interval and verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import scipy.stats

from vdes.errors import InputError
from vdes.statistics.monte_carlo import share
from vdes.statistics.non_inferiority import patients_for, two_digits_up
from vdes.study.question import Question
from vdes.study.simulated_study import judged

POWERS = (0.8, 0.9)
LEAST, MOST = 20, 5_000  # patients that are simulated; with fewer, percentile intervals are too narrow
SCOUT = 300  # patients of the study that the first guess comes from
ROUNDING = 1e-9  # of differences that are equal on paper
SEARCH, CHECK = 0, 1  # streams of random numbers


class Population(Protocol):
    """Patients from whom studies can be drawn: `BinormalScores` or `Pilot`."""

    def draw(self, patients: int, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
        """Return the predictions of ``arm`` and ``reference`` for new patients."""

    def difference(self, metric: str) -> float:
        """Return the true difference of the arm from its reference."""


class Power(NamedTuple):
    """In how many simulated studies of a size the arm was non-inferior."""

    patients: int
    non_inferior: int
    studies: int


def simulated_power(
    population: Population,
    patients: int,
    question: Question,
    studies: int,
    stream: Sequence[int],
    tick: Callable[[], object] = lambda: None,
) -> Power:
    """Simulate studies of one size and count those whose verdict is non-inferior.

    Args:
        population: the patients.
        patients: of each study.
        question: metric, margin, confidence and number of bootstrap samples.
        studies: number of studies.
        stream: seed of the simulation, one or more numbers.
        tick: called after each study.
    """
    rng = np.random.default_rng([*stream, patients])
    found = 0
    for _ in range(studies):
        drawn, seed = population.draw(patients, rng), int(rng.integers(2**31))
        found += judged(drawn, question, seed).verdict == "non-inferior"
        tick()
    return Power(patients, found, studies)


def sample_size(
    population: Population, question: Question, studies: int, seed: int, tick: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """Return the number of patients for which a study finds the arm non-inferior, for each power of `POWERS`.

    The first guess is that of `vdes.statistics.non_inferiority`. Studies of several sizes around it are simulated, and
    the power is taken to follow ``Phi(a + b * sqrt(patients))``, twice: the second sizes are those that the first
    gave. The advised numbers are then simulated anew, with random numbers of their own.

    Args:
        population: the patients.
        question: metric, margin, confidence and number of bootstrap samples.
        studies: simulated studies of each size.
        seed: of the simulation.
        tick: called after each study, 7 times ``studies`` at most.

    Returns:
        ``difference`` (the true one), ``needed`` (a row a power: ``power``, ``patients`` rounded up to two digits, and
        ``check``, the share of the studies simulated anew with its exact 95 % Monte Carlo interval; beyond `MOST`
        patients ``patients`` and ``check`` are None, and ``about`` is the number by extrapolation) and ``simulated``
        (`Power` of all sizes of the search).

    Raises:
        InputError: the true difference is at or beyond the margin, or no interval is defined.
    """
    difference = population.difference(question.metric)
    distance = question.margin + difference
    if distance <= ROUNDING:
        raise InputError(
            f"plan: the true difference, {difference:+.3f}, is at or beyond the margin of {question.margin:g}: no "
            "number of patients suffices"
        )
    scout = judged(population.draw(SCOUT, np.random.default_rng([seed, SEARCH])), question, seed)
    if np.isnan(scout.standard_error):
        raise InputError(f"plan: {question.metric} is undefined in simulated studies: too few malignant or other cases")

    def guess(power: float) -> float:
        return patients_for(distance, scout.standard_error, SCOUT, power, question.confidence)

    points: list[Power] = []
    wanted = [guess(power) for power in (0.5, *POWERS)]
    for _ in range(2):
        for patients in sorted({_simulable(number) for number in wanted}):
            points.append(simulated_power(population, patients, question, studies, (seed, SEARCH, len(points)), tick))
        wanted = [patients_at(power, points, question.confidence) for power in POWERS]
    rows: list[dict[str, Any]] = []
    for power, number in zip(POWERS, wanted, strict=True):
        patients = max(LEAST, two_digits_up(number))
        if patients > MOST:
            rows.append({"power": power, "patients": None, "about": patients, "check": None})
            continue
        found = simulated_power(population, patients, question, studies, (seed, CHECK), tick)
        check = share(found.non_inferior, found.studies)._asdict()
        rows.append({"power": power, "patients": patients, "about": patients, "check": check})
    return {"difference": difference, "needed": rows, "simulated": [point._asdict() for point in points]}


def power_curve(points: Sequence[Power], confidence: float) -> tuple[float, float]:
    """Return ``a`` and ``b`` of the power ``Phi(a + b * sqrt(patients))``, by weighted least squares of its quantiles.

    Where the points tell no slope, as with one size or with powers of 1 throughout, ``a`` is that without patients:
    the quantile of the interval.

    Args:
        points: one or more.
        confidence: of the two-sided interval.
    """
    roots, counts, studies = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    roots = np.sqrt(roots)
    shares = (counts + 0.5) / (studies + 1)  # a share of 0 or 1 has no quantile
    quantiles = scipy.stats.norm.ppf(shares)
    weights = studies * scipy.stats.norm.pdf(quantiles) ** 2 / (shares * (1 - shares))
    centre, level = np.average(roots, weights=weights), np.average(quantiles, weights=weights)
    spread = np.average((roots - centre) ** 2, weights=weights)
    slope = np.average((roots - centre) * (quantiles - level), weights=weights) / spread if spread > 0 else 0.0
    if slope > 0:
        return float(level - slope * centre), float(slope)
    start = scipy.stats.norm.ppf((1 - confidence) / 2)
    return float(start), float(max(level - start, 1e-3) / centre)


def patients_at(power: float, points: Sequence[Power], confidence: float) -> float:
    """Return the number of patients at which the fitted curve of `power_curve` reaches a power."""
    start, slope = power_curve(points, confidence)
    return float(max(scipy.stats.norm.ppf(power) - start, 0.0) / slope) ** 2


def _simulable(patients: float) -> int:
    return int(np.clip(np.ceil(patients), LEAST, MOST))
