from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest
import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.nn.functional import l1_loss

from vdes.data.cdd_cesm.datalist import write_cdd_cesm
from vdes.data.datalist import Datalist
from vdes.data.dicom_folder.datalist import write_dicom_datalist
from vdes.data.training_record import check_trained_on, known_record
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.dicom import read_mammogram
from vdes.dicom.deidentify import mapped_uid
from vdes.errors import InputError, find_input_error
from vdes.networks.virtual_des_unet import VirtualDesUNet
from vdes.networks.weights import load_weights
from vdes.transforms.breast_mask import BreastMask
from vdes.transforms.read_mammogram import ReadMammogram

# instead of the network: what comes out is what went in, so that any slip of the geometry shows
IDENTITY: dict[str, Any] = {"network_def": {"_target_": "torch.nn.Identity"}, "ckpt_path": "$None"}

# stochastic depth draws which blocks an image passes; without it two runs see the same network
WHOLE = (
    "$[setattr(part, 'drop_connect_rate', 0.0) for part in @network.modules() if hasattr(part, 'drop_connect_rate')]"
)


@pytest.fixture(scope="module")
def bundle(bundles: Path) -> Path:
    return bundles / "breast_cesm_virtual_des_unet"


@pytest.fixture(scope="module")
def knobs() -> dict[str, Any]:
    return {"height": 96}


@pytest.fixture(scope="module")
def training() -> dict[str, Any]:
    return {"encoder_weights": "none", "epochs": 3, "batch_size": 2, "learning_rate": 0.01}


def state(run_folder: Path) -> dict[str, Any]:
    return torch.load(run_folder / "last.pt", weights_only=True)


def differing(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> list[str]:
    """Return the entries of two state dicts that are not the same, bit for bit."""
    assert one.keys() == other.keys() and one
    return [name for name in one if not torch.equal(one[name], other[name])]


def assert_same_training(one: Path, other: Path) -> None:
    before, after = state(one), state(other)
    assert differing(before["network"], after["network"]) == []
    assert differing(before["ema"], after["ema"]) == []
    assert before["progress"] == after["progress"]
    assert differing(*(torch.load(folder / "model.pt", weights_only=True) for folder in (one, other))) == []


def pixels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file))


def folder_of(folder: Path, *files: Path) -> Path:
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    return folder


# ---- the workflows ---------------------------------------------------------------------------------------------------


def test_all_workflows_have_the_ids_that_monai_wants(run, pairs, trained, cache_dir, tmp_path, training):
    common = {"dataset_dir": str(pairs), "cache_dir": str(cache_dir)}
    weights = {"ckpt_path": str(trained / "model.pt")}
    idle = {"run": [], "output_dir": str(tmp_path)}
    workflows = {
        "train": run("train", **training, **common, **idle),
        "evaluate": run("train", "evaluate", **common, **weights, **idle),
        "inference": run("inference", workflow_type="infer", **common, **weights, **idle),
    }
    assert {name: workflow.check_properties() for name, workflow in workflows.items()} == {
        "train": [],
        "evaluate": [],
        "inference": [],
    }


# ---- training --------------------------------------------------------------------------------------------------------


