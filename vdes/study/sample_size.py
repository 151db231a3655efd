"""The number of patients that a study needs, found by simulated studies with the study's own interval and verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from tqdm import tqdm

from vdes.errors import InputError
from vdes.statistics.bootstrap import Interval
from vdes.statistics.monte_carlo import share
from vdes.statistics.non_inferiority import patients_for, two_digits_up
from vdes.study.drawn_study import DrawnStudy
from vdes.study.power_curve import Power, patients_at
from vdes.study.question import Question
from vdes.study.simulated_study import as_simulated, judged

POWERS = (0.8, 0.9)
LEAST, MOST = 20, 5_000  # patients that are simulated; with fewer, percentile intervals are too narrow
SCOUT = 300  # patients of the study that the first guess comes from
ROUNDING = 1e-9  # of differences that are equal on paper
STEP, STEPS = 8, 4  # the search simulates eighths of the studies of a check, until four are near the answer
CLOSE = 1.15  # factor up to which a size is near an answer
APART = (0.95, 1.05)  # of the estimate: sizes that are simulated, in turn
ROUNDS = 20  # simulations of the search for one power at most


class Population(Protocol):
    """Patients from whom studies can be drawn: `BinormalScores` or `Pilot`."""

    def draw(self, patients: int, rng: np.random.Generator) -> DrawnStudy:
        """Return the predictions of ``arm`` and ``reference`` for new patients."""

    def difference(self, metric: str) -> float:
        """Return the true difference of the arm from its reference."""


class Advice(NamedTuple):
    """The number of patients for a power.

    Attributes:
        power: the power wanted.
        patients: the advised number; None if it is above `MOST`.
        fitted: the number at which the fitted curve reaches the power, with its 95 % interval.
        check: share of the studies simulated anew that found the arm non-inferior, with its 95 % interval; None without
            an advised number.
    """

    power: float
    patients: int | None
    fitted: Interval
    check: Interval | None

    def record(self) -> dict[str, Any]:
        """Return the advice as a dictionary for JSON."""
        check = None if self.check is None else self.check._asdict()
        return {**self._asdict(), "fitted": self.fitted._asdict(), "check": check}


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
    population: Population, question: Question, studies: int, seed: int, quiet: bool = False
) -> dict[str, Any]:
    """Return the number of patients for which a study finds the arm non-inferior, for each power of `POWERS`.

    The search simulates studies of the size at which the power is believed to be reached, first as
    `vdes.statistics.non_inferiority` says and then by the curve of `patients_at` through all that was simulated, until
    half as many studies as in a check are near the answer. That number, rounded up to two digits, is checked: studies
    of its size are simulated with random numbers of their own. If too few of them find the arm non-inferior, the curve
    is fitted anew with these, and a larger number is checked. The first number that passes is advised.

    Args:
        population: the patients.
        question: metric, margin, confidence and number of bootstrap samples; simulated studies have fewer, as of
            `as_simulated`.
        studies: simulated studies of each check, 8 or more.
        seed: of the simulation.
        quiet: show no progress bar.

    Returns:
        ``difference`` (the true one), ``needed`` (a row a power, as of `Advice`) and ``simulated`` (`Power` of all
        sizes in their order, those of the checks included).

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
    simulated = as_simulated(question)
    scout = judged(population.draw(SCOUT, np.random.default_rng(seed)), simulated, seed)
    if np.isnan(scout.standard_error):
        raise InputError(f"plan: {question.metric} is undefined in simulated studies: too few malignant or other cases")

    found: list[Advice] = []
    expected = len(POWERS) * (STEPS * (studies // STEP) + studies)
    with tqdm(total=expected, desc="simulated studies", unit="study", leave=False, disable=quiet) as bar:
        simulation = _Simulation(population, simulated, seed, bar)
        least = LEAST
        for power in POWERS:
            guess = patients_for(distance, scout.standard_error, SCOUT, power, question.confidence)
            near = _searched(simulation, power, guess, studies // STEP)
            advice = _checked(simulation, power, near, least, studies)
            found.append(advice)
            least = advice.patients or least
    return {
        "difference": difference,
        "needed": [advice.record() for advice in found],
        "simulated": [point._asdict() for point in simulation.points],
    }


class _Simulation:
    """Simulated studies of several sizes, each with random numbers of its own."""

    def __init__(self, population: Population, question: Question, seed: int, bar: tqdm[Any]) -> None:
        self.population, self.question, self.seed, self.bar = population, question, seed, bar
        self.points: list[Power] = []

    def add(self, patients: int, studies: int) -> Power:
        """Simulate studies of one size."""
        self.bar.total = max(self.bar.total or 0, self.bar.n + studies)
        place = (self.seed, len(self.points))
        found = simulated_power(self.population, patients, self.question, studies, place, self.bar.update)
        self.points.append(found)
        return found

    def patients_at(self, power: float, near: float) -> Interval:
        """Return `patients_at` of all studies."""
        return patients_at(power, self.points, near, self.question.confidence)

    def studies_near(self, patients: float) -> int:
        """Return the number of studies whose size is within a factor of `CLOSE`."""
        return sum(one.studies for one in self.points if patients / CLOSE <= one.patients <= patients * CLOSE)


def _searched(simulation: _Simulation, power: float, guess: float, studies: int) -> float:
    """Return the number of patients at which the power is reached, from simulated studies near it."""
    near = guess
    for turn in range(ROUNDS):
        size = _simulable(near * APART[turn % len(APART)])
        simulation.add(size, studies)
        near = simulation.patients_at(power, near).value
        if simulation.studies_near(_simulable(near)) >= STEPS * studies or (size == MOST and near > MOST):
            break
    return near


def _checked(simulation: _Simulation, power: float, near: float, least: int, studies: int) -> Advice:
    """Return the first number of patients, ``least`` or more, that reaches the power in studies of its own."""
    patients = max(least, two_digits_up(near))
    while patients <= MOST:
        check = simulation.add(patients, studies)
        fitted = simulation.patients_at(power, near)
        if check.non_inferior >= power * studies:
            return Advice(power, patients, fitted, share(check.non_inferior, studies))
        patients = two_digits_up(max(fitted.value, patients + 1))
    return Advice(power, None, simulation.patients_at(power, near), None)


def _simulable(patients: float) -> int:
    return int(np.clip(np.ceil(patients), LEAST, MOST))
