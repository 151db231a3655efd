"""The patients of a finished study, from whom larger studies are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.optimize

from vdes.data.json_file import read_json
from vdes.errors import InputError
from vdes.statistics.bootstrap import cluster_codes
from vdes.statistics.classification_metrics import classification_metrics
from vdes.statistics.paired_bootstrap import aligned
from vdes.statistics.resampled_metrics import Cases
from vdes.study.arm_predictions import read_predictions
from vdes.study.drawn_study import DrawnStudy
from vdes.study.question import Question
from vdes.study.simulated_study import judged
from vdes.study.study_tables import at_level

METRICS_FILE = "metrics.json"


@dataclass(frozen=True)
class Pilot:
    """Predictions of an arm and its reference for the same patients, of one level.

    A larger study is a draw of these patients with replacement, each with all of its cases, so that the dependence
    between cases and between arms is that of the pilot. To assume a smaller difference than the pilot's, the two arms
    of a drawn patient are exchanged with the probability ``exchanged``: at 0.5 they are alike.

    Attributes:
        arm: table as of `vdes.statistics.predictions.known_cases`.
        reference: likewise, with the same cases in the same order.
        exchanged: 0 to 0.5.
    """

    arm: pd.DataFrame
    reference: pd.DataFrame
    exchanged: float = 0.0

    @property
    def patients(self) -> int:
        """Number of patients of the pilot."""
        return int(self.reference["patient"].nunique())

    def draw(self, patients: int, rng: np.random.Generator) -> DrawnStudy:
        """Return the predictions of ``arm`` and ``reference`` for patients drawn from the pilot.

        They are drawn again if all cases have the same class, which no study accepts.

        Args:
            patients: number of patients, 2 or more.
            rng: source of randomness.
        """
        rows, (arm, reference) = self._rows, self._cases
        labels = reference.malignant
        while True:
            drawn = rng.integers(len(rows), size=patients)
            taken = np.concatenate([rows[one] for one in drawn])
            if 0 < labels[taken].sum() < len(taken):
                break
        sizes = [len(rows[one]) for one in drawn]
        exchanged = np.repeat(rng.random(patients) < self.exchanged, sizes)
        pairs = [(first[taken], second[taken]) for first, second in zip(arm, reference, strict=True)]
        return DrawnStudy(
            np.repeat(np.arange(patients), sizes),
            Cases(*(np.where(exchanged, second, first) for first, second in pairs)),
            Cases(*(np.where(exchanged, first, second) for first, second in pairs)),
        )

    def difference(self, metric: str) -> float:
        """Return the difference of the arm from its reference among the drawn patients, of as many as one likes."""
        both = pd.concat([self.arm, self.reference])
        counts = np.repeat(
            [[1 - self.exchanged, self.exchanged], [self.exchanged, 1 - self.exchanged]], len(self.arm), 1
        )
        values = classification_metrics(
            both["malignant"], both["probability"], weights=counts, prediction=both["prediction"], metrics=[metric]
        )[metric]
        return float(values[0] - values[1])

    def assuming(self, difference: float, metric: str) -> Pilot:
        """Return the pilot with its arms exchanged so often that the difference is the given one.

        Raises:
            InputError: the difference is not between the pilot's and 0.
        """
        found = self.difference(metric)
        least, most = min(found, 0.0), max(found, 0.0)
        if not least <= difference <= most:
            raise InputError(
                f"--difference: {difference:g}; expected {least:.3f} to {most:.3f}, from the pilot's difference to 0"
            )
        if difference == found:
            return self

        def excess(exchanged: float) -> float:
            return Pilot(self.arm, self.reference, exchanged).difference(metric) - difference

        exchanged = 0.5 if difference == 0 else float(scipy.optimize.brentq(excess, 0.0, 0.5, xtol=1e-9))
        return Pilot(self.arm, self.reference, exchanged)

    @cached_property
    def _cases(self) -> tuple[Cases, Cases]:
        """The predictions of both arms."""
        arm, reference = (
            Cases(*(one[name].to_numpy() for name in Cases._fields)) for one in (self.arm, self.reference)
        )
        return arm, reference

    @cached_property
    def _codes(self) -> np.ndarray:
        """The patients of the cases, as numbers."""
        return cluster_codes(self.reference["patient"])

    @cached_property
    def _rows(self) -> list[np.ndarray]:
        """The places of the rows of each patient."""
        order = np.argsort(self._codes, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self._codes))[:-1])

    def study(self) -> DrawnStudy:
        """Return the pilot itself as a study."""
        return DrawnStudy(self._codes, *self._cases)


def read_pilot(folder: Path, arm: str | None, level: str) -> tuple[Pilot, str, str]:
    """Read the patients of a finished study.

    Args:
        folder: folder of the study.
        arm: id of the arm; None for that of the study's question.
        level: image, breast or examination.

    Returns:
        The pilot, and the ids of arm and reference.

    Raises:
        InputError: the folder is not that of a study of images, the arm is unknown or has no reference, a table of
            predictions cannot be used, or there are too few patients.
    """
    file = folder / METRICS_FILE
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected the folder of a study that vdes study has made")
    found = read_json(file, "the results of vdes study")
    try:
        references = {str(one["arm"]): one["reference"] for one in found["arms"]}
        asked = arm or str(found["question"]["arm"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{file}: expected the results of vdes study, with `arms` and `question`") from error
    if not any(references.values()):
        raise InputError(f"{file}: arms: none has a reference; expected a study of images, not of regions")
    reference = references.get(asked)
    if reference is None:
        known = ", ".join(name for name, one in references.items() if one)
        raise InputError(f"{folder}: arm: {asked!r}; expected one of {known}")
    tables = {}
    for name in (asked, reference):
        place = folder / "arms" / name / "predictions.csv"
        tables[name] = at_level(read_predictions(place), level)
        if tables[name].empty:
            raise InputError(f"{place}: no {level} with a known `malignant`; expected the patients of a pilot")
    same = {name: table.assign(case=range(len(table))) for name, table in aligned(tables, reference).items()}
    pilot = Pilot(same[asked], same[reference])
    classes = pilot.reference["malignant"]
    if pilot.patients < 2 or classes.all() or not classes.any():
        raise InputError(
            f"{folder}: {pilot.patients} patients with {int(classes.sum())} malignant of {len(classes)} cases; "
            "expected two patients or more, and malignant and other cases"
        )
    return pilot, asked, reference


def pilot_difference(pilot: Pilot, question: Question) -> dict[str, float | int]:
    """Return the pilot's own difference with its interval, as its report has it, and its number of patients."""
    found = judged(pilot.study(), question, question.seed)
    value = pilot.difference(question.metric)
    return {"value": value, "low": found.difference.low, "high": found.difference.high, "patients": pilot.patients}
