from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from vdes.errors import InputError
from vdes.experiments.generator import RECIPE, REPORTED, Run, arm_means, finished, read_recipe

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


def test_a_stage_is_finished_after_its_last_epoch(tmp_path: Path) -> None:
    assert not finished(tmp_path, epochs=3)
    torch.save({"progress": {"epoch": 2}}, tmp_path / "last.pt")
    assert not finished(tmp_path, epochs=3)
    assert finished(tmp_path, epochs=2)
