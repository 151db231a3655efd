from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdes.data.datalist import Datalist
from vdes.data.training_record import training_record
from vdes.errors import InputError
from vdes.study.trained_on import check_trained_on


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
    with pytest.raises(InputError, match=r"model.json: no record of a training"):
        check_trained_on(tmp_path / "model.pt", [], "d.json")
