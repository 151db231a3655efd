import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from vdes.errors import InputError
from vdes.experiments.experiment import Experiment
from vdes.experiments.generator import RECIPE, REPORTED, Run, arm_means, read_recipe, ship, steps_of
from vdes.experiments.settings import GeneratorTraining
from vdes.networks.virtual_des_unet import VirtualDesUNet
from vdes.networks.weights import load_weights

PATIENTS = 5
BUNDLES = Path(__file__).resolve().parents[2] / "bundles"


def write_rows(run: Run, virtual: float) -> None:
    """Two cases a patient; every figure of the virtual DES is ``virtual``, of the constant level 1."""
    run.results("test").mkdir(parents=True)
    rows = [
        {"case": f"c{i}", "patient": f"p{i // 2}", "method": method, **dict.fromkeys(REPORTED, value)}
        for i in range(2 * PATIENTS)
        for method, value in (("virtual_des", virtual), ("constant", 1.0))
    ]
    pd.DataFrame(rows).to_csv(run.results("test") / "fidelity_per_case.csv", index=False)


def test_an_arm_is_the_mean_over_its_seeds_and_differences_are_paired(tmp_path: Path) -> None:
    runs = [Run(arm, seed, tmp_path / f"{arm}_{seed}", "fine") for arm in ("imagenet", "none") for seed in (0, 1)]
    for run, level in zip(runs, (3.0, 5.0, 2.0, 2.0), strict=True):
        write_rows(run, level)
    table = pd.DataFrame(arm_means(runs)).set_index(["arm", "minus", "metric"])["value"]
    assert table["imagenet", "", "psnr_breast"] == pytest.approx(4.0)
    assert table["imagenet", "constant", "psnr_breast"] == pytest.approx(3.0)
    assert table["imagenet", "none", "psnr_breast"] == pytest.approx(2.0)
    assert table["none", "imagenet", "ssim_breast"] == pytest.approx(-2.0)


def test_equal_cases_have_an_interval_of_no_width(tmp_path: Path) -> None:
    run = Run("imagenet", 0, tmp_path / "run", "fine")
    write_rows(run, 2.5)
    entry = next(row for row in arm_means([run]) if row["minus"] == "constant" and row["metric"] == "psnr_breast")
    assert (entry["value"], entry["low"], entry["high"]) == pytest.approx((1.5, 1.5, 1.5))


@pytest.mark.parametrize("name", ["model", "model_phantom"])
@pytest.mark.parametrize("file", sorted(BUNDLES.glob(f"*/{RECIPE}")), ids=lambda file: file.parts[-3])
def test_a_recipe_sets_knobs_that_the_bundle_has(file: Path, name: str) -> None:
    bundle = file.parents[1]
    recipe = read_recipe(bundle, name)
    train = yaml.safe_load((bundle / "configs" / "train.yaml").read_text(encoding="utf-8"))
    assert {recipe["knob"], "height", "seed", "cache_dir", "num_workers"} <= train.keys()
    assert len(recipe["stages"]) == 1 or "initial_weights" in train
    for stage in recipe["stages"]:
        assert stage["settings"].keys() <= train.keys()
    assert recipe["stages"][-1]["scale"] == 1


def test_a_folder_without_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recipe\.yaml: no such file; expected the recipe of"):
        read_recipe(tmp_path, "model")


def test_a_run_is_its_stages_one_after_the_other_and_then_its_evaluations(tmp_path: Path) -> None:
    recipe = {
        "knob": "encoder_weights",
        "stages": [
            {"name": "coarse", "scale": 0.5, "settings": {"epochs": 2}},
            {"name": "fine", "scale": 1, "settings": {"epochs": 1}},
        ],
    }
    run = Run("none", 3, tmp_path / "none_seed3", "fine")
    counts = {"training": 10, "validation": 2, "test": 4}
    steps = steps_of(Experiment(tmp_path, 1, "x"), tmp_path, tmp_path / "d.json", run, recipe, 256, counts)
    assert [step.name for step in steps] == [
        f"none_seed3 {name}" for name in ("coarse", "fine", "training", "validation", "test")
    ]
    assert [list(step.needs) for step in steps] == [[], ["none_seed3 coarse"], *3 * [["none_seed3 fine"]]]
    assert [step.units for step in steps] == [5.0, 10.0, 10.0, 2.0, 4.0]  # images, weighted by their area


@pytest.mark.slow
def test_one_command_trains_measures_and_ships_and_repeats_nothing(small_datalist: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "breast_cesm_virtual_des_unet"
    shutil.copytree(BUNDLES / bundle.name, bundle, ignore=shutil.ignore_patterns("*.pt", "results"))
    stage = {"name": "fine", "scale": 1, "settings": {"epochs": 1, "batch_size": 2, "register": False}}
    recipe = {"knob": "encoder_weights", "arms": ["none"], "height": 64, "stages": [stage]}
    (bundle / RECIPE).write_text(yaml.safe_dump(recipe))
    settings = GeneratorTraining(small_datalist, tmp_path / "runs", seeds=(0,), jobs=1)
    ship(bundle, settings)
    assert load_weights(VirtualDesUNet(), bundle / "models" / "model.pt")
    listed = json.loads((bundle / "docs" / "results" / "runs_model.json").read_text())
    assert listed["shipped"] == {"arm": "none", "seed": 0, "chosen_by": "validation correlation_breast"}
    marks = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "runs" / "steps").glob("[!.]*")}
    assert len(marks) == 4
    with pytest.raises(InputError, match=r"model\.pt: exists already; pass --overwrite"):
        ship(bundle, settings)
    ship(bundle, settings, overwrite=True)
    assert {file.name: file.stat().st_mtime_ns for file in (tmp_path / "runs" / "steps").glob("[!.]*")} == marks
    with pytest.raises(InputError, match=r"holds a training with another `height`; use the same settings .*folder$"):
        ship(bundle, replace(settings, height=96), overwrite=True)
