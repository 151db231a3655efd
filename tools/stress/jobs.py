"""The jobs that are disturbed: small ones of each kind, on phantoms."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from stress.forked import Forked

from vdes.bundle.output_lock import LOCK_FILE
from vdes.data.checked_file import read_checked
from vdes.data.stage_folder import PARTIAL
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
UNET = BUNDLES / "breast_cesm_virtual_des_unet"
CYCLEGAN = BUNDLES / "breast_cesm_virtual_des_cyclegan"
CLASSIFIER = BUNDLES / "breast_cesm_lesion_classification"
CACHE = "cache"  # folder of preprocessed cases, whose files carry a checksum
SIZE = "64"  # rows of the images
PATIENTS = "8"
LABELLED = Settings(12, 3, int(SIZE), test_fraction=0.25, validation_fraction=0.34)  # malignant cases in each section
STILL = {"DONT_FAKE_MONOTONIC": "1"}  # faketime changes the clock on the wall alone


@dataclass(frozen=True)
class Job:
    """One kind of job.

    Attributes:
        name: the kind.
        words: the module and its arguments, given the phantom datalist and the folder to write to.
        results: the hash of what counts, by name, given the folder after its end.
    """

    name: str
    words: Callable[[Path, Path], Sequence[str]]
    results: Callable[[Path], dict[str, str]]

    def start(
        self, datalist: Path, folder: Path, log: Path | None = None, before: Sequence[str] = ()
    ) -> Forked | subprocess.Popen[bytes]:
        """Start the job in a process group of its own.

        Args:
            datalist: the phantom datalist.
            folder: the folder to write to.
            log: file to which its output is appended; without it ``<folder>.log``.
            before: a program that starts it, with its arguments.
        """
        module, *arguments = self.words(datalist, folder)
        log = log or folder.with_suffix(".log")
        if not before:
            return Forked(module, arguments, log)
        with log.open("ab") as stream:
            return subprocess.Popen(
                [*before, sys.executable, "-m", module, *arguments],
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                env={**os.environ, **STILL},
            )

    def run(self, datalist: Path, folder: Path, log: Path | None = None) -> float:
        """Run the job to its end, and return its duration in seconds.

        Raises:
            RuntimeError: it fails.
        """
        started, log = time.monotonic(), log or folder.with_suffix(".log")
        status = self.start(datalist, folder, log).wait()
        if status != 0:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise RuntimeError(f"{self.name}: exit status {status}: {lines[-1] if lines else ''}")
        return time.monotonic() - started

    def kill(self, datalist: Path, folder: Path, seconds: float, before: Sequence[str] = ()) -> bool:
        """Start the job and kill it and its processes after some seconds; return False if it ended before."""
        process = self.start(datalist, folder, before=before)
        try:
            process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True


def cases(name: str, folder: Path) -> Path:
    """Write the phantoms of a job, and return their datalist."""
    if name in ("training of the classifier", "joint training"):
        return generate(folder, LABELLED)
    kind = "dicom" if name == "datalist" else "png"
    return generate(folder, Settings(int(PATIENTS), 5, int(SIZE), kind, test_fraction=0.5, validation_fraction=0.25))


def files(folder: Path) -> list[Path]:
    """Return the files under final names."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith((LOCK_FILE, ".log"))]
    return [path for path in sorted(found) if not any(part.endswith(PARTIAL) for part in path.parts)]


def leftovers(folder: Path) -> list[Path]:
    """Return temporary folders and locks."""
    return [path for path in folder.rglob(".*") if path.name.endswith(PARTIAL) or path.name.endswith(LOCK_FILE)]


def half_written(folder: Path) -> list[Path]:
    """Return the files under final names that cannot be read to their end."""
    return [path for path in files(folder) if not _whole(path)]


def _whole(path: Path) -> bool:
    try:
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.load()
        elif path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".pt" and path.parent.name == CACHE:
            return read_checked(path) is not None
        elif path.suffix == ".pt":
            torch.load(path, map_location="cpu", weights_only=True)
        elif path.suffix == ".csv":
            return path.read_bytes().endswith(b"\n")
    except Exception:  # whatever a reader raises on a file that was cut
        return False
    return True


def of_files(folder: Path) -> dict[str, str]:
    """Return the hashes of all files."""
    return {str(path.relative_to(folder)): _sha256(path.read_bytes()) for path in files(folder)}


def of_images(folder: Path) -> dict[str, str]:
    """Return the hashes of the images."""
    return {name: value for name, value in of_files(folder).items() if name.endswith(".png")}


def of_weights(folder: Path) -> dict[str, str]:
    """Return the hashes of the tensors of a training's weights."""
    state = torch.load(folder / "model.pt", map_location="cpu", weights_only=True)
    return {name: _sha256(tensor.numpy().tobytes()) for name, tensor in state.items()}


def of_study(folder: Path) -> dict[str, str]:
    """Return the hashes of a study's figures, without the day that they were made on, and of its tables and images."""
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    del content["provenance"]["made"]
    kept = {name: value for name, value in of_files(folder).items() if name.endswith((".csv", ".png", "cases.json"))}
    return {**kept, "metrics.json": _sha256(json.dumps(content, sort_keys=True).encode())}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _phantom(_: Path, folder: Path) -> list[str]:
    return ["vdes.cli", "phantom", str(folder), "--patients", PATIENTS, "--size", SIZE]


def _datalist(datalist: Path, folder: Path) -> list[str]:
    folder.mkdir(exist_ok=True)  # the command makes no folder
    output = ["--output", str(folder / "datalist.json")]
    return ["vdes.cli", "datalist", "dicom", str(datalist.parent / "images"), *output]


def _bundle(bundle: Path, configs: Sequence[str], *knobs: str) -> Callable[[Path, Path], list[str]]:
    def words(datalist: Path, folder: Path) -> list[str]:
        given = ["--bundle_root", str(bundle), "--dataset_dir", str(datalist), "--output_dir", str(folder)]
        files = str([str(bundle / "configs" / f"{config}.yaml") for config in configs])
        return ["monai.bundle", "run", "--config_file", files, *given, "--num_workers", "0", *knobs]

    return words


def _study(datalist: Path, folder: Path) -> list[str]:
    arms = ["--datalist", str(datalist), "--output", str(folder), "--height", SIZE, "--resamples", "20"]
    weights = UNET / "models" / "model_phantom.pt"
    return ["vdes.cli", "study", *arms, "--generator", f"unet={UNET},height={SIZE},ckpt_path={weights}"]


SHORT = ("--epochs", "3", "--val_interval", "1")
RANDOM = ("--encoder_weights", "none")
NARROW = ("--channels", "8", "--blocks", "2")
JOINT = ("--height", SIZE, "--size", SIZE, "--classifier_encoder_weights", "none")
JOBS = {
    job.name: job
    for job in (
        Job("phantom", _phantom, of_files),
        Job("datalist", _datalist, of_files),
        Job("inference", _bundle(UNET, ["inference"], "--height", SIZE, "--overwrite", "true"), of_images),
        Job("training", _bundle(UNET, ["train"], "--height", SIZE, *SHORT), of_weights),
        Job("training of the CycleGAN", _bundle(CYCLEGAN, ["train"], "--height", SIZE, *NARROW, *SHORT), of_weights),
        Job("training of the classifier", _bundle(CLASSIFIER, ["train"], "--size", SIZE, *RANDOM, *SHORT), of_weights),
        Job("joint training", _bundle(UNET, ["train", "joint"], *JOINT, *RANDOM, *SHORT), of_weights),
        Job("study", _study, of_study),
    )
}
