import hashlib
import json
from dataclasses import replace

import nibabel
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vdes.data.datalist import SECTIONS, Datalist
from vdes.errors import InputError
from vdes.phantom import generate as module
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

SETTINGS = Settings(6, 0, 128)


def _hashes(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom") / "set"
    generate(out, SETTINGS)
    return out


def _pixels(path):
    return np.asarray(Image.open(path)).astype(float)


def test_datalist_is_read_with_all_its_checks(whole):
    datalist = Datalist.read(whole / "datalist.json").content()
    items = [item for section in SECTIONS for item in datalist[section]]
    assert len(items) == 4 * SETTINGS.patients
    assert all(datalist[section] for section in SECTIONS)
    assert datalist["aligned"] is True
    assert datalist["pixel_size_mm"] == pytest.approx(240 / 128)
    assert datalist["intensity_range"] == {"low_energy": [0, 4095], "des": [0, 4095]}
    for key, value in SETTINGS.record().items():
        assert datalist["phantom"][key] == value
    assert {row["images"] for row in datalist["oracle"]} == {"low_energy", "des", "both"}
    by_patient = {}
    for section in SECTIONS:
        for item in datalist[section]:
            assert by_patient.setdefault(item["patient"], section) == section
        Datalist.read(whole / "datalist.json").section(section)  # opens every header: sizes of masks and images agree


def test_images_have_one_size_and_nothing_outside_the_breast(whole):
    datalist = Datalist.read(whole / "datalist.json").content()
    for item in datalist["training"]:
        breast = _pixels(whole / item["breast_mask"]) > 0
        assert breast.shape == SETTINGS.shape
        for name in ("low_energy", "des"):
            pixels = _pixels(item[name])
            assert pixels.max() <= 4095
            assert (pixels[~breast] == 0).all()
            assert (pixels[breast] > 0).all()
        # the chest wall is at the left edge of a left breast and at the right edge of a right one
        edges = breast[:, 0].mean(), breast[:, -1].mean()
        assert (edges[0] > edges[1]) == (item["laterality"] == "L")


def test_masks_follow_pathology_and_the_truth_tables_positions(whole):
    datalist = Datalist.read(whole / "datalist.json").content()
    truth = pd.read_csv(whole / "truth.csv").set_index("case")
    assert len(truth) == 4 * SETTINGS.patients
    lesions = 0
    for section in SECTIONS:
        for item in datalist[section]:
            row = truth.loc[item["case"]]
            assert row["split"] == section
            assert row["pathology"] == item["pathology"]
            if item["pathology"] == "normal":
                assert item["lesion_mask"] is None
                assert np.isnan(row["morphology_score"])
                continue
            lesions += 1
            mask = _pixels(item["lesion_mask"]) > 0
            assert item["des_lesion_mask"] == item["lesion_mask"]
            assert mask.sum() * SETTINGS.pixel_mm**2 == pytest.approx(row["lesion_area_mm2"])
            centre = (np.argwhere(mask) + 0.5).mean(axis=0) * SETTINGS.pixel_mm
            place = row["lesion_row_mm"], row["lesion_column_mm"]
            assert np.hypot(*(centre - place)) < max(0.3 * row["diameter_mm"], 3.0)
    assert lesions >= 4
    # one lesion a patient, seen in two views of one breast
    affected = truth[truth["pathology"] != "normal"]
    assert (affected.groupby("patient")["view"].apply(set) == {"CC", "MLO"}).all()
    assert (affected.groupby("patient")["laterality"].nunique() == 1).all()


def test_stored_physical_values_agree_with_the_scales(whole):
    datalist = Datalist.read(whole / "datalist.json").content()
    scale = datalist["physical_scales"]["iodine"]
    truth = pd.read_csv(whole / "truth.csv").set_index("case")
    item = next(item for section in SECTIONS for item in datalist[section] if item["enhances"])
    iodine = _pixels(whole / item["iodine"]) * scale["step"] + scale["offset"]
    mask = _pixels(item["lesion_mask"]) > 0
    assert np.percentile(iodine[mask], 85) == pytest.approx(truth.loc[item["case"], "iodine_mg_cm2"], rel=0.6)


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_number_of_workers(whole, tmp_path):
    generate(tmp_path / "set", SETTINGS, workers=2)
    assert _hashes(tmp_path / "set") == _hashes(whole)


def test_an_interrupted_run_is_resumed_and_ends_the_same(whole, tmp_path, monkeypatch):
    out = tmp_path / "set"
    real, done = module.write_patient, []

    def interrupted(folder, index, settings):
        if len(done) == 3:
            raise KeyboardInterrupt
        real(folder, index, settings)
        done.append(index)

    monkeypatch.setattr(module, "write_patient", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(out, SETTINGS)
    assert not (out / "datalist.json").exists()
    assert not (out / "truth.csv").exists()
    # a patient that was cut off half way leaves images without a record
    (out / "images" / "P4").mkdir(exist_ok=True)
    (out / "images" / "P4" / "P4_L_CC_des.png").write_bytes(b"half")

    done.clear()
    monkeypatch.setattr(module, "write_patient", lambda *a: (real(*a), done.append(a[1])))
    generate(out, SETTINGS)
    assert done == [3, 4, 5]
    assert _hashes(out) == _hashes(whole)


def test_a_patient_is_the_same_in_a_larger_set(whole, tmp_path):
    generate(tmp_path / "set", replace(SETTINGS, patients=3))
    large = _hashes(whole)
    small = {name: value for name, value in _hashes(tmp_path / "set").items() if name.startswith("images/")}
    assert small
    assert all(large[name] == value for name, value in small.items())


def test_another_seed_gives_other_images(whole, tmp_path):
    generate(tmp_path / "set", replace(SETTINGS, patients=3, seed=1))
    assert _hashes(tmp_path / "set")["images/P1/P1_L_CC_des.png"] != _hashes(whole)["images/P1/P1_L_CC_des.png"]


def test_a_folder_in_use_is_refused_and_left_as_it_was(whole, tmp_path):
    before = _hashes(whole)
    with pytest.raises(InputError, match=r"holds a phantom set already; pass --overwrite"):
        generate(whole, SETTINGS)
    assert _hashes(whole) == before

    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"holds other files; expected a folder that is empty"):
            generate(foreign, SETTINGS, overwrite=overwrite)
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]

    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(InputError, match=r"is a file; expected the name of a folder"):
        generate(file, SETTINGS)


