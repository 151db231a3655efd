"""A network for inference, run by the fastest engine that is installed and right for the device."""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib.util
import logging
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from ignite.distributed import get_rank
from torch import nn

from vdes.engines.precision import autocast_dtype
from vdes.errors import InputError

logger = logging.getLogger(__name__)

ENGINES = ("auto", "torch", "openvino")
# fewer images are done before a network is converted
WORTH_COMPILING = 100
# of the largest value, and of 1 where all are smaller: what OpenVINO may differ from torch by
BOUNDS = {"f32": 1e-4, "bf16": 5e-2}
MODEL, SUMS = "model.xml", "sha256.txt"


class CompiledNetwork(nn.Module):
    """Run a network for inference by torch, or by OpenVINO on a processor.

    The network is converted when the first image comes, for any batch of its size. OpenVINO computes in float32 where
    torch does and in bfloat16 where torch does; in float32 the outputs differ by a few units of the last digit.

    On a processor the images of a batch are computed one by one, which is no slower, so that the output of an image
    does not depend on the others in its batch.

    The network is no child of this module, for MONAI's evaluator sets the mode of every child at every image.

    Args:
        network: takes one tensor ``(B, C, H, W)`` and returns a tensor or a tuple of tensors.
        engine: torch, openvino, or auto: OpenVINO where it is installed, the device is a processor and there are at
            least `WORTH_COMPILING` images; else torch.
        precision: as in `vdes.engines.precision.autocast_dtype`.
        device: where the network runs.
        images: how many will come; None is many.
        cache_dir: folder that keeps converted networks, by their weights, size and versions; None keeps nothing.

    Raises:
        InputError: the engine or the precision is unknown, or the engine is not installed or not for the device.

    """

    def __init__(
        self,
        network: nn.Module,
        engine: str = "auto",
        precision: str = "auto",
        device: str | torch.device = "cpu",
        images: int | None = None,
        cache_dir: str | Path | None = None,
    ) -> None:
        super().__init__()
        self._network = [network.eval()]
        self.dtype = autocast_dtype(precision, device)
        self.asked = engine
        self.engine = chosen_engine(engine, device, images)
        self.cache_dir = None if cache_dir is None else Path(cache_dir)
        self._compiled: dict[tuple[int, ...], Any] = {}

    @property
    def network(self) -> nn.Module:
        """The network as it was given."""
        return self._network[0]

    def forward(self, image: torch.Tensor) -> Any:
        """Return what the network returns for ``image`` ``(B, C, H, W)``."""
        if image.device.type != "cpu" or len(image) == 1:
            return self._outputs(image)
        outputs = [self._outputs(one) for one in image.split(1)]
        if isinstance(outputs[0], tuple):
            return tuple(torch.cat(parts) for parts in zip(*outputs, strict=True))
        return torch.cat(outputs)

    @property
    def identity(self) -> str:
        """What tells its outputs from those of another network, engine, precision or kind of device, of one version."""
        device = next((value.device.type for value in self.network.state_dict().values()), "cpu")
        return f"{self.engine} {self.dtype} {device} {_sha256(self.network)}"

    def _outputs(self, image: torch.Tensor) -> Any:
        if self.engine == "openvino":
            compiled = self._compiled_for(image)
            if compiled is not None:
                found = compiled(image.detach().contiguous().numpy())
                outputs = tuple(torch.from_numpy(found[i]) for i in range(len(found)))
                return outputs[0] if len(outputs) == 1 else outputs
        return self.network(image)

    def _compiled_for(self, image: torch.Tensor) -> Any:
        """Return the network compiled for images of this size, or None where torch has to do."""
        size = tuple(image.shape[1:])
        if size not in self._compiled:
            try:
                self._compiled[size] = self._compile(image)
            except Exception as error:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                if self.asked != "auto":
                    raise InputError(f"engine: openvino cannot run this network: {reason}") from error
                logger.warning("engine: torch (openvino cannot run this network: %s)", reason)
                self.engine = "torch"
                return None
        return self._compiled[size]

    def _compile(self, image: torch.Tensor) -> Any:
        hint = "bf16" if self.dtype == torch.bfloat16 else "f32"
        settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
        compiled = _core().compile_model(self._converted(image), "CPU", settings)
        # what a network decides by looking at an image is frozen by the conversion: it shows at another image
        other = image.detach().flip(-1)[:1].contiguous()
        with torch.no_grad():
            expected = self.network(other)
        found = compiled(other.numpy())
        for i, wanted in enumerate(expected if isinstance(expected, tuple) else (expected,)):
            difference = float((torch.from_numpy(found[i]) - wanted).abs().max() / wanted.abs().max().clamp(min=1))
            if not difference <= BOUNDS[hint]:
                raise InputError(f"its output differs from torch's by {difference:.1g} of the largest value")
        return compiled

    def _converted(self, image: torch.Tensor) -> Any:
        """Return the network in OpenVINO's form, from the cache where it is there and whole."""
        import openvino
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        folder = None if self.cache_dir is None else self.cache_dir / self._key(image)
        if folder is not None and folder.is_dir():
            if _sums(folder) == _stated_sums(folder):
                return _core().read_model(folder / MODEL)
            logger.warning("engine: %s is damaged; the network is converted again", folder)
            shutil.rmtree(folder, ignore_errors=True)
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            torch.autocast("cpu", enabled=False),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # of tracing; what it warns of shows in the comparison with torch
            example = image.detach().clone(memory_format=torch.contiguous_format)[:1]
            # as openvino.convert_model does, which would report its use to its makers
            decoder = TorchScriptPythonDecoder(self.network, example_input=(example,))  # has to live until the end
            frontend = FrontEndManager().load_by_framework("pytorch")
            model = frontend.convert(frontend.load(decoder))
        model.reshape(openvino.PartialShape([-1, *image.shape[1:]]))
        # from a file, because this model shares memory with torch's, which OpenVINO may free without Python's lock
        with tempfile.TemporaryDirectory(prefix="vdes_") as stage:
            openvino.save_model(model, Path(stage) / MODEL, compress_to_fp16=False)
            if folder is not None:
                _keep(Path(stage), folder)
            return _core().read_model(Path(stage) / MODEL)

    def _key(self, image: torch.Tensor) -> str:
        """Return what tells this network, size and versions from all others."""
        from openvino import __version__ as version

        described = f"{version} {torch.__version__} {tuple(image.shape[1:])} {_sha256(self.network)}"
        return hashlib.sha256(described.encode()).hexdigest()[:32]


