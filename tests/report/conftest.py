"""The folder of a small study."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.special import expit
from skimage.measure import find_contours

from vdes.metrics.difference_colours import DIFFERENCE_COLOURS, DIFFERENCE_RANGE
from vdes.statistics.fidelity_summary import summarise
from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.study.arms import Arm, study_arms
from vdes.study.disagreement import FRAME, DisagreementSums
from vdes.study.question import Question
from vdes.study.study_tables import at_level, records, study_tables

SIZE = (64, 48)
GENERATORS = ("unet", "cyclegan")
PATIENTS = 20
ARMS = (
    *("des", "low_energy", "low_energy+des", "virtual_des-unet", "virtual_des-cyclegan", "low_energy+virtual_des-unet"),
    *("low_energy+low_energy", "virtual_des-unet-retrained", "low_energy+shuffled_des"),
)


@pytest.fixture(scope="session")
def _study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 20 simulated patients with two breasts in two views each; every other patient has a malignant one."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(3)
    arms = [arm for arm in study_arms(GENERATORS, retrained=True) if arm.arm in ARMS]
    images = _images()
    predictions = {arm.arm: _predictions(images, arm, rng) for arm in arms}
    for name, table in predictions.items():
        (folder / "arms" / name).mkdir(parents=True)
        table.to_csv(folder / "arms" / name / "predictions.csv", index=False)
    question = Question("virtual_des-unet", n_resamples=200)
    found = study_tables(arms, predictions, question)
    disagreed = {row["case"] for row in found["disagreements"]}
    of_images = {name: at_level(table, "image").set_index("case") for name, table in predictions.items()}
    cases = [_case(folder, row, of_images, row["case"] in disagreed, rng) for row in images.to_dict("records")]
    (folder / "cases.json").write_text(json.dumps(cases))
    known = {level: at_level(predictions["des"], level)["malignant"] for level in ("image", "breast", "examination")}
    sums = DisagreementSums()
    sums.add(
        "CC", "P1", {name: rng.uniform(0, 0.2, FRAME) for name in ("signed", "absolute")} | {"weight": np.ones(FRAME)}
    )
    (folder / "images").mkdir()
    sums.save(folder / "images" / "disagreement_map-unet.npz")
    metrics = {
        "data": {
            "name": "vdes phantom",
            "split": {"method": "patients, stratified by pathology", "seed": 0},
            "section": "test",
            "pixel_size_mm": 0.9375,
            "phantom": {"version": "0.1.0", "preset": "rh-ag", "dose": 1.0},
            "cases": len(images),
            "patients": PATIENTS,
            "malignant": {level: [int(values.sum()), len(values)] for level, values in known.items()},
        },
        "question": {**question.record(), "reference": "des"},
        "arms": [arm.record() for arm in arms],
        "failed": [],
        **found,
        "fidelity": _fidelity(images, rng),
        "enhancement": [
            {"generator": name, "method": method, "metric": metric, "value": value, "low": value - 0.1}
            | {"high": value + 0.08, "cases": 20, "patients": 10}
            for name in GENERATORS
            for method, values in (("virtual_des", (0.71, 0.12)), ("low_energy", (0.42, 0.31)))
            for metric, value in zip(("enhancement_recall", "images_with_hallucination"), values, strict=True)
        ],
        "lesions": [
            {"generator": name, "method": method, "metric": metric, "statistic": statistic, "value": value}
            | {"low": value - 0.1, "high": value + 0.08, "cases": 25, "patients": 10}
            for name in GENERATORS
            for method, statistic, values in (
                ("virtual_des", "mean", (0.81, 0.52, 0.04)),
                ("virtual_des", "difference_to_low_energy", (-0.2, 0.11, -0.02)),
                ("low_energy", "mean", (1.01, 0.41, 0.06)),
                ("real_des", "mean", (0.9,)),
            )
            for metric, value in zip(
                ("lesion_contrast", "follows", "false_enhancement_elsewhere"), values, strict=False
            )
        ],
        "subgroups": _subgroups(images, predictions),
        "small_subgroups": [{"variable": "lesion_type", "group": "mass", "cases": 7, "patients": 5}],
        "interactions": [
            {"variable": "density", "level": "image", "arm": "virtual_des-unet", "reference": "des", "metric": "f1"}
            | {"groups": 4, "statistic": 6.2, "degrees_of_freedom": 3, "p_value": 0.137, "p_holm": 0.274}
        ],
        "oracle": [
            {"split": "test", "task": task, "images": seen, "n": 40, "malignant": 10, "auc": auc, "f1": 0.7}
            | {"closed_form_auc": closed if task == "lesions" else None}
            for task in ("lesions", "breasts")
            for seen, auc, closed in (("low_energy", 0.861, 0.839), ("des", 0.872, 0.838), ("both", 0.915, 0.873))
        ],
        "regions": None,
        "provenance": {
            "versions": {"vdes": "0.1.0", "torch": "2.6.0"},
            "seeds": {"bootstrap": 0},
            "datalist_sha256": "5e" * 32,
            "bundles": [
                {"name": "breast_cesm_virtual_des_unet", "version": "0.1.0", "role": "generator unet"}
                | {"weights_sha256": "ab" * 32, "trained_on": "phantoms of other patients"},
            ],
            "n_resamples": 200,
            "made": "2025-01-02",
        },
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, allow_nan=False))
    return folder


@pytest.fixture()
def study_folder(_study_folder: Path, tmp_path: Path) -> Path:
    """A copy of the study's folder, to change and to write into."""
    return shutil.copytree(_study_folder, tmp_path / "study")