def test_an_unfinished_set_of_other_settings_is_refused(tmp_path, monkeypatch):
    out = tmp_path / "set"

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_patient", interrupted)
        with pytest.raises(KeyboardInterrupt):
            generate(out, SETTINGS)
    with pytest.raises(InputError, match=r"holds an unfinished set with seed 0; expected 7 to go on"):
        generate(out, replace(SETTINGS, seed=7))
    generate(out, replace(SETTINGS, seed=7, patients=3), overwrite=True)
    assert Datalist.read(out / "datalist.json").content()["phantom"]["seed"] == 7


def test_overwrite_replaces_a_set(tmp_path):
    out = tmp_path / "set"
    generate(out, replace(SETTINGS, patients=4))
    generate(out, replace(SETTINGS, patients=3), overwrite=True)
    assert sorted(path.name for path in (out / "images").iterdir()) == ["P1", "P2", "P3"]
    assert not (out / ".progress").exists()


def test_a_folder_that_cannot_be_made_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        generate(tmp_path / "file" / "set", SETTINGS)


def test_no_workers_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"workers: 0; expected 1 or more"):
        generate(tmp_path / "set", SETTINGS, workers=0)


def test_nifti_holds_the_same_pixels(whole, tmp_path):
    generate(tmp_path / "set", replace(SETTINGS, patients=3, format="nifti"))
    path = tmp_path / "set" / "images" / "P1" / "P1_R_MLO_low_energy.nii.gz"
    stored = nibabel.load(path).get_fdata().T
    assert np.array_equal(stored, _pixels(whole / "images" / "P1" / "P1_R_MLO_low_energy.png"))
    Datalist.read(tmp_path / "set" / "datalist.json").section("training")
    datalist = json.loads((tmp_path / "set" / "datalist.json").read_text())
    assert datalist["physical_scales"]["iodine"]["step"] == 1.0
