"""Small low-energy/DES pairs on disk, and a virtual DES bundle run on them: in this process, or as a program.

A test file says which bundle by its fixtures ``bundle`` (the folder), ``knobs`` (of all its runs) and ``training``
(further ones, of its trainings).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.data import list_data_collate
from PIL import Image
from scipy.ndimage import gaussian_filter, shift

from vdes.bundle.warm_start import run_module
from vdes.data.datalist import Datalist
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
# small and quick: every test's run has them unless it says otherwise
KNOBS = {"precision": "float32", "num_workers": 0, "device": "cpu"}
SECTIONS = {"training": ("P1", "P2", "P3"), "validation": ("P4",), "test": ("P5", "P6")}

Run = Callable[..., ConfigWorkflow]
Program = Callable[..., subprocess.CompletedProcess[str]]


def configs(bundle: Path, names: tuple[str, ...]) -> list[str]:
    return [str(bundle / "configs" / f"{name}.yaml") for name in names]


@pytest.fixture(scope="session")
def bundles() -> Path:
    """The folder of all bundles."""
    return BUNDLES


def _breast(rows: int, columns: int, rng: np.random.Generator, enhancement: float = 1.0) -> dict[str, np.ndarray]:
    """Return an 8-bit pair of a left breast and its masks; the DES image was cropped one row and column apart.

    Its lesion enhances by ``enhancement``; at 0 there is none.
    """
    y, x = np.mgrid[:rows, :columns]
    thickness = np.sqrt(np.clip(1 - ((y - rows / 2) / (0.44 * rows)) ** 2 - (x / (0.8 * columns)) ** 2, 0, 1))
    texture = gaussian_filter(rng.standard_normal((rows, columns)), 2.0)
    row, column = rows * rng.uniform(0.4, 0.6), columns * rng.uniform(0.25, 0.5)
    lesion = np.hypot(y - row, x - column) < 5
    inside = thickness > 0
    glow = enhancement * gaussian_filter(lesion.astype(float), 1.0)
    low_energy = inside * (0.25 + 0.35 * thickness + 0.5 * texture + 0.15 * glow)
    des = inside * (0.35 + 0.1 * thickness + 0.25 * texture + 0.35 * glow)

    def moved(image: np.ndarray) -> np.ndarray:
        return shift(image, (1, 1), order=1)

    return {
        "low_energy": np.round(255 * low_energy.clip(0, 1)).astype(np.uint8),
        "des": np.round(255 * moved(des).clip(0, 1)).astype(np.uint8),
        "lesion_mask": 255 * lesion.astype(np.uint8),
        "des_lesion_mask": 255 * (moved(lesion.astype(float)) > 0.5).astype(np.uint8),
    }


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datalist of 12 pairs of six patients, left and right; one pair is without masks."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    datalist: dict[str, Any] = {
        "name": "drawn pairs",
        "pixel_size_mm": None,
        "intensity_range": {"low_energy": [0, 255], "des": [0, 255]},
        "split": {"method": "by hand"},
    }
    for section, patients in SECTIONS.items():
        datalist[section] = []
        for patient in patients:
            for laterality in "LR":
                case = f"{patient}_{laterality}_CC"
                images = _breast(96 + 2 * len(datalist[section]), 64, rng)
                normal = case == "P1_L_CC"
                item = {"case": case, "patient": patient, "laterality": laterality, "view": "CC"}
                item |= {"pathology": "normal" if normal else "malignant", "density": "b", "birads": None}
                for field, image in images.items():
                    if normal and field.endswith("mask"):
                        item[field] = None
                        continue
                    item[field] = str(folder / field / f"{case}.png")
                    (folder / field).mkdir(exist_ok=True)
                    Image.fromarray(image if laterality == "L" else image[:, ::-1]).save(item[field])
                datalist[section].append(item)
    Datalist.write(folder / "datalist.json", datalist)
    return folder / "datalist.json"


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datalist of 18 patients with four views each; in every other one the left breast has a malignant lesion."""
    folder = tmp_path_factory.mktemp("labelled")
    rng = np.random.default_rng(1)
    datalist: dict[str, Any] = {
        "name": "drawn examinations",
        "pixel_size_mm": None,
        "intensity_range": {"low_energy": [0, 255], "des": [0, 255]},
        "split": {"method": "by hand", "seed": 0},
        "aligned": True,
        **{section: [] for section in SECTIONS},
    }
    for number in range(18):
        section = "training" if number < 8 else "validation" if number < 12 else "test"
        for laterality, view in ((side, view) for side in "LR" for view in ("CC", "MLO")):
            case = f"P{number}_{laterality}_{view}"
            malignant = number % 2 == 0 and laterality == "L"
            images = _breast(96, 64, rng, enhancement=2.0 if malignant else 0.0)
            item = {"case": case, "patient": f"P{number}", "laterality": laterality, "view": view}
            item |= {"pathology": "malignant" if malignant else "normal", "density": "b", "birads": None}
            item |= {"lesion_mask": None, "des_lesion_mask": None}
            for field in ("low_energy", "des", *(("lesion_mask", "des_lesion_mask") if malignant else ())):
                item[field] = str(folder / field / f"{case}.png")
                (folder / field).mkdir(exist_ok=True)
                Image.fromarray(images[field] if laterality == "L" else images[field][:, ::-1]).save(item[field])
            datalist[section].append(item)
    Datalist.write(folder / "datalist.json", datalist)
    return folder / "datalist.json"


