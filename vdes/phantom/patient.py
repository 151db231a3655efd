"""One patient's four views: latents, outlines, a lesion that fits, images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from vdes.phantom.latents import ALL_DENSITIES, Knobs, LesionLatents, PatientLatents, draw_patient
from vdes.phantom.lesions import LesionVolume, build_lesion
from vdes.phantom.outline import FIELD_MM, Outline, draw_outline
from vdes.phantom.view import Acquisition, View, simulate_view

SIDES = ("L", "R")
VIEWS = ("CC", "MLO")
_CLEAR_MM = 6.0  # between a lesion and the skin, the chest wall or the image's edge
_TRIES = 200


@dataclass(frozen=True)
class Patient:
    """A patient before any image is made.

    Attributes:
        latents: what the views share; the lesion's place is one that lies in both views.
        outlines: by laterality and view.
        lesion: the volume, where there is one.
        seeds: of the views, by laterality and view.
    """

    latents: PatientLatents
    outlines: dict[tuple[str, str], Outline]
    lesion: LesionVolume | None
    seeds: dict[tuple[str, str], np.random.SeedSequence]


def _fits(latents: LesionLatents, outlines: list[Outline]) -> bool:
    """Return whether a lesion lies clear of skin, chest wall, muscle and image edge in every outline."""
    reach = latents.diameter_mm / 2 + _CLEAR_MM
    for outline in outlines:
        row, column = outline.lesion_mm(latents.behind_mm, latents.outward_mm, latents.up_mm)
        if not (reach < row < FIELD_MM[0] - reach and reach < column < FIELD_MM[1] - reach):
            return False
        place = np.array([[row, column]])
        if outline.inside_mm(place)[0] < reach:
            return False
        muscle = outline.pectoral_depth_mm(place[:, :1].astype(np.float32), place[:, 1:].astype(np.float32))
        if float(muscle[0, 0]) > -0.5 * reach:
            return False
    return True


def _settle(
    latents: LesionLatents, outlines: list[Outline], depth_mm: float, rng: np.random.Generator
) -> LesionLatents:
    """Return the lesion at a place that fits, its own if it does, made smaller only if none is found."""
    for attempt in range(_TRIES):
        if _fits(latents, outlines):
            return latents
        latents = replace(
            latents,
            behind_mm=float(depth_mm * rng.uniform(0.25, 0.75)),
            outward_mm=float(depth_mm * rng.normal(0.10, 0.24)),
            up_mm=float(depth_mm * rng.normal(0.08, 0.20)),
            diameter_mm=latents.diameter_mm * (0.97 if attempt > 40 else 1.0),
        )
    return replace(latents, behind_mm=0.45 * depth_mm, outward_mm=0.0, up_mm=0.0)


def patient_latents(name: str, index: int, seed: int, knobs: Knobs, densities: str = ALL_DENSITIES) -> PatientLatents:
    """Return what `build_patient` draws of the patient before it looks for a place where the lesion fits.

    Args:
        name: as in `build_patient`.
        index: as in `build_patient`.
        seed: as in `build_patient`.
        knobs: as in `build_patient`.
        densities: as in `build_patient`.

    Returns:
        Scores, type, density and background are those of the images; place and diameter of a lesion may not be.
    """
    return _drawn(name, index, seed, knobs, densities)[0]


def _drawn(
    name: str, index: int, seed: int, knobs: Knobs, densities: str
) -> tuple[PatientLatents, np.random.Generator, list[np.random.SeedSequence]]:
    root = np.random.SeedSequence(entropy=seed, spawn_key=(index,))
    children = root.spawn(2 + len(SIDES) * len(VIEWS))
    rng = np.random.default_rng(children[0])
    return draw_patient(name, knobs, rng, densities), rng, children


def build_patient(name: str, index: int, seed: int, knobs: Knobs, densities: str = ALL_DENSITIES) -> Patient:
    """Build the patient of that index; nothing but the arguments decides what comes out.

    Args:
        name: as in the datalist.
        index: from 0.
        seed: of the whole set.
        knobs: what separates the classes.
        densities: the density classes that there are.
    """
    latents, rng, children = _drawn(name, index, seed, knobs, densities)
    outlines = {
        (side, view): draw_outline(view, latents.depth_mm, latents.thickness_mm, rng)
        for side in SIDES
        for view in VIEWS
    }
    volume = None
    if latents.lesion is not None:
        own = [outlines[latents.lesion.laterality, view] for view in VIEWS]
        lesion = _settle(latents.lesion, own, latents.depth_mm, rng)
        latents = replace(latents, lesion=lesion)
        volume = build_lesion(lesion, np.random.default_rng(children[1]))
    seeds = dict(zip(outlines, children[2:], strict=True))
    return Patient(latents, outlines, volume, seeds)


def simulate_patient(
    patient: Patient, acquisition: Acquisition, shape: tuple[int, int]
) -> Iterator[tuple[str, str, View]]:
    """Yield laterality, view and images of the four views, as of left breasts; one at a time, to keep memory flat."""
    for (side, view), outline in patient.outlines.items():
        lesion = patient.latents.lesion
        present = (lesion, patient.lesion) if lesion and patient.lesion and lesion.laterality == side else None
        rng = np.random.default_rng(patient.seeds[side, view])
        yield side, view, simulate_view(patient.latents, outline, present, acquisition, shape, rng)
