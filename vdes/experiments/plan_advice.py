"""The advice of plans of studies against the number of patients that is needed in truth.

Writes a JSON file, and the page of the same name beside it.

    vdes experiment plans --output docs/results/plans.json
"""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from vdes.data.staging import new_folder, staged
from vdes.data.versions import versions
from vdes.experiments.plan_page import page
from vdes.experiments.settings import PlanAdvice
from vdes.statistics.bootstrap import Interval
from vdes.study.arguments import Assumed
from vdes.study.assumed import assumed_population
from vdes.study.binormal_scores import BinormalScores
from vdes.study.pilot import Pilot
from vdes.study.power_curve import patients_at
from vdes.study.question import Question
from vdes.study.sample_size import APART, POWERS, STEP, sample_size, simulated_power
from vdes.study.simulated_study import as_simulated, judged

PILOT = 60  # patients of a pilot
FEWER = 4  # pilots differ by more than their plans do: these have a fourth of the studies
TRUTH = 4  # times the studies of a check: those of each size that tells the truth
ADVICE, PILOTS, TRUE, FALSE, STATED = range(5)  # streams of random numbers


@dataclass(frozen=True)
class Scenario:
    """A study that is planned: virtual and real DES alike, as assumed.

    Attributes:
        metric: of the question; one of those that can be assumed.
        level: image, breast or examination.
        margin: of the question.
        value: of the metric, in both arms.
        specificity: of both arms.
        correlation: of the two arms' scores of a case.
    """

    metric: str
    level: str
    margin: float
    value: float
    specificity: float
    correlation: float

    @property
    def question(self) -> Question:
        """The question of the study."""
        return Question("arm", self.metric, self.level, self.margin)

    def population(self, difference: float = 0.0) -> BinormalScores:
        """Return the patients with a true difference of the arm from its reference."""
        values: dict[str, Any] = {self.metric: (self.value, self.value + difference)}
        both = (self.specificity, self.specificity)
        return assumed_population(Assumed(**values, specificity=both, correlation=self.correlation), self.level)


SCENARIOS = (
    Scenario("sensitivity", "examination", margin=0.25, value=0.9, specificity=0.85, correlation=0.8),
    Scenario("auc", "examination", margin=0.1, value=0.9, specificity=0.85, correlation=0.6),
    Scenario("f1", "image", margin=0.1, value=0.8, specificity=0.95, correlation=0.8),
)


