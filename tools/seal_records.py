"""Tie the records of shipped weights to them, if they were written before records held a hash.

`vdes train` writes such records itself. The record of weights that were trained in stages gets the earlier stages as
ancestors: they saw the same datalist (`vdes.experiments.generator`), and their weights were not kept, so these have no
hash. A record that has a hash already stays as it is.

    python tools/seal_records.py bundles/*
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from vdes.data.staging import staged
from vdes.data.training_record import ANCESTORS, RECORD_SUFFIX, SEAL, WEIGHTS, sealed


def seal(weights: Path) -> bool:
    """Write the record beside weights anew with their hash, and return whether that was needed."""
    file = weights.with_suffix(RECORD_SUFFIX)
    record = json.loads(file.read_text(encoding="utf-8"))
    if SEAL in record:
        return False
    runs = weights.parents[1] / "docs" / "results" / f"runs_{weights.stem}.json"
    stages = json.loads(runs.read_text(encoding="utf-8"))["stages"] if runs.is_file() else [weights.stem]
    earlier = {"role": "initial_weights", WEIGHTS: None, **record}
    with staged([file], overwrite=True) as written:
        text = sealed({**record, ANCESTORS: [earlier] * (len(stages) > 1)}, weights)
        written[file].write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="+", type=Path)
    for one in parser.parse_args().bundles:
        for path in sorted((one / "models").glob("*.pt")):
            print(f"{path}: {'sealed' if seal(path) else 'has a hash already'}")
