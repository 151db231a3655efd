from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from region_study import main

from vdes.networks.virtual_des_unet import VirtualDesUNet
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_virtual_des_unet"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Run the tool on 16 phantom patients with a small untrained generator, with further arguments."""
    datalist = generate(tmp_path / "set", Settings(16, 3, 128, "png", 1.0, "rh-ag", "post", 2.0, 2.0, 0.5))
    bundle = tmp_path / "unet"
    shutil.copytree(BUNDLE, bundle, ignore=shutil.ignore_patterns("models", "results"))
    (bundle / "models").mkdir()
    torch.manual_seed(0)
    torch.save(VirtualDesUNet().state_dict(), bundle / "models" / "model.pt")

    def run(*more: str) -> int:
        arguments = ["--datalist", str(datalist), "--output", str(tmp_path / "runs"), "--height", "128"]
        arguments += ["--generator", f"g={bundle}", "--result", str(tmp_path / "docs" / "result.json")]
        monkeypatch.setattr(sys, "argv", ["region_study.py", *arguments, "--resamples", "200", *more])
        return main()

    return run


@pytest.mark.slow
def test_it_goes_from_a_datalist_and_a_generator_to_the_tables(command, tmp_path, capsys):
    assert command() == 0
    result = json.loads((tmp_path / "docs" / "result.json").read_text())
    arms = [arm["arm"] for arm in result["arms"]]
    assert arms[:3] == ["des", "low_energy", "low_energy+des"]
    assert "virtual_des-g-retrained" in arms
    for arm in arms:
        table = pd.read_csv(tmp_path / "runs" / "regions" / f"{arm}.csv")
        counts = result["regions"]["test"]
        assert len(table) == counts["lesions"] + counts["matches"]
        assert table["malignant"].sum() == counts["lesions"]
    assert {row["arm"] for row in result["classification"]} == set(arms)
    assert result["provenance"]["generators"][0]["trained_on"].startswith("not recorded")
    assert str(tmp_path) not in json.dumps(result)
    printed = capsys.readouterr().out
    assert all(f"| {arm} |" in printed for arm in arms)

    assert command() == 2
    assert "result.json: exists already" in capsys.readouterr().err
    images = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs" / "virtual").rglob("*.png")}
    assert command("--overwrite") == 0
    assert json.loads((tmp_path / "docs" / "result.json").read_text()) == result
    assert images == {file: file.stat().st_mtime_ns for file in (tmp_path / "runs" / "virtual").rglob("*.png")}


def test_a_generator_without_a_name_is_refused(monkeypatch, capsys):
    arguments = ["--datalist", "d.json", "--output", "o", "--generator", "bundles/unet"]
    monkeypatch.setattr(sys, "argv", ["region_study.py", *arguments])
    assert main() == 2
    assert "expected NAME=BUNDLE" in capsys.readouterr().err
