from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vdes.data.json_file import read_json
from vdes.errors import InputError
from vdes.phantom.latents import Knobs, draw_lesion
from vdes.reading import tables
from vdes.reading.ideal_reader import Sight, expected_auc, log_odds
from vdes.reading.settings import SimulatedReaders
from vdes.reading.simulate import SIMULATED_FILE, simulate
from vdes.reading.store import Store
from vdes.reading.worklist import MODALITIES

KNOBS = Knobs(1.4, 1.4, 0.5)


def test_simulated_readers_see_as_much_as_is_stated():
    rng = np.random.default_rng(0)
    lesions = [draw_lesion(KNOBS, 100.0, rng) for _ in range(3000)]
    malignant = [lesion.malignant for lesion in lesions]
    for modality, (virtual, internal) in product(MODALITIES, ((0.0, 0.0), (1.5, 0.7))):
        odds = [
            log_odds(Sight(lesion, *rng.standard_normal(2)), modality, KNOBS, virtual, internal, rng.standard_normal())
            for lesion in lesions
        ]
        expected = expected_auc(KNOBS, modality, virtual, internal)
        assert roc_auc_score(malignant, odds) == pytest.approx(expected, abs=0.02)
        # they are odds: of what is called 80 % likely, 80 % is so
        called = (np.array(odds) > np.log(3)) & (np.array(odds) < np.log(6))
        assert np.mean(np.array(malignant)[called]) == pytest.approx(0.81, abs=0.05)
    assert expected_auc(KNOBS, "virtual", 0.0, 0.0) == expected_auc(KNOBS, "real", 0.0, 0.0)
    assert expected_auc(KNOBS, "virtual", 50.0, 0.0) == pytest.approx(expected_auc(KNOBS, "low_energy", 0, 0), abs=1e-3)


def test_they_answer_every_task_and_say_what_they_are(reading):
    simulate(reading, SimulatedReaders(seed=3), progress=False)
    assert tables.unfinished(reading) == {}
    assert tables.simulated(reading)
    stated = json.loads((reading / SIMULATED_FILE).read_text())
    assert (stated["readers"], stated["seed"]) == ("simulated", 3)
    assert stated["expected_auc_between_lesions"]["real"] > stated["expected_auc_between_lesions"]["virtual"]
    readings = tables.readings_table(reading)
    assert set(readings["modality"]) == set(MODALITIES)
    assert readings["malignancy"].between(0, 100).all()
    with pytest.raises(InputError, match="holds answers already"):
        simulate(reading, SimulatedReaders(), progress=False)


def test_a_seed_is_a_reader(reading, make_reading):
    simulate(reading, SimulatedReaders(seed=1), progress=False)
    with Store(reading) as store:
        first = [one["answer"] for one in store.answers()]
    again = make_reading()
    simulate(again, SimulatedReaders(seed=1), progress=False)
    with Store(again) as store:
        assert [one["answer"] for one in store.answers()] == first


def test_images_of_patients_are_refused(reading):
    plan = read_json(reading / "plan.json")
    from vdes.reading.plan import plan_digest

    changed = {key: value for key, value in plan.items() if key != "sha256"} | {"phantom": None}
    (reading / "plan.json").write_text(json.dumps(changed | {"sha256": plan_digest(changed)}))
    with pytest.raises(InputError, match="the images are not phantoms"):
        simulate(reading, SimulatedReaders(), progress=False)
    with pytest.raises(InputError, match="virtual_noise: -1; expected 0 or more"):
        SimulatedReaders(virtual_noise=-1)
