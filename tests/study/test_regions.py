from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.inference_items import output_stem
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.errors import InputError
from vdes.statistics.delong import delong_test
from vdes.statistics.operating_threshold import best_f1_threshold
from vdes.study.question import Question
from vdes.study.regions import region_arms, region_predictions, region_study, region_table, region_tables

QUESTION = Question("virtual_des-quiet", n_resamples=200)


@pytest.fixture(scope="session")
def table(phantoms, virtual) -> pd.DataFrame:
    return region_table(phantoms, virtual, 128)


@pytest.fixture(scope="session")
def predictions(table, virtual) -> dict[str, pd.DataFrame]:
    return region_predictions(table, list(virtual))


def test_every_lesion_has_its_matches_and_features_of_every_image(table, phantoms):
    malignant = {
        item["case"]: section
        for section in SECTIONS
        for item in Datalist.read(phantoms).items(section)
        if item["malignant"] and item["lesion_mask"] is not None
    }
    cases = table["case"].str.split("/").str[0]
    assert set(cases) <= set(malignant)
    assert len(set(cases)) > 0.7 * len(malignant)
    assert (cases.map(malignant) == table["section"]).all()
    lesions = table["case"].str.count("/") == 1
    assert (lesions == (table["malignant"] == 1)).all()
    per_lesion = table.groupby(table["case"].str.split("/").str[:2].str.join("/"))["malignant"]
    assert (per_lesion.sum() == 1).all()
    matches = table.groupby(table["case"].str.split("/").str[:2].str.join("/"))["matches"].first()
    assert (per_lesion.size() == 1 + matches).all()
    assert set(matches) <= {0, 1, 2}
    for image in ("low_energy", "des", "virtual_des-quiet", "virtual_des-loud"):
        features = table.filter(regex=f"^{image}:")
        assert features.shape[1] == 11
        assert np.isfinite(features.to_numpy()).all()
    # a copy with little noise has the features of the real image
    assert np.corrcoef(table["des:difference"], table["virtual_des-quiet:difference"])[0, 1] > 0.98


def test_the_order_of_cases_and_processes_change_nothing(table, phantoms, virtual, tmp_path):
    again = region_table(phantoms, virtual, 128, workers=1)
    pd.testing.assert_frame_equal(again, table)
    other = region_table(phantoms, virtual, 128, seed=1)
    lesions = table["malignant"] == 1
    pd.testing.assert_frame_equal(other[other["malignant"] == 1], table[lesions])
    assert not other.equals(table)


def test_each_arm_has_a_classifier_of_the_images_it_says(table, predictions, virtual):
    assert set(predictions) == {
        "low_energy", "des", "low_energy+des",
        *(f"{arm}-{name}{kind}" for name in virtual for arm in ("virtual_des", "low_energy+virtual_des")
          for kind in ("", "-retrained")),
    }  # fmt: skip
    test = table[(table["section"] == "test") & (table["matches"] > 0)]
    for arm in predictions.values():
        assert arm["case"].tolist() == test["case"].tolist()
        assert set(arm["level"]) == {"region"}
        assert ((arm["probability"] >= arm["threshold"]) == arm["prediction"]).all()
    # enhancement tells lesions from the rest of these phantoms
    assert roc_auc_score(test["malignant"], predictions["des"]["probability"]) > 0.8
    # an almost perfect copy does as the real image does, by the same classifier
    assert predictions["virtual_des-quiet"]["threshold"].iloc[0] == predictions["des"]["threshold"].iloc[0]
    assert np.corrcoef(predictions["virtual_des-quiet"]["probability"], predictions["des"]["probability"])[0, 1] > 0.95
    retrained = predictions["virtual_des-loud-retrained"]
    assert retrained["threshold"].iloc[0] != predictions["virtual_des-loud"]["threshold"].iloc[0]


def test_training_and_validation_alone_decide_classifier_and_threshold(table, virtual):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    changed = table.copy()
    test = changed["section"] == "test"
    changed.loc[test, "malignant"] = 1 - changed.loc[test, "malignant"]
    one, two = (region_predictions(rows, list(virtual)) for rows in (table, changed))
    for arm in one:
        assert one[arm]["probability"].tolist() == two[arm]["probability"].tolist()
        assert one[arm]["prediction"].tolist() == two[arm]["prediction"].tolist()

    parts = {name: rows for name, rows in table[table["matches"] > 0].groupby("section")}
    columns = [name for name in table if name.startswith("des:")]
    scaler = StandardScaler().fit(parts["training"][columns].to_numpy())
    model = LogisticRegression(class_weight="balanced", max_iter=1000)
    model.fit(scaler.transform(parts["training"][columns].to_numpy()), parts["training"]["malignant"])
    probability = {
        name: model.predict_proba(scaler.transform(parts[name][columns].to_numpy()))[:, 1]
        for name in ("validation", "test")
    }
    np.testing.assert_allclose(one["des"]["probability"], probability["test"], rtol=1e-6)
    threshold = best_f1_threshold(probability["validation"], parts["validation"]["malignant"])
    assert one["des"]["threshold"].iloc[0] == pytest.approx(threshold)