def test_training_leaves_weights_a_checkpoint_and_curves(trained, training):
    before, after = VirtualDesUNet().state_dict(), load_weights(VirtualDesUNet(), trained / "model.pt").state_dict()
    assert "encoder._conv_stem.weight" in differing(before, after)
    progress = state(trained)["progress"]
    assert progress["epoch"] == training["epochs"] and progress["iteration"] == 3 * training["epochs"]
    # the best validated weights were kept, and in this run they are the last
    assert progress["best_metric_epoch"] == training["epochs"]
    assert differing(state(trained)["ema"], torch.load(trained / "model.pt", weights_only=True)) == []
    curves: dict[str, list[float]] = {}
    for file in (trained / "tensorboard").iterdir():
        events = EventAccumulator(str(file)).Reload()
        curves |= {tag: [event.value for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert len(curves["train_loss"]) == progress["iteration"] and len(curves["psnr_breast"]) == progress["epoch"]
    assert max(curves["psnr_breast"]) == pytest.approx(progress["best_metric"])
    assert not [file for file in trained.rglob("*") if file.name.startswith(".")]


def test_the_same_command_gives_the_same_weights(run, pairs, trained, cache_dir, tmp_path, training):
    run("train", dataset_dir=str(pairs), output_dir=str(tmp_path), cache_dir=str(cache_dir), **training)
    assert_same_training(trained, tmp_path)
    other = tmp_path / "other"
    knobs = {**training, "epochs": 1}
    run("train", dataset_dir=str(pairs), output_dir=str(other), cache_dir=str(cache_dir), seed=1, **knobs)
    assert differing(state(trained)["network"], state(other)["network"])


def test_the_weights_do_not_depend_on_what_was_cached(run, pairs, cache_dir, trained, tmp_path, training):
    """Such as after a run that was killed before its first checkpoint."""
    for name, cache in (("cold", tmp_path / "cache"), ("warm", cache_dir)):
        knobs = {**training, "epochs": 1, "num_workers": 1, "cache_dir": str(cache)}
        run("train", dataset_dir=str(pairs), output_dir=str(tmp_path / name), **knobs)
    assert_same_training(tmp_path / "cold", tmp_path / "warm")


def test_training_goes_on_from_initial_weights(run, pairs, trained, cache_dir, tmp_path, training):
    """At a learning rate of 0 the weights stay what they were when the training began."""
    knobs = {**training, "epochs": 1, "learning_rate": 0.0, "initial_weights": str(trained / "model.pt")}
    run("train", dataset_dir=str(pairs), output_dir=str(tmp_path), cache_dir=str(cache_dir), **knobs)
    trainable = dict(VirtualDesUNet().named_parameters()).keys()
    changed = differing(state(trained)["ema"], state(tmp_path)["network"])
    assert not trainable & set(changed)
    assert all("running" in name or "num_batches" in name for name in changed)


def test_a_killed_training_ends_as_if_it_had_not_been(
    run, killed_program, pairs, trained, cache_dir, tmp_path, training
):
    knobs = {"dataset_dir": str(pairs), "output_dir": str(tmp_path), "cache_dir": str(cache_dir), **training}
    killed_program(tmp_path / "last.pt", "train", **knobs)
    assert 1 <= state(tmp_path)["progress"]["epoch"] < training["epochs"]
    run("train", **knobs)
    assert_same_training(trained, tmp_path)
    with pytest.raises(Exception) as error:
        run("train", **{**knobs, "resume": "false"})  # as the command line hands it over
    assert "last.pt: exists already; pass --resume true" in str(find_input_error(error.value))
    assert_same_training(trained, tmp_path)


def test_a_run_with_another_setting_is_refused_by_its_name(run, refusal, pairs, listed, trained, cache_dir, training):
    """Before the first step; and a change that decides nothing is not refused."""
    before = (trained / "last.pt").read_bytes()
    same = {**training, "dataset_dir": str(pairs), "output_dir": str(trained), "cache_dir": str(cache_dir)}

    def fewer(datalist: dict[str, Any]) -> None:
        del datalist["training"][0]

    for change, message in (
        (
            {"learning_rate": 0.02},
            "learning_rate: the run was started with 0.01, now 0.02; expected the same; or start",
        ),
        ({"batch_size": 3}, "batch_size: the run was started with 2, now 3"),
        ({"val_interval": 2}, "val_interval: the run was started with 1, now 2"),
        (
            {"loss": {"_target_": "torch.nn.L1Loss"}},
            "loss#_target_: the run was started with vdes.losses.sum_of_losses",
        ),
        ({"initial_weights": str(trained / "model.pt")}, "initial_weights: the run was started with nothing, now "),
        ({"dataset_dir": str(listed(fewer))}, "dataset_dir: not the training and validation data that the run was "),
    ):
        assert refusal("train", **{**same, **change}).startswith(f"{trained / 'last.pt'}: {message}")
    run("train", **{**same, "dataset_dir": str(listed()), "resume": "true"})  # the same data elsewhere
    assert (trained / "last.pt").read_bytes() == before


@pytest.mark.parametrize("name", ["contrast_weight", "lesion_weight"])
def test_a_loss_of_lesions_needs_drawn_lesions(run, refusal, listed, tmp_path, training, name, caplog):
    def not_drawn(datalist: dict[str, Any]) -> None:
        for item in datalist["training"]:
            item |= {"lesion_mask": None, "des_lesion_mask": None}

    plain = str(listed(not_drawn))
    told = refusal("train", dataset_dir=plain, cache_dir=str(tmp_path / "cache"), **{name: 0.5})
    assert told == f"{name}: 0.5, but the training section has no lesion_mask; expected lesions, or 0"


def test_a_training_without_a_step_is_refused_and_the_last_epoch_is_validated(
    run, pairs, cache_dir, tmp_path, training
):
    common = {**training, "dataset_dir": str(pairs), "cache_dir": str(cache_dir)}
    with pytest.raises(Exception) as caught:
        run("train", **{**common, "batch_size": 7, "output_dir": str(tmp_path / "none")})
    message = "batch_size: the 6 images of training make no batch for each of 1 processes; expected smaller batches"
    assert str(find_input_error(caught.value)).startswith(message)
    assert not list((tmp_path / "none").glob("*.pt"))
    run("train", **{**common, "epochs": 1, "val_interval": 5, "output_dir": str(tmp_path / "run")})
    assert (tmp_path / "run" / "model.pt").is_file()
    assert state(tmp_path / "run")["progress"]["best_metric_epoch"] == 1


def test_weights_inherit_what_their_ancestors_have_seen(run, pairs, trained, cache_dir, tmp_path, training):
    """Trained on fold A and then on fold B, they have seen both."""
    content = Datalist.read(pairs).content()
    other = Datalist.write(tmp_path / "b.json", {**content, "training": content["test"], "test": content["training"]})
    knobs = {**training, "epochs": 1, "initial_weights": str(trained / "model.pt"), "cache_dir": str(cache_dir)}
    run("train", dataset_dir=str(other.path), output_dir=str(tmp_path / "run"), **knobs)
    with pytest.raises(InputError) as caught:
        check_trained_on(tmp_path / "run" / "model.pt", other.items("test"), "b.json")
    assert "trained or validated on 6 of the 6 test images of b.json by its ancestor initial_weights" in str(
        caught.value
    )


def test_a_finished_run_whose_weights_were_lost_or_replaced_does_not_end_well(
    run, pairs, trained, cache_dir, tmp_path, training
):
    shutil.copytree(trained, tmp_path / "run")
    knobs = {"dataset_dir": str(pairs), "output_dir": str(tmp_path / "run"), "cache_dir": str(cache_dir), **training}
    weights = tmp_path / "run" / "model.pt"
    whole, record = weights.read_bytes(), weights.with_suffix(".json")
    torch.save(VirtualDesUNet().state_dict(), weights)
    for message in ("model.json is the record of other weights", "no such file", "no record beside them"):
        with pytest.raises(Exception) as caught:
            run("train", **knobs)
        assert str(find_input_error(caught.value)).startswith(f"{weights}: {message}; expected")
        if weights.is_file():
            weights.unlink()
        else:
            weights.write_bytes(whole)
            record.unlink()
    # the weights themselves may be used, and say that nothing is known of them
    weights.write_bytes(whole)
    with pytest.raises(InputError, match="no record beside them"):
        known_record(weights)
    origin = check_trained_on(weights, Datalist.read(pairs).items("test"), "pairs")
    assert not origin.known and origin.told.startswith("unknown (no record beside them)")


@pytest.mark.slow
def test_a_second_training_in_the_folder_is_refused_and_ctrl_c_is_one_line(
    program, command, pairs, cache_dir, tmp_path, training
):
    run_folder = tmp_path / "run"
    knobs = {**training, "epochs": 500, "dataset_dir": str(pairs), "cache_dir": str(cache_dir), "num_workers": 1}
    arguments, environment = command(("train",), {**knobs, "output_dir": str(run_folder)})
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, *arguments],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # background jobs of a shell ignore it
        ) as first,
    ):
        while not (run_folder / "last.pt").exists() and first.poll() is None:
            time.sleep(0.05)
        second = program("train", output_dir=str(run_folder), **knobs)
        os.killpg(first.pid, signal.SIGINT)  # as a terminal does, workers included
        try:
            assert first.wait(60) == 130
        finally:
            first.kill()
    assert second.returncode == 2
    message = f"error: {run_folder}: another process is writing to it; wait for its end, or name another folder"
    assert second.stderr.splitlines()[-1] == message
    printed = (tmp_path / "log").read_text()
    assert printed.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in printed + second.stdout + second.stderr
    assert not list(run_folder.glob(".*"))


