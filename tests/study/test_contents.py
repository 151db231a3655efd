from __future__ import annotations

from pathlib import Path

import pytest

from vdes.bundle.steps import run_steps
from vdes.data.datalist import Datalist
from vdes.report.study_rows import oracle_rows
from vdes.report.study_words import kind
from vdes.study.arms import study_arms
from vdes.study.contents import CONTENTS, REAL_BOTH, Content, Use
from vdes.study.defaults import shipped_classifier
from vdes.study.models import Model
from vdes.study.question import Question
from vdes.study.regions import region_arms
from vdes.study.study import Study
from vdes.study.study_steps import study_steps

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"


def test_every_reference_is_an_arm() -> None:
    arms = study_arms(["unet"], retrained=True)
    assert {arm.reference for arm in arms} - {None} <= {arm.arm for arm in arms}


def test_what_is_neither_real_nor_a_generators_has_a_writer() -> None:
    for name, content in CONTENTS.items():
        assert (content.write is None) == (name == "real" or content.generated)


def test_virtual_des_and_the_controls_have_the_ceiling_of_low_energy() -> None:
    arms = [arm.record() for arm in study_arms(["unet"])]
    oracle = [
        {"task": "breasts", "images": seen, "auc": auc, "closed_form_auc": None}
        for seen, auc in (("low_energy", 0.6), ("des", 0.8), ("both", 0.9))
    ]
    values = [{"level": "breast", "metric": "auc", "arm": arm["arm"], "value": {}} for arm in arms]
    assert {row["arm"]: row["ceiling"] for row in oracle_rows(oracle, values, arms)} == {
        "des": 0.8,
        "low_energy": 0.6,
        "low_energy+des": 0.9,
        "virtual_des-unet": 0.6,
        "low_energy+virtual_des-unet": 0.6,
        "low_energy+low_energy": 0.6,
        "low_energy+shuffled_des": 0.6,
    }


def test_one_entry_adds_an_arm(small_datalist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(source: Datalist, output: Path, seed: int) -> Datalist:
        return Datalist.write(output, {**source.content(), "name": f"{source.name}, blank {seed}"})

    blank = Content("blank", {"both": Use("low energy + a blank", REAL_BOTH)}, "control", write=write)
    monkeypatch.setitem(CONTENTS, "blank", blank)
    [arm] = [arm for arm in study_arms(["unet"], retrained=True) if arm.content == "blank"]
    assert (arm.arm, arm.label, arm.inputs, arm.reference) == (
        "low_energy+blank",
        "low energy + a blank",
        "both",
        "low_energy+des",
    )
    assert kind(arm.record()) == "control"
    assert arm.arm not in {arm.arm for arm in region_arms(["unet"])}

    datalist = Datalist.read(small_datalist).content()
    datalist["test"][0] |= {"pathology": "normal", "malignant": 0}  # both classes
    Datalist.write(tmp_path / "datalist.json", datalist)
    unet = BUNDLES / "breast_cesm_virtual_des_unet"
    study = Study(
        Datalist.read(tmp_path / "datalist.json"),
        tmp_path / "study",
        {"unet": Model(unet, unet / "models" / "model_phantom.pt", {"height": 64})},
        shipped_classifier(BUNDLES, "model_phantom"),
        Question("virtual_des-unet"),
        seed=7,
    )
    steps = {step.name: step for step in study_steps(study)}
    assert steps["split predict low_energy+blank"].needs == ["split datalist of blank"]
    chosen = [steps["split datalist"], steps["split datalist of blank"]]
    assert run_steps(chosen, tmp_path / "steps") == {}
    made = Datalist.read(study.part("split") / "datalists" / "blank_judged.json")
    assert made.name.endswith(", blank 7")
    assert not made.items("training") and made.items("test")
