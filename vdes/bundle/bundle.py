"""A MONAI bundle as a folder: its content, its inference and its training."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import yaml
from monai.bundle import ConfigParser, ConfigWorkflow

from vdes.bundle.knobs import EXPRESSIONS, ID_SEP_KEY_ALIAS, as_expression, given_knobs
from vdes.bundle.process import run_workflow
from vdes.errors import CaseError, InputError, find_input_error

WEIGHTS = "models/model.pt"
METADATA = "configs/metadata.json"
CONFIG_SUFFIXES = (".yaml", ".yml", ".json")
CONTRACT = ("dataset_dir", "output_dir", "ckpt_path")


@dataclass(frozen=True)
class Bundle:
    """A bundle's folder, with the weights and the knobs of its inference.

    The content of the folder is read on first use. `check_inference` checks the contract that `infer` needs:
    ``configs/inference.yaml`` has ``network_def`` and the knobs ``bundle_root``, ``dataset_dir`` (a datalist),
    ``output_dir`` and ``ckpt_path``. A generator writes a 16-bit PNG for every low-energy image of the datalist, with
    the same size and the stem of the low-energy file. A classifier also has a knob ``inputs`` (low_energy, des or
    both), and writes ``predictions.csv`` like `vdes.handlers.predictions_handler.PredictionsHandler`.

    Args:
        root: folder of the bundle.
        weights: file of the weights; None is the bundle's own ``models/model.pt``.
        knobs: further knobs of its inference, such as the working height that the weights were trained at.

    Raises:
        InputError: the folder does not exist, or has no folder ``configs``.

    """

    root: Path
    weights: Path | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the folder is a bundle."""
        if not self.root.is_dir():
            raise InputError(f"{self.root}: no such folder; expected the folder of a bundle")
        if not (self.root / "configs").is_dir():
            raise InputError(f"{self.root}: holds no folder configs; expected the folder of a bundle")

    @property
    def name(self) -> str:
        """The name of the bundle, which is that of its folder."""
        return self.root.resolve().name

    @cached_property
    def files(self) -> list[str]:
        """The bundle's files, sorted; in a git checkout those that git does not ignore."""
        command = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."]
        listed = subprocess.run(command, capture_output=True, text=True) if shutil.which("git") else None
        if listed is not None and listed.returncode == 0 and listed.stdout:
            names = set(listed.stdout.split("\0"))
        else:
            names = {file.relative_to(self.root).as_posix() for file in self.root.rglob("*")}
        return sorted(name for name in names if "__pycache__" not in name and (self.root / name).is_file())

    def text(self, name: str) -> str:
        """Return the text of one of its files."""
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The content of configs/metadata.json; empty if it is missing or not a JSON object, which a check reports."""
        try:
            content = json.loads(self.text(METADATA))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def version(self) -> str:
        """The version that its metadata state, or an empty text."""
        return str(self.metadata.get("version", ""))

    def config(self, name: str) -> str | None:
        """Return the file of a config such as ``train``, in any format, or None."""
        found = (f"configs/{name}{suffix}" for suffix in CONFIG_SUFFIXES)
        return next((file for file in found if (self.root / file).is_file()), None)

    @property
    def configs(self) -> list[str]:
        """The files of all configs except the metadata."""
        own = [name for name in self.files if name.startswith("configs/") and name.endswith(CONFIG_SUFFIXES)]
        return [name for name in own if name != METADATA]

    def content(self, config: str) -> dict[str, Any]:
        """Return the raw content of a config file; empty if it is not a YAML mapping."""
        try:
            content = yaml.safe_load(self.text(config))
        except yaml.YAMLError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def stored_weights(self) -> list[str]:
        """The files of weights in its folder ``models``."""
        return [name for name in self.files if name.startswith("models/") and name.endswith(".pt")]

    @property
    def large_files(self) -> dict[str, dict[str, Any]]:
        """The entries of large_files.yml, files to download, by their paths."""
        file = next(
            (name for name in self.files if name.startswith("large_files") and name.endswith(CONFIG_SUFFIXES)), ""
        )
        listed = self.content(file).get("large_files") if file else None
        entries = listed if isinstance(listed, list) else []
        return {str(entry["path"]): entry for entry in entries if isinstance(entry, dict) and "path" in entry}

    @property
    def weights_file(self) -> Path:
        """The file of the weights that inference uses."""
        return self.weights or self.root / WEIGHTS

    @cached_property
    def weights_sha256(self) -> str:
        """The hash of those weights, by which a study recognises them."""
        return hashlib.sha256(self.weights_file.read_bytes()).hexdigest()

    @cached_property
    def state(self) -> dict[str, torch.Tensor]:
        """The state dict in the file of the weights.

        Raises:
            InputError: the file cannot be read as weights.
        """
        try:
            state = torch.load(self.weights_file, map_location="cpu", weights_only=True)
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"weights: {self.weights_file} cannot be read as weights: {reason}") from error
        return state if isinstance(state, dict) else {}

    def check_inference(self) -> str:
        """Check the requirements of inference, and return the file of its config.

        Raises:
            InputError: there is no such config or file of weights, or the config lacks ``network_def`` or a knob.
        """
        config = self.config("inference")
        if config is None:
            raise InputError(f"{self.root}: no configs/inference.yaml or .json; expected the folder of a bundle")
        file = str(self.root / config)
        items = self._parsed(file)
        if "network_def" not in items:
            raise InputError(f"{file}: no `network_def`; expected the network of the bundle")
        unknown = [name for name in (*CONTRACT, *self.knobs) if name not in items]
        if unknown:
            raise InputError(f"{file}: no knob `{unknown[0]}`; expected one")
        if not self.weights_file.is_file():
            raise InputError(f"{self.weights_file}: no such file; expected the weights of {self.root.name}")
        return file

    def takes(self, knob: str) -> bool:
        """Tell whether its inference has a knob.

        Raises:
            InputError: as `check_inference`.
        """
        return knob in self._parsed(self.check_inference())

    def knobs_of(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return knobs of its inference from texts such as ``height=256``.

        Raises:
            InputError: as `check_inference` and `vdes.bundle.knobs.given_knobs`, or it is a place that `infer` is
                given in another way.
        """
        file = self.check_inference()
        for text in texts:
            if text.partition("=")[0] in ("bundle_root", *CONTRACT):
                raise InputError(f"--knob {text}: expected the places of images, results and weights outside of knobs")
        return given_knobs(texts, ConfigParser(self._parsed(file)), file)

    def infer(self, datalist: Path, output: Path, **knobs: Any) -> None:
        """Run its inference in this process.

        Args:
            datalist: passed as ``dataset_dir``.
            output: passed as ``output_dir``.
            knobs: further knobs, which override the bundle's own.

        Raises:
            CaseError: cases failed, the others are done.
            InputError: as `check_inference`, or the workflow failed or wrote nothing. Both messages are prefixed by
                the bundle's name.

        """
        file = self.check_inference()
        settings = {**self.knobs, **knobs, "bundle_root": self.root, "ckpt_path": self.weights_file.absolute()}
        settings |= {"dataset_dir": datalist, "output_dir": output}
        try:
            with _process_as_it_was():
                workflow = ConfigWorkflow(
                    file,
                    meta_file=str(self.root / METADATA),
                    workflow_type="infer",
                    logging_file=False,
                    **{name: _as_override(value) for name, value in settings.items()},
                )
                workflow.initialize()
                workflow.run()
                workflow.finalize()
        except Exception as error:  # any exception of a bundle is one failed step of the study
            found = find_input_error(error)
            kind = CaseError if isinstance(found, CaseError) else InputError
            raise kind(f"bundle {self.name}: {found or _reason(error)}") from error
        if not output.is_dir() or not any(output.iterdir()):
            raise InputError(f"bundle {self.name}: its inference ended without an output; expected files in {output}")

    def epochs(self, configs: Sequence[str], knobs: Mapping[str, Any]) -> int:
        """Return the number of epochs of a training, from its configs and knobs; later configs override.

        Raises:
            InputError: a config is missing.
        """
        found: dict[str, Any] = {}
        for name in configs:
            config = self.config(name)
            if config is None:
                raise InputError(f"{self.root}/configs/{name}.yaml: no such file; expected the training of a bundle")
            found |= self._parsed(str(self.root / config))
        return int({**found, **knobs}.get("epochs", 1))

    def run(
        self,
        configs: Sequence[str],
        datalist: Path,
        output: Path,
        knobs: Mapping[str, Any],
        threads: int | None = None,
        processes: int = 1,
    ) -> None:
        """Run its configs in a separate process, with `vdes.bundle.process.run_workflow`.

        Args:
            configs: names such as ``["train"]`` or ``["train", "evaluate"]``; later ones override.
            datalist: passed as ``dataset_dir``.
            output: passed as ``output_dir``; the console output is in ``<output>.log``.
            knobs: further knobs.
            threads: threads of torch in each process; all cores by default.
            processes: above 1, the plain training runs by torchrun with the bundle's ``multi_gpu_train``; other configs
                run in one process.

        Raises:
            InputError: the run failed; the message names the log.
        """
        multi = processes > 1 and tuple(configs) == ("train",)
        names = [*configs, *(["multi_gpu_train"] if multi else [])]
        run_workflow(self.root, names, datalist, output, knobs, threads, processes if multi else 1)

    def _parsed(self, file: str) -> dict[str, Any]:
        """Return a config as MONAI reads it."""
        try:
            return dict(ConfigParser.load_config_file(file))
        except Exception as error:
            raise InputError(f"{file}: not a config that MONAI reads ({error})") from error


def _as_override(value: Any) -> Any:
    """Return a value so that MONAI takes it as it is: a path may begin with ``$``, and any text have a ``#``."""
    if isinstance(value, Path) or (isinstance(value, str) and not value.startswith(EXPRESSIONS)):
        text = str(value)
        return as_expression(text) if ID_SEP_KEY_ALIAS in text or text.startswith(EXPRESSIONS) else text
    return value


@contextlib.contextmanager
def _process_as_it_was() -> Iterator[None]:
    """Undo a bundle's changes to its process, and silence MONAI's warning that the bundle's logging is not set up."""
    hook, path, logger = sys.excepthook, list(sys.path), logging.getLogger("monai.bundle.workflows")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        sys.excepthook, sys.path[:] = hook, path


def _reason(error: BaseException) -> str:
    """Return the first line of the original exception, without MONAI's wrappers."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (f"{type(error).__name__}: {error}".strip().splitlines() or [""])[0]