def losses_of(workflow: ConfigWorkflow) -> list[tuple[float, float, float]]:
    """Train, and return for each batch its loss, the absolute error of the DES image, and that of all that is named."""
    trainer = workflow.parser.get_parsed_content("train#trainer")
    found = []

    def compare(engine: Engine) -> None:
        pred, batch = engine.state.output["pred"], engine.state.batch
        pred = pred["pred"] if isinstance(pred, dict) else pred
        stacked = torch.cat([batch[key] for key in ("label", "lesion_mask", "breast_mask")], dim=1)
        errors = (l1_loss(pred, batch["label"]), (pred - stacked).abs().mean())
        found.append((engine.state.output["loss"].item(), *(error.item() for error in errors)))

    trainer.add_event_handler(Events.ITERATION_COMPLETED, compare)
    trainer.run()
    return found


def test_a_foreign_loss_is_minimised_on_the_des_image_alone(run, pairs, cache_dir, tmp_path, training):
    knobs = {"dataset_dir": str(pairs), "output_dir": str(tmp_path), "cache_dir": str(cache_dir), **training}
    found = losses_of(run("train", run=[], loss={"_target_": "torch.nn.L1Loss"}, **{**knobs, "epochs": 2}))
    assert len(found) == 6
    for loss, error, stacked in found:
        assert loss == error
        assert abs(loss - stacked) > 0.01
    assert found[-1][0] < found[0][0]


def test_float16_trains_with_a_gradient_scaler_that_the_checkpoint_keeps(run, pairs, cache_dir, tmp_path, training):
    common = {**training, "epochs": 1, "dataset_dir": str(pairs), "cache_dir": str(cache_dir)}
    run("train", output_dir=str(tmp_path), precision="float16", **common)
    assert state(tmp_path)["gradient_scaler"]["scale"] > 1
    assert all(value.isfinite().all() for value in state(tmp_path)["network"].values())


@pytest.mark.slow
def test_two_processes_train_the_same_weights(run, program, steps, pairs, tmp_path, training):
    # parameters only: each process has batch statistics of its own until the next forward pass
    save = "$torch.save(dict(@single.named_parameters()), @output_dir + '/rank' + os.environ['RANK'] + '.pt')"
    knobs = {**training, "epochs": 1, "batch_size": 1, "dataset_dir": str(pairs), "output_dir": str(tmp_path)}
    ends = {"run_id": "train_and_save", "train_and_save": [*steps("train", "multi_gpu_train"), save]}
    done = program("train", "multi_gpu_train", processes=2, **ends, **knobs)
    assert done.returncode == 0, done.stderr[-2000:]
    ranks = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    assert differing(*ranks) == []
    # six pairs, three to each process
    assert state(tmp_path)["progress"]["iteration"] == 3
    start = VirtualDesUNet().state_dict()
    network = load_weights(VirtualDesUNet(), tmp_path / "model.pt").state_dict()
    assert "encoder._conv_stem.weight" in differing(start, network)
    assert differing(ranks[0], {name: state(tmp_path)["network"][name] for name in ranks[0]}) == []
    with pytest.raises(Exception) as caught:
        run("train", **knobs)  # in one process an epoch has more steps
    message = f"{tmp_path / 'last.pt'}: processes: the run was started with 2, now 1; expected the same"
    assert str(find_input_error(caught.value)).startswith(message)


@pytest.mark.slow
def test_two_processes_train_as_one_that_takes_their_shares_in_turn(
    run, program, steps, trained_in_turn, pairs, tmp_path, training
):
    """Not as one that takes both images at once: each process normalises by the statistics of its own images.

    Nothing is drawn, and the steps are plain gradients: Adam makes much of the rounding of a gradient that is 0.
    """
    datalist = json.loads(pairs.read_text())
    datalist["training"] = datalist["training"][2:4]
    listed = pairs.with_name("two.json")
    Datalist.write(listed, datalist, overwrite=True)
    knobs = {**training, "epochs": 2, "dataset_dir": str(listed), "cache_dir": str(tmp_path / "cache")}
    knobs["optimizer"] = {
        "_target_": "torch.optim.SGD",
        "params": "$@network.parameters()",
        "lr": 0.01,
        "momentum": 0.9,
    }
    knobs["train#preprocessing"] = "@validate#preprocessing"
    knobs["elsewhere_weight"] = 0  # its places are drawn
    *prepared, training_itself, _ = steps("train", "multi_gpu_train")
    save = "$dist.get_rank() or torch.save(dict(@single.named_parameters()), @output_dir + '/parameters.pt')"
    ends = {"run_id": "train_and_save", "train_and_save": [*prepared, WHOLE, training_itself, save]}
    shared = {**knobs, "output_dir": str(tmp_path), "batch_size": 1, **ends}
    done = program("train", "multi_gpu_train", processes=2, **shared)
    assert done.returncode == 0, done.stderr[-2000:]
    alone = run("train", run=[WHOLE], output_dir=str(tmp_path / "alone"), **knobs)
    before = {name: value.clone() for name, value in alone.parser.get_parsed_content("network").named_parameters()}
    expected = trained_in_turn(alone, [[item] for item in alone.parser.get_parsed_content("train#dataset")], 2)
    found = torch.load(tmp_path / "parameters.pt", weights_only=True)
    assert len(differing(before, found)) > 0.9 * len(before)
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, rtol=1e-4, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}"
        )