@pytest.fixture(autouse=True)
def _process_as_it_was(process_as_it_was: None) -> None:
    """Undo what a bundle does to its process."""


@pytest.fixture(scope="module")
def run(bundle: Path, knobs: dict[str, Any]) -> Run:
    """Run configs of the bundle to their end in this process, and return the workflow."""

    def run(*names: str, workflow_type: str = "train", **own: Any) -> ConfigWorkflow:
        settings = {"bundle_root": str(bundle), **KNOBS, **knobs, **own}
        workflow = ConfigWorkflow(
            config_file=configs(bundle, names), workflow_type=workflow_type, logging_file=False, **settings
        )
        workflow.initialize()
        workflow.run()
        workflow.finalize()
        return workflow

    return run


@pytest.fixture(scope="module")
def steps(bundle: Path) -> Callable[..., list[str]]:
    """What configs of the bundle do in ``run``, for a test that does something before, between or after."""
    return lambda *names: ConfigParser.load_config_files(configs(bundle, names))["run"]


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all runs on the pairs keep the preprocessed cases."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def trained(
    run: Run, training: dict[str, Any], pairs: Path, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a training run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("trained")
    run("train", dataset_dir=str(pairs), output_dir=str(folder), cache_dir=str(cache_dir), **training)
    return folder


@pytest.fixture(scope="module")
def command(bundle: Path, knobs: dict[str, Any]) -> Callable[..., tuple[list[str], dict[str, str]]]:
    """Return the arguments of python, and the environment, of a run by the command line of MONAI."""

    def command(names: tuple[str, ...], own: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
        arguments = ["-m", "monai.bundle", "run", "--config_file", str(configs(bundle, names))]
        for name, value in {"bundle_root": str(bundle), **KNOBS, **knobs, **own}.items():
            arguments += [f"--{name}", str(value)]
        # sums depend on the number of threads
        return arguments, {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}

    return command


@pytest.fixture(scope="module")
def program(command: Callable[..., tuple[list[str], dict[str, str]]]) -> Program:
    """Run configs of the bundle by the command line of MONAI, and return the highest status and what was printed.

    Several processes have the environment that torchrun gives them; the zoo's unit tests run torchrun itself.
    """

    def run(*names: str, processes: int = 1, **knobs: Any) -> subprocess.CompletedProcess[str]:
        (_, module, *arguments), environment = command(names, knobs)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, socket.socket() as free:
            free.bind(("localhost", 0))
            group = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free.getsockname()[1])}
            group |= {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}

            def rank(number: int) -> int:
                own = {**group, "RANK": str(number), "LOCAL_RANK": str(number)} if processes > 1 else {}
                variables = {**environment, **own}
                return run_module(module, arguments, variables, Path.cwd(), out.fileno(), err.fileno())

            free.close()
            with ThreadPoolExecutor(processes) as pool:
                statuses = list(pool.map(rank, range(processes)))
            texts = [stream.seek(0) or stream.read() for stream in (out, err)]
        return subprocess.CompletedProcess(arguments, max(statuses, key=abs), *texts)

    return run


@pytest.fixture(scope="module")
def killed_program(command: Callable[..., tuple[list[str], dict[str, str]]]) -> Callable[..., None]:
    """Run configs of the bundle by the command line of MONAI, and kill the process as soon as ``file`` appears."""

    def run(file: Path, *names: str, **knobs: Any) -> None:
        arguments, environment = command(names, knobs)
        silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([sys.executable, *arguments], env=environment, **silent) as process:
            while not file.exists() and process.poll() is None:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)

    return run


@pytest.fixture(scope="session")
def trained_in_turn() -> Callable[..., dict[str, torch.Tensor]]:
    """Train in one process as several do that share out each batch, and return the parameters.

    The shares are taken in turn, each in a forward pass with batch statistics of its own, and their gradients averaged.
    """

    def train(workflow: ConfigWorkflow, shares: list[list[dict[str, Any]]], steps: int) -> dict[str, torch.Tensor]:
        content = workflow.parser.get_parsed_content
        network, loss = content("network").train(), content("train#trainer#loss_function")
        optimizer, lr_scheduler = content("optimizer"), content("lr_scheduler")
        prepare_batch = content("train#trainer#prepare_batch")
        for _ in range(steps):
            optimizer.zero_grad()
            for share in shares:
                image, target, *further = prepare_batch(list_data_collate(share))
                args, kwargs = further or ((), {})
                (loss(network(image, *args, **kwargs), target) / len(shares)).backward()
            optimizer.step()
            lr_scheduler.step()
        return {name: value.detach() for name, value in network.named_parameters()}

    return train


@pytest.fixture(scope="session")
def dicom_phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a phantom set as DICOM; its patients are of GE, Hologic and GE."""
    settings = Settings(3, 0, 96, format="dicom")
    return generate(tmp_path_factory.mktemp("dicom") / "set", settings).parent