@pytest.fixture()
def edit_study(study_folder: Path) -> Callable[..., Path]:
    """Replace keys of the study's metrics.json; None deletes one. A callable gets the old value."""

    def edit(**changes: Any) -> Path:
        file = study_folder / "metrics.json"
        metrics = json.loads(file.read_text())
        for key, change in changes.items():
            if change is None:
                metrics.pop(key, None)
            else:
                metrics[key] = change(metrics[key]) if callable(change) else change
        file.write_text(json.dumps(metrics))
        return study_folder

    return edit


def _images() -> pd.DataFrame:
    rows = [
        {"case": f"P{patient}_{side}_{view}", "patient": f"P{patient}", "laterality": side, "view": view}
        | {"pathology": ("malignant" if patient % 2 else "benign") if side == "L" else "normal"}
        | {"density": "abcd"[patient % 4]}
        for patient in range(1, PATIENTS + 1)
        for side in "LR"
        for view in ("CC", "MLO")
    ]
    return pd.DataFrame(rows)


def _predictions(images: pd.DataFrame, arm: Arm, rng: np.random.Generator) -> pd.DataFrame:
    """A classifier whose logits are noisier where it sees no real DES."""
    noise = {"real": 1.3, "virtual": 1.7, "low_energy": 2.3, "shuffled": 2.6, None: 2.2}[arm.content]
    malignant = (images["pathology"] == "malignant").astype(int)
    own = images.assign(malignant=malignant, logit=3 * malignant - 1.5 + noise * rng.standard_normal(len(images)))
    tables = []
    for level, keys in (("image", ["case"]), ("breast", ["patient", "laterality"]), ("examination", ["patient"])):
        table = own.groupby(keys, sort=False, as_index=False).agg(
            patient=("patient", "first"),
            laterality=("laterality", "first"),
            malignant=("malignant", "max"),
            logit=("logit", "mean" if level == "breast" else "max"),
            **({} if level == "image" else {"case": ("patient", "first")}),
        )
        tables.append(table.assign(level=level, laterality="" if level == "examination" else table["laterality"]))
    table = pd.concat(tables, ignore_index=True).assign(inputs=arm.inputs, threshold=0.5)
    table["probability"] = expit(table["logit"])
    return table.assign(prediction=(table["probability"] >= 0.5).astype(int))


