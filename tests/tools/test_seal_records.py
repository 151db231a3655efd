from __future__ import annotations

import json
from pathlib import Path

import pytest
from seal_records import seal

from vdes.data.training_record import known_record


@pytest.mark.parametrize("stages", [1, 2])
def test_a_record_is_tied_to_its_weights_once(tmp_path: Path, stages: int) -> None:
    weights, runs = tmp_path / "models" / "model.pt", tmp_path / "docs" / "results" / "runs_model.json"
    for file in (weights, runs):
        file.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    runs.write_text(json.dumps({"stages": [{"name": f"stage{i}"} for i in range(stages)]}))
    old = {"data": "set", "split": None, "datalist_sha256": "0", "patients": 2, "images": ["a", "b"]}
    weights.with_suffix(".json").write_text(json.dumps(old))
    assert seal(weights)
    record = known_record(weights)
    assert {name: record[name] for name in old} == old
    earlier = {"role": "initial_weights", "weights_sha256": None, **old}
    assert record["ancestors"] == [earlier][: stages - 1]
    weights.write_bytes(b"others")
    assert not seal(weights)  # a record of other weights is not given to these
