from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vdes.errors import InputError
from vdes.reading.frames import read_frame
from vdes.reading.make_plan import write_plan
from vdes.reading.plan import read_plan
from vdes.reading.settings import ReadingPlan
from vdes.reading.tables import images_table, truth_table


def plan(study, output, **changes):
    settings = {"readers": 2, "cases": 4, "malignant_share": 0.5, "choices": 1, "quality": 1, **changes}
    return write_plan(ReadingPlan(study, output, **settings), progress=False)


@pytest.fixture()
def study(reading_study, tmp_path):
    """A copy of the study, to spoil; its images are those of the original."""
    copy = tmp_path / "study"
    shutil.copytree(reading_study / "parts" / "split" / "datalists", copy / "parts" / "split" / "datalists")
    for file in (copy / "parts" / "split" / "datalists").iterdir():
        listed = json.loads(file.read_text())
        for section in ("training", "validation", "test"):
            for item in listed[section]:
                for field in ("low_energy", "des", "lesion_mask", "des_lesion_mask"):
                    if item[field]:
                        item[field] = str((reading_study / "parts" / "split" / "datalists" / item[field]).resolve())
        file.write_text(json.dumps(listed))
    for name in ("settings.json", "metrics.json"):
        shutil.copy(reading_study / name, copy)
    return copy


def edit(study: Path, name: str, change):
    file = study / "parts" / "split" / "datalists" / f"{name}.json"
    listed = json.loads(file.read_text())
    change(listed)
    file.write_text(json.dumps(listed))


def test_the_plan_is_frozen_and_private(reading_study, tmp_path):
    made = plan(reading_study, tmp_path / "reading")
    assert read_plan(tmp_path / "reading") == json.loads(json.dumps(made))
    assert made["question"] == {
        **{"metric": "auc", "arm": "virtual", "reference": "real", "margin": 0.05, "confidence": 0.95},
        **{"power": 0.8, "readers": "random"},
    }
    assert 0 < made["sizing"]["power"] < 1 and made["draw"]["counts"]["malignant"] == 2
    for name in ("plan.json", "key.json"):
        assert (tmp_path / "reading" / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "reading").iterdir()) == ["images", "key.json", "plan.json"]


def test_the_same_command_draws_the_same_cases_under_other_names(reading_study, tmp_path):
    one, two = (plan(reading_study, tmp_path / name) for name in "ab")
    keys = [json.loads((tmp_path / name / "key.json").read_text()) for name in "ab"]
    assert keys[0] == keys[1]

    def orders(made):
        return [[(t["case"], t["modality"], t["left"]) for t in reader["tasks"]] for reader in made["readers"]]

    assert orders(one) == orders(two)
    names = [{task["task"] for reader in made["readers"] for task in reader["tasks"]} for made in (one, two)]
    assert not names[0] & names[1] and one["key"] != two["key"]


def test_images_are_the_studys_on_one_grid(reading_study, tmp_path):
    plan(reading_study, tmp_path / "reading")
    key = json.loads((tmp_path / "reading" / "key.json").read_text())
    listed = json.loads((reading_study / "parts" / "split" / "datalists" / "real_all.json").read_text())
    items = {item["case"]: item for item in listed["test"]}
    for row in images_table(tmp_path / "reading").to_dict("records"):
        item = items[key[row["case"]]["views"][row["view"]]]
        files = [reading_study / "parts" / "split" / "datalists" / item[name] for name in ("low_energy", "des")]
        low, des = (np.asarray(Image.open(file), dtype=float) for file in files)
        frames = {k: read_frame(Path(row[k]), row["rows"], row["columns"]) for k in ("low_energy", "real", "virtual")}
        limits = listed["intensity_range"]["low_energy"]
        wanted = ((low - limits[0]) / (limits[1] - limits[0])).clip(0, 1) * 65535
        assert np.abs(frames["low_energy"] - wanted).max() <= 1
        inside = frames["real"] > 0
        assert inside.mean() > 0.2
        assert np.abs(frames["real"] / 65535 - des / 255)[inside].max() <= 0.5 / 255 + 1e-4
        # one support
        assert ((frames["virtual"] > 0) ^ inside).mean() < 0.01
        assert row["chest_wall"] == ("left" if key[row["case"]]["laterality"] == "L" else "right")
    truth = truth_table(tmp_path / "reading")
    assert (truth.loc[truth["malignant"] == 1, "lesions"].map(len) >= 1).all()


