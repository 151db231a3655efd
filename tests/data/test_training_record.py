from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from vdes.data.datalist import Datalist
from vdes.data.training_record import DIGITS, check_trained_on, fingerprint, training_record
from vdes.errors import InputError


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


@pytest.fixture
def weights(tmp_path: Path, small_datalist: Path) -> Path:
    """Weights with the record of a training on the small datalist."""
    (tmp_path / "model.json").write_text(json.dumps(training_record(small_datalist)))
    return tmp_path / "model.pt"


def test_weights_that_have_not_seen_the_test_patients_are_taken(weights: Path, small_datalist: Path) -> None:
    test = Datalist.read(small_datalist).items("test")
    assert check_trained_on(weights, test, "d.json") == "noise: 16 images of 4 patients, none of them in this test set"


@pytest.mark.parametrize("section", ["training", "validation"])
def test_weights_that_have_seen_one_are_refused(weights: Path, small_datalist: Path, section: str) -> None:
    datalist = Datalist.read(small_datalist).content()
    items = datalist["test"] + datalist[section][:1]
    with pytest.raises(InputError) as caught:
        check_trained_on(weights, items, "d.json")
    assert "1 of the 3 test images of d.json" in str(caught.value)
    assert datalist[section][0]["case"] in str(caught.value)


def test_a_renamed_copy_of_an_image_is_known(weights: Path, small_datalist: Path, tmp_path: Path) -> None:
    item = Datalist.read(small_datalist).items("training")[0]
    copy = tmp_path / "renamed.png"
    copy.write_bytes(Path(item["des"]).read_bytes())
    with pytest.raises(InputError, match="trained or validated on 1"):
        check_trained_on(weights, [{"case": "X", "low_energy": None, "des": str(copy)}], "d.json")


def test_without_a_record_nobody_knows(tmp_path: Path, small_datalist: Path) -> None:
    items = Datalist.read(small_datalist).items("training")
    assert "unknown" in check_trained_on(tmp_path / "model.pt", items, "d.json")


@pytest.mark.parametrize("text", ["no json", "[]", '{"images": []}'])
def test_a_broken_record_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InputError, match=r"model.json: not the record of a training"):
        check_trained_on(tmp_path / "model.pt", [], "d.json")
