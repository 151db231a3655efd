from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matrix.outputs import difference
from matrix.requirements import bounds, stated, wanted
from PIL import Image

from vdes.errors import InputError

METADATA = {
    "pytorch_version": "2.13.0",
    "monai_version": "1.6.1",
    "numpy_version": "2.4.6",
    "required_packages_version": {"PyYAML": "6.0.3"},
}
SETUP = (
    "[options]\ninstall_requires =\n    # why\n    torch>=2.10\n    monai>=1.6.1,<1.7\n    numpy>=1.26\n    pyyaml\n"
)


def test_requirements_are_exact_the_floors_or_below_the_ceilings(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text(SETUP.replace("pyyaml\n", "pyyaml>=6.0.1\n"))
    allowed = bounds(tmp_path / "setup.cfg")
    assert stated(METADATA)["pyyaml"] == "6.0.3"
    assert wanted(METADATA, allowed, "stated")[-1] == "torch==2.13.0"
    assert wanted(METADATA, allowed, "oldest") == ["monai==1.6.1", "numpy==1.26", "pyyaml==6.0.1", "torch==2.10"]
    assert wanted(METADATA, allowed, "newest") == ["monai<1.7", "numpy", "pyyaml", "torch"]


def test_a_package_without_a_floor_is_named(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text(SETUP)
    with pytest.raises(InputError, match="pyyaml has no oldest version"):
        wanted(METADATA, bounds(tmp_path / "setup.cfg"), "oldest")


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
