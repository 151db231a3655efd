"""Write one patient and the record that marks it as complete; the task of a worker process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from vdes.data.staging import staged
from vdes.data.vocabulary import MODALITIES
from vdes.errors import InputError
from vdes.phantom.dicom_files import write_dicom
from vdes.phantom.image_files import SUFFIXES, write_image
from vdes.phantom.outline import FIELD_MM
from vdes.phantom.patient import Patient, build_patient, simulate_patient
from vdes.phantom.settings import Settings
from vdes.phantom.view import View

IMAGE_FOLDER = "images"
PROGRESS_FOLDER = ".progress"
# PNG: physical value of stored 0, and of one step
SCALES = {"low_energy_log": (-2.0, 1e-4), "des_log": (-0.5, 2e-5), "iodine": (0.0, 2e-4)}

Row = dict[str, Any]


def patient_name(index: int) -> str:
    """Return the name of the patient with that index: P1 for 0."""
    return f"P{index + 1}"


def patient_index(name: str) -> int:
    """Return the index of the patient with that name from `patient_name`.

    Raises:
        InputError: it is no such name.
    """
    number = name.removeprefix("P")
    if not number.isdecimal() or patient_name(int(number) - 1) != name or int(number) < 1:
        raise InputError(f"patient: {name!r}; expected P and a number from 1, as vdes phantom names patients")
    return int(number) - 1


def record_path(out: Path, index: int) -> Path:
    """Return the file that marks a patient as complete."""
    return out / PROGRESS_FOLDER / f"{patient_name(index)}.json"


def write_patient(out: Path, index: int, settings: Settings) -> None:
    """Simulate one patient and write the images of the four views, all or none, then the record.

    Args:
        out: folder of the set.
        index: index of the patient, from 0.
        settings: settings of the set.
    """
    patient = build_patient(patient_name(index), index, settings.seed, settings.knobs, settings.density)
    folder = out / IMAGE_FOLDER / patient.latents.patient
    folder.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    with staged([folder], overwrite=True) as stages:
        stages[folder].mkdir()
        for side, view_name, view in simulate_patient(patient, settings.acquisition, settings.shape):
            rows.append(_write_view(stages[folder], index, patient, side, view_name, view, settings))
    record = record_path(out, index)
    record.parent.mkdir(exist_ok=True)
    with staged([record], overwrite=True) as stages:
        stages[record].write_text(json.dumps(rows), encoding="utf-8")


def _write_view(
    folder: Path, index: int, patient: Patient, side: str, view_name: str, view: View, settings: Settings
) -> Row:
    latents = patient.latents
    case = f"{latents.patient}_{side}_{view_name}"
    # drawn as a left breast: the chest wall of a right one is at the right edge
    step = 1 if side == "L" else -1
    pictures = {
        "low_energy": view.low_energy,
        "des": view.des,
        "low_energy_log": view.low_log,
        "des_log": view.des_log,
        "iodine": view.iodine,
        "breast_mask": view.breast_mask,
    }
    lesion = latents.lesion if latents.lesion and latents.lesion.laterality == side else None
    if lesion:
        pictures["lesion_mask"] = view.lesion_mask
    paths: dict[str, str | None] = {"lesion_mask": None}
    for name, pixels in pictures.items():
        path = folder / f"{case}_{name}{SUFFIXES[settings.format]}"
        shown = np.ascontiguousarray(pixels[:, ::step])
        if settings.format == "dicom" and name in MODALITIES:
            path = path.with_suffix(".dcm")
            write_dicom(path, shown, index=index, laterality=side, view=view_name, modality=name, settings=settings)
        else:
            write_image(path, shown, SCALES.get(name), settings.pixel_mm)
        paths[name] = f"{IMAGE_FOLDER}/{latents.patient}/{path.name}"
    pathology = latents.pathology(side)
    outline = patient.outlines[side, view_name]
    place = outline.lesion_mm(lesion.behind_mm, lesion.outward_mm, lesion.up_mm) if lesion else None
    return {
        "case": case,
        "patient": latents.patient,
        "laterality": side,
        "view": view_name,
        **paths,
        # one geometry, so the same mask holds for both images
        "des_lesion_mask": paths["lesion_mask"],
        "pathology": pathology,
        "malignant": int(pathology == "malignant"),
        "density": latents.density,
        "birads": None,
        "background_enhancement": latents.background,
        "lesion_type": None if not lesion else "non-mass" if lesion.non_mass else "mass",
        "enhances": lesion.enhances if lesion else None,
        "thickness_mm": latents.thickness_mm,
        "glandular_fraction": latents.glandular_fraction,
        "background_mg_cm3": latents.background_mg_cm3,
        "morphology_score": lesion.morphology_score if lesion else None,
        "enhancement_score": lesion.enhancement_score if lesion else None,
        "irregularity": lesion.irregularity if lesion else None,
        "calcified": lesion.calcified if lesion else None,
        "rim": lesion.rim if lesion else None,
        "iodine_mg_cm2": lesion.iodine_mg_cm2 if lesion else None,
        "diameter_mm": lesion.diameter_mm if lesion else None,
        "behind_mm": lesion.behind_mm if lesion else None,
        "outward_mm": lesion.outward_mm if lesion else None,
        "up_mm": lesion.up_mm if lesion else None,
        "lesion_row_mm": place[0] if place else None,
        "lesion_column_mm": None if not place else place[1] if side == "L" else FIELD_MM[1] - place[1],
        "lesion_area_mm2": float(view.lesion_mask.sum()) * settings.pixel_mm**2 if lesion else None,
    }