def chosen_engine(engine: str, device: str | torch.device, images: int | None = None) -> str:
    """Return the engine that runs a network, and log it with the reason, once a process and on rank 0 alone.

    Args:
        engine: auto, torch or openvino.
        device: where the network runs.
        images: how many will come; None is many.

    Raises:
        InputError: the engine is unknown, not installed or not for the device.
    """
    if engine == "tensorrt":
        raise InputError(
            "engine: tensorrt runs a file that is made beforehand; expected configs/inference_trt.yaml, given after "
            "configs/inference.yaml"
        )
    if engine not in ENGINES:
        raise InputError(f"engine: {engine!r}; expected {', '.join(ENGINES[:-1])} or {ENGINES[-1]}")
    kind = torch.device(device).type
    installed = importlib.util.find_spec("openvino") is not None
    if engine == "openvino" and not installed:
        raise InputError("engine: openvino is not installed; expected its package (pip install openvino) or torch")
    if engine == "openvino" and kind != "cpu":
        raise InputError(f"engine: openvino runs on a processor, not on {kind}; expected torch")
    if engine != "auto":
        _log(f"engine: {engine} (as asked for)")
        return engine
    if kind != "cpu" or not installed:
        reason = f"on {kind}" if kind != "cpu" else "openvino is not installed"
        _log(f"engine: torch (auto: {reason})")
        return "torch"
    if images is not None and images < WORTH_COMPILING:
        return "torch"
    _log("engine: openvino (auto: faster on a processor)")
    return "openvino"


def _sha256(network: nn.Module) -> str:
    """Return the hash of a network's layers and weights."""
    digest = hashlib.sha256(str(network).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _keep(converted: Path, folder: Path) -> None:
    """Store the files of a converted network whole or not at all; without a place for them there is no cache."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as stage:
            whole = Path(stage) / folder.name
            shutil.copytree(converted, whole)
            (whole / SUMS).write_text(_sums(whole), encoding="utf-8")
            whole.replace(folder)
    except OSError as error:  # shutil's too
        if not folder.is_dir():  # another process may have been faster
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            logger.warning("engine: %s keeps no converted network (%s)", folder.parent, reason)


def _sums(folder: Path) -> str:
    """Return the hashes of the files of a converted network."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def _stated_sums(folder: Path) -> str:
    file = folder / SUMS
    return file.read_text(encoding="utf-8") if file.is_file() else ""


@functools.cache
def _core() -> Any:
    """Return the process's one core, which outlives all networks.

    Each core's plugin for processors gives the process another stack for signals, and puts the one before it back when
    it ends. That one may have been freed by then, if cores end in the order in which they began: the next signal, such
    as that of a child's end, would end the process.

    Networks are read without mapping their files, which may be damaged or removed later. Forked processes, such as
    those of data loaders, free nothing that existed before them: OpenVINO waits for its threads when a network is
    freed, and a forked process does not have them.
    """
    import openvino

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=gc.freeze)
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})
    return core


@functools.cache
def _log(line: str) -> None:
    if get_rank() == 0:
        logger.info(line)