# ---- inference -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["P2_L_CC", "P3_R_CC"])
def test_inference_restores_size_and_orientation(run, pairs, tmp_path, case):
    file = pairs.parent / "low_energy" / f"{case}.png"
    run("inference", workflow_type="infer", dataset_dir=str(file), output_dir=str(tmp_path), **IDENTITY)
    assert [path.name for path in tmp_path.iterdir()] == [f"{case}.png"]
    source, made = pixels(file) / 255, pixels(tmp_path / f"{case}.png")
    assert made.dtype == np.uint16 and made.shape == source.shape
    breast = BreastMask(0.02)(torch.from_numpy(source)[None].float())[0].numpy() > 0
    assert breast[:, :8].any() == (case == "P2_L_CC")
    inside = binary_erosion(breast, iterations=2)
    assert np.abs(made / 65535 - source)[inside].mean() < 0.01
    assert np.corrcoef(made[inside], source[inside])[0, 1] > 0.99
    # one pixel off, and the two would no longer agree as well
    assert np.abs(np.roll(made, 1, axis=1) / 65535 - source)[inside].mean() > 0.02


def test_inference_writes_each_image_of_a_folder(program, pairs, trained, tmp_path):
    """By the command line: 16-bit PNG files, 0 outside the breast, and never over a file that exists."""
    source = pairs.parent / "low_energy"
    knobs = {
        "dataset_dir": str(source),
        "output_dir": str(tmp_path / "made"),
        "ckpt_path": str(trained / "model.pt"),
        "num_workers": 1,
    }
    done = program("inference", **knobs)
    assert done.returncode == 0, done.stderr[-2000:]
    files = sorted(source.iterdir())
    assert sorted(file.name for file in (tmp_path / "made").iterdir()) == [file.name for file in files]
    for file in files:
        with Image.open(tmp_path / "made" / file.name) as image:
            assert image.text["des_range"] == "0 255"
            made = np.asarray(image)
        low_energy = pixels(file)
        assert made.dtype == np.uint16 and made.shape == low_energy.shape
        breast = BreastMask(0.02 * 255)(torch.from_numpy(low_energy)[None].float())[0].numpy() > 0
        assert not made[~binary_dilation(breast, iterations=2)].any()
        assert made[binary_erosion(breast, iterations=2)].all()

    (tmp_path / "made" / "P1_L_CC.png").unlink()
    before = {file.name: file.read_bytes() for file in (tmp_path / "made").iterdir()}
    refused = program("inference", **knobs)
    assert refused.returncode == 2
    [line] = [line for line in (refused.stdout + refused.stderr).splitlines() if "error" in line.lower()]
    assert line == (
        f"error: {tmp_path / 'made' / 'P1_R_CC.png'}: exists already (11 of 12 outputs do); "
        "choose another output folder, or pass --overwrite true to replace them"
    )
    assert "Traceback" not in refused.stdout + refused.stderr
    assert {file.name: file.read_bytes() for file in (tmp_path / "made").iterdir()} == before


def test_inference_of_a_datalist_writes_nifti_in_the_units_of_its_des(run, pairs, trained, tmp_path):
    datalist = json.loads(pairs.read_text()) | {"intensity_range": {"low_energy": [0, 255], "des": [1000, 3000]}}
    listed = pairs.with_name("other_range.json")
    Datalist.write(listed, datalist, overwrite=True)
    weights = {"ckpt_path": str(trained / "model.pt")}
    for extension in (".nii.gz", ".png"):
        knobs = {"dataset_dir": str(listed), "output_dir": str(tmp_path), "output_ext": extension, **weights}
        run("inference", workflow_type="infer", **knobs)
    stems = {item["case"] for section in ("training", "validation", "test") for item in datalist[section]}
    assert {file.name for file in tmp_path.iterdir()} == {stem + ext for stem in stems for ext in (".nii.gz", ".png")}
    for stem in stems:
        volume = nibabel.load(tmp_path / f"{stem}.nii.gz")
        assert volume.get_data_dtype() == np.float32
        assert (volume.header["cal_min"], volume.header["cal_max"]) == (1000, 3000)
        with Image.open(tmp_path / f"{stem}.png") as image:
            assert image.text["des_range"] == "1000 3000"
            levels = np.asarray(image)
        read = ReadMammogram()(tmp_path / f"{stem}.nii.gz")[0].numpy()
        np.testing.assert_allclose(read, 1000 + levels / 65535 * 2000, atol=0.02)


def test_inference_reads_nifti_and_16_bit_files_as_it_reads_png(run, pairs, tmp_path):
    """One image as 8-bit PNG, as NIfTI with a pixel size and as 12-bit values in a 16-bit PNG: one result."""
    file = pairs.parent / "low_energy" / "P3_R_CC.png"
    image = pixels(file)
    nibabel.save(nibabel.Nifti1Image(image.T, np.diag([-0.25, -0.25, 1, 1])), tmp_path / "P3_R_CC.nii.gz")
    Image.fromarray(image.astype(np.uint16) * 16).save(tmp_path / "deep.png")
    made = {}
    for name, source, knobs in (
        ("png", file, {}),
        ("nifti", tmp_path / "P3_R_CC.nii.gz", {"output_ext": ".nii.gz"}),
        ("deep", tmp_path / "deep.png", {"intensity_range": [0, 4080]}),
    ):
        folder = tmp_path / name
        run("inference", workflow_type="infer", dataset_dir=str(source), output_dir=str(folder), **IDENTITY, **knobs)
        [made[name]] = folder.iterdir()
    assert np.array_equal(pixels(made["png"]), pixels(made["deep"]))
    assert Image.open(made["deep"]).text["des_range"] == "0 4080"
    volume = ReadMammogram()(made["nifti"])
    np.testing.assert_allclose(volume[0].numpy() / 255, pixels(made["png"]) / 65535, atol=1e-5)
    assert volume.meta["pixel_size_mm"] == 0.25


def test_inference_of_folders_by_patient_names_images_after_their_cases(run, pairs, tmp_path):
    content = Datalist.read(pairs).content()
    for item in content["test"]:
        (tmp_path / item["patient"]).mkdir(exist_ok=True)
        item["low_energy"] = shutil.copy(item["low_energy"], f"{tmp_path}/{item['patient']}/{item['laterality']}.png")
    listed = Datalist.write(tmp_path / "d.json", {**content, "training": [], "validation": []}).path
    made = tmp_path / "made"
    run("inference", workflow_type="infer", dataset_dir=str(listed), output_dir=str(made), **IDENTITY)
    assert sorted(file.name for file in made.iterdir()) == [f"{item['case']}.png" for item in content["test"]]
    write_virtual_datalist(listed, made, tmp_path / "virtual.json")
    for item in content["test"]:
        source, image = pixels(Path(item["low_energy"])), pixels(made / f"{item['case']}.png")
        assert np.corrcoef(source.ravel(), image.ravel())[0, 1] > 0.99


