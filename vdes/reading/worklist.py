"""Each reader's work list: blinded, balanced and in random order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from vdes.reading.form import LEFT, RIGHT

LOW_ENERGY, REAL, VIRTUAL = MODALITIES = ("low_energy", "real", "virtual")
Design = Literal["sequential", "crossover", "independent"]
READING, CHOICE, QUALITY = PARTS = ("reading", "choice", "quality")
COMMON = 1_000_000  # instead of a reader's number, seeds what all readers share

Task = dict[str, Any]


def work_list(
    reader: int,
    cases: Mapping[str, Sequence[str]],
    design: Design,
    repeats: int,
    choices: int,
    quality: int,
    seed: int,
) -> list[Task]:
    """Return the tasks of one reader, in order.

    - *sequential*: two sessions. Each reading is two tasks: low energy alone, then together with DES. Half of the
      cases of each class have real DES in the first session and virtual DES in the second, the others the reverse.
    - *crossover*: three sessions; in each, every case is one task, a third of the cases of each class in each modality,
      and the modalities rotate from session to session.
    - *independent*: three sessions, each of one modality for all cases; their order rotates from reader to reader.

    A last session has the repeats, then the forced choices, then the quality scores, so that readers cannot learn to
    tell real from virtual DES before their readings.

    Args:
        reader: number from 0; readers start the rotation at different points.
        cases: the cases of each class.
        design: see above.
        repeats: readings to repeat.
        choices: cases of the forced choice.
        quality: cases scored for quality, each twice: real and virtual.
        seed: of the study.

    Returns:
        Tasks with ``session`` and ``position`` (from 1), ``part``, ``reading`` (tasks with the same number are one
        sitting with a case), ``case``, ``modality`` (None in a choice), ``repeat`` (from 0) and ``left`` (the
        modality on the left in a choice).
    """
    random = np.random.default_rng([seed, reader])
    builder = _Builder(design)
    modalities = MODALITIES if design != "sequential" else (REAL, VIRTUAL)
    # the place of each case in the rotation: balanced within each class, drawn separately for each reader
    places: dict[str, int] = {}
    for members in cases.values():
        shuffled = [members[i] for i in random.permutation(len(members))]
        start = len(places)
        places |= {case: start + i for i, case in enumerate(shuffled)}
    names = sorted(places)
    for session in range(len(modalities)):
        for case in _shuffled(names, random):
            turn = session + reader + (0 if design == "independent" else places[case])
            builder.read(session + 1, case, modalities[turn % len(modalities)])
    last = len(modalities) + 1
    # the same cases for all readers, so that readers can be compared; order and sides differ between readers
    common = np.random.default_rng([seed, COMMON])
    repeated = _drawn_readings(cases, repeats, modalities, common)
    chosen = _drawn(cases, choices, common)
    judged = [(case, modality) for case in _drawn(cases, quality, common) for modality in (REAL, VIRTUAL)]
    for case, modality in _shuffled(repeated, random):
        builder.read(last, case, modality)
    sides = _shuffled([(REAL, VIRTUAL)[(i + reader) % 2] for i in range(len(chosen))], random)
    for case, left in zip(_shuffled(chosen, random), sides, strict=True):
        builder.add(last, CHOICE, case, None, left=left)
    for case, modality in _shuffled(judged, random):
        builder.add(last, QUALITY, case, modality)
    return builder.tasks


def chosen_real(task: Mapping[str, Any], side: str) -> int:
    """Return 1 where ``side`` of a forced choice holds the real image, else 0."""
    real_side = LEFT if task["left"] == REAL else RIGHT
    return int(side == real_side)


class _Builder:
    def __init__(self, design: Design) -> None:
        self.design = design
        self.tasks: list[Task] = []
        self.readings = 0
        self.positions: dict[int, int] = {}
        self.times: dict[tuple[str, str], int] = {}

    def read(self, session: int, case: str, modality: str) -> None:
        """Add a reading: two tasks in a sequential design, else one."""
        if self.design == "sequential":
            self.add(session, READING, case, LOW_ENERGY)
            self.readings -= 1  # the same sitting
        self.add(session, READING, case, modality)

    def add(self, session: int, part: str, case: str, modality: str | None, left: str | None = None) -> None:
        self.readings += 1
        self.positions[session] = self.positions.get(session, 0) + 1
        repeat = 0
        if part == READING:
            key = (case, str(modality))
            repeat = self.times.get(key, 0)
            self.times[key] = repeat + 1
        self.tasks.append(
            {
                "session": session,
                "position": self.positions[session],
                "part": part,
                "reading": self.readings,
                "case": case,
                "modality": modality,
                "repeat": repeat,
                "left": left,
            }
        )


def _shuffled(values: Sequence[Any], random: np.random.Generator) -> list[Any]:
    return [values[i] for i in random.permutation(len(values))]


def _drawn(cases: Mapping[str, Sequence[str]], count: int, random: np.random.Generator) -> list[str]:
    """Draw cases so that each class keeps its share, at random within each class."""
    everyone = [(name, case) for name, members in cases.items() for case in members]
    total = len(everyone)
    shuffled = {name: _shuffled(list(members), random) for name, members in cases.items()}
    drawn: list[str] = []
    taken = dict.fromkeys(cases, 0)
    for number in range(1, min(count, total) + 1):
        behind = max(cases, key=lambda name: len(cases[name]) * number / total - taken[name])
        drawn.append(shuffled[behind][taken[behind]])
        taken[behind] += 1
    return drawn


def _drawn_readings(
    cases: Mapping[str, Sequence[str]], count: int, modalities: Sequence[str], random: np.random.Generator
) -> list[tuple[str, str]]:
    """Draw readings to repeat: different cases, balanced over the modalities."""
    start = int(random.integers(len(modalities)))
    return [(case, modalities[(start + i) % len(modalities)]) for i, case in enumerate(_drawn(cases, count, random))]
