from __future__ import annotations

import json

import pytest

from vdes.errors import InputError
from vdes.report.study_files import read_study


def test_predictions_cases_and_labels_are_read(study_folder):
    study = read_study(study_folder)
    assert len(study.cases) == 80 and study.cases[0]["case"] == "P1_L_CC"
    assert set(study.predictions) == {arm["arm"] for arm in study.metrics["arms"]}
    assert len(study.predictions["des"]) == 80 + 40 + 20
    assert study.labels["virtual_des-unet"] == "virtual DES (unet)"
    assert study.generators == ["unet", "cyclegan"]


def test_what_is_absent_is_empty(study_folder):
    metrics = json.loads((study_folder / "metrics.json").read_text())
    kept = {key: metrics[key] for key in ("question", "arms")}
    (study_folder / "metrics.json").write_text(json.dumps({**kept, "data": {"name": "mine"}}))
    (study_folder / "cases.json").unlink()
    (study_folder / "arms" / "des" / "predictions.csv").unlink()
    study = read_study(study_folder)
    assert study.cases == [] and "des" not in study.predictions
    assert study.metrics["classification"] == study.metrics["failed"] == study.metrics["left_out"] == []
    assert study.metrics["answer"] is study.metrics["oracle"] is study.metrics["data"]["phantom"] is None
    assert study.metrics["provenance"]["bundles"] is None


def test_bad_folders_are_named(study_folder, edit_study):
    with pytest.raises(InputError, match=r"metrics\.json: no such file; expected the folder of a study"):
        read_study(study_folder / "arms")
    (study_folder / "cases.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match=r"cases\.json: expected a list of objects, each with `case`"):
        read_study(study_folder)
    (study_folder / "cases.json").write_text("[")
    with pytest.raises(InputError, match=r"cases\.json: not valid JSON"):
        read_study(study_folder)
    with pytest.raises(InputError, match=r"metrics\.json: question: margin: missing"):
        read_study(edit_study(question=lambda question: {**question, "margin": None}))
    with pytest.raises(InputError, match=r"metrics\.json: arms: missing or empty"):
        read_study(edit_study(arms=None))
    (study_folder / "metrics.json").write_text("{")
    with pytest.raises(InputError, match=r"metrics\.json: line 1, column 2: not valid JSON"):
        read_study(study_folder)


def test_a_picture_is_in_the_folder_or_refused(study_folder):
    study = read_study(study_folder)
    case = study.cases[0]
    assert study.picture(case, "des") == study_folder / "pictures" / "P1_L_CC" / "des.png"
    outside = study_folder.parent / "secret.png"
    outside.write_bytes(b"x")
    for name in ("../secret.png", str(outside), "pictures/none.png"):
        case["pictures"]["des"] = name
        with pytest.raises(InputError, match=r"case P1_L_CC: pictures: des: .*no such file in the study's folder"):
            study.picture(case, "des")
