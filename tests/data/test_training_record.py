from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vdes.data.datalist import Datalist
from vdes.data.training_record import (
    DIGITS,
    TrainingRecord,
    check_trained_on,
    fingerprint,
    known_record,
    read_record,
    sealed,
)
from vdes.errors import InputError

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "bundles").glob("*/models/*.pt"))


def test_the_record_knows_the_images_of_training_and_validation_and_no_patient(small_datalist: Path) -> None:
    record = TrainingRecord(small_datalist).content
    folder = small_datalist.parent
    seen = [file for file in folder.glob("*.png") if not file.name.startswith("P5")]
    assert record["images"] == sorted(hashlib.sha256(file.read_bytes()).hexdigest()[:DIGITS] for file in seen)
    assert len(record["images"]) == 16
    assert record["patients"] == 4
    assert record["data"] == "noise"
    assert record["ancestors"] == []
    assert "P1" not in json.dumps(record)


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (fingerprint(tmp_path / name) for name in "abc")
    assert a == b != c


def absolute(small_datalist: Path) -> dict:
    return Datalist.read(small_datalist).content()


def test_a_record_of_a_training_set_alone(small_datalist: Path, tmp_path: Path) -> None:
    Datalist.write(tmp_path / "datalist.json", {**absolute(small_datalist), "validation": []})
    record = TrainingRecord(tmp_path / "datalist.json").content
    assert record["patients"] == 3
    assert len(record["images"]) == 12
    assert record["datalist_sha256"] != TrainingRecord(small_datalist).content["datalist_sha256"]


def test_the_hash_of_the_data_is_of_what_training_reads(small_datalist: Path, tmp_path: Path) -> None:
    before = TrainingRecord(small_datalist).data_sha256
    content = absolute(small_datalist)
    moved = Datalist.write(tmp_path / "moved.json", {**content, "name": "another", "test": []})
    assert TrainingRecord(moved).data_sha256 == before

    first = {**content["training"][0], "density": "c"}
    labelled = Datalist.write(tmp_path / "label.json", {**content, "training": [first, *content["training"][1:]]})
    fewer = Datalist.write(tmp_path / "fewer.json", {**content, "training": content["training"][1:]})
    shifted = {**content, "intensity_range": {"low_energy": [0, 255], "des": [0, 254]}}
    ranged = Datalist.write(tmp_path / "range.json", shifted)
    folder = tmp_path / "copied"
    shutil.copytree(small_datalist.parent, folder)
    assert TrainingRecord(folder / "datalist.json").data_sha256 == before
    shutil.copy(folder / "P1_L_CC_des.png", folder / "P1_L_CC_low_energy.png")
    hashes = {TrainingRecord(one).data_sha256 for one in (labelled, fewer, ranged, folder / "datalist.json")}
    assert len(hashes | {before}) == 5


# ---- where weights come from -----------------------------------------------------------------------------------------

Weights = Callable[..., Path]


@pytest.fixture
def weights(tmp_path: Path, small_datalist: Path) -> Weights:
    """Write weights of a training on the small datalist, whose sections may be exchanged, from other weights."""

    def write(name: str = "model", swap: bool = False, **ancestors: Path) -> Path:
        content = absolute(small_datalist)
        if swap:
            content |= {"training": content["test"], "test": content["training"]}
        listed = Datalist.write(tmp_path / f"{name}_data.json", content)
        file = tmp_path / f"{name}.pt"
        file.write_bytes(name.encode())
        file.with_suffix(".json").write_text(sealed(TrainingRecord(listed, ancestors).content, file))
        return file

    return write


@pytest.fixture
def test_items(small_datalist: Path) -> list:
    return Datalist.read(small_datalist).items("test")


def test_weights_that_have_not_seen_the_test_patients_are_taken(weights: Weights, test_items: list) -> None:
    origin = check_trained_on(weights(), test_items, "d.json")
    assert origin.told == "noise: 16 images of 4 patients, none of them in this test set"
    assert origin.known


@pytest.mark.parametrize("section", ["training", "validation"])
def test_weights_that_have_seen_one_are_refused(weights: Weights, small_datalist: Path, section: str) -> None:
    datalist = absolute(small_datalist)
    items = datalist["test"] + datalist[section][:1]
    with pytest.raises(InputError) as caught:
        check_trained_on(weights(), items, "d.json")
    assert "1 of the 3 test images of d.json" in str(caught.value)
    assert datalist[section][0]["case"] in str(caught.value)


