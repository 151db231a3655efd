from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.transforms import Compose, RandFlipd, Transform
from PIL import Image

from vdes.data.datasets.cached_dataset import aligned, cached_dataset
from vdes.data.known_files import KnownFiles, file_sha256
from vdes.errors import InputError, find_input_error


class Read(Transform):
    """Read an image, times ``factor``, and note every call in a file: worker processes share no counter."""

    def __init__(self, log: Path, factor: float = 1.0) -> None:
        self.log = log
        self.factor = factor

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        with self.log.open("a") as stream:
            stream.write(f"{item['case']}\n")
        image = torch.from_numpy(np.asarray(Image.open(item["low_energy"]), dtype=np.float32))[None]
        return {"case": item["case"], "image": self.factor * image}


def write(file: Path, level: int, modified: int = 1_700_000_000) -> Path:
    Image.fromarray(np.full((8, 6), level, np.uint8)).save(file)
    os.utime(file, (modified, modified))
    return file


@pytest.fixture
def items(tmp_path: Path) -> list[dict[str, Any]]:
    """Three cases; the image of case P<i> has the level 10 i."""
    return [{"case": f"P{i}", "low_energy": str(write(tmp_path / f"P{i}.png", 10 * i)), "des": None} for i in (1, 2, 3)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file in which `Read` notes its calls."""
    (tmp_path / "log").touch()
    return tmp_path / "log"


def calls(log: Path) -> list[str]:
    """Return the cases that were computed since the last look."""
    found = log.read_text().split()
    log.write_text("")
    return found


def levels(dataset: Any) -> list[float]:
    return [float(case["image"].mean()) for case in dataset]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_each_case_is_computed_once(items, log, tmp_path, num_workers):
    cache = tmp_path / "made" / "cache"
    dataset = cached_dataset(items, Compose([Read(log)]), cache, num_workers)
    assert sorted(calls(log)) == ["P1", "P2", "P3"]
    assert levels(dataset) == [10, 20, 30]
    again = cached_dataset(items, Compose([Read(log)]), cache, num_workers)
    assert levels(again) == [10, 20, 30]
    assert [case["case"] for case in again] == ["P1", "P2", "P3"]
    assert calls(log) == []
    assert len(list(cache.iterdir())) == 3


def test_runs_share_what_they_have_in_common(items, log, tmp_path):
    cached_dataset(items[:2], Compose([Read(log)]), tmp_path / "cache")
    calls(log)
    assert levels(cached_dataset(items[1:], Compose([Read(log)]), tmp_path / "cache")) == [20, 30]
    assert calls(log) == ["P3"]


@pytest.mark.parametrize("same", ["size", "time", "size and time"])
def test_a_corrected_image_is_computed_anew(items, log, tmp_path, same):
    cached_dataset(items, Compose([Read(log)]), tmp_path / "cache")
    calls(log)
    file = Path(items[1]["low_energy"])
    size = file.stat().st_size
    if same == "time":
        Image.fromarray(np.full((9, 9), 77, np.uint8)).save(file, compress_level=0)
        os.utime(file, (1_700_000_000, 1_700_000_000))
    else:
        write(file, 77, 1_700_000_000 + (same == "size"))
    assert (file.stat().st_size == size) == ("size" in same)
    assert (file.stat().st_mtime == 1_700_000_000) == ("time" in same)
    assert levels(cached_dataset(items, Compose([Read(log)]), tmp_path / "cache")) == [10, 77, 30]
    assert calls(log) == ["P2"]


class Meanwhile(Transform):
    """Replace or delete the image of the second case, as another program could before it is read."""

    def __init__(self, change: str) -> None:
        self.change = change

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["case"] == "P2":
            file = Path(item["low_energy"])
            file.unlink() if self.change == "deleted" else write(file, 77)
        return item


@pytest.mark.parametrize("change", ["replaced", "deleted"])
@pytest.mark.parametrize("num_workers", [0, 1])
def test_an_image_that_changes_while_it_is_read_gets_no_entry(items, log, tmp_path, num_workers, change):
    file = Path(items[1]["low_energy"])
    during = Compose([Meanwhile(change), Read(log)])
    with pytest.raises(Exception) as caught:
        cached_dataset(items, during, tmp_path / "cache", num_workers)
    if change == "replaced":
        expected = f"{file}: was changed while this run read it; run it again when its content is final"
        assert str(find_input_error(caught.value)) == expected
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_data_sets_that_share_known_files_have_one_content(items, log, tmp_path):
    known = KnownFiles()
    cached_dataset(items, Compose([Read(log)]), tmp_path / "cache", known=known)
    write(Path(items[1]["low_energy"]), 77)
    assert levels(cached_dataset(items, Compose([Read(log)]), tmp_path / "cache", known=known)) == [10, 20, 30]
    assert known.sha256(items[1]["low_energy"]) != file_sha256(items[1]["low_energy"])


def test_other_parameters_of_a_transform_are_other_entries(items, log, tmp_path):
    cached_dataset(items, Compose([Read(log)]), tmp_path / "cache")
    assert levels(cached_dataset(items, Compose([Read(log, 2.0)]), tmp_path / "cache")) == [20, 40, 60]


def test_random_transforms_are_not_frozen_in_the_cache(items, log, tmp_path):
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(8, 6)).save(items[0]["low_energy"])
    transform = Compose([Read(log), RandFlipd("image", prob=0.5, spatial_axis=0)]).set_random_state(0)
    dataset = cached_dataset(items[:1], transform, tmp_path / "cache")
    firsts = {float(dataset[0]["image"][0, 0, 0]) for _ in range(20)}
    assert firsts == {0.0, 42.0}
    assert calls(log) == ["P1"]


def test_an_error_in_the_middle_keeps_what_is_done(items, log, tmp_path):
    Path(items[2]["low_energy"]).write_bytes(b"no image")
    with pytest.raises(RuntimeError, match="applying transform"):
        cached_dataset(items, Compose([Read(log)]), tmp_path / "cache")
    write(Path(items[2]["low_energy"]), 30)
    calls(log)
    assert levels(cached_dataset(items, Compose([Read(log)]), tmp_path / "cache")) == [10, 20, 30]
    assert calls(log) == ["P3"]


def test_what_could_not_be_registered_is_left_out_and_logged(caplog):
    cases = [{"case": f"P{i}", "edge_offset_px": offset} for i, offset in enumerate((0.5, 5.0, 5.1, float("inf")))]
    with caplog.at_level("WARNING", logger="vdes"):
        kept = aligned([*cases, {"case": "P4"}], 5.0)
    assert [case["case"] for case in kept] == ["P0", "P1", "P4"]
    assert [record.getMessage() for record in caplog.records] == [
        "left out, not registered: P2 (breast edges 5.1 px apart)",
        "left out, not registered: P3 (breast edges inf px apart)",
    ]


def test_a_set_without_any_aligned_pair_is_refused():
    with pytest.raises(InputError, match=r"no pair of 2 could be registered to within 1\.5 px"):
        aligned([{"case": "P1", "edge_offset_px": 2.0}, {"case": "P2", "edge_offset_px": 9.0}], 1.5)


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:40] + b"x" + data[41:], lambda _: b""])
def test_a_damaged_entry_is_named_and_made_anew(items, log, tmp_path, caplog, damage):
    cached_dataset(items, Compose([Read(log)]), tmp_path / "cache")
    assert sorted(calls(log)) == ["P1", "P2", "P3"]
    file = sorted((tmp_path / "cache").iterdir())[1]
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    again = cached_dataset(items, Compose([Read(log)]), tmp_path / "cache")
    assert levels(again) == [10.0, 20.0, 30.0]
    assert len(calls(log)) == 1
    assert caplog.messages == [f"{file}: damaged; the case is preprocessed again"]
    assert levels(again) == [10.0, 20.0, 30.0] and not calls(log)
    assert file.read_bytes() == whole
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_an_entry_that_cannot_be_written_is_named(items, log, tmp_path, monkeypatch):
    def full(_file: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"cache/\w+\.pt: cannot be written \(No space left on device\); free space"):
        cached_dataset(items, Compose([Read(log)]), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
