from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vdes.data.cdd_cesm.datalist import write_cdd_cesm
from vdes.data.cdd_cesm.settings import CddCesmSettings
from vdes.data.datalist import Datalist
from vdes.errors import InputError


def items(path: Path) -> dict[str, dict]:
    datalist = Datalist.read(path).content()
    return {item["case"]: item for name in ("training", "validation", "test") for item in datalist[name]}


def test_datalist_reads_back_with_masks_of_the_images_own_size(official, tmp_path: Path) -> None:
    output = tmp_path / "d.json"
    write_cdd_cesm(official.path, output)
    found = items(output)
    assert len(found) == 26
    assert found["P2_L_CC"]["lesion_mask"] == str(tmp_path / "d_masks" / "low_energy" / "P2_L_CC.png")
    with Image.open(found["P2_L_CC"]["lesion_mask"]) as image:
        mask = np.asarray(image.convert("L"))
    expected = np.zeros((40, 24), np.uint8)
    expected[6:16, 4:12] = 255
    np.testing.assert_array_equal(mask, expected)
    with Image.open(found["P2_L_CC"]["des_lesion_mask"]) as image:
        clipped = np.asarray(image)
    # from column -2 to 3: the three columns inside the image
    assert clipped.shape == (44, 26) and np.argwhere(clipped).min(axis=0).tolist() == [5, 0]
    assert int((clipped > 0).sum()) == 4 * 3
    assert found["P11_R_CC"]["lesion_mask"] is None and found["P11_R_CC"]["lesion_points"] == [[11, 7]]
    assert found["P8_L_MLO_2"]["lesion_mask"] is not None and found["P8_L_MLO_2"]["des_lesion_mask"] is None


def test_datalist_moves_with_its_images(official, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    official.path.rename(home / "official")
    write_cdd_cesm(home / "official", home / "d.json")
    home.rename(tmp_path / "elsewhere")
    assert len(Datalist.read(tmp_path / "elsewhere" / "d.json").section("training")) > 0


def test_split_and_report_are_recorded(official, tmp_path: Path) -> None:
    write_cdd_cesm(official.path, tmp_path / "d.json", CddCesmSettings(seed=3, test_fraction=0.25))
    datalist = Datalist.read(tmp_path / "d.json").content()
    assert datalist["split"]["seed"] == 3 and datalist["split"]["test_fraction"] == 0.25
    assert datalist["split"]["method"] == "hold-out"
    assert datalist["report"]["annotations"] == "Radiology-manual-annotations.csv"
    assert len({item["patient"] for item in datalist["test"]}) == 3


def test_same_command_writes_the_same_bytes(official, tmp_path: Path) -> None:
    write_cdd_cesm(official.path, tmp_path / "d.json")
    first = (tmp_path / "d.json").read_bytes()
    write_cdd_cesm(official.path, tmp_path / "d.json", overwrite=True)
    assert (tmp_path / "d.json").read_bytes() == first


def test_folds_share_the_masks_and_their_tests_cover_every_case_once(official, tmp_path: Path) -> None:
    written = write_cdd_cesm(official.path, tmp_path / "d.json", CddCesmSettings(folds=3))
    assert [path.name for path in written] == ["d_fold0.json", "d_fold1.json", "d_fold2.json"]
    assert not (tmp_path / "d.json").exists()
    tests = [item["case"] for path in written for item in Datalist.read(path).items("test")]
    assert sorted(tests) == sorted(items(tmp_path / "d_fold0.json"))
    masks = {items(path)["P2_L_CC"]["lesion_mask"] for path in written}
    assert masks == {str(tmp_path / "d_masks" / "low_energy" / "P2_L_CC.png")}
    assert Datalist.read(tmp_path / "d_fold2.json").content()["split"]["fold"] == 2


def test_existing_output_or_masks_are_refused_and_kept(official, tmp_path: Path) -> None:
    (tmp_path / "d_masks").mkdir()
    (tmp_path / "d_masks" / "mine.png").write_text("mine")
    with pytest.raises(InputError, match="d_masks: exists already; pass --overwrite"):
        write_cdd_cesm(official.path, tmp_path / "d.json")
    assert not (tmp_path / "d.json").exists()
    assert (tmp_path / "d_masks" / "mine.png").read_text() == "mine"
    write_cdd_cesm(official.path, tmp_path / "d.json", overwrite=True)
    assert not (tmp_path / "d_masks" / "mine.png").exists()
    assert len(items(tmp_path / "d.json")) == 26


def test_without_shapes_there_is_no_masks_folder(official, tmp_path: Path) -> None:
    official.regions = []
    official.save()
    write_cdd_cesm(official.path, tmp_path / "d.json")
    assert not (tmp_path / "d_masks").exists()


def test_output_is_a_json_file(official, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"d\.csv: expected the name of a datalist"):
        write_cdd_cesm(official.path, tmp_path / "d.csv")


def test_patients_of_another_datalist_keep_their_sections(official, tmp_path: Path) -> None:
    (first,) = write_cdd_cesm(official.path, tmp_path / "first.json", CddCesmSettings(seed=1)).values()
    (second,) = write_cdd_cesm(
        official.path, tmp_path / "second.json", CddCesmSettings(seed=2, splits_of=tmp_path / "first.json")
    ).values()
    assert second.patients == first.patients
    assert second.split["patients_kept_from_another_datalist"] == 12


def test_splits_of_another_datalist_do_not_go_with_folds(official, tmp_path: Path) -> None:
    write_cdd_cesm(official.path, tmp_path / "first.json")
    with pytest.raises(InputError, match=r"first\.json: its splits can be kept in a hold-out split only"):
        write_cdd_cesm(
            official.path, tmp_path / "second.json", CddCesmSettings(folds=3, splits_of=tmp_path / "first.json")
        )
