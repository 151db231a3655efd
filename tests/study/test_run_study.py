from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from vdes.bundle.steps import run_steps
from vdes.cli import main
from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.training_record import TrainingRecord, sealed
from vdes.errors import InputError
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.report.study_report import write_report
from vdes.study.defaults import shipped_classifier
from vdes.study.models import Model
from vdes.study.question import Question
from vdes.study.run_study import answer, run_study
from vdes.study.study import STEPS, Study
from vdes.study.study_steps import study_inputs, study_steps

pytestmark = pytest.mark.slow

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
UNET = BUNDLES / "breast_cesm_virtual_des_unet"
CLASSIFIER = BUNDLES / "breast_cesm_lesion_classification"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datalist of eight phantom patients at 64 px, half of them for testing and half for validation."""
    settings = Settings(8, 5, 64, test_fraction=0.5, validation_fraction=0.5)
    return generate(tmp_path_factory.mktemp("cases") / "set", settings)


def study_of(cases: Path, output: Path, **changes: Any) -> Study:
    """Return a study of the shipped U-Net and classifier."""
    settings: dict[str, Any] = {
        "generators": {"unet": Model(UNET, UNET / "models" / "model_phantom.pt", {"height": 64})},
        "classifier": shipped_classifier(BUNDLES, "model_phantom"),
        "question": Question("virtual_des-unet", n_resamples=50),
        "height": 64,
    }
    return Study(Datalist.read(cases), output, **{**settings, **changes})


def figures(study: Path) -> dict[str, Any]:
    """Return what a study has found, without the day that it was made on."""
    content: dict[str, Any] = json.loads((study / "metrics.json").read_text())
    del content["provenance"]["made"]
    return content


@pytest.fixture(scope="module")
def finished(cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study."""
    study = study_of(cases, tmp_path_factory.mktemp("studies") / "finished")
    assert run_study(study) == {}
    return study.output


def test_all_arms_have_the_same_test_cases(finished: Path, cases: Path) -> None:
    content = figures(finished)
    assert {arm["arm"] for arm in content["arms"]} == {
        "des",
        "low_energy",
        "low_energy+des",
        "virtual_des-unet",
        "low_energy+virtual_des-unet",
        "low_energy+low_energy",
        "low_energy+shuffled_des",
    }
    test = {item["case"] for item in Datalist.read(cases).items("test")}
    for arm in content["arms"]:
        table = pd.read_csv(finished / "arms" / arm["arm"] / "predictions.csv")
        assert set(table.loc[table["level"] == "image", "case"]) == test
        assert set(table["inputs"]) == {"low_energy+des" if arm["inputs"] == "both" else arm["inputs"]}
    assert content["data"]["cases"] == len(test)
    assert content["failed"] == []
    assert content["data"]["phantom"]["seed"] == 5
    assert {row["split"] for row in content["oracle"]} == {"test"}


def test_low_energy_in_the_place_of_des_is_not_des(finished: Path) -> None:
    logits = {
        arm: pd.read_csv(finished / "arms" / arm / "predictions.csv")["logit"].tolist()
        for arm in ("des", "virtual_des-unet", "low_energy+des", "low_energy+low_energy", "low_energy+shuffled_des")
    }
    assert len({tuple(values) for values in logits.values()}) == len(logits)


