from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vdes.bundle.trust import code_sha256
from vdes.cli import main


def test_a_bundle_is_run_with_its_knobs_and_never_over_results_unless_told(
    copier: Callable[..., Path], small_datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, output = copier(), tmp_path / "made#1"
    command = [
        "infer",
        str(bundle),
        str(small_datalist),
        "--output",
        str(output),
        "--trust-sha256",
        code_sha256(bundle),
    ]
    assert main([*command, "--knob", "strength=0.5"]) == 0
    assert capsys.readouterr().out.strip().endswith(f"wrote {output}")
    [first, *others] = sorted(output.iterdir())
    assert len(others) == 9
    source = np.asarray(Image.open(small_datalist.parent / first.name), float)
    assert np.asarray(Image.open(first), float) == pytest.approx(source * 128.5, abs=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--knob", "stength=1"], "--knob stength=1: no knob of .*inference.yaml; did you mean strength?"),
        (["--knob", "output_dir=x"], "--knob output_dir=x: expected the places of images, results and weights"),
        (["--weights", "none.pt"], "none.pt: no such file; expected the weights of their_bundle"),
        (["--overwrite"], "--knob overwrite=true: no knob of .*inference.yaml"),
    ],
)
def test_what_it_cannot_do_is_one_line(
    copier: Callable[..., Path],
    small_datalist: Path,
    tmp_path: Path,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["infer", str(copier()), str(small_datalist), "--output", str(tmp_path / "out"), "--trust-bundle"]
    assert main([*command, *words]) == 2
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert message.replace(".*", "") in line or message.split(".*")[0] in line
    assert not (tmp_path / "out").exists()


def test_a_bundle_of_others_is_run_only_if_trusted(
    copier: Callable[..., Path], small_datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["infer", str(copier()), str(small_datalist), "--output", str(tmp_path / "out")]) == 2
    assert "is not one of vdes's own bundles" in capsys.readouterr().err
    assert main(["infer", "no_such_bundle", str(small_datalist), "--output", str(tmp_path / "out")]) == 2
    assert "no_such_bundle: no such folder; expected the folder of a bundle" in capsys.readouterr().err


def test_vdes_s_own_bundles_are_found_by_their_names(small_datalist: Path, tmp_path: Path) -> None:
    command = ["infer", "breast_cesm_virtual_des_unet", str(small_datalist), "--output", str(tmp_path / "out")]
    knobs = ["network=$torch.nn.Identity()", "height=64", "num_workers=0"]
    assert main([*command, "--knob", *knobs]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 10
    assert main([*command, "--knob", *knobs]) == 2
    assert main([*command, "--knob", *knobs, "--overwrite"]) == 0
