"""The control finds a shortcut that was planted, in the group where it lies, and none where there is none."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import roc_auc_score

from vdes.cli import main
from vdes.errors import InputError
from vdes.experiments import shortcuts as shortcut_control
from vdes.experiments.shortcuts import (
    GROUPS,
    LEARNERS,
    Features,
    air_features,
    cases_of_folds,
    empty_lines,
    examination_rows,
    feature_rows,
    group_rows,
    jpeg_bytes,
    jpeg_features,
    markdown,
    out_of_fold,
    shuffled_labels,
)

FOLDS, PATIENTS = 3, 24
LIMITS = (0.0, 255.0)
ITEM = {"laterality": "R", "view": "MLO"}


def drawn(seed: int, shape: tuple[int, int] = (72, 64)) -> np.ndarray:
    """A breast of random size and texture in black air, 8 bits, its chest wall at the left."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    tall, wide = rng.uniform(0.36, 0.42) * shape[0], rng.uniform(0.65, 0.75) * shape[1]
    breast = ((rows - shape[0] / 2) / tall) ** 2 + (columns / wide) ** 2 < 1
    return np.where(breast, (120 + 20 * rng.standard_normal(shape)).clip(40, 255), 0).astype(np.uint8)


Plant = Callable[[np.ndarray, bool], np.ndarray]


