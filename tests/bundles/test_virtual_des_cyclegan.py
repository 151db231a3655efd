from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from vdes.errors import find_input_error
from vdes.networks.residual_generator import ResidualGenerator
from vdes.networks.weights import load_weights

NETWORKS = ("network", "low_energy_generator", "des_discriminator", "low_energy_discriminator")
SIZE: dict[str, Any] = {"channels": 4, "blocks": 1}


@pytest.fixture(scope="module")
def bundle(bundles: Path) -> Path:
    return bundles / "breast_cesm_virtual_des_cyclegan"


@pytest.fixture(scope="module")
def knobs() -> dict[str, Any]:
    return {"height": 96, **SIZE}


@pytest.fixture(scope="module")
def training() -> dict[str, Any]:
    """A pool of 4 changes images from the fifth step on."""
    return {"epochs": 3, "learning_rate": 0.002, "pool_size": 4, "ema_momentum": 0.1}


def state(run_folder: Path) -> dict[str, Any]:
    return torch.load(run_folder / "last.pt", weights_only=True)


def leaves(value: Any, name: str = "") -> dict[str, Any]:
    """Return what a nested state holds, by the path to it."""
    if isinstance(value, dict):
        return {key: leaf for part in value for key, leaf in leaves(value[part], f"{name}/{part}").items()}
    if isinstance(value, list | tuple):
        return {key: leaf for part, item in enumerate(value) for key, leaf in leaves(item, f"{name}/{part}").items()}
    return {name: value}


def differing(one: Any, other: Any) -> list[str]:
    """Return the paths at which two states are not the same, bit for bit."""
    before, after = leaves(one), leaves(other)
    assert before.keys() == after.keys() and before
    return [
        name
        for name, value in before.items()
        if not (torch.equal(value, after[name]) if isinstance(value, torch.Tensor) else value == after[name])
    ]


