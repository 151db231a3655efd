"""The scripts under tools/ are imported as they are run: with their own folder on the path."""

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tools"))


@pytest.fixture(scope="session")
def record() -> Callable[[Path], None]:
    """State the hash of a file of weights where results state it."""

    def record(weights: Path) -> None:
        results = weights.parents[1] / "docs" / "results"
        results.mkdir(parents=True, exist_ok=True)
        for file in results.glob(f"*_{weights.stem}.json"):
            file.unlink()
        measured = {"provenance": {"weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}}
        (results / f"fidelity_{weights.stem}.json").write_text(json.dumps(measured))

    return record


@pytest.fixture(scope="session")
def good_bundle(record: Callable[[Path], None]) -> Callable[..., Path]:
    """Copy one of the bundles into a folder, and finish what it may lack: weights, tables, pictures."""

    def copy(name: str, folder: Path) -> Path:
        import torch
        from verify.bundle import Bundle
        from verify.card import weights_named
        from verify.network import build

        bundle = folder / name
        for file in Bundle(PROJECT / "bundles" / name).files:
            (bundle / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / "bundles" / name / file, bundle / file)
        card = bundle / "docs" / "README.md"
        text = re.sub(r"<!-- (\w+:\w+) -->\n<!-- /\1 -->\n", "", card.read_text())
        card.write_text(re.sub(r"!\[[^]]*\]\([^)]*\)", "", text))
        for weights in ("models/model.pt", *weights_named(Bundle(bundle))):
            if not (bundle / weights).exists():
                (bundle / "models").mkdir(exist_ok=True)
                torch.save(build(Bundle(bundle)).state_dict(), bundle / weights)
                record(bundle / weights)
        return bundle

    return copy
