"""The three worlds, by what the ideal observer sees in them and by what their images show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.metrics.roc import lesion_roc_area
from vdes.phantom.oracle import closed_form_auc
from vdes.phantom.patient import build_patient, simulate_patient
from vdes.phantom.settings import Settings
from vdes.phantom.worlds import WORLDS, in_world, kind, other_kind

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "phantom.md"


def test_low_energy_tells_all_half_or_nothing_of_a_lesion():
    knobs = {name: in_world(Settings(), name).knobs for name in WORLDS}
    seen = {name: {image: closed_form_auc(knobs[name], image) for image in ("low_energy", "des")} for name in knobs}
    assert seen["told"]["low_energy"] == pytest.approx(seen["told"]["des"])
    assert closed_form_auc(knobs["told"], "both") == pytest.approx(seen["told"]["des"])
    assert 0.65 < seen["half"]["low_energy"] < 0.75 < seen["half"]["des"]
    assert seen["untold"]["low_energy"] == pytest.approx(0.5)
    assert {round(values["des"], 9) for values in seen.values()} == {round(seen["told"]["des"], 9)}
    default = Settings().knobs
    assert knobs["shown"] == replace(default, diameter_mm=20.0, solidity=0.95)


@pytest.mark.parametrize("world", WORLDS)
def test_the_documented_table_is_what_the_settings_give(world):
    settings = in_world(Settings(), world)
    taken = {"post": "after the injection", "pre": "before the injection"}[settings.le_contrast]
    seen = [f"{closed_form_auc(settings.knobs, image):.2f}".lstrip("0") for image in ("low_energy", "des")]
    cells = [f"`{world}`", f"{settings.morphology_dprime:g}", f"{settings.coupling:g}", taken, *seen]
    assert f"| {' | '.join(cells)} |" in PAGE.read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_lesions_are_as_conspicuous_at_low_energy_as_those_of_cesm():
    # malignant lesions of CDD-CESM, drawn on low energy: mean ROC area against the ring .80
    settings = in_world(Settings(size=256), "half")
    areas = []
    for index in range(60):
        patient = build_patient("P", index, 5, settings.knobs, settings.density)
        if patient.latents.lesion is None or not patient.latents.lesion.malignant:
            continue
        for _, _, view in simulate_patient(patient, settings.acquisition, settings.shape):
            if view.lesion_mask.any():
                mask, breast = (found[None, None].astype(np.float32) for found in (view.lesion_mask, view.breast_mask))
                image = view.low_energy[None, None].astype(np.float32)
                areas.append(float(lesion_roc_area(image, mask, breast)))
    assert len(areas) >= 25
    assert np.mean(areas) == pytest.approx(0.80, abs=0.05)


def test_what_a_world_fixes_cannot_be_given_another_value():
    assert in_world(Settings(), None) == Settings()
    assert in_world(Settings(coupling=1.0), "told").coupling == 1.0
    with pytest.raises(InputError, match=r"coupling: 0\.3; in the world 'told' it is 1\.0"):
        in_world(Settings(coupling=0.3), "told")
    with pytest.raises(InputError, match=r"world: 'toled'; expected shown, told, half, untold"):
        in_world(Settings(), "toled")  # type: ignore[arg-type]


def test_phantoms_of_one_kind_differ_in_number_seed_and_files_alone():
    first = kind(in_world(Settings(), "told").record())
    assert kind(None) is None and first is not None
    assert other_kind(first, kind(in_world(Settings(9, 4, 64, "nifti"), "told").record())) is None  # type: ignore[arg-type]
    assert other_kind(first, kind(in_world(Settings(), "half").record())) == "morphology_dprime 1.4, not 0.7"  # type: ignore[arg-type]
    earlier = {name: value for name, value in Settings().record().items() if not name.startswith("lesion_")}
    assert kind(earlier) == kind(Settings().record())