@pytest.fixture
def folds(tmp_path: Path) -> Callable[..., list[Path]]:
    """Write the images of patients with one malignant breast each, and the datalists of their folds."""

    def make(plant: Plant = lambda image, malignant: image, comment: str = "") -> list[Path]:
        items = []
        for patient in range(PATIENTS):
            for side in "LR":
                malignant = (side == "L") == (patient % 2 == 0)
                name = f"P{patient:02}_{side}_CC"
                image = plant(drawn(2 * patient + (side == "R")), malignant)
                shown = Image.fromarray(image if side == "L" else image[:, ::-1])
                shown.save(tmp_path / f"{name}.jpg", quality=95, comment=comment if malignant else "")
                items.append(
                    {
                        "case": name,
                        "patient": name[:3],
                        "laterality": side,
                        "view": "CC",
                        "des": f"{name}.jpg",
                        "pathology": "malignant" if malignant else "benign",
                        **dict.fromkeys(("low_energy", "lesion_mask", "des_lesion_mask", "density", "birads")),
                    }
                )
        datalists = []
        for fold in range(FOLDS):
            parts: dict[str, list] = {"training": [], "validation": [], "test": []}
            for item in items:
                turn = (int(item["patient"][1:]) // 2 + fold) % FOLDS
                parts["test" if turn == 0 else "training"].append(item)
            head = {
                "name": "toy",
                "pixel_size_mm": None,
                "intensity_range": dict.fromkeys(("low_energy", "des"), LIMITS),
            }
            split = {"method": "k-fold", "seed": 3, "folds": FOLDS, "fold": fold}
            datalists.append(tmp_path / f"fold{fold}.json")
            datalists[-1].write_text(json.dumps({**head, "split": split, **parts}))
        return datalists

    return make


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command on a square of 48 pixels with the quick learner, few shuffles and resamples."""
    monkeypatch.setattr(shortcut_control, "LEARNERS", {"logistic": LEARNERS["logistic"]})

    def command(datalists: list[Path], *more: str) -> int:
        few = ["--size", "48", "--shuffles", "3", "--resamples", "50"]
        output = ["--output", str(tmp_path / "docs" / "results" / "control.json")]
        return main(["experiment", "shortcuts", "--datalists", *map(str, datalists), *output, *few, *more])

    return command


def aucs(result: dict[str, Any]) -> dict[str, float]:
    return {row["group"]: row["auc"] for row in result["groups"]}


def test_without_a_shortcut_nothing_is_found_and_the_result_says_what_it_rests_on(folds, run, tmp_path, capsys):
    datalists = folds()
    assert run(datalists) == 0
    text = (tmp_path / "docs" / "results" / "control.json").read_text()
    result = json.loads(text)
    source = result["provenance"]
    assert (source["data"], source["images"], source["patients"], source["malignant_images"]) == ("toy", 48, 24, 24)
    assert source["split"] == {"method": "k-fold", "seed": 3, "folds": FOLDS}
    assert len(set(source["datalists_sha256"])) == FOLDS
    assert str(tmp_path) not in text
    assert [row["group"] for row in result["groups"]] == list(GROUPS)
    for row in result["groups"]:
        assert row["low"] <= row["auc"] <= row["high"]
        assert row["shuffled"]["low"] <= row["shuffled"]["mean"] <= row["shuffled"]["high"]
    found = aucs(result)
    assert found["geometry"] == found["view"] == 0.5  # the same in all images: no more and no less than chance
    assert max(found.values()) < 0.75
    assert result["examinations"] == []  # all of them are malignant
    assert capsys.readouterr().out == markdown(result) + "\n"


def test_a_mark_in_the_air_is_found_where_it_lies(folds, run, tmp_path):
    def mark(image: np.ndarray, malignant: bool) -> np.ndarray:
        image[2:8, -8:-2] = 200 * malignant
        return image

    assert run(folds(mark)) == 0
    found = aucs(json.loads((tmp_path / "docs" / "results" / "control.json").read_text()))
    assert found["border"] > 0.95
    assert found["air"] < 0.8  # it lay outside the crop to the breast, where the classifier does not see it
    assert found["encoding"] < 0.8


def test_a_comment_in_the_file_shows_in_its_bytes_and_encoding_but_nowhere_else(folds, run, tmp_path):
    assert run(folds(comment="reported as suspicious")) == 0
    result = json.loads((tmp_path / "docs" / "results" / "control.json").read_text())
    found = aucs(result)
    assert found["encoding"] > 0.95
    assert max(found[group] for group in ("border", "air", "outline", "crop", "all kept", "content")) < 0.75
    excess = next(row for row in result["features"] if row["feature"] == "excess.bytes")
    assert excess["median"]["malignant"] - excess["median"]["others"] > len("reported as suspicious")
    assert (excess["pairs"], excess["auc_within"]) == (PATIENTS, 1.0)


def test_texture_of_the_breast_shows_in_the_bytes_of_the_file_but_not_in_its_encoding(folds, run, tmp_path):
    def smooth(image: np.ndarray, malignant: bool) -> np.ndarray:
        return image if malignant else np.where(image > 0, 120, 0).astype(np.uint8)

    assert run(folds(smooth)) == 0
    found = aucs(json.loads((tmp_path / "docs" / "results" / "control.json").read_text()))
    assert found["file"] > 0.95
    assert found["content"] > 0.95
    assert found["air"] < 0.75


def test_the_results_file_is_not_overwritten_unasked(folds, run, tmp_path, capsys):
    datalists = folds()
    target = tmp_path / "docs" / "results" / "control.json"
    target.parent.mkdir(parents=True)
    target.write_text("kept")
    assert run(datalists) == 2
    assert target.read_text() == "kept"
    assert "pass --overwrite" in capsys.readouterr().err
    assert run(datalists, "--overwrite") == 0
    assert json.loads(target.read_text())["seed"] == 0


def test_a_number_out_of_range_is_refused(folds, run, capsys):
    assert run(folds(), "--shuffles", "0") == 2
    assert capsys.readouterr().err == "error: --shuffles: expected 1 or more, got 0\n"


def test_only_the_folds_of_one_data_set_are_taken(folds, tmp_path):
    datalists = folds()
    assert len(cases_of_folds(datalists, "des")) == 2 * PATIENTS
    assert {case["fold"] for case in cases_of_folds(datalists, "des")} == set(range(FOLDS))
    with pytest.raises(InputError, match="at least two folds, got 1"):
        cases_of_folds(datalists[:1], "des")
    with pytest.raises(InputError, match=r"case P\d\d_[LR]_CC is in no test section; pass the datalists of all folds"):
        cases_of_folds(datalists[:2], "des")
    with pytest.raises(InputError, match=r"fold0\.json: test: case P00_L_CC is tested by .*fold0\.json already"):
        cases_of_folds([datalists[0], datalists[0]], "des")
    other = json.loads(datalists[1].read_text())
    left_out = other["training"].pop()["case"]
    datalists[1].write_text(json.dumps(other))
    with pytest.raises(InputError, match=rf"fold1\.json: case {left_out} is not in both this and .*fold0\.json"):
        cases_of_folds(datalists, "des")


def test_features_are_the_same_whichever_side_the_chest_wall_is_on(tmp_path):
    image = drawn(0)
    for name, pixels in (("left", image), ("right", image[:, ::-1])):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    reader = Features("des", LIMITS, 48)
    left, right = (reader({**ITEM, "des": str(tmp_path / f"{name}.png")}) for name in ("left", "right"))
    differ = {key for key in left if left[key] != right[key] and not np.isnan(left[key])}
    assert differ - {"bytes.all", "bytes.per_pixel"} == {"orientation.chest_wall_left"}
    assert {name.split(".")[0] for name in left} == {prefix for _, prefixes in GROUPS.values() for prefix in prefixes}
    assert np.isnan([value for name, value in left.items() if name.startswith(("jpeg.", "excess."))]).all()


def test_empty_lines_are_counted_from_each_side():
    pixels = np.zeros((10, 20))
    pixels[2:9, 4:15] = 0.5
    pixels[1] = 0.01  # air that is not black
    found = empty_lines(pixels)
    assert {key: round(value, 6) for key, value in found.items()} == {
        **{"top_zero": 0.1, "top_dark": 0.2, "bottom_zero": 0.1, "bottom_dark": 0.1},
        **{"chest_zero": 0.0, "chest_dark": 0.2, "nipple_zero": 0.0, "nipple_dark": 0.25},
    }


def test_air_is_measured_away_from_the_breast():
    breast = np.zeros((60, 60), dtype=bool)
    breast[20:40, :30] = True
    pixels = np.where(breast, 0.8, 0.0)
    pixels[18:42, 30:32] = 0.3  # the halo of the skin is no air
    clean = air_features(pixels, breast)
    assert (clean["max"], clean["zero"], clean["lit"], clean["nipple_mean"]) == (0, 1, 0, 0)
    pixels[:, -1] = 0.4
    marked = air_features(pixels, breast)
    assert (marked["max"], marked["nipple_mean"], marked["nipple_sd"]) == pytest.approx((0.4, 0.4, 0))
    assert marked["lit"] > 0
    assert marked["noise"] == 0
    assert np.isnan(list(air_features(pixels, np.ones((60, 60), dtype=bool)).values())).all()


def test_a_jpeg_encoded_again_in_the_same_way_has_its_own_bytes(tmp_path):
    image = Image.fromarray(drawn(1))
    for quality in (60, 95):
        image.save(tmp_path / "plain.jpg", quality=quality)
        plain, recoded = jpeg_features(str(tmp_path / "plain.jpg"))
        assert abs((tmp_path / "plain.jpg").stat().st_size - recoded) < 10
        image.save(tmp_path / "more.jpg", quality=quality, comment="x" * 500)
        more, recoded = jpeg_features(str(tmp_path / "more.jpg"))
        assert (tmp_path / "more.jpg").stat().st_size - recoded > 490
        assert more == {**plain, "segments": plain["segments"] + 1}
    image.convert("RGB").save(tmp_path / "colour.jpg", progressive=True, subsampling="4:2:0")
    facts, _ = jpeg_features(str(tmp_path / "colour.jpg"))
    assert (facts["components"], facts["subsampling"], facts["progressive"]) == (3, 2, True)


def test_bytes_grow_with_texture():
    flat, fine = np.full((64, 64), 0.5), np.random.default_rng(0).uniform(size=(64, 64))
    assert jpeg_bytes(fine) > 3 * jpeg_bytes(flat)
    buffer = io.BytesIO()
    Image.fromarray(np.full((64, 64), 128, np.uint8)).save(buffer, "JPEG", quality=90)
    assert jpeg_bytes(flat) == buffer.tell()


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_worthless_features_are_at_chance_whatever_the_folds_prevalence(learner):
    folds = np.repeat([0, 1], 80)
    labels = np.where(np.arange(160) % 80 < np.where(folds == 0, 30, 50), 1, 0)
    assert roc_auc_score(labels, out_of_fold(learner, np.ones((160, 2)), labels, folds)) == 0.5
    told = out_of_fold(learner, labels[:, None] + np.zeros((160, 2)), labels, folds)
    assert all(roc_auc_score(labels[folds == fold], told[folds == fold]) == 1 for fold in (0, 1))


class Memory(ClassifierMixin, BaseEstimator):
    """Gives 1 to what it was trained on."""

    def fit(self, chosen: np.ndarray, labels: np.ndarray) -> Memory:
        self.trained_ = chosen
        return self

    def predict_proba(self, chosen: np.ndarray) -> np.ndarray:
        known = np.isin(chosen[:, 0], self.trained_)
        return np.stack([~known, known], axis=1).astype(float)


def test_no_image_is_scored_by_a_learner_that_was_trained_on_it():
    numbers, folds = np.arange(12.0)[:, None], np.arange(12) % 3
    assert (out_of_fold(Memory(), numbers, np.arange(12) % 2, folds) == 0.5).all()
    numbers[0] = numbers[1]  # one image in two folds is known in both
    assert (np.flatnonzero(out_of_fold(Memory(), numbers, np.arange(12) % 2, folds) > 0.5) == [0, 1]).all()


def test_shuffled_labels_keep_what_a_patient_has_together():
    labels = pd.DataFrame(
        [
            {"case": f"{patient}_{image}", "patient": patient, "malignant": int(patient % 3 == 0 and image < 2)}
            for patient in range(30)
            for image in range(4 if patient < 20 else 2)
        ]
    ).sample(frac=1, random_state=0)
    dealt = labels.assign(malignant=shuffled_labels(labels, np.random.default_rng(0))).sort_values("case")
    truth = labels.sort_values("case")

    def patterns(table: pd.DataFrame) -> list[tuple[int, ...]]:
        return sorted(max(tuple(x), tuple(x)[::-1]) for _, x in table.groupby("patient")["malignant"])

    assert patterns(dealt) == patterns(truth)
    assert not dealt["malignant"].equals(truth["malignant"])
    assert (0, 0, 1, 1) in [tuple(x) for _, x in dealt.groupby("patient")["malignant"]]


def test_a_trait_of_patients_tells_nothing_within_a_patient():
    labels = pd.DataFrame(
        [
            {"case": f"{p}{side}", "patient": p, "view": "CC", "malignant": int(p % 2 and side == "L")}
            for p in range(10)
            for side in "LR"
        ]
    )
    table = pd.DataFrame({"machine": labels["patient"] % 2, "lesion": labels["malignant"], "none": np.nan}).astype(
        float
    )
    machine, lesion, none = feature_rows(table, labels)
    assert machine["auc"] > 0.8
    assert (machine["pairs"], machine["auc_within"]) == (5, 0.5)
    assert (lesion["auc"], lesion["auc_within"]) == (1.0, 1.0)
    assert (none["images"], none["auc"], none["auc_within"]) == (0, None, None)
    json.dumps([machine, lesion, none], allow_nan=False)


def test_the_number_of_images_of_an_examination_is_told_apart_from_that_of_breasts():
    # malignant examinations have both views, others one, of both breasts
    labels = pd.DataFrame(
        [
            {"patient": p, "laterality": side, "view": view, "malignant": int(p < 8 and side == "L")}
            for p in range(20)
            for side in "LR"
            for view in (("CC", "MLO") if p < 8 else ("CC",))
        ]
    )
    images, breasts = examination_rows(labels, 100, 0)
    assert (images["auc"], images["low"], images["high"], images["malignant"], images["others"]) == (1, 1, 1, 4, 2)
    assert (breasts["auc"], breasts["low"], breasts["high"], breasts["examinations"]) == (0.5, 0.5, 0.5, 20)
    result = {"provenance": dict.fromkeys(("data", "modality", "images", "patients", "malignant_images"), 1)}
    result["provenance"]["datalists_sha256"] = []
    text = markdown(result | {"shuffles": 1, "groups": [], "examinations": [images, breasts]})
    assert "examination (20): images 1.000 (1.000 to 1.000; mean 4.0 against 2.0), breasts 0.500" in text


def test_the_seed_fixes_all_figures(folds, monkeypatch):
    cases = cases_of_folds(folds(), "des")
    labels = pd.DataFrame(cases)
    reader = Features("des", LIMITS, 48)
    table = pd.DataFrame([reader(case) for case in cases])
    monkeypatch.setattr(shortcut_control, "GROUPS", {"outline": GROUPS["outline"]})
    first, again, other = (group_rows(table, labels, 2, 50, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert [row["auc"] for row in first] == [row["auc"] for row in other]
    assert [row["learner"] for row in first] == ["logistic", "boosting"]
