from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from vdes.cli import main
from vdes.data.datalist import Datalist
from vdes.errors import InputError
from vdes.experiments.ablation import BASE, VARIANTS, read_variants
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

UNET = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_virtual_des_unet"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the U-Net's bundle without weights and results."""
    return Path(
        shutil.copytree(UNET, tmp_path / UNET.name, ignore=shutil.ignore_patterns("*.pt", "results", "ablation_*"))
    )


def test_the_shipped_variants_are_the_base_and_a_few_settings():
    variants = read_variants(UNET)
    base = variants[BASE]
    assert len(variants) > 10
    for name, settings in variants.items():
        changed = {knob for knob, value in settings.items() if base.get(knob) != value}
        assert (name == BASE) == (not changed)
        assert len(changed) <= 2
    assert list(read_variants(UNET, ("no gamma",))) == [BASE, "no gamma"]


def test_an_unknown_variant_is_refused():
    with pytest.raises(InputError, match="--variants: no gama; expected some of no contrast terms, "):
        read_variants(UNET, ("no gama",))


def test_an_unknown_setting_is_refused_before_any_training(bundle, tmp_path, capsys):
    content = yaml.safe_load((bundle / VARIANTS).read_text())
    content["variants"]["wider"] = {"decoder_width": 2}
    (bundle / VARIANTS).write_text(yaml.safe_dump(content))
    words = ["experiment", "ablation", str(bundle), "--folds", str(tmp_path / "absent.json")]
    assert main([*words, "--output", str(tmp_path / "runs")]) == 2
    assert "wider: decoder_width is no setting of " in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_an_impossible_value_is_refused(bundle):
    content = yaml.safe_load((bundle / VARIANTS).read_text())
    content["variants"]["still"] = {"ema_momentum": 1.0}
    (bundle / VARIANTS).write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=r"still: ema_momentum: 1\.0; expected a number above 0 and below 1"):
        read_variants(bundle)


def test_a_bundle_without_variants_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected the folder of a bundle with docs/ablation\.yaml"):
        read_variants(tmp_path)


@pytest.mark.slow
def test_a_variant_that_cannot_be_trained_ends_it_before_the_trainings(bundle, tmp_path, capsys):
    fold = generate(tmp_path / "phantoms" / "set", Settings(12, 3, 64))
    content = {
        "base": {"epochs": 1, "encoder_weights": "none"},
        "variants": {"flat": {"network_def#decoder_channels": []}},
    }
    (bundle / VARIANTS).write_text(yaml.safe_dump(content))
    runs = tmp_path / "runs"
    words = ["experiment", "ablation", str(bundle), "--folds", str(fold), "--output", str(runs)]
    assert main([*words, "--name", "trial", "--height", "64"]) == 2
    assert "trials flat: " in capsys.readouterr().err
    assert (runs / "trials" / BASE / "model.pt").is_file() and not (runs / BASE).exists()


@pytest.mark.slow
def test_variants_are_trained_and_compared(bundle, tmp_path, capsys):
    phantoms = Datalist.read(generate(tmp_path / "phantoms" / "set", Settings(12, 3, 64))).content()
    fold = tmp_path / "fold0.json"
    Datalist.write(fold, phantoms)
    content = {
        "base": {"epochs": 1, "encoder_weights": "none"},
        "variants": {"narrow": {"network_def#decoder_channels": [32, 16, 8, 8, 4]}},
    }
    (bundle / VARIANTS).write_text(yaml.safe_dump(content))
    named = ["--output", str(tmp_path / "runs"), "--name", "trial"]
    words = ["experiment", "ablation", str(bundle), "--folds", str(fold), *named]
    assert main([*words, "--height", "64"]) == 0
    result, picture = bundle / "docs" / "results" / "ablation_trial.json", bundle / "docs" / "ablation_trial.png"
    assert f"wrote {result}\nwrote {picture}" in capsys.readouterr().out
    rows = json.loads(result.read_text())["rows"]
    tested = len(Datalist.read(fold).items("test"))
    psnr = {row["variant"]: row for row in rows if row["metric"] == "psnr_breast"}
    assert list(psnr) == [BASE, "narrow", "low energy itself"]
    assert {row["cases"] for row in psnr.values()} == {tested}
    assert psnr["narrow"]["difference"] == pytest.approx(psnr["narrow"]["value"] - psnr[BASE]["value"])
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main([*words, "--height", "64"]) == 2
    assert "exists already; pass --overwrite" in capsys.readouterr().err
