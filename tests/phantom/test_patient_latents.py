from __future__ import annotations

import pytest

from vdes.errors import InputError
from vdes.phantom.latents import Knobs
from vdes.phantom.patient import build_patient, patient_latents
from vdes.phantom.patient_files import patient_index, patient_name

KNOBS = Knobs(1.4, 1.4, 0.5)


def test_the_latents_are_those_of_the_patient_without_building_one():
    for index in range(4):
        name = patient_name(index)
        drawn, built = patient_latents(name, index, 3, KNOBS), build_patient(name, index, 3, KNOBS).latents
        assert (drawn.density, drawn.background, drawn.thickness_mm) == (
            built.density,
            built.background,
            built.thickness_mm,
        )
        assert (drawn.lesion is None) == (built.lesion is None)
        if drawn.lesion is not None and built.lesion is not None:
            for score in ("laterality", "malignant", "morphology_score", "enhancement_score", "non_mass"):
                assert getattr(drawn.lesion, score) == getattr(built.lesion, score)


def test_a_name_is_its_index():
    assert [patient_index(patient_name(index)) for index in (0, 9, 123)] == [0, 9, 123]
    for name in ("P0", "P01", "X1", "P1 "):
        with pytest.raises(InputError, match="expected P and a number from 1"):
            patient_index(name)
