"""Plan a study: from its arguments to the number of patients, as text and as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vdes.data.staging import new_folder, staged
from vdes.data.versions import versions
from vdes.errors import InputError
from vdes.report.power_plot import power_figure
from vdes.report.study_words import metric_label
from vdes.statistics.bootstrap import Interval
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table
from vdes.study.arguments import Asked, Assumed, Planning
from vdes.study.assumed import assumed_population
from vdes.study.pilot import pilot_difference, read_pilot
from vdes.study.question import Question
from vdes.study.sample_size import MOST, Population, sample_size
from vdes.study.simulated_study import as_simulated

PLAN_FILE, POWER_FILE = "plan.json", "plan.png"


def plan_study(planning: Planning, assumed: Assumed | None, asked: Asked, seed: int) -> dict[str, Any]:
    """Return how many patients a study with a question needs.

    Args:
        planning: the pilot, and how many studies are simulated.
        assumed: what is assumed instead of a pilot.
        asked: the question; its arm is that of the pilot's question unless given.
        seed: of the simulation.

    Returns:
        What `vdes.study.sample_size.sample_size` returns, with ``question``, ``reference``, ``pilot`` (folder, own
        difference with interval, patients; None without one), ``assumed`` (None with a pilot), ``studies``,
        ``resamples``, ``seed`` and ``versions``.

    Raises:
        InputError: there is neither a pilot nor assumed values, or both; one of them cannot be used; or no number of
            patients suffices.
    """
    if (planning.pilot is None) == (assumed is None):
        given = "neither" if assumed is None else "both"
        raise InputError(f"--plan: {given} given; expected --pilot or assumed values, such as --f1 0.8 0.78")
    question = Question(
        asked.arm or "virtual DES", asked.metric, asked.level, asked.margin, n_resamples=asked.resamples, seed=seed
    )
    population: Population
    reference, pilot = "real DES", None
    if planning.pilot is not None:
        patients, arm, reference = read_pilot(planning.pilot, asked.arm, question.level)
        question = replace(question, arm=arm)
        pilot = {"folder": planning.pilot.name, **pilot_difference(patients, question)}
        truth = min(float(pilot["value"]), 0.0) if planning.difference is None else planning.difference
        population = patients.assuming(truth, question.metric)
    else:
        population = assumed_population(assumed or Assumed(), question.level)
    found = sample_size(population, question, planning.simulated, seed)
    return {
        "question": {name: getattr(question, name) for name in ("arm", "metric", "level", "margin", "confidence")},
        "reference": reference,
        "pilot": pilot,
        "assumed": None if assumed is None else asdict(assumed),
        "studies": planning.simulated,
        "resamples": as_simulated(question).n_resamples,
        "seed": seed,
        "versions": versions(),
        **found,
    }


def plan_text(found: Mapping[str, Any]) -> str:
    """Return a plan as a table and sentences."""
    question, pilot = found["question"], found["pilot"]
    lines = [
        f"{question['arm']} against {found['reference']}, {metric_label(question['metric'])} by {question['level']}, "
        f"margin {question['margin']:g}, {question['confidence']:.0%} interval; true difference planned for: "
        f"{found['difference']:+.3f}"
    ]
    if pilot is not None:
        own = interval_text(pilot["value"], pilot["low"], pilot["high"], "+.3f")
        lines.append(f"pilot {pilot['folder']}: {pilot['patients']} patients, difference {own}")
    rows = []
    for row in found["needed"]:
        patients = f"more than {MOST:,}" if row["patients"] is None else f"{row['patients']:,}"
        check = interval_text(*Interval(**row["check"]), ".1%") if row["check"] else "not simulated"
        rows.append([f"{row['power']:.0%}", patients, interval_text(*Interval(**row["fitted"]), ",.0f"), check])
    header = ["power", "patients needed", "by the fitted curve", "power, simulated anew"]
    lines += ["", markdown_table(header, rows, aligned=True), ""]
    lines.append(
        "Power is the probability of the verdict non-inferior. The number needed is the first of rising ones to reach "
        f"it in {found['studies']:,} simulated studies, judged as vdes study judges. In brackets: 95 % Monte Carlo "
        "intervals."
    )
    if pilot is not None:
        lines.append("They do not count how little a pilot knows: its difference is as uncertain as stated above.")
    return "\n".join(lines)


def check_free(output: Path, overwrite: bool) -> None:
    """Check before the simulation that a plan can be written.

    Raises:
        InputError: a file of a plan exists and ``overwrite`` is False.
    """
    for name in (PLAN_FILE, POWER_FILE):
        if (output / name).exists() and not overwrite:
            raise InputError(f"{output / name}: exists already; pass --overwrite to replace it")


def write_plan(found: Mapping[str, Any], output: Path, overwrite: bool = False) -> list[Path]:
    """Write `PLAN_FILE` and the figure `POWER_FILE` to a folder, which is made.

    Raises:
        InputError: a file exists and ``overwrite`` is False, or the folder cannot be written to.
    """
    files = [output / PLAN_FILE, output / POWER_FILE]
    with new_folder(output), staged(files, overwrite) as stages:
        stages[files[0]].write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        figure = power_figure(found)
        figure.savefig(stages[files[1]], metadata={"Software": None})
    return files
