"""Simulated readers: they answer a plan's tasks on phantoms, so that a whole reader study runs without people.

They say nothing about real readers. They see the evidence of the phantom's ideal observer with noise, not pixels, and
everything made from their answers says that they are simulated.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.phantom.latents import PatientLatents
from vdes.phantom.patient import patient_latents
from vdes.phantom.patient_files import patient_index
from vdes.phantom.settings import Settings
from vdes.reading import tables
from vdes.reading.ideal_reader import Sight, expected_auc, log_odds
from vdes.reading.settings import SimulatedReaders
from vdes.reading.simulated_answers import choice_answer, quality_answer, reading_answer, telling_share
from vdes.reading.store import Store
from vdes.reading.worklist import CHOICE, MODALITIES, QUALITY, Task

SIMULATED_FILE = "simulated.json"
SPREAD = 0.25  # standard deviation, between readers, of the logarithm of internal noise
SECONDS = {"low_energy": 35.0, "real": 45.0, "virtual": 45.0, CHOICE: 12.0, QUALITY: 9.0}


def simulate(reading: Path, settings: SimulatedReaders | None = None, progress: bool = True) -> Path:
    """Answer all tasks of a plan, and mark its store as simulated.

    All answers are stored in one transaction, all or none. ``simulated.json`` records the settings and the expected
    areas under the ROC curves between malignant and benign lesions.

    Args:
        reading: folder of a reader study of phantoms without answers.
        settings: of the readers; None for the defaults.
        progress: show a progress bar.

    Returns:
        The store's file.

    Raises:
        InputError: the images are not phantoms, there are answers already, or the plan or the store cannot be used.
    """
    settings = settings or SimulatedReaders()
    with Store(reading) as store:
        phantom = _phantom(store.plan, reading)
        if any(store.done(reader) for reader in store.tasks):
            raise InputError(f"{store.file}: holds answers already; simulated readers need a plan that nobody has read")
        patients = _patients(reading, phantom)
        sights = {case: _sight(settings.seed, case, side, one) for case, (side, one) in patients.items()}
        cases = {case["case"]: case for case in store.plan["cases"]}
        total = sum(len(tasks) for tasks in store.tasks.values())
        with store.batch(), tqdm(total=total, desc="simulated readings", unit="answer", disable=not progress) as bar:
            store.set_simulated()
            for number, tasks in enumerate(store.tasks.values()):
                own = np.random.default_rng([settings.seed, 1, number])
                noise = settings.internal_noise * float(np.exp(SPREAD * own.standard_normal()))
                bias = float(own.standard_normal())
                for place, task in enumerate(tasks):
                    rng = np.random.default_rng([settings.seed, 2, number, place])
                    sight, latents = sights[task["case"]], patients[task["case"]][1]
                    answer = _answer(task, sight, latents, cases[task["case"]], phantom, settings, noise, bias, rng)
                    middle = SECONDS[task["modality"] if task["part"] not in (CHOICE, QUALITY) else task["part"]]
                    store.add(task["task"], answer, round(middle * float(np.exp(0.4 * rng.standard_normal())), 1))
                    bar.update()
        _write_record(reading, settings, phantom)
        return store.file


def _phantom(plan: dict[str, Any], folder: Path) -> Settings:
    record = plan.get("phantom")
    if not record:
        raise InputError(
            f"{folder}: the images are not phantoms; simulated readers know only the truth of phantoms. Use a "
            "study of phantoms"
        )
    return Settings(**{name: value for name, value in record.items() if name in Settings.__dataclass_fields__})


def _patients(folder: Path, phantom: Settings) -> dict[str, tuple[str, PatientLatents]]:
    """Return laterality and patient by case."""
    found = {}
    for row in tables.study_key(folder).to_dict("records"):
        name = str(row["study_patient"])
        latents = patient_latents(name, patient_index(name), phantom.seed, phantom.knobs, phantom.density)
        found[str(row["case"])] = (str(row["laterality"]), latents)
    return found


def _sight(seed: int, case: str, laterality: str, patient: PatientLatents) -> Sight:
    rng = np.random.default_rng([seed, 0, *case.encode()])
    lesion = patient.lesion if patient.lesion is not None and patient.lesion.laterality == laterality else None
    return Sight(lesion, *map(float, rng.standard_normal(2)))


def _answer(
    task: Task,
    sight: Sight,
    patient: PatientLatents,
    case: dict[str, Any],
    phantom: Settings,
    settings: SimulatedReaders,
    internal_noise: float,
    bias: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    noise = settings.virtual_noise
    if task["part"] == CHOICE:
        return choice_answer(sight, task, noise, rng)
    if task["part"] == QUALITY:
        return quality_answer(sight, task["modality"], bias, noise, rng)
    variate = float(rng.standard_normal())
    odds = log_odds(sight, task["modality"], phantom.knobs, noise, internal_noise, variate)
    return reading_answer(sight, case, patient.background, task["modality"], odds, noise, rng)


def _write_record(reading: Path, settings: SimulatedReaders, phantom: Settings) -> None:
    record = {
        "readers": "simulated",
        **asdict(settings),
        "expected_auc_between_lesions": {
            modality: expected_auc(phantom.knobs, modality, settings.virtual_noise, settings.internal_noise)
            for modality in MODALITIES
        },
        "expected_share_of_right_choices": telling_share(settings.virtual_noise),
    }
    file = reading / SIMULATED_FILE
    with staged([file], overwrite=True) as stages:
        stages[file].write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
