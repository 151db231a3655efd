from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vdes.data.cdd_cesm.annotations import read_annotations
from vdes.data.cdd_cesm.folder import read_cdd_cesm
from vdes.data.cdd_cesm.names import parse_name
from vdes.data.cdd_cesm.via import read_via_csv, render
from vdes.errors import InputError


def entry(report: list[dict], start: str) -> dict:
    """The report's entry whose text starts so; its absence fails the test."""
    return next(entry for entry in report if entry["what"].startswith(start))


def by_case(official, **options) -> dict[str, dict]:
    return {item["case"]: item for item in read_cdd_cesm(official.path, **options).items}


def test_every_pair_is_an_item_with_its_fields(official) -> None:
    items = by_case(official)
    assert len(items) == 26
    item = items["P2_L_CC"]
    assert item["patient"] == "P2" and item["laterality"] == "L" and item["view"] == "CC"
    assert Path(item["low_energy"]) == official.image("P2_L_DM_CC").absolute()
    assert Path(item["des"]) == official.image("P2_L_CM_CC").absolute()
    assert (item["pathology"], item["malignant"], item["density"], item["birads"]) == ("malignant", 1, "c", 4)
    assert (item["age"], item["findings"], item["tags"], item["machine"]) == (42, "mass", "mass", 1)
    assert items["P4_L_CC"]["density"] is None
    assert {"P5_R_MLO", "P5_R_MLO_2", "P8_L_MLO", "P8_L_MLO_2"} <= items.keys()


def test_the_label_option_names_the_row_that_is_used(official) -> None:
    assert by_case(official)["P1_R_CC"]["pathology"] == "normal"
    assert by_case(official, label="low_energy")["P1_R_CC"]["pathology"] == "benign"
    notes = read_cdd_cesm(official.path).report["notes"]
    assert entry(notes, "cases whose two rows differ")["names"] == ["P1_R_CC"]


def test_points_are_kept_and_shapes_go_with_the_size_of_their_own_image(official) -> None:
    data = read_cdd_cesm(official.path)
    points = {item["case"]: item["lesion_points"] for item in data.items if item["lesion_points"]}
    assert points == {"P11_R_CC": [[11, 7]]}
    sizes = {(outline.case, outline.modality): (outline.height, outline.width) for outline in data.outlines}
    assert sizes["P2_L_CC", "low_energy"] == (40, 24) and sizes["P2_L_CC", "des"] == (44, 26)
    assert ("P5_R_MLO_2", "low_energy") in sizes and ("P8_L_MLO_2", "low_energy") in sizes