def test_the_study_writes_predictions_whose_tables_are_those_of_the_statistics(
    phantoms, virtual, predictions, tmp_path, table
):
    folder = region_study(phantoms, virtual, 128, tmp_path)
    assert folder == tmp_path / "regions"
    counts = json.loads((folder / "counts.json").read_text())
    assert counts["test"]["lesions"] == int(predictions["des"]["malignant"].sum())
    assert sum(part["lesions"] + part["matches"] + part["left_out"] for part in counts.values()) == len(table)
    tables = region_tables(folder, list(virtual), QUESTION)
    json.dumps(tables, allow_nan=False)
    found = {(row["arm"], row["metric"], row["statistic"]): row for row in tables["classification"]}
    assert len(found) == len(tables["classification"])
    for arm, rows in predictions.items():
        expected = roc_auc_score(rows["malignant"], rows["probability"])
        assert found[arm, "auc", "value"]["value"] == pytest.approx(expected)
    references = {arm.arm: arm.reference for arm in region_arms(list(virtual))}
    for (arm, _, statistic), row in found.items():
        assert row["reference"] == (references[arm] if statistic == "difference" else None)
    assert {(row["arm"], row["reference"]) for row in tables["verdicts"]} == {
        (arm, reference) for arm, reference in references.items() if reference
    }
    assert {row["metric"] for row in tables["verdicts"]} == {"f1"}
    tests = {(row["arm"], row["test"]): row for row in tables["tests"]}
    loud, real = predictions["virtual_des-loud"], predictions["des"]
    expected = delong_test(real["malignant"], loud["probability"], real["probability"]).p_value
    assert tests["virtual_des-loud", "delong"]["p_value"] == pytest.approx(expected)
    assert all(row["p_holm"] >= row["p_value"] for row in tables["tests"])

    with pytest.raises(InputError, match="regions: exists already"):
        region_study(phantoms, virtual, 128, tmp_path)


def constant_copy(datalist: Path, folder: Path) -> tuple[Path, Path]:
    """Copy a datalist with the same level in every breast, and virtual images that are the same."""
    listed = Datalist.read(datalist).content()
    folder.mkdir()
    (folder / "virtual").mkdir()
    for item in (item for section in SECTIONS for item in listed[section]):
        with Image.open(datalist.parent / item["breast_mask"]) as image:
            breast = np.asarray(image) > 0
        for field in ("low_energy", "des"):
            item[field] = str(folder / Path(item[field]).name)
            Image.fromarray((2000 * breast).astype(np.uint16)).save(item[field])
        virtual = Image.fromarray((30000 * breast).astype(np.uint16))
        virtual.save(folder / "virtual" / f"{output_stem(item)}.png")
    Datalist.write(folder / "datalist.json", listed)
    write_virtual_datalist(folder / "datalist.json", folder / "virtual", folder / "virtual.json")
    return folder / "datalist.json", folder / "virtual.json"


def test_the_shape_and_place_of_a_region_tell_nothing(phantoms, tmp_path):
    datalist, virtual = constant_copy(phantoms, tmp_path / "constant")
    table = region_table(datalist, {"g": virtual}, 128)
    for arm, rows in region_predictions(table, ["g"]).items():
        spread = rows["probability"].max() - rows["probability"].min()
        assert roc_auc_score(rows["malignant"], rows["probability"].round(6)) == 0.5, (arm, spread)


def test_a_lesion_without_a_match_is_left_out(table, predictions, virtual):
    test = table["section"] == "test"
    lesion = table[test & (table["malignant"] == 1)]["case"].iloc[0]
    alone = table[~table["case"].str.startswith(f"{lesion}/")].copy()
    alone.loc[alone["case"] == lesion, "matches"] = 0
    found = region_predictions(alone, list(virtual))["des"]
    kept = predictions["des"][~predictions["des"]["case"].str.split("/").str[:2].str.join("/").eq(lesion)]
    pd.testing.assert_frame_equal(found, kept.reset_index(drop=True))


def test_a_section_without_a_lesion_is_refused(phantoms, virtual, tmp_path):
    listed = Datalist.read(phantoms).content()
    for item in listed["validation"]:
        item |= {"lesion_mask": None, "des_lesion_mask": None}
    Datalist.write(tmp_path / "datalist.json", listed)
    with pytest.raises(InputError, match="validation: no malignant lesion drawn on both images"):
        region_table(tmp_path / "datalist.json", virtual, 64)
