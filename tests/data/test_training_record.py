from __future__ import annotations

import hashlib
import json
from pathlib import Path

from vdes.data.training_record import DIGITS, fingerprint, training_record


def test_the_record_knows_the_images_of_training_and_validation_and_no_patient(small_datalist: Path) -> None:
    record = training_record(small_datalist)
    folder = small_datalist.parent
    seen = [file for file in folder.glob("*.png") if not file.name.startswith("P5")]
    assert record["images"] == sorted(hashlib.sha256(file.read_bytes()).hexdigest()[:DIGITS] for file in seen)
    assert len(record["images"]) == 16
    assert record["patients"] == 4
    assert record["data"] == "noise"
    assert "P1" not in json.dumps(record)


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (fingerprint(tmp_path / name) for name in "abc")
    assert a == b != c


def test_a_record_of_a_training_set_alone(small_datalist: Path, tmp_path: Path) -> None:
    content = json.loads(small_datalist.read_text())
    content["validation"] = []
    for item in content["training"] + content["test"]:
        for field in ("low_energy", "des"):
            item[field] = str(small_datalist.parent / item[field])
    (tmp_path / "datalist.json").write_text(json.dumps(content))
    record = training_record(tmp_path / "datalist.json")
    assert record["patients"] == 3
    assert len(record["images"]) == 12
    assert record["datalist_sha256"] != training_record(small_datalist)["datalist_sha256"]