def test_a_case_that_fails_leaves_no_image_of_an_earlier_run(run, pairs, tmp_path):
    source = pairs.parent / "low_energy"
    knobs = {"workflow_type": "infer", "dataset_dir": str(source), "output_dir": str(tmp_path), **IDENTITY}
    run("inference", **knobs)
    before = {file.name: file.stat().st_ino for file in tmp_path.iterdir()}
    second = sorted(before)[1]
    factors = "$iter([1.0, float('nan')] + [1.0] * 20)"
    broken = {"factors": factors, "inferer": "$lambda image, network: image * next(@factors)"}
    with pytest.raises(Exception) as error:
        run("inference", overwrite=True, **broken, **knobs)
    assert str(find_input_error(error.value)) == (
        f"case {Path(second).stem}: the network's output has values that are not finite; {tmp_path / second}, made of "
        "it by an earlier run, was removed"
    )
    after = {file.name: file.stat().st_ino for file in tmp_path.iterdir()}
    assert after.keys() == before.keys() - {second}
    assert all(after[name] != before[name] for name in after)


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.parametrize("which", [0, 1, -1])
def test_an_image_that_cannot_be_read_stops_its_case_and_no_other(run, pairs, tmp_path, which, num_workers):
    folder, output = tmp_path / "low_energy", tmp_path / "made"
    shutil.copytree(pairs.parent / "low_energy", folder)
    knobs = {"workflow_type": "infer", "dataset_dir": str(folder), "output_dir": str(output), **IDENTITY}
    run("inference", **knobs)
    before = {file.name: file.stat().st_ino for file in output.iterdir()}
    lost = sorted(before)[which]
    Image.fromarray(np.zeros_like(pixels(folder / lost))).save(folder / lost)
    with pytest.raises(Exception) as error:
        run("inference", overwrite=True, num_workers=num_workers, **knobs)
    assert str(find_input_error(error.value)) == (
        f"{folder / lost}: no breast: no pixel above 5.1 (the threshold between air and breast); {output / lost}, made "
        "of it by an earlier run, was removed"
    )
    after = {file.name: file.stat().st_ino for file in output.iterdir()}
    assert after.keys() == before.keys() - {lost}
    assert all(after[name] != before[name] for name in after)


def test_images_that_vanish_in_the_middle_are_named(run, pairs, tmp_path):
    folder, output = tmp_path / "low_energy", tmp_path / "made"
    shutil.copytree(pairs.parent / "low_energy", folder)
    files = sorted(folder.iterdir())
    vanish = {
        "files": [str(file) for file in files[2:]],
        "inferer": "$lambda image, network: [image, "
        "[pathlib.Path(file).unlink(missing_ok=True) for file in @files]][0]",
    }
    with pytest.raises(Exception) as error:
        run("inference", workflow_type="infer", dataset_dir=str(folder), output_dir=str(output), **vanish, **IDENTITY)
    told = str(find_input_error(error.value))
    assert told.startswith(f"{len(files) - 1} cases failed: {files[2]}: no such file; ") or told.startswith(
        f"{len(files) - 2} cases failed: {files[2]}: no such file; "
    )
    assert {file.name for file in output.iterdir()} == {file.name for file in files[:2]}


def test_inference_replaces_outputs_when_told(run, pairs, tmp_path):
    file = pairs.parent / "low_energy" / "P2_L_CC.png"
    knobs = {"dataset_dir": str(file), "output_dir": str(tmp_path), **IDENTITY}
    (tmp_path / file.name).write_text("mine")
    for told in (False, "false"):  # the second is what the command line makes of --overwrite false
        with pytest.raises(Exception) as error:
            run("inference", workflow_type="infer", overwrite=told, **knobs)
        assert "exists already (1 of 1 outputs do)" in str(find_input_error(error.value))
    assert (tmp_path / file.name).read_text() == "mine"
    run("inference", workflow_type="infer", overwrite="true", **knobs)
    assert pixels(tmp_path / file.name).dtype == np.uint16


# ---- evaluation ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evaluation(run, pairs, trained, cache_dir, tmp_path_factory) -> tuple[Path, ConfigWorkflow]:
    folder = tmp_path_factory.mktemp("evaluation")
    knobs = {"dataset_dir": str(pairs), "output_dir": str(folder), "cache_dir": str(cache_dir)}
    return folder, run("train", "evaluate", ckpt_path=str(trained / "model.pt"), **knobs)


def test_evaluation_writes_what_its_cases_say(evaluation, pairs):
    folder, workflow = evaluation
    assert {file.name for file in folder.iterdir()} == {
        "fidelity_per_case.csv",
        "lesions.csv",
        "fidelity.json",
        "fidelity_sheet.png",
    }
    rows = pd.read_csv(folder / "fidelity_per_case.csv")
    tested = {item["case"] for item in Datalist.read(pairs).items("test")}
    assert set(rows["case"]) == tested and len(rows) == 4 * len(tested)
    result = json.loads((folder / "fidelity.json").read_text())
    means = [row for row in result["summary"] if row["statistic"] == "mean"]
    assert {row["method"] for row in means} == {"virtual_des", "low_energy", "constant", "real_des"}
    for row in means:
        column = rows.loc[rows["method"] == row["method"], row["metric"]]
        assert row["value"] == pytest.approx(column.mean()) and row["cases"] == column.notna().sum()
    constant = rows[rows["method"] == "constant"].set_index("case")
    for row in result["summary"]:
        if row["statistic"] == "difference_to_constant":
            column = rows[rows["method"] == row["method"]].set_index("case")[row["metric"]]
            assert row["value"] == pytest.approx((column - constant[row["metric"]]).mean())
    assert result["provenance"]["section"] == "test" and result["provenance"]["data"] == "drawn pairs"
    # the constant is that of the training cases alone
    training = workflow.parser.get_parsed_content("train#cache")
    levels = [float(case["label"][case["breast_mask"] > 0].mean()) for case in training]
    assert result["constant_level"] == pytest.approx(np.mean(levels), rel=1e-5)
    assert Image.open(folder / "fidelity_sheet.png").width > 1000