def test_a_plan_by_which_nothing_was_read_may_be_replaced(reading_study, tmp_path, read_all):
    folder = tmp_path / "reading"
    first = plan(reading_study, folder)
    with pytest.raises(InputError, match=r"plan\.json: exists already; pass --overwrite"):
        plan(reading_study, folder)
    settings = ReadingPlan(reading_study, folder, 3, 4, malignant_share=0.5, seed=5)
    second = write_plan(settings, overwrite=True, progress=False)
    assert first["sha256"] != second["sha256"] == read_plan(folder)["sha256"]
    read_all(folder)
    with pytest.raises(InputError, match="answers of readers to another plan, which is frozen"):
        write_plan(settings, overwrite=True, progress=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("")
    with pytest.raises(InputError, match="holds other files"):
        plan(reading_study, tmp_path / "other")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"readers": 1}, "readers: 1; expected 2 to 99"),
        ({"cases": 3}, "cases: 3; expected 4 or more"),
        ({"design": "parallel"}, "design: 'parallel'; expected one of sequential, crossover, independent"),
        ({"malignant_share": 0.8, "benign_share": 0.3}, "expected at most 1"),
        ({"malignant_share": 0.0}, "expected two malignant and two other"),
        ({"repeat_share": 1.5}, "repeat_share: 1.5; expected 0 to 1"),
        ({"washout_days": -1.0}, "washout_days: -1.0; expected 0 or more"),
        ({"margin": 0.0}, "margin: 0.0; expected a number between 0 and 1"),
        ({"auc": 0.5}, r"auc: 0.5; expected a number between \.5 and 1"),
    ],
)
def test_settings_are_checked_at_the_door(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        ReadingPlan(tmp_path, tmp_path / "reading", **change)


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected the folder of a finished `vdes study`"):
        plan(tmp_path, tmp_path / "reading")
    assert not (tmp_path / "reading").exists()


def test_another_generator_is_refused(reading_study, tmp_path):
    with pytest.raises(InputError, match="generator: 'gan' is not one of its generators; expected unet"):
        plan(reading_study, tmp_path / "reading", generator="gan")


def test_cases_without_des_are_not_read_or_named(study, tmp_path):
    def no_virtual(listed):
        del listed["test"][0]

    edit(study, "virtual-unet_judged", no_virtual)
    with pytest.raises(InputError, match=r"virtual-unet_judged\.json: test: case P\d+_L_CC has no virtual DES image"):
        plan(study, tmp_path / "reading")

    def no_real(listed):
        for item in listed["test"]:
            item["des"] = None

    edit(study, "real_all", no_real)
    with pytest.raises(InputError, match="no test case has both a low-energy and a DES image"):
        plan(study, tmp_path / "reading")
    assert not (tmp_path / "reading").exists()


def test_unequal_geometry_is_refused_and_leaves_nothing(study, tmp_path):
    small = tmp_path / "small.png"
    Image.fromarray(np.full((32, 24), 900, np.uint16)).save(small)

    def shrink(listed):
        for number, item in enumerate(listed["test"]):
            item["des"] = str(small.with_name(f"small{number}.png"))
            shutil.copy(small, item["des"])

    edit(study, "virtual-unet_judged", shrink)
    with pytest.raises(InputError, match=r"small\d+\.png: field virtual: size \(32, 24\) .* differs from \(64, 48\)"):
        plan(study, tmp_path / "reading")
    assert not (tmp_path / "reading").exists()