def test_what_the_study_rests_on_is_stated(finished: Path, cases: Path) -> None:
    provenance = figures(finished)["provenance"]
    assert provenance["datalist_sha256"] == hashlib.sha256(cases.read_bytes()).hexdigest()
    bundles = {bundle["role"]: bundle for bundle in provenance["bundles"]}
    weights = CLASSIFIER / "models" / "model_phantom.pt"
    assert bundles["classifier"]["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert "none of them in this test set" in bundles["unet"]["trained_on"]
    assert str(cases.parent) not in (finished / "metrics.json").read_text()
    assert "virtual DES (unet) against real DES, f1 by examination" in answer(study_of(cases, finished))


def test_cases_have_pictures_and_predictions(finished: Path) -> None:
    listed = json.loads((finished / "cases.json").read_text())
    content = figures(finished)
    for case in listed:
        assert case["predictions"].keys() == {arm["arm"] for arm in content["arms"]}
        assert all((finished / picture).is_file() for picture in case["pictures"].values())
    tagged = {case["case"] for case in listed if "disagreement" in case["tags"]}
    assert tagged == {row["case"] for row in content["disagreements"]}
    assert {row["generator"] for row in content["fidelity"]} == {"unet"}


@pytest.mark.parametrize(("arm", "inputs"), [("des", "des"), ("low_energy+virtual_des-unet", "both")])
def test_an_arm_has_the_predictions_of_the_bundle_by_itself(
    finished: Path, tmp_path: Path, arm: str, inputs: str
) -> None:
    images = "real" if arm == "des" else "virtual-unet"
    datalist = finished / "parts" / "split" / "datalists" / f"{images}_judged.json"
    classifier = shipped_classifier(BUNDLES, "model_phantom").given
    classifier.infer(datalist, tmp_path, inputs=inputs, precision="float32", num_workers=0)
    table = pd.read_csv(finished / "arms" / arm / "predictions.csv").set_index(["level", "case"])
    alone = pd.read_csv(tmp_path / "predictions.csv").set_index(["level", "case"]).loc[table.index]
    assert (table["logit"] == alone["logit"]).all() and len(table) > 20
    assert len(list((finished / "parts" / "split" / "features").iterdir())) > 0


@pytest.mark.parametrize(("engine", "threads"), [("openvino", 2), ("torch", 3)])
def test_engines_and_threads_change_no_figure(
    finished: Path, cases: Path, tmp_path: Path, engine: str, threads: int
) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino", reason="no package openvino")
    generator = Model(UNET, UNET / "models" / "model_phantom.pt", {"height": 64, "engine": engine})
    classifier = replace(shipped_classifier(BUNDLES, "model_phantom"), knobs={"engine": engine})
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        study = study_of(cases, tmp_path, generators={"unet": generator}, classifier=classifier)
        assert run_study(study) == {}
    finally:
        torch.set_num_threads(before)
    one, other = (dict(leaves(figures(folder))) for folder in (finished, study.output))
    differs = {
        place: (one.get(place), other.get(place))
        for place in one.keys() | other.keys()
        if place[0] != "provenance" and not alike(one.get(place), other.get(place))
    }
    assert not differs
    assert len(one) > 500
    assert one["answer", "verdict"] == other["answer", "verdict"]


def leaves(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every value of nested dictionaries and lists, with its place."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from leaves(value, (*place, key))
    else:
        yield place, content


def alike(one: Any, other: Any) -> bool:
    """Tell whether values are equal, numbers to two decimals."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < 0.005
    return bool(one == other)


def test_a_finished_study_is_not_run_again(finished: Path, cases: Path) -> None:
    before, times = figures(finished), {f: f.stat().st_mtime_ns for f in (finished / "parts").rglob("*")}
    assert run_study(study_of(cases, finished)) == {}
    assert figures(finished) == before
    assert {f: f.stat().st_mtime_ns for f in (finished / "parts").rglob("*")} == times


def test_what_was_damaged_in_a_finished_study_is_made_again(
    cases: Path, tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "study"
    shutil.copytree(finished, output)
    part = output / "parts" / "split"
    shutil.rmtree(part / "arms" / "des")
    predictions = part / "arms" / "virtual_des-unet" / "predictions.csv"
    predictions.write_text(predictions.read_text().splitlines()[0] + "\n")
    image = next(iter(sorted((part / "virtual" / "unet").glob("*.png"))))
    image.write_bytes(image.read_bytes()[:-20])
    (part / "scored" / "images" / "fidelity_per_case.csv").unlink()
    (output / "steps" / "split_predict_low_energy+des.json").write_text("")
    shutil.rmtree(output / "arms")
    (output / "cases.json").write_text("[]")
    assert run_study(study_of(cases, output)) == {}
    assert figures(output) == figures(finished)
    assert json.loads((output / "cases.json").read_text()) == json.loads((finished / "cases.json").read_text())
    told = capsys.readouterr().out
    for step in ("virtual unet", "predict des", "images"):
        assert f"split {step}: what it made was changed or lost; it is done again" in told
    assert "split predict low_energy+des: its record is damaged; it is done again" in told


@pytest.mark.parametrize("content", ["", "[]", '{"height": 1'])
def test_settings_that_were_damaged_are_named(content: str, cases: Path, tmp_path: Path) -> None:
    output = tmp_path / "study"
    output.mkdir()
    (output / "settings.json").write_text(content)
    with pytest.raises(InputError, match=r"settings\.json: "):
        run_study(study_of(cases, output))
    assert (output / "settings.json").read_text() == content


def test_a_folder_with_another_study_or_other_files_is_refused(finished: Path, cases: Path, tmp_path: Path) -> None:
    other = study_of(cases, finished, question=Question("virtual_des-unet", margin=0.1, n_resamples=50))
    with pytest.raises(InputError, match=r"holds a study with another `question`"):
        run_study(other)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files"):
        run_study(study_of(cases, tmp_path))
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def command(cases: Path, output: Path, *more: str) -> list[str]:
    """Return the command line of the study of `study_of`."""
    generator = f"unet={UNET},height=64,ckpt_path={UNET / 'models' / 'model_phantom.pt'}"
    arguments = ["study", "--datalist", str(cases), "--output", str(output), "--bundles", str(BUNDLES)]
    return [*arguments, "--generator", generator, "--height", "64", "--resamples", "50", *more]


def test_a_killed_study_goes_on_to_the_same_figures(finished: Path, cases: Path, tmp_path: Path) -> None:
    output = tmp_path / "killed"
    arguments = command(cases, output)
    marker = output / "steps" / "split_predict_des.json"
    silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    program = [sys.executable, "-c", "import sys; from vdes.cli import main; sys.exit(main())"]
    with subprocess.Popen([*program, *arguments], **silent) as process:
        while not marker.exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert marker.exists()
    assert not (output / "metrics.json").exists()
    kept = (output / "parts" / "split" / "arms" / "des" / "predictions.csv").stat().st_mtime_ns
    assert main(arguments) == 0
    assert (output / "parts" / "split" / "arms" / "des" / "predictions.csv").stat().st_mtime_ns == kept
    assert figures(output) == figures(finished)
    assert (output / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("input_of", ["low_energy", "des", "weights"])
def test_a_study_does_not_go_on_with_another_image_than_it_began_with(
    finished: Path, cases: Path, tmp_path: Path, input_of: str
) -> None:
    """Its first steps have read the old one, the others would read the new one."""
    shutil.copytree(cases.parent, tmp_path / "set")
    copy = tmp_path / "set" / cases.name
    weights = tmp_path / "model.pt"
    for suffix in (".pt", ".json"):
        shutil.copy(UNET / "models" / f"model_phantom{suffix}", weights.with_suffix(suffix))
    study = study_of(copy, tmp_path / "study", generators={"unet": Model(UNET, weights, {"height": 64})})
    first, other = (item for item in study.datalist.items("test")[:2])
    file, new = (
        (weights, UNET / "models" / "model.pt")
        if input_of == "weights"
        else (Path(first[input_of]), Path(other[input_of]))
    )
    old = file.read_bytes()
    study.open_folder(False)
    steps, inputs = study_steps(study), study_inputs(study)
    virtual = next(i for i, step in enumerate(steps) if step.name.endswith("virtual unet"))
    assert run_steps(steps[: virtual + 1], study.output / STEPS, inputs=inputs) == {}
    shutil.copyfile(new, file)
    again = study_of(copy, tmp_path / "study", generators=study.generators)
    with pytest.raises(InputError, match=r"models|was changed since .*study was begun with it"):
        run_study(again)
    assert not (study.output / "metrics.json").exists()
    file.write_bytes(old)
    again = study_of(copy, tmp_path / "study", generators=study.generators)
    assert run_study(again) == {}
    assert figures(study.output)["arms"] == figures(finished)["arms"]


def test_a_failing_arm_loses_no_other(
    cases: Path, tmp_path: Path, copier: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    theirs, broken = copier(), copier("broken", run=["$1 / 0"])
    output = tmp_path / "study"
    # it takes the images for 8 bits, phantoms have 12
    strength = 65535 / 4095 / 257
    given = ["--generator", f"theirs={theirs},strength={strength}", "--generator", f"broken={broken}"]
    assert main([*command(cases, output), *given]) == 2
    assert "their_bundle: is not one of vdes's own bundles" in capsys.readouterr().err and not output.exists()
    arguments = [*command(cases, output), *given, "--trust-bundle"]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert "error: split virtual broken: bundle broken: ZeroDivisionError: division by zero" in printed.err
    content = figures(output)
    arms = {arm["arm"] for arm in content["arms"]}
    assert {"virtual_des-theirs", "virtual_des-unet", "des"} <= arms
    assert not {arm for arm in arms if "broken" in arm}
    assert {arm["arm"] for arm in content["left_out"]} == {"virtual_des-broken", "low_energy+virtual_des-broken"}
    assert "split virtual broken" in {row["step"] for row in content["failed"]}
    # their bundle copies low energy: its virtual DES is what the low-energy control sees
    logits = {
        arm: pd.read_csv(output / "arms" / arm / "predictions.csv")["logit"].to_numpy()
        for arm in ("low_energy+virtual_des-theirs", "low_energy+low_energy")
    }
    assert logits["low_energy+virtual_des-theirs"] == pytest.approx(logits["low_energy+low_energy"], abs=0.1)


def test_a_lone_validation_patient_costs_the_shuffled_control_alone(cases: Path, tmp_path: Path) -> None:
    datalist = Datalist.read(cases).content()
    lone = next(item["patient"] for item in datalist["validation"] if item["malignant"])
    datalist["validation"] = [item for item in datalist["validation"] if item["patient"] == lone]
    Datalist.write(tmp_path / "lone.json", datalist)
    study = study_of(tmp_path / "lone.json", tmp_path / "study")
    failed = run_study(study)
    assert failed.keys() == {"split datalist of shuffled", "split predict low_energy+shuffled_des"}
    assert {row["arm"] for row in figures(study.output)["left_out"]} == {"low_energy+shuffled_des"}


def test_a_classifier_that_has_seen_a_test_patient_is_refused(cases: Path, tmp_path: Path) -> None:
    datalist = Datalist.read(cases).content()
    swapped = {**datalist, "training": datalist["test"], "test": datalist["validation"], "validation": []}
    Datalist.write(tmp_path / "swapped.json", swapped)
    weights = tmp_path / "model.pt"
    shutil.copy(CLASSIFIER / "models" / "model_phantom.pt", weights)
    record = TrainingRecord(tmp_path / "swapped.json").content
    weights.with_suffix(".json").write_text(sealed(record, weights))
    classifier = replace(shipped_classifier(BUNDLES, "model_phantom"), weights=weights)
    with pytest.raises(InputError, match=r"model.pt: trained or validated on 16 of the 16 test images"):
        run_study(study_of(cases, tmp_path / "study", classifier=classifier))
    assert not (tmp_path / "study").exists()


def test_weights_of_unknown_origin_are_named_in_the_headline(finished: Path, cases: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "study")
    weights = tmp_path / "model.pt"
    shutil.copy(UNET / "models" / "model_phantom.pt", weights)  # without its record
    study = study_of(cases, tmp_path / "study", generators={"unet": Model(UNET, weights, {"height": 64})})
    assert run_study(study) == {}
    sentence = "Whether the weights of unet have seen these test patients is unknown."
    assert answer(study).endswith(f". {sentence}")
    assert "unknown" not in answer(study_of(cases, finished))
    for folder, told in ((study.output, True), (finished, False)):
        assert (sentence in write_report(folder).read_text()) is told


def test_a_test_set_without_malignant_cases_is_refused(cases: Path, tmp_path: Path) -> None:
    datalist = Datalist.read(cases).content()
    datalist["test"] = [item for item in datalist["test"] if not item["malignant"]]
    Datalist.write(tmp_path / "benign.json", datalist)
    with pytest.raises(InputError, match=r"benign.json: test: of \d+, none is malignant"):
        study_of(tmp_path / "benign.json", tmp_path / "study")


def test_where_all_cases_are_malignant_regions_are_judged(phantoms: Path, tmp_path: Path) -> None:
    datalist = Datalist.read(phantoms).content()
    malignant = [item for name in SECTIONS for item in datalist[name] if item["malignant"]]
    patients = sorted({item["patient"] for item in malignant})
    third = {patient: SECTIONS[number % 3] for number, patient in enumerate(patients)}
    for name in SECTIONS:
        datalist[name] = [item for item in malignant if third[item["patient"]] == name]
    Datalist.write(tmp_path / "malignant.json", datalist)
    study = study_of(tmp_path / "malignant.json", tmp_path / "study")
    assert run_study(study) == {}
    content = figures(study.output)
    assert content["question"]["level"] == "region"
    assert content["classification"] == []
    rows = pd.DataFrame(content["regions"]["classification"])
    value = rows[(rows["arm"] == "virtual_des-unet") & (rows["metric"] == "f1") & (rows["statistic"] == "value")]
    assert content["answer"]["arm"]["value"] == value["value"].item()
    table = pd.read_csv(study.output / "regions" / "des.csv")
    assert content["data"]["malignant"]["region"] == [int(table["malignant"].sum()), len(table)]
    assert set(table["patient"]) <= {item["patient"] for item in datalist["test"]}
    assert {bundle["role"] for bundle in content["provenance"]["bundles"]} == {"unet"}
    assert "real DES, f1 by region" in answer(study)
    assert run_study(study) == {}
    assert figures(study.output) == content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--generator", "mine"], "--generator: 'mine'; expected NAME=BUNDLE"),
        (["--generator", "mine=nowhere"], "nowhere: no such folder; expected the folder of a bundle"),
        (["--arm", "des"], "question: arm: 'des'; expected one of"),
        (["--only", "fold=a"], "only: fold=a; no step of the study belongs to it"),
        (["--train", "--folds", "1"], "folds: 1; expected 2 or more"),
        (["--metric", "brier"], "question: metric: 'brier'"),
    ],
)
def test_mistakes_of_a_command_line_are_one_line(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main([*command(cases, tmp_path / "study"), *arguments]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error


@pytest.mark.parametrize("knobs", ["nowhere", f"{UNET},ckpt_path=none.pt"])
def test_a_mistake_in_a_model_costs_no_phantoms(tmp_path: Path, capsys: pytest.CaptureFixture[str], knobs: str) -> None:
    output = tmp_path / "study"
    assert main(["study", "--phantom", "9", "--output", str(output), "--generator", f"mine={knobs}"]) == 2
    assert "no such f" in capsys.readouterr().err and not output.exists()


def test_every_model_is_trained_inside_its_fold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(12, 6, 64)
    cases = generate(tmp_path / "phantoms", settings)
    output = tmp_path / "study"
    arguments = ["study", "--datalist", str(cases), "--output", str(output), "--bundles", str(BUNDLES)]
    arguments += ["--generator", f"unet={UNET},height=64", "--height", "64", "--resamples", "50"]
    arguments += ["--train", "--folds", "2", "--generator-epochs", "1", "--classifier-epochs", "1"]

    assert main([*arguments, "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert "fold1 train unet" in planned
    assert "fold0 train classifier on virtual-unet" in planned
    assert not (output / "parts").exists()

    # one machine trains a generator of one fold, this one does the rest
    assert main([*arguments, "--only", "fold=1,model=unet"]) == 0
    weights = output / "parts" / "fold1" / "models" / "unet" / "model.pt"
    trained = weights.read_bytes()
    assert not (output / "parts" / "fold0").exists()
    assert not (output / "metrics.json").exists()
    assert main(arguments) == 0
    assert weights.read_bytes() == trained
    content = figures(output)
    listed = {item["case"]: item["patient"] for name in SECTIONS for item in Datalist.read(cases).items(name)}
    for arm in content["arms"]:
        table = pd.read_csv(output / "arms" / arm["arm"] / "predictions.csv")
        assert sorted(table.loc[table["level"] == "image", "case"]) == sorted(listed)
    for fold in ("fold0", "fold1"):
        part = output / "parts" / fold
        tested = {item["patient"] for item in Datalist.read(part / "datalists" / "real_all.json").items("test")}
        for model in ("unet", "classifier-real", "classifier-virtual-unet", "classifier-low_energy"):
            record = json.loads((part / "models" / model / "model.json").read_text())
            assert record["patients"] == 12 - len(tested)
    assert {arm["classifier"] for arm in content["arms"]} == {"real", "retrained"}
    assert content["data"]["section"] == "the test sets of all folds"