def test_evaluation_scores_the_network_it_was_given(evaluation, trained):
    """The breast PSNR of one case, from a forward pass of the weights on the cached case."""
    folder, workflow = evaluation
    case = workflow.parser.get_parsed_content("validate#cache")[0]
    network = load_weights(VirtualDesUNet(), trained / "model.pt").eval()
    with torch.no_grad():
        made = network(case["image"][None])[0].clip(0, 1)
    error = (made - case["label"])[case["breast_mask"] > 0]
    rows = pd.read_csv(folder / "fidelity_per_case.csv").set_index(["case", "method"])
    psnr = rows.loc[(case["case"], "virtual_des"), "psnr_breast"]
    assert psnr == pytest.approx(-10 * np.log10(float((error.double() ** 2).mean())), abs=1e-3)


def test_evaluation_prints_the_trivial_predictions(run, pairs, trained, cache_dir, tmp_path, capsys):
    knobs = {"dataset_dir": str(pairs), "output_dir": str(tmp_path), "cache_dir": str(cache_dir)}
    run("train", "evaluate", ckpt_path=str(trained / "model.pt"), section="validation", **knobs)
    rows = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert rows.count("virtual DES") == rows.count("low energy itself") == 4  # lesions, breast, image, inside lesions
    assert rows.count("constant level") == 3
    # a sheet wants three cases; the validation split has two
    assert {file.name for file in tmp_path.iterdir()} == {"fidelity_per_case.csv", "lesions.csv", "fidelity.json"}
    before = (tmp_path / "fidelity.json").read_bytes()
    with pytest.raises(Exception) as error:
        run("train", "evaluate", ckpt_path=str(trained / "model.pt"), **knobs)
    assert "fidelity_per_case.csv: exists already" in str(find_input_error(error.value))
    assert (tmp_path / "fidelity.json").read_bytes() == before


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.fixture()
def refusal(run, trained, tmp_path):
    """Run configs on bad input; they must write nothing. Return the one line that the user reads."""

    def refused(*names: str, **knobs: Any) -> str:
        output = tmp_path / "not_made"
        weights = {} if "ckpt_path" in knobs else {"ckpt_path": str(trained / "model.pt")}
        with pytest.raises(Exception) as error:
            run(*names, **{"output_dir": str(output), "encoder_weights": "none", "epochs": 1, **weights, **knobs})
        found = find_input_error(error.value)
        assert found is not None, error.value
        assert len(str(found).splitlines()) == 1
        assert not output.exists() or not [file for file in output.rglob("*") if file.is_file()]
        return str(found)

    return refused


@pytest.fixture()
def listed(pairs, tmp_path):
    """Write a changed copy of the datalist of pairs beside copies of its images, and return it."""
    folder = tmp_path / "copy"
    shutil.copytree(pairs.parent, folder)

    def write(change=lambda datalist: None) -> Path:
        datalist = json.loads(pairs.read_text())
        change(datalist)
        (folder / "datalist.json").write_text(json.dumps(datalist))
        return folder / "datalist.json"

    return write


def test_nothing_to_infer_from_is_refused(refusal, tmp_path):
    (tmp_path / "empty").mkdir()
    inference = {"workflow_type": "infer"}
    assert refusal("inference", dataset_dir=str(tmp_path / "empty"), **inference).startswith(
        f"{tmp_path / 'empty'}: no image in this folder; expected files ending in"
    )
    assert refusal("inference", dataset_dir=str(tmp_path / "none.png"), **inference).startswith(
        f"{tmp_path / 'none.png'}: no such file or folder; expected"
    )


def test_an_unknown_precision_is_refused_before_the_work(refusal, pairs, labelled):
    expected = "precision: 'float8'; expected auto, float32, bfloat16 or float16"
    for names in (("train",), ("train", "evaluate")):
        assert refusal(*names, dataset_dir=str(pairs), precision="float8") == expected
    assert refusal("train", "joint", dataset_dir=str(labelled), precision="float8", **JOINT) == expected
    assert refusal("inference", workflow_type="infer", dataset_dir=str(pairs), precision="float8") == expected


def test_images_of_two_bit_depths_are_refused(refusal, listed):
    datalist = listed()
    file = datalist.parent / "low_energy" / "P2_L_CC.png"
    Image.fromarray(pixels(file).astype(np.uint16) * 257).save(file)
    message = f"{file}: pixel type uint16, but {file.with_name('P1_L_CC.png')} has uint8; expected images of one bit"
    assert message in refusal("inference", dataset_dir=str(file.parent), workflow_type="infer")
    assert message in refusal("train", dataset_dir=str(datalist))


def test_a_truncated_image_is_refused_before_the_work(refusal, listed):
    datalist = listed()
    for field, case in (("low_energy", "P5_R_CC"), ("des", "P2_R_CC")):
        file = datalist.parent / field / f"{case}.png"
        file.write_bytes(file.read_bytes()[:1500])
    message = refusal("inference", dataset_dir=str(datalist.parent / "low_energy"), workflow_type="infer")
    assert message.startswith(f"{datalist.parent / 'low_energy' / 'P5_R_CC.png'}: unreadable or truncated image")
    message = refusal("train", dataset_dir=str(datalist))
    assert f"datalist.json: training (P2_R_CC): des: {datalist.parent / 'des' / 'P2_R_CC.png'}: unreadable" in message
    message = refusal("train", "evaluate", dataset_dir=str(datalist))
    assert "P5_R_CC.png: unreadable or truncated image" in message or "P2_R_CC.png: unreadable" in message


def test_a_datalist_that_lost_its_files_is_refused(refusal, listed):
    datalist = listed()
    moved = datalist.parent.with_name("elsewhere") / "datalist.json"
    moved.parent.mkdir()
    datalist.rename(moved)
    for names in (("train",), ("train", "evaluate"), ("inference",)):
        message = refusal(*names, dataset_dir=str(moved), workflow_type="infer" if "inference" in names else "train")
        expected = "training[0] (P1_L_CC): low_energy: no such file 'low_energy/P1_L_CC.png'; expected it relative to"
        assert message.startswith(f"{moved}: {expected}")