def _case(
    folder: Path, row: dict[str, Any], predictions: dict[str, pd.DataFrame], disagreed: bool, rng: np.random.Generator
) -> dict[str, Any]:
    """Draw a case's pictures and return its entry in cases.json."""
    place = Path("pictures") / row["case"]
    (folder / place).mkdir(parents=True)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    breast = ((y - 32) / 30) ** 2 + (x / 44) ** 2 < 1
    lesion = (np.hypot(y - 30, x - 17) < 6) & (row["pathology"] != "normal")
    texture, other = (gaussian_filter(rng.standard_normal(SIZE), 2) for _ in range(2))
    real = (breast * (0.35 + 0.5 * texture + 0.35 * lesion)).clip(0, 1)
    images = {"low_energy": (breast * (0.55 + 0.8 * texture + 0.1 * lesion)).clip(0, 1), "des": real}
    for name, share in zip(GENERATORS, (0.7, 0.4), strict=True):
        images[f"virtual_des-{name}"] = (breast * (0.35 + 0.5 * other + 0.35 * share * lesion)).clip(0, 1)
        difference = (images[f"virtual_des-{name}"] - real) / (2 * DIFFERENCE_RANGE) + 0.5
        images[f"difference-{name}"] = DIFFERENCE_COLOURS(difference)[..., :3]
    for kind, image in images.items():
        Image.fromarray(np.rint(255 * image).astype(np.uint8)).save(folder / place / f"{kind}.png")
    return {
        **{key: row[key] for key in ("case", "patient", "laterality", "view", "pathology", "density")},
        "malignant": int(row["pathology"] == "malignant"),
        "background_enhancement": "mild",
        "lesion_type": "mass" if lesion.any() else None,
        "birads": None,
        "findings": [],
        "shape": list(SIZE),
        "pixel_size_mm": 0.9375,
        "outline": [ring[:, ::-1].round(1).tolist() for ring in find_contours(lesion.astype(float), 0.5)],
        "pictures": {kind: (place / f"{kind}.png").as_posix() for kind in images},
        "predictions": {
            name: {"probability": float(said.loc[row["case"], "probability"]), "threshold": 0.5}
            | {"prediction": int(said.loc[row["case"], "prediction"])}
            for name, said in predictions.items()
        },
        "tags": ["disagreement"] * disagreed + ["missed enhancement"] * (row["pathology"] == "malignant"),
    }


def _fidelity(images: pd.DataFrame, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for name in GENERATORS:
        levels = {"virtual_des": 26.0, "low_energy": 19.0, "constant": 21.0, "real_des": np.nan}
        noise = np.random.default_rng(1)  # the trivial predictions are the same for all generators
        table = pd.DataFrame(
            [
                {"case": case, "patient": patient, "method": method}
                | {
                    f"psnr_{region}": level + (rng if method == "virtual_des" else noise).normal()
                    for region in ("breast", "image")
                }
                | {"lesion_cnr": np.nan if method == "constant" else 1.0 + level % 3 if level == level else 2.5}
                for case, patient in zip(images["case"], images["patient"], strict=True)
                for method, level in levels.items()
            ]
        )
        rows += [{"generator": name, **row} for row in records(summarise(table, n_resamples=200))]
    return rows


def _subgroups(images: pd.DataFrame, predictions: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    rows = []
    for group, chosen in images.groupby("density"):
        part = {
            name: table[(table["level"] == "image") & table["case"].isin(chosen["case"])]
            for name, table in predictions.items()
            if name in ("des", "virtual_des-unet")
        }
        found = paired_bootstrap(part, "des", ("specificity",), n_resamples=200)
        rows += records(
            found.assign(
                variable="density", group=group, level="image", reference="des", warning="only 3 malignant cases"
            )
        )
    return rows
