"""A network for inference, run by the fastest engine that is installed and right for the device."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import logging
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from ignite.distributed import get_rank
from torch import nn

from vdes.engines.converted_cache import is_whole, keep
from vdes.engines.onnxruntime_network import OnnxruntimeNetwork
from vdes.engines.openvino_network import OpenvinoNetwork
from vdes.engines.precision import autocast_dtype
from vdes.errors import InputError

logger = logging.getLogger(__name__)

Converted = OpenvinoNetwork | OnnxruntimeNetwork
# those that convert a network for a processor, the fastest first
CONVERTING: dict[str, type[Converted]] = {"openvino": OpenvinoNetwork, "onnxruntime": OnnxruntimeNetwork}
ENGINES = ("auto", "torch", *CONVERTING)
# fewer images are done before a network is converted
WORTH_COMPILING = 100
# of the largest value, and of 1 where all are smaller: what an engine may differ from torch by
BOUNDS = {torch.float32: 1e-4, torch.float16: 1e-4, torch.bfloat16: 5e-2}


class CompiledNetwork(nn.Module):
    """Run a network for inference by torch, or on a processor by OpenVINO or ONNX Runtime.

    The network is converted when the first image comes, for any batch of its size. OpenVINO computes in float32 where
    torch does and in bfloat16 where torch does, ONNX Runtime in float32 alone; there the outputs differ by a few units
    of the last digit.

    On a processor the images of a batch are computed one by one, which is no slower, so that the output of an image
    does not depend on the others in its batch.

    The network is no child of this module, for MONAI's evaluator sets the mode of every child at every image.

    Args:
        network: takes one tensor ``(B, C, H, W)`` and returns a tensor or a tuple of tensors.
        engine: torch, openvino, onnxruntime, or auto: the first of OpenVINO and ONNX Runtime that is installed where
            the device is a processor and there are at least `WORTH_COMPILING` images; else torch.
        precision: as in `vdes.engines.precision.autocast_dtype`.
        device: where the network runs.
        images: how many will come; None is many.
        cache_dir: folder that keeps converted networks, by their weights, size and versions; None keeps nothing.

    Raises:
        InputError: the engine or the precision is unknown, or the engine is not installed, or not for the device or
            the precision.

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
        self.engine = chosen_engine(engine, device, self.dtype, images)
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
        if self.engine != "torch":
            compiled = self._compiled_for(image)
            if compiled is not None:
                outputs = tuple(torch.from_numpy(values) for values in compiled(image.detach().contiguous().numpy()))
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
                    raise InputError(f"engine: {self.engine} cannot run this network: {reason}") from error
                logger.warning("engine: torch (%s cannot run this network: %s)", self.engine, reason)
                self.engine = "torch"
                return None
        return self._compiled[size]

    def _compile(self, image: torch.Tensor) -> Converted:
        compiled = self._loaded(image)
        # what a network decides by looking at an image is frozen by the conversion: it shows at another image
        other = image.detach().flip(-1)[:1].contiguous()
        with torch.no_grad():
            expected = self.network(other)
        found = compiled(other.numpy())
        for i, wanted in enumerate(expected if isinstance(expected, tuple) else (expected,)):
            difference = float((torch.from_numpy(found[i]) - wanted).abs().max() / wanted.abs().max().clamp(min=1))
            if not difference <= BOUNDS[self.dtype]:
                raise InputError(f"its output differs from torch's by {difference:.1g} of the largest value")
        return compiled

    def _loaded(self, image: torch.Tensor) -> Converted:
        """Return the network in its engine's form, from the cache where it is there and whole."""
        form, threads = CONVERTING[self.engine], torch.get_num_threads()
        folder = None if self.cache_dir is None else self.cache_dir / self._key(image)
        if folder is not None and is_whole(folder):
            return form(folder / form.file_name, self.dtype, threads)
        with tempfile.TemporaryDirectory(prefix="vdes_") as stage:
            file = Path(stage) / form.file_name
            with (
                torch.inference_mode(False),
                torch.no_grad(),
                torch.autocast("cpu", enabled=False),
                warnings.catch_warnings(),
            ):
                warnings.simplefilter("ignore")  # of tracing; what it warns of shows in the comparison with torch
                form.convert(self.network, image.detach().clone(memory_format=torch.contiguous_format)[:1], file)
            if folder is not None:
                keep(Path(stage), folder)
            return form(file, self.dtype, threads)

    def _key(self, image: torch.Tensor) -> str:
        """Return what tells this network, size, engine and versions from all others."""
        engine = f"{self.engine} {version(self.engine)}"
        described = f"{engine} {torch.__version__} {tuple(image.shape[1:])} {_sha256(self.network)}"
        return hashlib.sha256(described.encode()).hexdigest()[:32]


def chosen_engine(engine: str, device: str | torch.device, dtype: torch.dtype, images: int | None = None) -> str:
    """Return the engine that runs a network, and log it with the reason, once a process and on rank 0 alone.

    Args:
        engine: auto, torch, openvino or onnxruntime.
        device: where the network runs.
        dtype: the type that it computes in. ONNX Runtime, which has float32 alone, is chosen for no other.
        images: how many will come; None is many.

    Raises:
        InputError: the engine is unknown, not installed, or not for the device or the type.
    """
    if engine == "tensorrt":
        raise InputError(
            "engine: tensorrt runs a file that is made beforehand; expected configs/inference_trt.yaml, given after "
            "configs/inference.yaml"
        )
    if engine not in ENGINES:
        raise InputError(f"engine: {engine!r}; expected {', '.join(ENGINES[:-1])} or {ENGINES[-1]}")
    kind = torch.device(device).type
    if engine in CONVERTING:
        lacking = _lacking(engine)
        if lacking:
            words = f"its package (pip install {' '.join(lacking)})"
            raise InputError(f"engine: {engine} is not installed; expected {words} or torch")
        if kind != "cpu":
            raise InputError(f"engine: {engine} runs on a processor, not on {kind}; expected torch")
        if not _computes_in(engine, dtype):
            raise InputError(f"engine: {engine} computes in float32; expected precision float32, or another engine")
    if engine != "auto":
        _log(f"engine: {engine} (as asked for)")
        return engine
    installed = [name for name in CONVERTING if _computes_in(name, dtype) and not _lacking(name)]
    if kind != "cpu" or not installed:
        reason = f"on {kind}" if kind != "cpu" else f"{' or '.join(CONVERTING)} is not installed"
        _log(f"engine: torch (auto: {reason})")
        return "torch"
    if images is not None and images < WORTH_COMPILING:
        return "torch"
    _log(f"engine: {installed[0]} (auto: faster on a processor)")
    return installed[0]


def _lacking(engine: str) -> list[str]:
    """Return the packages of an engine that are not installed."""
    return [name for name in CONVERTING[engine].packages if importlib.util.find_spec(name) is None]


def _computes_in(engine: str, dtype: torch.dtype) -> bool:
    return engine == "openvino" or dtype == torch.float32


def _sha256(network: nn.Module) -> str:
    """Return the hash of a network's layers and weights."""
    digest = hashlib.sha256(str(network).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@functools.cache
def _log(line: str) -> None:
    if get_rank() == 0:
        logger.info(line)