def test_a_patient_in_two_splits_is_refused(refusal, listed):
    def leak(datalist: dict[str, Any]) -> None:
        datalist["test"][1]["patient"] = "P2"

    datalist = listed(leak)
    for names in (("train",), ("train", "evaluate")):
        assert refusal(*names, dataset_dir=str(datalist)).startswith(
            f"{datalist}: test[1] (P5_R_CC): patient: 'P2' is also in training"
        )


def test_weights_that_are_missing_or_of_another_network_are_refused(refusal, pairs, tmp_path):
    torch.save(torch.nn.Linear(2, 1).state_dict(), tmp_path / "other.pt")
    missing = f"weights: no file {tmp_path / 'none.pt'}; expected"
    other = f"weights: {tmp_path / 'other.pt'} holds 0 of the "
    for file, message in (("none.pt", missing), ("other.pt", other)):
        data = {"dataset_dir": str(pairs)}
        assert refusal("train", initial_weights=str(tmp_path / file), **data).startswith(message)
        for names, kind in ((("train", "evaluate"), "train"), (("inference",), "infer")):
            made = refusal(*names, workflow_type=kind, ckpt_path=str(tmp_path / file), **data)
            assert made.startswith(message)
    encoder = refusal("train", dataset_dir=str(pairs), encoder_weights=str(tmp_path / "none.pt"))
    assert encoder.startswith(f"encoder_weights: no file {tmp_path / 'none.pt'}")


def test_an_error_in_a_worker_process_is_one_line_too(program, refusal, listed, trained, tmp_path):
    datalist = listed()
    file = datalist.parent / "low_energy" / "P1_R_CC.png"
    Image.fromarray(np.zeros_like(pixels(file))).save(file)
    message = f"{file}: no breast: no pixel above 5.1 (the threshold between air and breast)"
    # the cases that are in order stay in the cache
    assert refusal("train", dataset_dir=str(datalist), cache_dir=str(tmp_path / "cache"), num_workers=1) == message
    knobs = {"dataset_dir": str(file), "output_dir": str(tmp_path / "made"), "num_workers": 1}
    done = program("inference", ckpt_path=str(trained / "model.pt"), **knobs)
    assert done.returncode == 2 and not (tmp_path / "made").exists()
    assert done.stderr.splitlines()[-1] == f"error: {message}"
    assert "Traceback" not in done.stdout + done.stderr


# ---- DICOM -----------------------------------------------------------------------------------------------------------


def test_dicom_goes_in_and_comes_out_valid(run, dicom_phantoms, trained, tmp_path, dciodvfy):
    """Phantom DICOM -> datalist -> inference -> mammography objects that lie on their low-energy images."""
    datalist = tmp_path / "d.json"
    write_dicom_datalist(dicom_phantoms / "images", datalist)
    knobs = {"dataset_dir": str(datalist), "output_ext": ".dcm", "ckpt_path": str(trained / "model.pt")}
    for name, more in (("plain", {}), ("compressed", {"compression": "jpeg-ls"}), ("blind", {"deidentify": "true"})):
        run("inference", workflow_type="infer", output_dir=str(tmp_path / name), **knobs, **more)
    read = Datalist.read(datalist).content()
    items = [item for section in ("training", "validation", "test") for item in read[section]]
    assert {file.stem for file in (tmp_path / "plain").iterdir()} == {item["case"] for item in items}
    for item in items:
        name = f"{item['case']}.dcm"
        made, source = pydicom.dcmread(tmp_path / "plain" / name), pydicom.dcmread(item["low_energy"])
        assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert made.StudyInstanceUID == source.StudyInstanceUID and made.ImageLaterality == item["laterality"]
        assert "breast_cesm_virtual_des_unet 0.2.0" in made.DerivationDescription
        assert hashlib.sha256((trained / "model.pt").read_bytes()).hexdigest() in made.DerivationDescription
        # named by nothing that the datalist or the archive names it by
        hidden = tmp_path / "blind" / f"{mapped_uid(source.SOPInstanceUID)}.dcm"
        compressed, blind = pydicom.dcmread(tmp_path / "compressed" / name), pydicom.dcmread(hidden)
        assert np.array_equal(compressed.pixel_array, made.pixel_array) and made.pixel_array.any()
        assert "PHANTOM" not in str(blind) and np.array_equal(blind.pixel_array, made.pixel_array)
        for file in (tmp_path / "plain" / name, tmp_path / "compressed" / name, hidden):
            assert dciodvfy(file) == []


@pytest.mark.parametrize("case", ["P1_L_CC", "P1_R_MLO", "P2_L_MLO", "P2_R_CC"])
def test_virtual_des_in_dicom_lies_on_its_low_energy_image(run, dicom_phantoms, tmp_path, case):
    """In both lateralities, views and polarities: what comes out is what went in, to the pixel."""
    file = dicom_phantoms / "images" / case[:2] / f"{case}_low_energy.dcm"
    knobs = {"dataset_dir": str(file), "output_dir": str(tmp_path), "output_ext": ".dcm", "height": 256, **IDENTITY}
    run("inference", workflow_type="infer", **knobs)
    source, made = (read_mammogram(path).pixels / 65535 for path in (file, tmp_path / file.name))
    inside = binary_erosion(source > 0, iterations=2)

    def error(step: int, axis: int) -> float:
        return float(np.abs(np.roll(made, step, axis) - source)[inside].mean())

    for axis in (0, 1):
        # resampling takes some of the grain, but moves nothing, by whole pixels or by a part of one
        assert error(0, axis) < 0.5 * min(error(-1, axis), error(1, axis))
        assert error(-1, axis) == pytest.approx(error(1, axis), rel=0.05)
    assert np.corrcoef(made[inside], source[inside])[0, 1] > 0.98


