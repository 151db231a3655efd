"""The scripts under tools/ are imported as they are run: with their own folder on the path."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vdes.data.training_record import sealed

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tools"))


@pytest.fixture(scope="session")
def record() -> Callable[[Path], None]:
    """State the hash of a file of weights where results and the record of their training state it."""

    def record(weights: Path) -> None:
        results = weights.parents[1] / "docs" / "results"
        results.mkdir(parents=True, exist_ok=True)
        for file in results.glob(f"*_{weights.stem}.json"):
            file.unlink()
        measured = {"provenance": {"weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}}
        (results / f"fidelity_{weights.stem}.json").write_text(json.dumps(measured))
        training = weights.with_suffix(".json")
        training.write_text(sealed({"images": [], "ancestors": [], **_record_of(training)}, weights))

    return record


def _record_of(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return found


@pytest.fixture(scope="session")
def good_bundle() -> Callable[..., Path]:
    """Copy one of the shipped bundles into a folder."""

    def copy(name: str, folder: Path) -> Path:
        from vdes.bundle.bundle import Bundle

        for file in Bundle(PROJECT / "bundles" / name).files:
            (folder / name / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / "bundles" / name / file, folder / name / file)
        return folder / name

    return copy
