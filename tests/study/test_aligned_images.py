from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vdes.data.datalist import Datalist
from vdes.errors import InputError, find_input_error
from vdes.study.aligned_images import AlignedImages

MASKS = ("breast_mask", "lesion_mask", "des_lesion_mask")


def moved_copy(datalist: Path, folder: Path, by: int) -> Path:
    """Copy the test section with DES images and their masks moved down by some rows, and say nothing of alignment."""
    listed = Datalist.read(datalist).content()
    folder.mkdir()
    for item in listed["test"]:
        for field in ("des", "des_lesion_mask"):
            if item[field] is not None:
                with Image.open(item[field]) as image:
                    pixels = np.roll(np.asarray(image), by, axis=0)
                item[field] = str(folder / Path(item[field]).name)
                Image.fromarray(pixels).save(item[field])
    Datalist.write(folder / "moved.json", listed | {"training": [], "validation": [], "aligned": False})
    return folder / "moved.json"


def test_all_images_of_a_case_lie_on_one_grid(phantoms, virtual):
    images = AlignedImages(phantoms, "test", 64, virtual)
    items = Datalist.read(phantoms).items("test")
    assert len(images) == len(items)
    assert [case["case"] for case in images] == [item["case"] for item in items]
    noise = {name: [] for name in virtual}
    for case, item in zip(images, items, strict=True):
        assert (case["patient"], case["view"], case["pathology"]) == (item["patient"], item["view"], item["pathology"])
        assert case["registered"]
        assert case["mirrored"] == (item["laterality"] == "R")
        for key in ("low_energy", "des", "virtual_des-quiet", "virtual_des-loud"):
            assert case[key].shape == (1, 64, 48)
            assert case[key].dtype == torch.float32
            assert 0 <= case[key].min() < case[key].max() <= 1
        for key in MASKS:
            assert case[key].shape == (1, 64, 48)
        assert case["lesion_mask"].any() == (item["lesion_mask"] is not None)
        inside = case["breast_mask"] > 0
        rows, columns = case["content"]
        assert not inside[:, rows:].any()
        assert not inside[:, :, columns:].any()
        assert inside[:, :, columns - 1].any() or inside[:, rows - 1].any()
        for name in virtual:
            assert not case[f"virtual_des-{name}"][~inside].any()
            noise[name].append(float((case[f"virtual_des-{name}"] - case["des"])[inside].std()))
    # two pixels of the file a side are averaged, so the noise falls to less than its .01 and .05
    assert 0.001 < np.mean(noise["quiet"]) < 0.01 < np.mean(noise["loud"]) < 0.05


def test_the_pixel_size_is_that_of_the_grid(phantoms, tmp_path):
    item = Datalist.read(phantoms).items("test")[0]
    case = AlignedImages(phantoms, "test", 64)[0]
    with Image.open(phantoms.parent / item["breast_mask"]) as image:
        area = item["pixel_size_mm"] ** 2 * (np.asarray(image) > 0).sum()
    assert case["pixel_size_mm"] ** 2 * float(case["breast_mask"].sum()) == pytest.approx(
        area, rel=0.1
    )  # a mask of its own

    unknown = json.loads(phantoms.read_text()) | {"pixel_size_mm": None}
    for field in ("low_energy", "des", "lesion_mask", "des_lesion_mask"):
        for listed in (unknown[name] for name in ("training", "validation", "test")):
            for entry in listed:
                entry[field] = entry[field] and str(phantoms.parent / entry[field])
                entry.pop("pixel_size_mm", None)
    Datalist.write(tmp_path / "unknown.json", unknown)
    assert AlignedImages(tmp_path / "unknown.json", "test", 64)[0]["pixel_size_mm"] is None


def test_pairs_not_known_to_be_aligned_are_registered(phantoms, virtual, tmp_path):
    moved = AlignedImages(moved_copy(phantoms, tmp_path / "near", 3), "test", 128, virtual)
    truth = AlignedImages(phantoms, "test", 128, virtual)
    found = [(moved[i], truth[i]) for i in range(2)]
    assert all(case["registered"] for case, _ in found)
    for case, _ in found:  # a virtual image lies on low energy and is not moved
        inside = case["breast_mask"] > 0
        assert (case["virtual_des-quiet"] - case["des"])[inside].abs().mean() < 0.02

    far = AlignedImages(moved_copy(phantoms, tmp_path / "far", 60), "test", 128, virtual)
    assert not far[0]["registered"]


def test_what_does_not_belong_together_is_refused(phantoms, virtual, tmp_path):
    listed = json.loads(virtual["quiet"].read_text())
    first = listed["test"].pop(0)["case"]
    lacking = virtual["quiet"].with_name("lacking.json")
    lacking.write_text(json.dumps(listed))
    with pytest.raises(InputError, match=rf"lacking\.json: no virtual DES of case {first}"):
        AlignedImages(phantoms, "test", 64, {"g": lacking})

    item = Datalist.read(virtual["quiet"]).items("test")[0]
    small = tmp_path / "small.png"
    Image.fromarray(np.zeros((20, 10), np.uint16)).save(small)
    listed = Datalist.read(virtual["quiet"]).content()
    listed["test"][0]["des"] = str(small)
    Datalist.write(tmp_path / "other_size.json", listed)
    images = AlignedImages(phantoms, "test", 64, {"g": tmp_path / "other_size.json"})
    with pytest.raises(RuntimeError) as raised:
        images[0]
    assert f"field virtual_des-g: size (20, 10) (rows, columns) differs from (128, 96) of {item['low_energy']}" in str(
        find_input_error(raised.value)
    )