def write_advice(settings: PlanAdvice, overwrite: bool = False) -> dict[str, Any]:
    """Make the plans, find the truth, and write both with the page.

    Args:
        settings: output and numbers.
        overwrite: replace the files.

    Returns:
        What was written: ``studies``, ``seeds``, ``pilot`` (its patients), ``fewer`` (studies of their
        plans), ``truth`` (studies of each size behind it),
        ``versions`` and ``scenarios``: a row each as of `Scenario`, with ``needed`` (a row a power: ``power``;
        ``truth``, the needed number with its interval; ``advised`` and ``pilots``, the numbers of each seed;
        ``patients``, the median of those advised; ``false``, how many studies of that size call an arm non-inferior
        that is worse by the margin) and ``stated``, as of `stated`.

    Raises:
        InputError: a file exists already or cannot be written.
    """
    targets = [settings.output, settings.output.with_suffix(".md")]
    with new_folder(settings.output.parent), staged(targets, overwrite) as stages:
        found: dict[str, Any] = {
            "studies": settings.studies,
            "seeds": settings.seeds,
            "pilot": PILOT,
            "fewer": max(settings.studies // FEWER, STEP),
            "truth": TRUTH * settings.studies,
            "versions": versions(),
            "scenarios": _scenarios(settings),
        }
        text = json.dumps(found, indent=1, allow_nan=False) + "\n"
        stages[targets[0]].write_text(text, encoding="utf-8")
        stages[targets[1]].write_text(page(json.loads(text), settings.output), encoding="utf-8")
    return found


def advised(scenario: Scenario, studies: int, seed: int, pilot: bool) -> dict[str, Any]:
    """Return the plan of a scenario, from what is assumed or from a pilot of such patients, as of `sample_size`."""
    population = scenario.population()
    if not pilot:
        return sample_size(population, scenario.question, studies, seed, quiet=True)
    drawn = population.draw(PILOT, np.random.default_rng([PILOTS, seed])).tables()
    alike = Pilot(drawn["arm"], drawn["reference"]).assuming(0.0, scenario.metric)
    return sample_size(alike, scenario.question, max(studies // FEWER, STEP), seed, quiet=True)


def needed(scenario: Scenario, power: float, about: float, studies: int) -> Interval:
    """Return the number of patients that gives a power in truth, from studies of sizes near ``about``."""
    question = as_simulated(scenario.question)
    points = [
        simulated_power(scenario.population(), round(about * apart), question, studies, (TRUE, int(100 * power)))
        for apart in APART
    ]
    return patients_at(power, points, about, question.confidence)


def false_verdicts(scenario: Scenario, patients: int, studies: int) -> int:
    """Return how many studies of a size call an arm non-inferior that is worse by exactly the margin."""
    worse = scenario.population(-scenario.margin)
    return simulated_power(worse, patients, as_simulated(scenario.question), studies, (FALSE,)).non_inferior


def stated(scenario: Scenario, patients: int, studies: int) -> dict[str, Any]:
    """Return what inconclusive studies of a size state as needed for a power of 80 %.

    Returns:
        ``patients``, ``studies``, ``inconclusive`` (how many of them state a number) and ``low``, ``median`` and
        ``high``: the 10th, 50th and 90th percentile of the numbers; None if there is none.
    """
    rng, question = np.random.default_rng([STATED, patients]), as_simulated(scenario.question)
    population = scenario.population()
    numbers = []
    for _ in range(studies):
        found = judged(population.draw(patients, rng), question, int(rng.integers(2**31)))
        if found.patients_needed is not None:
            numbers.append(found.patients_needed)
    shown = [float(value) for value in np.percentile(numbers, (10, 50, 90))] if numbers else [None] * 3
    named = dict(zip(("low", "median", "high"), shown, strict=True))
    return {"patients": patients, "studies": studies, "inconclusive": len(numbers), **named}


def _scenarios(settings: PlanAdvice) -> list[dict[str, Any]]:
    studies, seeds = settings.studies, range(settings.seeds)
    # forked processes of a parent that may have threads can hang
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(settings.jobs, mp_context=context) as pool,
        tqdm(desc="plans and their truth", total=len(SCENARIOS) * (2 * len(seeds) + 2 * len(POWERS) + 1)) as bar,
    ):

        def submit(*task: Any) -> Future[Any]:
            found = pool.submit(*task)
            found.add_done_callback(lambda _: bar.update())
            return found

        plans = {
            (scenario, pilot): [submit(advised, scenario, studies, seed, pilot) for seed in seeds]
            for scenario in SCENARIOS
            for pilot in (False, True)
        }
        later = {}
        for scenario in SCENARIOS:
            for place, power in enumerate(POWERS):
                rows = [plan.result()["needed"][place] for plan in plans[scenario, False]]
                about = float(np.median([row["fitted"]["value"] for row in rows]))
                patients = int(np.median([row["patients"] for row in rows]))
                truth = submit(needed, scenario, power, about, TRUTH * studies)
                wrong = submit(false_verdicts, scenario, patients, studies)
                later[scenario, power] = (patients, truth, wrong)
        tables = []
        for scenario in SCENARIOS:
            rows = []
            for place, power in enumerate(POWERS):
                patients, truth, wrong = later[scenario, power]
                numbers = {
                    name: [plan.result()["needed"][place]["patients"] for plan in plans[scenario, pilot]]
                    for name, pilot in (("advised", False), ("pilots", True))
                }
                shown = {"power": power, "truth": truth.result()._asdict(), **numbers}
                rows.append({**shown, "patients": patients, "false": wrong.result()})
            half = round(rows[0]["truth"]["value"] / 2)
            tables.append({**asdict(scenario), "needed": rows, "stated": submit(stated, scenario, half, studies)})
        return [{**table, "stated": table["stated"].result()} for table in tables]