def test_dicom_and_png_of_one_image_give_one_result(run, dicom_phantoms, tmp_path):
    """A Hologic-like file in MONOCHROME1 with a LUT, and the values that it shows in a 16-bit PNG."""
    file = dicom_phantoms / "images" / "P2" / "P2_L_CC_low_energy.dcm"
    shown = read_mammogram(file).pixels
    Image.fromarray(np.round(shown).astype(np.uint16)).save(tmp_path / "P2.png")
    for name, source in (("dicom", file), ("png", tmp_path / "P2.png")):
        run("inference", workflow_type="infer", dataset_dir=str(source), output_dir=str(tmp_path / name), **IDENTITY)
    [one], [other] = (list((tmp_path / name).iterdir()) for name in ("dicom", "png"))
    np.testing.assert_allclose(pixels(one).astype(int), pixels(other).astype(int), atol=2)


def test_dicom_that_does_not_fit_is_refused_before_the_work(refusal, dicom_phantoms, pairs):
    des = dicom_phantoms / "images" / "P1" / "P1_L_CC_des.dcm"
    message = refusal("inference", dataset_dir=str(des), workflow_type="infer")
    assert message == f"{des}: is a des image (ImageType RECOMBINED); expected a low-energy image"
    message = refusal("inference", dataset_dir=str(pairs), output_ext=".dcm", workflow_type="infer")
    assert message.endswith("P1_L_CC.png: not DICOM; outputs in .dcm need low-energy images in DICOM")
    low_energy = str(des).replace("_des", "_low_energy")
    knobs = {"dataset_dir": low_energy, "output_ext": ".dcm", "compression": "zip", "workflow_type": "infer"}
    assert refusal("inference", **knobs).startswith("compression: 'zip'; expected one of none, jpeg-2000")


# ---- the shipped weights ---------------------------------------------------------------------------------------------


@pytest.mark.cdd_cesm
def test_shipped_weights_beat_the_constant_level_on_real_pairs(run, bundle, cdd_cesm, tmp_path):
    """On eight test pairs, of patients that the weights were not trained on."""
    if not (bundle / "models" / "model.pt").is_file():
        pytest.skip("no weights: models/model.pt does not exist")
    [listed] = write_cdd_cesm(cdd_cesm / "pairs", tmp_path / "all.json").values()
    datalist = listed.content()
    paired = {
        section: [item for item in datalist[section] if item["low_energy"] and item["des"]]
        for section in ("training", "validation", "test")
    }
    few = {"training": paired["training"][::8][:8], "validation": [], "test": paired["test"][::4][:8]}
    assert len(few["training"]) == len(few["test"]) == 8
    Datalist.write(tmp_path / "few.json", {**datalist, **few})
    knobs = {"dataset_dir": str(tmp_path / "few.json"), "output_dir": str(tmp_path / "out"), "height": 512}
    run("train", "evaluate", **knobs)
    rows = pd.read_csv(tmp_path / "out" / "fidelity_per_case.csv")
    psnr = rows.pivot(index="case", columns="method", values="psnr_breast")
    assert len(psnr) == 8
    assert psnr["virtual_des"].mean() > psnr["constant"].mean()


# ---- together with the classifier ------------------------------------------------------------------------------------

JOINT: dict[str, Any] = {
    "encoder_weights": "none",
    "classifier_encoder_weights": "none",
    "size": 64,
    "epochs": 1,
    "learning_rate": 0.002,
}


@pytest.fixture
def joint(run, labelled, cache_dir, tmp_path):
    """Train jointly, and return the weights of the U-Net and of the classifier."""

    def joint(name: str, **own: Any) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        folder = tmp_path / name
        data = {"dataset_dir": str(labelled), "output_dir": str(folder), "cache_dir": str(cache_dir)}
        run("train", "joint", **data, **JOINT, **own)
        return tuple(torch.load(folder / f"{part}.pt", weights_only=True) for part in ("model", "classifier"))

    return joint


def test_the_joint_workflow_has_the_ids_that_monai_wants(run, labelled, cache_dir, tmp_path):
    data = {"dataset_dir": str(labelled), "output_dir": str(tmp_path), "cache_dir": str(cache_dir)}
    assert run("train", "joint", run=[], **data, **JOINT).check_properties() == []


def test_a_foreign_loss_of_joint_training_is_that_of_the_des_image(run, labelled, cache_dir, tmp_path):
    data = {"dataset_dir": str(labelled), "output_dir": str(tmp_path), "cache_dir": str(cache_dir)}
    foreign = {"loss": {"_target_": "torch.nn.L1Loss"}, "classification_weight": 0.0}
    found = losses_of(run("train", "joint", run=[], **data, **JOINT, **foreign))
    assert found and all(loss == error != stacked for loss, error, stacked in found)


def test_the_classifiers_loss_flows_back_into_the_unet(joint):
    (alone, _), (judged, classifier) = (
        joint("alone", classification_weight=0.0),
        joint("judged", classification_weight=5.0),
    )
    assert load_weights(VirtualDesUNet(), None).load_state_dict(judged)  # weights like any others
    moved = [name for name in differing(alone, judged) if name.endswith("weight")]
    assert any(name.startswith("encoder.") for name in moved) and any(name.startswith("decoder.") for name in moved)
    assert classifier["seen"].tolist() == [False, True]


def test_cut_off_from_the_classifiers_loss_the_unet_learns_from_fidelity_alone(joint):
    apart, first = joint("apart", generator_learns_from="fidelity", classification_weight=5.0)
    alone, _ = joint("alone", classification_weight=0.0)
    assert differing(apart, alone) == []  # bit for bit what it learns where the classifier has no say
    _, other = joint("less", generator_learns_from="fidelity", classification_weight=0.0)
    assert differing(first, other) != []  # while the classifier learns


def test_a_frozen_unet_stays_as_it_is_while_the_classifier_learns(joint, trained):
    start = {"initial_weights": str(trained / "model.pt")}
    frozen, classifier = joint("frozen", generator_learns_from="nothing", classifier_inputs="both", **start)
    before = torch.load(trained / "model.pt", weights_only=True)
    for name, value in before.items():  # but for the rounding of the moving average of equal numbers
        torch.testing.assert_close(frozen[name], value, rtol=1e-5, atol=1e-7)
    assert classifier["seen"].tolist() == [True, True]
    again, other = joint(
        "again", generator_learns_from="nothing", classifier_inputs="both", classification_weight=3.0, **start
    )
    assert differing(frozen, again) == [] and differing(classifier, other) != []
