from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vdes.data.datalist import Datalist
from vdes.errors import InputError
from vdes.metrics.fidelity import case_rows
from vdes.study.aligned_images import AlignedImages
from vdes.study.score_images import image_tables, score_images

KINDS = {
    "low_energy", "des", "virtual_des-quiet", "virtual_des-loud", "difference-quiet", "difference-loud",
}  # fmt: skip


@pytest.fixture(scope="session")
def scored(phantoms, virtual, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scored") / "study"
    score_images(phantoms, virtual, "test", 128, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_fidelity_rows_are_those_of_its_metric_for_every_generator(phantoms, virtual, scored):
    table = pd.read_csv(scored / "images" / "fidelity_per_case.csv")
    pairs = AlignedImages(phantoms, "test", 128, virtual)
    level = json.loads((scored / "images" / "scoring.json").read_text())
    assert level["height"] == 128
    assert level["constant_level_from"] == "training"
    training = AlignedImages(phantoms, "training", 128)
    expected = np.mean([float(case["des"][case["breast_mask"] > 0].mean()) for case in training])
    assert level["constant_level"] == pytest.approx(expected, rel=1e-5)
    assert len(table) == len(pairs) * 2 * 4
    for index in (0, len(pairs) - 1):
        case = pairs[index]
        for generator in virtual:
            rows = pd.DataFrame(
                case_rows(
                    **{key: case[key] for key in ("case", "patient", "low_energy", "des")},
                    virtual_des=case[f"virtual_des-{generator}"],
                    **{key: case[key] for key in ("breast_mask", "lesion_mask", "des_lesion_mask")},
                    constant=level["constant_level"],
                )
            )
            found = table[(table["generator"] == generator) & (table["case"] == case["case"])]
            pd.testing.assert_frame_equal(
                found.drop(columns="generator").reset_index(drop=True), rows, check_dtype=False, rtol=1e-6
            )


def test_tables_rank_the_generators_by_their_noise(scored, virtual):
    tables = image_tables(scored, 200)
    json.dumps(tables, allow_nan=False)
    found = {(row["generator"], row["method"], row["metric"]): row for row in tables["fidelity"]
             if row["statistic"] == "mean"}  # fmt: skip
    noise = [found[name, "virtual_des", "mae_breast"]["value"] for name in ("quiet", "loud")]
    # the mean absolute value of noise with standard deviation s is .8 s; the file's pixels are about those of the grid
    assert 0.5 * 0.008 < noise[0] < 0.008
    assert 0.5 * 0.04 < noise[1] < 0.04
    for row in tables["fidelity"]:
        assert row["low"] <= row["value"] <= row["high"] or row["value"] is None
    for method in ("low_energy", "constant", "real_des"):
        assert found["quiet", method, "lesion_cnr" if method != "constant" else "mae_breast"]["value"] is not None

    rates = {(row["generator"], row["method"], row["metric"]): row["value"] for row in tables["enhancement"]}
    for generator in virtual:
        assert rates[generator, "real_des", "enhancement_recall"] == 1
        assert rates[generator, "real_des", "false_enhancement"] == 0
        assert rates[generator, "real_des", "hallucinations_per_image"] == 0
    shown = {(row["generator"], row["method"], row["metric"]): row["value"] for row in tables["lesions"]
             if row["statistic"] == "mean"}  # fmt: skip
    # a copy with little noise shows lesions as the real DES does, low energy does not
    for name, allowed in (("quiet", 0.03), ("loud", 0.3)):
        real = shown[name, "real_des", "lesion_contrast"]
        assert shown[name, "virtual_des", "lesion_contrast"] == pytest.approx(real, rel=allowed)
        assert shown[name, "low_energy", "lesion_contrast"] != pytest.approx(real, rel=0.3)
    assert shown["quiet", "virtual_des", "follows"] >= shown["loud", "virtual_des", "follows"]
    # a copy with little noise misses and invents nothing, low energy does
    assert rates["quiet", "virtual_des", "enhancement_recall"] == 1
    assert rates["quiet", "virtual_des", "hallucinations_per_image"] == 0
    assert rates["quiet", "low_energy", "hallucinations_per_image"] > 0.5


def test_real_enhancement_is_the_simulated_one_in_most_lesions(phantoms, virtual, tmp_path):
    agree = []
    for section in ("training", "validation", "test"):
        score_images(phantoms, {"quiet": virtual["quiet"]}, section, 128, tmp_path / section)
        table = pd.read_csv(tmp_path / section / "images" / "enhancement_per_case.csv").drop_duplicates("case")
        truth = {item["case"]: item["enhances"] for item in Datalist.read(phantoms).items(section)}
        drawn = table[table["real_enhances"].notna()]
        agree += list(drawn["real_enhances"] == drawn["case"].map(truth).astype(float))
    print(f"real enhancement agrees with the truth in {sum(agree)} of {len(agree)} lesions")
    assert len(agree) >= 16
    assert np.mean(agree) >= 0.8


def test_each_case_has_its_entry_and_its_pictures(phantoms, scored):
    entries = json.loads((scored / "images" / "cases.json").read_text())
    items = Datalist.read(phantoms).items("test")
    assert [entry["case"] for entry in entries] == [item["case"] for item in items]
    shown = set()
    for entry, item in zip(entries, items, strict=True):
        for label in ("patient", "laterality", "view", "pathology", "malignant", "density", "lesion_type", "birads"):
            assert entry[label] == item[label]
        assert entry["findings"] is None
        assert set(entry["pictures"]) == KINDS
        assert bool(entry["outline"]) == (item["lesion_mask"] is not None)
        assert set(entry["tags"]) <= {"missed enhancement", "hallucination"}
        assert 0.5 * item["pixel_size_mm"] < entry["pixel_size_mm"] <= item["pixel_size_mm"]
        for picture in entry["pictures"].values():
            shown.add(picture)
            with Image.open(scored / picture) as image:
                assert image.size == tuple(reversed(entry["shape"]))
        with Image.open(scored / entry["pictures"]["low_energy"]) as image:
            columns = np.asarray(image, dtype=float).mean(axis=0)
        left = columns[: len(columns) // 2].sum() > columns[len(columns) // 2 :].sum()
        assert left == (item["laterality"] == "L")  # the chest wall is where the file has it
    assert shown == {str(file.relative_to(scored)) for file in (scored / "pictures").rglob("*.png")}


def test_disagreement_sums_hold_all_cases(scored, phantoms):
    items = Datalist.read(phantoms).items("test")
    means = {}
    for generator in ("quiet", "loud"):
        with np.load(scored / "images" / f"disagreement_map-{generator}.npz") as sums:
            for view in ("CC", "MLO"):
                assert sums[f"{view}_cases"] == sum(item["view"] == view for item in items)
            means[generator] = sums["CC_absolute"].sum() / sums["CC_weight"].sum()
            assert abs(sums["CC_signed"].sum() / sums["CC_weight"].sum()) < 0.2 * means[generator]
    assert means["quiet"] < means["loud"] / 3


def test_processes_beside_this_one_change_nothing(phantoms, virtual, scored, tmp_path):
    score_images(phantoms, virtual, "test", 128, tmp_path, workers=2)
    assert contents(tmp_path) == contents(scored)


def test_a_result_is_whole_and_replaced_only_when_told(phantoms, virtual, scored, tmp_path):
    listed = Datalist.read(virtual["loud"]).content()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    listed["test"][-1]["des"] = str(broken)
    Datalist.write(tmp_path / "broken.json", listed)
    folder = tmp_path / "study"
    with pytest.raises(RuntimeError):
        score_images(phantoms, {"loud": tmp_path / "broken.json"}, "test", 64, folder)
    assert list(folder.iterdir()) == []

    before = contents(scored)
    with pytest.raises(InputError, match="exists already"):
        score_images(phantoms, virtual, "test", 64, scored)
    assert contents(scored) == before


@pytest.mark.parametrize(("kept", "source"), [("validation", "validation"), (None, None)])
def test_the_constant_level_is_that_of_what_is_there(phantoms, virtual, tmp_path, caplog, kept, source):
    listed = Datalist.read(phantoms).content()
    listed = listed | {
        name: listed[name] if name in (kept, "test") else [] for name in ("training", "validation", "test")
    }
    Datalist.write(tmp_path / "datalist.json", listed)
    with caplog.at_level(logging.WARNING):
        score_images(tmp_path / "datalist.json", {"quiet": virtual["quiet"]}, "test", 64, tmp_path / "study")
    scoring = json.loads((tmp_path / "study" / "images" / "scoring.json").read_text())
    assert scoring["constant_level_from"] == source
    methods = set(pd.read_csv(tmp_path / "study" / "images" / "fidelity_per_case.csv")["method"])
    assert ("constant" in methods) == (kept is not None)
    assert ("the constant prediction is left out" in caplog.text) == (kept is None)
    statistics = {row["statistic"] for row in image_tables(tmp_path / "study", 50)["fidelity"]}
    assert ("difference_to_constant" in statistics) == (kept is not None)


def test_bad_input_is_refused(phantoms, tmp_path):
    with pytest.raises(InputError, match="virtual: no generator"):
        score_images(phantoms, {}, "test", 64, tmp_path)
    with pytest.raises(InputError, match=r"fidelity_per_case\.csv: cannot be read"):
        image_tables(tmp_path)
