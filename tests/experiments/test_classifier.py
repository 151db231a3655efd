from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from vdes.cli import main
from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.training_record import TrainingRecord, sealed
from vdes.experiments.joint import ARMS, CLASSIFICATION, REFERENCE, RESAMPLES, SEED, classification_rows
from vdes.networks.lesion_classifier import LesionClassifier
from vdes.networks.virtual_des_unet import VirtualDesUNet
from vdes.networks.weights import load_weights
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.statistics.paired_bootstrap import paired_bootstrap

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
SMALL = {"size: 256 ": "size: 64 ", "encoder_weights: imagenet ": "encoder_weights: none "}


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datalist of twelve patients, dealt so that each split has malignant and other images."""
    file = generate(tmp_path_factory.mktemp("phantoms") / "set", Settings(12, 3, 64))
    datalist = Datalist.read(file).content()
    items = [item for section in SECTIONS for item in datalist[section]]
    malignant = sorted({item["patient"] for item in items if item["malignant"]})
    others = sorted({item["patient"] for item in items} - set(malignant))
    dealt = {patient: SECTIONS[i % 3] for group in (malignant, others) for i, patient in enumerate(group)}
    assert len(malignant) >= 3 and len(others) >= 3
    split = {section: [item for item in items if dealt[item["patient"]] == section] for section in SECTIONS}
    Datalist.write(file, {**datalist, **split}, overwrite=True)
    return file


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of the bundles, without weights and results, that work at a small size."""
    for name in ("breast_cesm_virtual_des_unet", "breast_cesm_lesion_classification"):
        shutil.copytree(BUNDLES / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pt", "*.json.bak", "results"))
        for file in (tmp_path / name / "configs").glob("*.yaml"):
            text = file.read_text(encoding="utf-8")
            for knob, small in SMALL.items():
                text = text.replace(knob, small)
            file.write_text(text, encoding="utf-8")
    return tmp_path


def rotated(datalist: Path, folder: Path) -> list[Path]:
    """Return three folds, each with another section of ``datalist`` as its test section."""
    content = Datalist.read(datalist).content()
    files = []
    for k in range(3):
        file = folder / f"fold{k}.json"
        Datalist.write(file, {**content, **{name: content[SECTIONS[(i + k) % 3]] for i, name in enumerate(SECTIONS)}})
        files.append(file)
    return files


@pytest.mark.slow
def test_weights_results_and_curves_come_from_one_command(phantoms, bundles, tmp_path, capsys):
    bundle = bundles / "breast_cesm_lesion_classification"
    folds = list(map(str, rotated(phantoms, tmp_path)))
    command = ["train", "classifier", str(bundle), "--datalist", str(phantoms), "--output", str(tmp_path / "runs")]
    command += ["--epochs", "1", "--evaluate", "des", "both", "--folds", *folds]
    assert main(command) == 0
    weights = load_weights(LesionClassifier(size=64), bundle / "models" / "model.pt")
    assert weights.seen.tolist() == [True, True]
    result = json.loads((bundle / "docs" / "results" / "classification_model.json").read_text())
    assert result["calibration"]["threshold"] == pytest.approx(weights.threshold.tolist())
    cases = {
        key: pd.DataFrame(value["summary"]).set_index(["level", "metric"])["cases"]
        for key, value in result["test"].items()
    }
    content = Datalist.read(phantoms).content()
    assert cases["des"]["image", "auc"] == cases["both"]["image", "auc"] == len(content["test"])
    pooled = pd.DataFrame(result["folds"]["summary"]).set_index(["level", "metric"])["cases"]
    assert pooled["examination", "auc"] == 12 and pooled["image", "auc"] == sum(len(content[name]) for name in SECTIONS)
    areas = pd.DataFrame(result["folds"]["auc_of_each"])
    within = pd.DataFrame(result["folds"]["auc_within_folds"]).set_index("level")
    assert len(areas) == 3 and within["cases"].to_dict() == pooled[:, "auc"].to_dict()
    assert within["value"].to_dict() == pytest.approx(areas.mean().to_dict())
    # phantoms have four images each, so all pairs of a fold count
    alike = result["folds"]["auc_examination_alike"]
    pairs = 0
    for name in SECTIONS:
        worst = pd.DataFrame(content[name]).groupby("patient")["malignant"].max()
        pairs += int(worst.sum() * (len(worst) - worst.sum()))
    assert alike["cases"] == 12 and alike["pairs"] == pairs > 0
    assert [run["run"] for run in result["runs"]] == ["split", "fold0", "fold1", "fold2"]
    assert (bundle / "docs" / "roc_model.png").is_file() and (bundle / "docs" / "calibration_model.png").is_file()

    capsys.readouterr()
    assert main(command) == 2
    assert "model.pt: exists already; pass --overwrite" in capsys.readouterr().err


@pytest.mark.slow
def test_the_learning_curve_takes_the_same_test_patients_and_fewer_for_training(phantoms, bundles, tmp_path):
    bundle = bundles / "breast_cesm_lesion_classification"
    folds = rotated(phantoms, tmp_path)
    command = ["experiment", "learning-curve", str(bundle), "--output", str(tmp_path / "runs")]
    command += ["--folds", *map(str, folds), "--epochs", "1", "--shares", "1", "0.5", "--inputs", "des"]
    assert main(command) == 0
    result = json.loads((bundle / "docs" / "results" / "learning_curve_model.json").read_text())
    half, full = result["points"]
    training = [len({item["patient"] for item in Datalist.read(fold).items("training")}) for fold in folds]
    assert full["patients"] == training and half["patients"] == [round(count / 2) for count in training]
    for point in (half, full):
        cases = pd.DataFrame(point["auc_within_folds"]).set_index("level")["cases"]
        assert cases["examination"] == 12
    for k, fold in enumerate(folds):
        less = Datalist.read(tmp_path / "runs" / "share0.5" / f"fold{k}.json").content()
        whole = Datalist.read(fold).content()
        assert {item["case"] for item in less["training"]} < {item["case"] for item in whole["training"]}
        assert less["test"] == whole["test"]
    # as many steps: half the patients, twice the epochs
    epochs = [
        torch.load(tmp_path / "runs" / f"share{s}" / "fold0" / "training" / "last.pt", weights_only=True)
        for s in ("0.5", "1")
    ]
    assert [run["progress"]["epoch"] for run in epochs] == [2, 1]
    assert main(command) == 2  # the results are there


@pytest.mark.parametrize(
    "command", [["train", "classifier"], ["experiment", "learning-curve"]], ids=["weights", "curve"]
)
def test_what_cannot_be_is_said_before_any_run(command, phantoms, bundles, tmp_path, capsys):
    folds = list(map(str, rotated(phantoms, tmp_path)))

    def said(folds: list[str], bundle: str = "breast_cesm_lesion_classification", **more: str) -> str:
        options = {"--output": str(tmp_path / "runs"), **more}
        if command[0] == "train":
            options["--datalist"] = str(phantoms)
        given = [name for pair in options.items() for name in pair]
        assert main([*command, str(bundles / bundle), *given, "--folds", *folds]) == 2
        assert not (tmp_path / "runs").exists()
        return capsys.readouterr().err

    assert "no configs/train.yaml; expected the folder of a bundle" in said(folds, "nothing")
    assert "is tested by" in said([*folds, folds[0]])
    (tmp_path / "cut.json").write_text(Path(folds[0]).read_text()[:500])
    assert "cut.json: line " in said([*folds, str(tmp_path / "cut.json")])
    if command[0] == "experiment":
        assert "--shares: expected numbers of 0.05 to 1, got [2.0]" in said(folds, **{"--shares": "2"})
    (tmp_path / "taken").write_text("mine")
    assert "Not a directory" in said(folds, **{"--output": str(tmp_path / "taken" / "runs")})
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.slow
def test_joint_training_compares_its_arms_on_the_same_test_cases(phantoms, bundles, tmp_path):
    unet = bundles / "breast_cesm_virtual_des_unet"
    torch.manual_seed(0)
    torch.save(VirtualDesUNet().state_dict(), tmp_path / "unet.pt")
    torch.save(LesionClassifier(size=64).state_dict(), tmp_path / "classifier.pt")
    weights = ["--initial-weights", str(tmp_path / "unet.pt"), "--classifier-weights", str(tmp_path / "classifier.pt")]
    command = ["train", "joint", "--datalist", str(phantoms), "--output", str(tmp_path / "runs"), *weights]
    command += ["--bundles", str(bundles), "--height", "64", "--epochs", "1", "--weight", "1.0", "--seeds", "0", "1"]
    assert main(command) == 0
    result = json.loads((unet / "docs" / "results" / "joint_phantom.json").read_text())
    fidelity = pd.DataFrame(result["fidelity"]).set_index(["arm", "metric", "statistic"])
    count = len(Datalist.read(phantoms).items("test"))
    assert fidelity.loc[("joint", "psnr_breast", "value"), "cases"] == count
    arms = [fidelity.loc[(arm, "psnr_breast", "value"), "value"] for arm in ("apart", "joint")]
    assert fidelity.loc[("joint", "psnr_breast", "difference"), "value"] == pytest.approx(arms[1] - arms[0])
    assert result["reference"] == "apart" and ("frozen", "psnr_breast", "difference") in fidelity.index
    classification = pd.DataFrame(result["classification"])
    assert set(classification["arm"]) == {"frozen", "apart", "joint"} and set(classification["level"]) == {
        "image",
        "examination",
    }
    assert (classification[classification["level"] == "image"]["cases"] == count).all()
    table = pd.read_csv(tmp_path / "runs" / "seed1" / "joint" / "classification" / "predictions.csv")
    table = table[table["level"] == "image"]
    [row] = [
        row
        for row in result["classification"]
        if [row[key] for key in ("arm", "level", "metric", "statistic")] == ["joint", "image", "auc", "value"]
    ]
    assert row["each"][1] == pytest.approx(roc_auc_score(table["malignant"], table["probability"]))
    assert row["value"] == pytest.approx(sum(row["each"]) / 2)


def test_the_means_of_seeds_have_the_paired_intervals_of_the_library():
    rng = np.random.default_rng(0)
    malignant = np.arange(40) % 2

    def table(strength: float) -> pd.DataFrame:
        probability = 1 / (1 + np.exp(-rng.standard_normal(40) - strength * (malignant - 0.5)))
        cases = {"case": [f"C{i:02}" for i in range(40)], "patient": [f"P{i // 2:02}" for i in range(40)]}
        return pd.DataFrame({"level": "image", **cases, "malignant": malignant, "probability": probability}).assign(
            threshold=0.5
        )

    arms = {arm: table(strength) for arm, strength in zip(ARMS, (1.0, 1.5, 3.0), strict=True)}
    rows = pd.DataFrame(classification_rows("image", {(arm, 0): one for arm, one in arms.items()}))
    known = paired_bootstrap(arms, REFERENCE, CLASSIFICATION, RESAMPLES, SEED)
    columns = ["arm", "metric", "statistic", "value", "low", "high"]
    order = ["arm", "metric", "statistic"]
    pd.testing.assert_frame_equal(
        rows[columns].sort_values(order, ignore_index=True), known[columns].sort_values(order, ignore_index=True)
    )
    # the same run twice is one run
    twice = pd.DataFrame(classification_rows("image", {(arm, k): one for arm, one in arms.items() for k in range(2)}))
    pd.testing.assert_frame_equal(rows[columns], twice[columns])
    assert twice["each"].map(len).eq(2).all()


def test_joint_training_refuses_weights_that_have_seen_a_test_patient(phantoms, tmp_path, capsys):
    torch.save(VirtualDesUNet().state_dict(), tmp_path / "unet.pt")
    # in the second of these folds the test patients are for training
    record = TrainingRecord(rotated(phantoms, tmp_path)[1]).content
    (tmp_path / "unet.json").write_text(sealed(record, tmp_path / "unet.pt"))
    command = ["train", "joint", "--datalist", str(phantoms), "--output", str(tmp_path / "runs"), "--overwrite"]
    assert main([*command, "--initial-weights", str(tmp_path / "unet.pt")]) == 2
    assert "unet.pt: trained or validated on" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
