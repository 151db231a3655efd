from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from vdes import __version__
from vdes.errors import InputError
from vdes.handlers.provenance import provenance

SPLIT = {"seed": 1, "method": "hold-out"}
RANGES = {"low_energy": [0, 255], "des": [0, 255]}
EMPTY = {"pixel_size_mm": None, "intensity_range": RANGES, "training": [], "validation": [], "test": []}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A datalist and weights, in a folder whose name must not come out."""
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "pairs.json").write_text(json.dumps({"name": "CDD-CESM pairs", "split": SPLIT, **EMPTY}))
    (folder / "model.pt").write_bytes(b"weights")
    return folder / "pairs.json", folder / "model.pt"


def test_it_names_data_split_hashes_and_versions(files):
    made = provenance(files[0], "test", files[1])
    assert made["data"] == "CDD-CESM pairs"
    assert made["section"] == "test"
    assert made["split"] == SPLIT
    assert made["datalist_sha256"] == hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert made["weights_sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert made["versions"]["vdes"] == __version__
    assert made["versions"]["python"] == platform.python_version()
    assert made["versions"]["torch"] == version("torch")


def test_other_weights_or_another_split_are_another_provenance(files):
    first = provenance(files[0], "test", files[1])
    files[1].write_bytes(b"other")
    second = provenance(str(files[0]), "test", str(files[1]))
    assert {key for key in first if first[key] != second[key]} == {"weights_sha256"}
    assert {key for key in first if first[key] != provenance(files[0], "training", files[1])[key]} == {
        "section",
        "weights_sha256",
    }


def test_it_is_json_and_holds_no_path(files):
    text = json.dumps(provenance(files[0], "test", files[1]), allow_nan=False)
    for part in ("private", "pairs.json", "model.pt", str(files[0].parent), str(Path.home()), platform.node()):
        assert part not in text


def test_a_datalist_without_a_split_says_so(files):
    files[0].write_text(json.dumps({"name": "phantom", **EMPTY}))
    assert provenance(files[0], "test", files[1])["split"] is None


def test_a_file_that_is_no_datalist_is_named(files):
    files[0].write_text("no json")
    with pytest.raises(InputError, match=r"pairs\.json"):
        provenance(files[0], "test", files[1])