def smaller(official, folder: Path) -> Path:
    """Copies of the images at half the rows, and the annotations; no segmentations."""
    for file in official.path.rglob("*.jpg"):
        copy = folder / file.relative_to(official.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as image:
            image.resize((image.width, image.height // 2)).save(copy)
    shutil.copy(official.path / "Radiology-manual-annotations.csv", folder)
    return folder


def test_shapes_drawn_on_images_of_another_size_are_brought_to_these(official, tmp_path: Path) -> None:
    folder = smaller(official, tmp_path / "small")
    data = read_cdd_cesm(folder, drawn_on=official.path)
    found = {(outline.case, outline.modality): outline for outline in data.outlines}
    for outline in read_cdd_cesm(official.path).outlines:
        other = found[outline.case, outline.modality]
        assert (other.height, other.width) == (outline.height // 2, outline.width)
        whole, half = (render(o.shapes, o.height, o.width) for o in (outline, other))
        if whole is not None:
            assert (half > 0).sum() == pytest.approx((whole > 0).sum() / 2, rel=0.12)
    assert {item["case"]: item["lesion_points"] for item in data.items}["P11_R_CC"] == [[5, 7]]
    assert data.report["segmentations"] == "Radiology_hand_drawn_segmentations_v2.csv"
    assert not [note for note in data.report["notes"] if "another file size" in note["what"]]


def test_shapes_whose_own_image_is_missing_are_left_out_by_name(official, tmp_path: Path) -> None:
    folder = smaller(official, tmp_path / "small")
    official.image("P2_L_DM_CC").unlink()
    data = read_cdd_cesm(folder, drawn_on=official.path)
    assert entry(data.report["left_out"], "shapes of images that are not in the folder")["names"] == ["P2_L_DM_CC.jpg"]
    assert ("P2_L_CC", "low_energy") not in {(outline.case, outline.modality) for outline in data.outlines}
    for file in official.path.rglob("*.jpg"):
        file.unlink()
    with pytest.raises(InputError, match="none of the images is in it"):
        read_cdd_cesm(folder, drawn_on=official.path)
    next(official.path.glob("*segmentations*")).unlink()
    with pytest.raises(InputError, match=r"no 'Radiology.*segmentations.*csv' in it; pass --segmentations FILE"):
        read_cdd_cesm(folder, drawn_on=official.path)


def test_bit_depth_gives_the_range(official) -> None:
    assert read_cdd_cesm(official.path).intensity_range == {"low_energy": [0, 255], "des": [0, 255]}
    for file in list((official.path / "Subtracted images of CDD-CESM").iterdir()):
        with Image.open(file) as image:
            pixels = np.asarray(image).astype(np.uint16) * 257
        Image.fromarray(pixels).save(file.with_suffix(".png"))
        file.unlink()
    assert read_cdd_cesm(official.path).intensity_range == {"low_energy": [0, 255], "des": [0, 65535]}


def test_left_out_images_are_reported_with_the_reason(official) -> None:
    official.image("P3_R_DM_CC").unlink()
    official.rows = [row for row in official.rows if row["Image_name"] != "P7_R_CM_MLO"]
    official.regions.append(("P12_L_CM_CC.jpg", official.regions[0][1]))
    official.save()
    official.image("P12_L_CM_CC").unlink()
    low_energy = official.path / "Low energy images of CDD-CESM"
    Image.new("L", (8, 8)).save(low_energy / "calibration.png")
    Image.new("L", (8, 8)).save(low_energy / "P1_L_CM_CC.png")
    (low_energy / "Thumbs.db").write_bytes(b"x")
    data = read_cdd_cesm(official.path)
    left_out = data.report["left_out"]
    assert entry(left_out, "image files whose name is not")["names"] == ["calibration.png"]
    assert entry(left_out, "image files in the folder of the other")["names"] == ["P1_L_CM_CC.png"]
    assert entry(left_out, "images without an annotation row")["names"] == ["P7_R_CM_MLO.jpg"]
    assert sorted(entry(left_out, "annotation rows without an image")["names"]) == ["P12_L_CM_CC", "P3_R_DM_CC"]
    unpaired = entry(left_out, "images without a partner")
    assert sorted(unpaired["names"]) == ["P12_L_DM_CC.jpg", "P3_R_CM_CC.jpg", "P7_R_DM_MLO.jpg"]
    assert unpaired["count"] == 3
    assert entry(left_out, "shapes of images that are not used")["names"] == ["P12_L_CM_CC.jpg"]
    assert len(data.items) == 23


def test_unpaired_images_are_kept_on_request(official) -> None:
    official.image("P3_R_DM_CC").unlink()
    item = by_case(official, include_unpaired=True)["P3_R_CC"]
    assert item["low_energy"] is None and item["des"] is not None and item["pathology"] == "normal"


def test_notes_count_undrawn_and_unexpectedly_drawn_images(official) -> None:
    official.regions.append(("P3_R_DM_CC.jpg", official.regions[0][1]))
    official.save()
    notes = read_cdd_cesm(official.path).report["notes"]
    assert entry(notes, "images labelled normal with")["names"] == ["P3_R_DM_CC.jpg"]
    abnormal = sum(row["Pathology Classification/ Follow up"] != "Normal" for row in official.rows)
    assert entry(notes, "images labelled benign or malignant without")["count"] == abnormal - 5


def test_images_saved_anew_since_they_were_drawn_on_are_noted(official) -> None:
    with official.image("P2_L_DM_CC").open("ab") as stream:
        stream.write(b"more")
    notes = read_cdd_cesm(official.path).report["notes"]
    assert entry(notes, "images of another file size")["names"] == ["P2_L_DM_CC.jpg"]


def test_given_files_take_the_place_of_those_in_the_folder(official, tmp_path: Path) -> None:
    (official.path / "Radiology-manual-annotations.csv").rename(tmp_path / "a.csv")
    (official.path / "Radiology_hand_drawn_segmentations_v2.csv").rename(tmp_path / "x.csv")
    data = read_cdd_cesm(official.path, annotations=tmp_path / "a.csv", segmentations=tmp_path / "x.csv")
    assert (data.report["annotations"], data.report["segmentations"]) == ("a.csv", "x.csv")
    assert len(data.outlines) == 5


def test_without_segmentations_there_are_no_outlines(official) -> None:
    (official.path / "Radiology_hand_drawn_segmentations_v2.csv").unlink()
    data = read_cdd_cesm(official.path)
    assert data.outlines == [] and data.report["segmentations"] is None


def test_two_annotation_files_need_a_choice(official) -> None:
    (official.path / "Radiology-manual-annotations-v2.csv").write_text("x")
    with pytest.raises(InputError, match=r"both .* and .* match .* pass the right one as --annotations"):
        read_cdd_cesm(official.path)


def test_single_images_only_are_an_error_that_names_the_option(official) -> None:
    for file in (official.path / "Low energy images of CDD-CESM").iterdir():
        file.unlink()
    with pytest.raises(InputError, match=r"none of the 26 images has a partner .* --include-unpaired"):
        read_cdd_cesm(official.path)
    assert len(read_cdd_cesm(official.path, include_unpaired=True).items) == 26


def test_two_drawings_of_one_view_are_an_error(official) -> None:
    official.regions.append(("P8_L_DM_MLO_2.jpg", official.regions[0][1]))
    Image.new("L", (24, 40)).save(official.image("P8_L_DM_MLO_2"))
    official.save()
    official.image("P8_L_DM_MLO_2").unlink()
    with pytest.raises(InputError, match=r"'P8_L_DM_MLO_2\.jpg' and 'P8_L_DM_MLO2\.jpg' are one view"):
        read_cdd_cesm(official.path)


@pytest.mark.cdd_cesm
def test_official_segmentations_give_the_expected_counts(cdd_cesm: Path) -> None:
    folder = cdd_cesm / "annotations"
    expected = json.loads((folder / "expected_stats.json").read_text())["segmentation"]
    drawn = read_via_csv(folder / "Radiology_hand_drawn_segmentations_v2.csv")
    labels = {
        (row.key, row.modality): row.pathology for row in read_annotations(folder / "Radiology-manual-annotations.csv")
    }
    images = [parse_name(name.removesuffix(".jpg")) for name in drawn]
    modalities = Counter(image[1] for image in images if image)
    found = {
        "rows": sum(len(image.shapes) for image in drawn.values()),
        "files": len(drawn),
        "DM_files": modalities["low_energy"],
        "CM_files": modalities["des"],
        "shapes": dict(Counter(shape.kind for image in drawn.values() for shape in image.shapes)),
        "labels": dict(Counter(labels[image].capitalize() for image in images if image)),
    }
    assert found == expected


@pytest.mark.cdd_cesm
def test_development_images_are_read_whole(cdd_cesm: Path) -> None:
    pairs = read_cdd_cesm(cdd_cesm / "pairs")
    assert len(pairs.items) == 210 and len({item["patient"] for item in pairs.items}) == 113
    assert pairs.report["left_out"] == [] and len(pairs.outlines) == 420
    single = read_cdd_cesm(cdd_cesm / "des_only", include_unpaired=True)
    assert Counter(item["pathology"] for item in single.items) == {"normal": 258, "benign": 162, "malignant": 215}
