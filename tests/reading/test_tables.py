from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vdes.reading import tables
from vdes.reading.frames import read_frame
from vdes.reading.plan import read_plan
from vdes.reading.store import Store


def test_readings_have_every_key_once(reading, read_all):
    read_all(reading)
    found = tables.readings_table(reading)
    assert tuple(found.columns) == tables.READINGS
    assert not found.duplicated(["reader", "case", "modality", "repeat"]).any()
    first = found[found["repeat"] == 0]
    assert len(first) == 2 * 10 * 3
    assert (first.groupby(["reader", "case"])["modality"].nunique() == 3).all()
    low = found["modality"] == "low_energy"
    assert (found.loc[low, "bpe"] == "").all() and found.loc[low, "invented"].isna().all()
    assert (found.loc[~low, "margin"] == "spiculated").all() and (found.loc[~low, "invented"] == 1).all()
    assert found["marks"].iloc[0] == [{"view": "CC", "x": 10.0, "y": 20.0}]
    assert (found["seconds"] == 12.5).all() and (found["birads"] == "4A").all()
    assert not found["patient"].str.contains("phantom|P0$").any()


def test_choices_and_quality(reading, answer_to):
    plan = read_plan(reading)
    with Store(reading) as store:
        for tasks in store.tasks.values():
            for task in tasks:
                # the first reader always finds the real image, the second never
                side = "left" if (task["left"] == "real") == (tasks is store.tasks["R1"]) else "right"
                store.add(task["task"], answer_to(task, **({"chosen": side} if task["left"] else {})), 1)
    choices = tables.choices_table(reading)
    assert choices.groupby("reader")["chosen_real"].agg(list).to_dict() == {"R1": [1] * 4, "R2": [0] * 4}
    quality = tables.quality_table(reading)
    assert len(quality) == 2 * 2 * 2 and set(quality["modality"]) == {"real", "virtual"}
    assert {task["left"] for reader in plan["readers"] for task in reader["tasks"]} == {"real", "virtual", None}


def test_truth_images_and_key(reading):
    truth = tables.truth_table(reading)
    assert truth["malignant"].sum() == 4 and (truth["pathology"] == "normal").sum() == 4
    assert truth["patient"].is_unique
    images = tables.images_table(reading)
    assert len(images) == 20
    for lesions, normal in zip(truth["lesions"], truth["pathology"] == "normal", strict=True):
        assert bool(lesions) != normal
        for lesion in lesions:
            mask = np.asarray(Image.open(lesion["mask"]))
            x0, y0, x1, y1 = lesion["box"]
            assert mask.shape == (64, 48) and mask[y0 : y1 + 1, x0 : x1 + 1].any()
            assert x0 <= lesion["x"] <= x1 and y0 <= lesion["y"] <= y1
    row = images.iloc[0]
    assert read_frame(Path(row["real"]), 64, 48).dtype == np.uint16
    key = tables.study_key(reading)
    joined = truth.merge(key, on=["case", "patient", "laterality"], validate="one_to_one")
    assert len(joined) == 10 and not set(key["study_patient"]) & set(key["patient"])


def test_what_is_left(reading, read_all):
    assert tables.unfinished(reading) == {"R1": 52, "R2": 52}
    work = tables.work_table(reading)
    assert len(work) == 104 and tuple(work.columns) == tables.WORK
    read_all(reading)
    assert tables.unfinished(reading) == {}
    assert not tables.simulated(reading)


def test_empty_tables_have_their_columns(reading):
    assert tuple(tables.readings_table(reading).columns) == tables.READINGS
    assert isinstance(tables.choices_table(reading), pd.DataFrame)


@pytest.mark.parametrize("design", ["crossover", "independent"])
def test_other_designs_are_crossed_too(make_reading, read_all, design):
    folder = make_reading(design=design)
    read_all(folder)
    found = tables.readings_table(folder)
    first = found[found["repeat"] == 0]
    assert (first.groupby(["reader", "case"])["modality"].nunique() == 3).all() and len(first) == 60
    assert len(found) == 64
