from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matrix.outputs import TOLERANCE, difference
from matrix.requirements import allowed, exact, stated
from matrix.table import PAGE, ROWS, tables
from matrix.versions import REFERENCE, main, weights
from PIL import Image

from vdes.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
BUNDLES = sorted((PROJECT / "bundles").iterdir())
METADATA = {
    "pytorch_version": "2.13.0",
    "monai_version": "1.6.1",
    "numpy_version": "2.4.6",
    "required_packages_version": {"PyYAML": "6.0.3"},
    "optional_packages_version": {"openvino": "2026.4.1"},
}
SETUP = (
    "[options]\ninstall_requires =\n    # why\n    torch>=2.10\n    monai[fire]>=1.6.1,<1.7\n    numpy>=1.26\n    {}\n"
)


def test_requirements_are_what_the_metadata_state_or_what_vdes_allows(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text(SETUP.format("pyyaml>=6.0.1"))
    assert sorted(exact(METADATA)) == ["monai==1.6.1", "numpy==2.4.6", "pyyaml==6.0.3", "torch==2.13.0"]
    assert sorted(allowed(METADATA, tmp_path / "setup.cfg")) == [
        "monai<1.7,>=1.6.1",
        "numpy>=1.26",
        "pyyaml>=6.0.1",
        "torch>=2.10",
    ]


@pytest.mark.parametrize("line", ["pyyaml", "pyyaml<7", "tabulate>=0.9"])
def test_a_package_without_an_oldest_version_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "setup.cfg").write_text(SETUP.format(line))
    with pytest.raises(InputError, match="pyyaml has no oldest version"):
        allowed(METADATA, tmp_path / "setup.cfg")


@pytest.mark.parametrize("bundle", BUNDLES, ids=[bundle.name for bundle in BUNDLES])
def test_the_packages_of_the_bundles_have_oldest_versions(bundle: Path) -> None:
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert len(allowed(metadata, PROJECT / "setup.cfg")) == len(stated(metadata))


def test_the_largest_difference_of_images_and_tables_is_found(tmp_path: Path) -> None:
    for name, value in (("a", 100), ("b", 165)):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((4, 4), value, np.uint16)).save(tmp_path / name / "x.png")
        (tmp_path / name / "p.csv").write_text("case,probability\nc,0.5\n")
    assert difference(tmp_path / "a", tmp_path / "b") == pytest.approx(65 / 65535)
    (tmp_path / "a" / "p.csv").write_text("case,probability\nc,\n")
    with pytest.raises(InputError, match="other empty values"):
        difference(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a" / "x.png").unlink()
    with pytest.raises(InputError, match=r"x\.png is in one of the outputs only"):
        difference(tmp_path / "a", tmp_path / "b")


def test_the_reference_is_of_the_weights_as_they_are() -> None:
    assert weights(BUNDLES) == json.loads((REFERENCE / "weights.json").read_text())
    assert sorted(path.name for path in REFERENCE.iterdir() if path.is_dir()) == [one.name for one in BUNDLES]


def test_an_unknown_kind_of_environment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["run", "--python", "older=python3"])
    assert error.value.code == 2 and "--python older=python3: expected KIND=PROGRAM" in capsys.readouterr().err


def test_the_tables_tell_each_run_and_each_reason() -> None:
    good = {"bundle": "a", "environment": "oldest, python3.10", "versions": {"python": "3.10.1", "numpy": "1.9.0"}}
    more = {"bundle": "a", "environment": "newest, python3.13", "versions": {"python": "3.13.0", "numpy": "1.26.0"}}
    bad = {"bundle": "b", "environment": "newest, python3.13", "passed": False, "reason": "pip install: no numpy"}
    rows = [good | {"passed": True, "difference": 1e-6}, more | {"passed": True, "difference": 0.0}, bad]
    text = tables({"rows": rows})
    assert "| a | oldest | 3.10.1 | - | - | 1.9.0 | 1e-06 | yes |" in text
    assert "| b | newest | - | - | - | - | pip install: no numpy | **no** |" in text
    assert "| numpy | 1.9.0 | 1.26.0 |" in text


def test_the_page_holds_the_stored_rows() -> None:
    found = json.loads(ROWS.read_text())
    assert tables(found) in PAGE.read_text()
    assert {one["bundle"] for one in found["rows"]} == {one.name for one in BUNDLES}
    assert found["tolerance"] == TOLERANCE