def weights(run_folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(run_folder / "model.pt", weights_only=True)


def copied(pairs: Path, folder: Path, change: Any) -> str:
    """Write a changed copy of the datalist beside copies of its images."""
    shutil.copytree(pairs.parent, folder)
    datalist = json.loads(pairs.read_text())
    change(datalist)
    (folder / "datalist.json").write_text(json.dumps(datalist))
    return str(folder / "datalist.json")


# ---- the workflows ---------------------------------------------------------------------------------------------------


def test_all_workflows_have_the_ids_that_monai_wants(run, pairs, trained, cache_dir, tmp_path, training):
    common = {"dataset_dir": str(pairs), "cache_dir": str(cache_dir), "run": [], "output_dir": str(tmp_path)}
    made = {"ckpt_path": str(trained / "model.pt")}
    workflows = {
        "train": run("train", **training, **common),
        "paired": run("train", "paired", **training, **common),
        "evaluate": run("train", "evaluate", **common, **made),
        "inference": run("inference", workflow_type="infer", **common, **made),
    }
    assert {name: workflow.check_properties() for name, workflow in workflows.items()} == {
        name: [] for name in workflows
    }


def test_what_both_bundles_do_is_written_the_same(bundle, bundles):
    """Validation, evaluation and inference differ in the bundle's name, the network, the size and channels last."""
    other = bundles / "breast_cesm_virtual_des_unet"

    def configs(folder: Path, name: str) -> dict[str, Any]:
        text = (folder / "configs" / f"{name}.yaml").read_text().replace(folder.name, "this bundle")
        return yaml.safe_load(text.replace(", memory_format=torch.channels_last", ""))

    assert configs(bundle, "train")["validate"] == configs(other, "train")["validate"]
    own = {
        "evaluate": {"imports", "encoder_weights"},
        "inference": {"network_def", "height", "channels", "blocks", "upsampling", "dicom_writer"},  # which has it
    }
    for name, keys in own.items():
        one, two = configs(bundle, name), configs(other, name)
        assert {key for key in one.keys() | two.keys() if one.get(key) != two.get(key)} == keys


def test_the_sizes_that_the_configs_share_agree(bundle):
    """What trains by default is what infers by default, and what the metadata say of the network is so."""
    files = (bundle / "configs" / name for name in ("train.yaml", "inference.yaml"))
    train, inference = (ConfigParser.load_config_file(file) for file in files)
    for knob in ("height", "channels", "blocks", "upsampling"):
        assert train[knob] == inference[knob]
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    network = metadata["network_data_format"]
    for part in (network["inputs"]["image"], network["outputs"]["pred"]):
        assert part["spatial_shape"] == ["16*n", "16*n"] and part["num_channels"] == 1


# ---- training --------------------------------------------------------------------------------------------------------


def test_training_leaves_weights_a_checkpoint_and_curves(trained, training):
    saved = state(trained)
    progress = saved["progress"]
    assert (progress["epoch"], progress["iteration"]) == (3, 18)
    torch.manual_seed(0)
    start = ResidualGenerator(**SIZE).state_dict()
    assert differing(start, load_weights(ResidualGenerator(**SIZE), trained / "model.pt").state_dict())
    assert differing(saved["network"], saved["ema"])
    # the learning rate of the third epoch, of a decay over the last one: half, and then as little as is left
    rates = [saved[f"{kind}_lr_scheduler"]["_last_lr"][0] for kind in ("generator", "discriminator")]
    assert rates == [0.0, 0.0]
    assert len(saved["des_pool"]["images"]) == len(saved["low_energy_pool"]["images"]) == 4
    curves: dict[str, list[float]] = {}
    for file in (trained / "tensorboard").iterdir():
        events = EventAccumulator(str(file)).Reload()
        curves |= {tag: [event.value for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert len(curves["des_cycle_loss"]) == len(curves["discriminator_loss"]) == 18
    assert "des_paired_loss" not in curves
    assert max(curves["psnr_breast"]) == pytest.approx(progress["best_metric"])


def test_the_learning_rate_is_constant_and_then_falls_linearly(run, pairs, cache_dir, tmp_path, training):
    rates = {}
    for decay, epochs in ((2, 4), (0, 2)):
        knobs = {**training, "epochs": epochs, "decay_epochs": decay, "dataset_dir": str(pairs), "run": []}
        workflow = run("train", output_dir=str(tmp_path), cache_dir=str(cache_dir), **knobs)
        factor = workflow.parser.get_parsed_content("decay")
        rates[decay] = [factor(epoch) for epoch in range(epochs)]
    assert rates[2] == pytest.approx([1, 1, 2 / 3, 1 / 3])
    assert rates[0] == [1, 1]


def test_the_same_command_gives_the_same_run(run, pairs, trained, cache_dir, tmp_path, training):
    common = {"dataset_dir": str(pairs), "cache_dir": str(cache_dir), **training}
    run("train", output_dir=str(tmp_path / "same"), **common)
    assert differing(state(trained), state(tmp_path / "same")) == []
    assert differing(weights(trained), weights(tmp_path / "same")) == []
    run("train", output_dir=str(tmp_path / "other"), seed=1, **common)
    assert differing(state(trained)["network"], state(tmp_path / "other")["network"])


def test_a_training_killed_within_a_step_ends_as_if_it_had_not_been(
    run, program, steps, pairs, trained, cache_dir, tmp_path, training
):
    """SIGKILL in the second epoch, when the generators have taken their step and the discriminators have not."""
    knobs = {"dataset_dir": str(pairs), "output_dir": str(tmp_path), "cache_dir": str(cache_dir), **training}
    kill = (
        "$@train#trainer.add_event_handler(monai.utils.AdversarialIterationEvents.GENERATOR_MODEL_COMPLETED, "
        "lambda engine: engine.state.iteration == 9 and torch.os.kill(torch.os.getpid(), 9))"
    )
    *prepared, training_itself, _ = steps("train")
    killed = program("train", run=[*prepared, kill, training_itself], **knobs)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert state(tmp_path)["progress"]["iteration"] == 6
    run("train", **knobs)
    # networks, average, optimisers, schedules, scaler, pools and progress
    assert differing(state(trained), state(tmp_path)) == []
    assert differing(weights(trained), weights(tmp_path)) == []


def test_pairs_train_on_what_they_have_in_common(run, pairs, cache_dir, tmp_path, training):
    knobs = {**training, "epochs": 1, "dataset_dir": str(pairs), "cache_dir": str(cache_dir)}
    workflow = run(
        "train", "paired", output_dir=str(tmp_path), paired_weight=10.0, lesion_weight=1.0, clip_norm=1.0, **knobs
    )
    assert state(tmp_path)["progress"]["iteration"] == 6
    item = workflow.parser.get_parsed_content("train#dataset")[1]
    assert item["lesion_mask"].any() and {"image", "label"} <= item.keys()
    # flipped and moved together: the same breast, a column or two aside
    breast = [item[key][0] > 0.05 for key in ("image", "label")]
    assert float((breast[0] & breast[1]).sum() / (breast[0] | breast[1]).sum()) > 0.85
    assert float(workflow.parser.get_parsed_content("train#trainer").state.output["des_lesion_loss"]) > 0


def test_each_image_may_be_without_a_partner(run, pairs, tmp_path, training):
    """Of the training patients two have DES images alone, and one has low-energy images alone."""

    def change(datalist: dict[str, Any]) -> None:
        for item in datalist["training"]:
            missing = ("des", "des_lesion_mask") if item["patient"] == "P1" else ("low_energy", "lesion_mask")
            item.update(dict.fromkeys(missing))

    datalist = copied(pairs, tmp_path / "copy", change)
    workflow = run("train", dataset_dir=datalist, output_dir=str(tmp_path), **{**training, "epochs": 1})
    assert state(tmp_path)["progress"]["iteration"] == 2
    dataset = workflow.parser.get_parsed_content("train#dataset")
    assert {item["case"] for item in dataset} == {"P1_L_CC", "P1_R_CC"}
    assert {item["des_case"][:2] for _ in range(10) for item in dataset} == {"P2", "P3"}


def test_training_goes_on_from_initial_weights(run, pairs, trained, cache_dir, tmp_path, training):
    """At a learning rate of 0 the weights stay what they were when the training began."""
    knobs = {**training, "epochs": 1, "learning_rate": 0.0, "initial_weights": str(trained / "model.pt")}
    run("train", dataset_dir=str(pairs), output_dir=str(tmp_path), cache_dir=str(cache_dir), **knobs)
    assert differing(weights(trained), state(tmp_path)["network"]) == []


def test_mixed_precision_trains(run, pairs, cache_dir, tmp_path, training):
    common = {**training, "epochs": 1, "dataset_dir": str(pairs), "cache_dir": str(cache_dir)}
    for precision in ("bfloat16", "float16"):
        run("train", output_dir=str(tmp_path / precision), precision=precision, **common)
    assert "scale" not in state(tmp_path / "bfloat16")["gradient_scaler"]
    assert state(tmp_path / "float16")["gradient_scaler"]["scale"] > 1
    assert differing(state(tmp_path / "bfloat16")["network"], state(tmp_path / "float16")["network"])


@pytest.mark.slow
def test_two_processes_train_the_same_four_networks(program, run, steps, pairs, tmp_path, training):
    parts = ", ".join(f"'{name}': @{name}.state_dict()" for name in NETWORKS)
    save = f"$torch.save({{{parts}}}, @output_dir + '/rank' + os.environ['RANK'] + '.pt')"
    knobs = {**training, "epochs": 1, "dataset_dir": str(pairs), "output_dir": str(tmp_path)}
    ends = {"run_id": "train_and_save", "train_and_save": [*steps("train", "multi_gpu_train"), save]}
    done = program("train", "multi_gpu_train", processes=2, **ends, **knobs)
    assert done.returncode == 0, done.stderr[-2000:]
    ranks = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    assert differing(*ranks) == []
    # six low-energy images, three to each process; the plain networks are saved
    saved = state(tmp_path)
    assert saved["progress"]["iteration"] == 3
    assert differing(ranks[0], {name: saved[name] for name in NETWORKS}) == []
    idle = run("train", **{**knobs, "output_dir": str(tmp_path / "idle")}, run=[])
    for name in NETWORKS:
        assert differing(idle.parser.get_parsed_content(name).state_dict(), saved[name])


@pytest.mark.slow
def test_two_processes_train_as_one_on_the_same_images(run, program, pairs, tmp_path, training):
    """Normalisation is by image, so a step on an image each is a step on both at once, up to rounding.

    Nothing is drawn, and the steps are plain gradients: Adam makes much of the rounding of a gradient that is 0.

    What rounding may do: float32 gives smooth gradients to a few 1e-6 of their size. Absolute errors and ReLUs have
    kinks: where rounding turns a sign over, a pixel's term in the mean over an image changes by twice its size. That is
    2 / (96 * 72) of the terms' sizes, and ten times as much of their sum if they cancel to a tenth. Four turned terms
    are allowed; one was seen. Processes that do not share their gradients are apart by half of the way or more.
    """
    allowed = 4 * 10 * 2 / (96 * 72)
    datalist = copied(pairs, tmp_path / "two", lambda content: content.update(training=content["training"][2:4]))
    knobs = {**training, "epochs": 2, "paired_weight": 10.0, "dataset_dir": datalist, "pool_size": 0}
    knobs["cache_dir"] = str(tmp_path / "cache")
    knobs["train#preprocessing"] = "@validate#preprocessing"
    parts = {"generator": NETWORKS[:2], "discriminator": NETWORKS[2:]}
    for name, trained in parts.items():
        parameters = f"$[*@{trained[0]}.parameters(), *@{trained[1]}.parameters()]"
        knobs[f"{name}_optimizer"] = {"_target_": "torch.optim.SGD", "params": parameters, "lr": 0.001}
    shared = {**knobs, "output_dir": str(tmp_path / "shared"), "batch_size": 1}
    done = program("train", "paired", "multi_gpu_train", processes=2, **shared)
    assert done.returncode == 0, done.stderr[-2000:]
    run("train", "paired", output_dir=str(tmp_path / "alone"), batch_size=2, **knobs)
    one, other = state(tmp_path / "alone"), state(tmp_path / "shared")
    assert one["progress"]["iteration"] == other["progress"]["iteration"] == 2
    start = run("train", "paired", output_dir=str(tmp_path / "idle"), **{**knobs, "run": []})
    for name in NETWORKS:
        before = start.parser.get_parsed_content(name).state_dict()
        moved = max(float((one[name][key] - value).abs().max()) for key, value in before.items())
        apart = max(float((one[name][key] - value).abs().max()) for key, value in other[name].items())
        assert apart < allowed * moved


# ---- inference and evaluation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["P2_L_CC", "P3_R_CC"])
def test_inference_restores_size_and_orientation(run, pairs, trained, tmp_path, case):
    file = pairs.parent / "low_energy" / f"{case}.png"
    identity = {"network_def": {"_target_": "torch.nn.Identity"}, "ckpt_path": "$None"}
    made = {}
    for name, own in (("identity", identity), ("network", {"ckpt_path": str(trained / "model.pt")})):
        folder = tmp_path / name
        run("inference", workflow_type="infer", dataset_dir=str(file), output_dir=str(folder), **own)
        made[name] = np.asarray(Image.open(folder / f"{case}.png")) / 65535
    source = np.asarray(Image.open(file)) / 255
    assert made["network"].shape == source.shape
    inside = (made["network"] > 0) & (source > 0.1)
    assert np.abs(made["identity"] - source)[inside].mean() < 0.02 < np.abs(made["network"] - source)[inside].mean()


def test_inference_writes_dicom_that_names_the_bundle(run, dicom_phantoms, trained, tmp_path):
    file = dicom_phantoms / "images" / "P2" / "P2_R_MLO_low_energy.dcm"
    knobs = {"dataset_dir": str(file), "output_dir": str(tmp_path), "output_ext": ".dcm"}
    run("inference", workflow_type="infer", ckpt_path=str(trained / "model.pt"), **knobs)
    [written] = tmp_path.iterdir()
    made, source = pydicom.dcmread(written), pydicom.dcmread(file)
    assert made.StudyInstanceUID == source.StudyInstanceUID
    assert "breast_cesm_virtual_des_cyclegan 0.2.0" in made.DerivationDescription
    assert made.pixel_array.shape == source.pixel_array.shape and made.pixel_array.any()


def test_evaluation_scores_the_weights_beside_trivial_predictions(run, pairs, trained, cache_dir, tmp_path):
    knobs = {"dataset_dir": str(pairs), "output_dir": str(tmp_path), "cache_dir": str(cache_dir)}
    workflow = run("train", "evaluate", ckpt_path=str(trained / "model.pt"), **knobs)
    written = {"fidelity_per_case.csv", "lesions.csv", "fidelity.json", "fidelity_sheet.png"}
    assert {file.name for file in tmp_path.iterdir()} == written
    result = json.loads((tmp_path / "fidelity.json").read_text())
    means = {
        row["method"]: row["value"]
        for row in result["summary"]
        if row["statistic"] == "mean" and row["metric"] == "psnr_breast"
    }
    assert means.keys() >= {"virtual_des", "low_energy", "constant"}
    network = load_weights(ResidualGenerator(**SIZE), trained / "model.pt").eval()
    expected = []
    for case in workflow.parser.get_parsed_content("validate#cache"):
        with torch.no_grad():
            error = (network(case["image"][None])[0] - case["label"])[case["breast_mask"] > 0]
        expected.append(-10 * np.log10(float((error.double() ** 2).mean())))
    assert means["virtual_des"] == pytest.approx(np.mean(expected), abs=1e-3)


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.fixture
def refusal(run, tmp_path):
    """Run configs on bad input; they must write no weights. Return the one line that the user reads."""

    def refused(*names: str, **knobs: Any) -> str:
        output = tmp_path / "not_made"
        with pytest.raises(Exception) as error:
            run(*names, **{"output_dir": str(output), **knobs})
        found = find_input_error(error.value)
        assert found is not None, error.value
        assert len(str(found).splitlines()) == 1
        assert not [file for file in output.rglob("*.pt") if file.parent.name != "cache"]
        return str(found)

    return refused


@pytest.mark.parametrize("missing", ["low_energy", "des"])
def test_a_datalist_of_one_domain_is_refused(refusal, pairs, tmp_path, missing):
    def change(datalist: dict[str, Any]) -> None:
        for item in datalist["training"]:
            item[missing] = None
            item["lesion_mask" if missing == "low_energy" else "des_lesion_mask"] = None

    datalist = copied(pairs, tmp_path / "copy", change)
    message = f"{datalist}: training: no item has '{missing}'; expected items with {missing}"
    assert refusal("train", dataset_dir=datalist) == message


def test_des_images_of_one_patient_are_refused(refusal, pairs, tmp_path):
    def change(datalist: dict[str, Any]) -> None:
        datalist["training"] = [item for item in datalist["training"] if item["patient"] == "P1"]

    message = refusal("train", dataset_dir=copied(pairs, tmp_path / "copy", change))
    assert message.startswith("training: all DES images are of patient 'P1', who has low-energy images too; expected")


def test_a_grid_too_small_for_the_discriminator_is_refused_before_the_work(program, pairs, tmp_path):
    done = program("train", dataset_dir=str(pairs), output_dir=str(tmp_path / "run"), **{"height": 28})
    assert done.returncode == 2 and not (tmp_path / "run").exists()
    message = "height: images of 28 x 21 px are too small for the discriminator; expected 24 x 24 px or more"
    assert done.stderr.splitlines()[-1] == f"error: {message}"
    assert "Traceback" not in done.stdout + done.stderr


def test_a_checkpoint_of_another_width_is_refused(refusal, run, pairs, trained, cache_dir, tmp_path, training):
    data = {"dataset_dir": str(pairs), "channels": 6}
    shapes = "layers.1.conv.weight has shape (4, 1, 7, 7), expected (6, 1, 7, 7)"
    file = str(trained / "model.pt")
    message = f"weights: {file}: {shapes}"
    assert refusal("train", initial_weights=file, **data) == message
    assert refusal("train", "evaluate", ckpt_path=file, **data) == message
    assert refusal("inference", workflow_type="infer", ckpt_path=file, **data) == message
    shutil.copy(trained / "last.pt", tmp_path)
    with pytest.raises(Exception) as error:
        run("train", output_dir=str(tmp_path), cache_dir=str(cache_dir), **training, **data)
    message = f"{tmp_path / 'last.pt'}: channels: the run was started with 4, now 6; expected the same; or start"
    assert str(find_input_error(error.value)).startswith(message)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lesion_weight": 1.0}, "lesion_weight: 1: needs paired sampling; expected 0 for unpaired images"),
        ({"precision": "float8"}, "precision: 'float8'; expected auto, float32, bfloat16 or float16"),
        ({"upsampling": "bilinear"}, "upsampling: 'bilinear'; expected resize or transposed"),
    ],
)
def test_knobs_that_make_no_sense_are_refused(refusal, pairs, cache_dir, wrong, message):
    assert refusal("train", dataset_dir=str(pairs), cache_dir=str(cache_dir), **wrong) == message
