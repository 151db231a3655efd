from __future__ import annotations

import json
import shutil

import pytest

from vdes.errors import InputError
from vdes.reading.study_cases import read_study_cases


@pytest.fixture()
def folds(reading_study, tmp_path):
    """The study, as if its test patients came from two folds."""
    source = reading_study / "parts" / "split" / "datalists"
    for fold in range(2):
        target = tmp_path / "parts" / f"fold{fold}" / "datalists"
        target.mkdir(parents=True)
        for file in source.iterdir():
            listed = json.loads(file.read_text())
            for section in ("training", "validation", "test"):
                for item in listed[section]:
                    for field in ("low_energy", "des", "lesion_mask", "des_lesion_mask"):
                        if item[field]:
                            item[field] = str((source / item[field]).resolve())
            patients = sorted({item["patient"] for item in listed["test"]})[fold::2]
            listed["test"] = [item for item in listed["test"] if item["patient"] in patients]
            (target / file.name).write_text(json.dumps(listed))
    for name in ("settings.json", "metrics.json"):
        shutil.copy(reading_study / name, tmp_path)
    return tmp_path


def test_the_test_cases_of_all_parts_are_read(reading_study, folds):
    whole, parted = read_study_cases(reading_study), read_study_cases(folds)
    assert len(whole.items) == 72 and whole.generator == "unet" and whole.aligned
    assert {item["case"]: item["virtual"] for item in whole.items} == {i["case"]: i["virtual"] for i in parted.items}
    assert len(parted.datalists) == 2 and parted.ranges == whole.ranges
    assert whole.ranges["virtual"] == (0, 65535) and whole.ranges["real"] == (0, 255)


def test_parts_must_agree(folds):
    file = folds / "parts" / "fold1" / "datalists" / "real_all.json"
    listed = json.loads(file.read_text())
    listed["intensity_range"]["des"] = [0, 200]
    file.write_text(json.dumps(listed))
    with pytest.raises(InputError, match="intensity_range, aligned: differ between parts"):
        read_study_cases(folds)


def test_a_study_without_virtual_images_is_refused(folds):
    (folds / "parts" / "fold1" / "datalists" / "virtual-unet_judged.json").unlink()
    with pytest.raises(InputError, match=r"fold1/datalists/virtual-unet_judged\.json: no such file"):
        read_study_cases(folds)
    shutil.rmtree(folds / "parts")
    with pytest.raises(InputError, match="no part with datalists"):
        read_study_cases(folds)


def test_the_generator_of_the_question_is_read(folds):
    settings = {"models": {"a": {}, "unet": {}, "classifier": {}}, "question": {"arm": "low_energy+virtual_des-unet"}}
    (folds / "settings.json").write_text(json.dumps(settings))
    assert read_study_cases(folds).generator == "unet"
    with pytest.raises(InputError, match="generator: 'b' is not one of its generators; expected a, unet"):
        read_study_cases(folds, "b")