def test_a_renamed_copy_of_an_image_is_known(weights: Weights, small_datalist: Path, tmp_path: Path) -> None:
    item = Datalist.read(small_datalist).items("training")[0]
    copy = tmp_path / "renamed.png"
    copy.write_bytes(Path(item["des"]).read_bytes())
    with pytest.raises(InputError, match="trained or validated on 1"):
        check_trained_on(weights(), [{"case": "X", "low_energy": None, "des": str(copy)}], "d.json")


def test_what_an_ancestor_has_seen_counts_however_far_back_it_is(weights: Weights, test_items: list) -> None:
    first = weights("first", swap=True)
    second = weights("second", initial_weights=first)
    third = weights("third", classifier_initial_weights=second)
    message = rf"third\.pt: trained or validated on 2 of the 2 .* by its ancestor initial_weights {fingerprint(first)}"
    with pytest.raises(InputError, match=message):
        check_trained_on(third, test_items, "d.json")
    ancestors = known_record(third)["ancestors"]
    assert [(one["role"], one["weights_sha256"][:DIGITS]) for one in ancestors] == [
        ("classifier_initial_weights", fingerprint(second)),
        ("initial_weights", fingerprint(first)),
    ]


def test_ancestors_that_have_not_seen_the_test_patients_are_counted(weights: Weights, test_items: list) -> None:
    both = weights("both", initial_weights=weights("one"), encoder_weights=weights("other"))
    assert "of 4 patients, and 2 ancestors, none of them" in check_trained_on(both, test_items, "d.json").told


def test_the_weights_that_made_the_images_are_ancestors(
    weights: Weights, small_datalist: Path, tmp_path: Path, test_items: list
) -> None:
    from vdes.data.virtual_datalist import write_virtual_datalist

    listed = Datalist.read(small_datalist)
    folder = tmp_path / "virtual"
    folder.mkdir()
    for item in listed.items():
        shutil.copy(item["des"], folder / Path(item["low_energy"]).name)
    classifier = tmp_path / "classifier.pt"
    classifier.write_bytes(b"classifier")
    for made_by, told in ((weights("generator", swap=True), "seen"), (None, "unknown")):
        virtual = write_virtual_datalist(listed, folder, tmp_path / f"{told}.json", weights=made_by)
        again = Datalist.read(virtual.path)
        classifier.with_suffix(".json").write_text(sealed(TrainingRecord(again).content, classifier))
        if told == "seen":
            with pytest.raises(InputError, match="by its ancestor generator"):
                check_trained_on(classifier, test_items, "d.json")
        else:
            origin = check_trained_on(classifier, test_items, "d.json")
            assert not origin.known
            assert origin.told.endswith("an ancestor is unknown: generator (not named when its images were listed)")


# ---- what proves nothing ---------------------------------------------------------------------------------------------


def edited(file: Path) -> None:
    record = json.loads(file.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps({**record, "images": []}))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda file: file.with_suffix(".json").unlink(), "no record beside them"),
        (edited, "model.json was edited"),
        (lambda file: file.write_bytes(b"others"), "model.json is the record of other weights"),
        (lambda file: file.with_suffix(".json").write_text("no json"), "model.json is not the record of a training"),
        (lambda file: file.with_suffix(".json").write_text("[]"), "model.json is not the record of a training"),
        (lambda file: file.with_suffix(".json").write_text("{}"), "model.json is not the record of a training"),
    ],
    ids=["missing", "edited", "other weights", "text", "list", "empty"],
)
def test_a_record_that_proves_nothing_makes_the_origin_unknown(
    weights: Weights, test_items: list, damage: Callable[[Path], object], why: str
) -> None:
    ancestor = weights()
    damage(ancestor)
    origin = check_trained_on(ancestor, test_items, "d.json")
    assert not origin.known
    assert origin.told == f"unknown ({why}), so they may have seen the test patients"
    with pytest.raises(InputError, match=why):
        known_record(ancestor)
    # and that of what is trained from them
    child = check_trained_on(weights("child", initial_weights=ancestor), test_items, "d.json")
    assert not child.known
    assert child.told.endswith(f"an ancestor is unknown: initial_weights {fingerprint(ancestor)} ({why})")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_the_records_of_the_shipped_weights_are_whole(file: Path) -> None:
    record = read_record(file)
    assert isinstance(record, dict) and len(record["images"]) > 300
