"""Networks in OpenVINO's form."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn


class OpenvinoNetwork:
    """Run a converted network on the processor, in float32 or bfloat16.

    Args:
        file: of `convert`.
        dtype: the type that it computes in.
        threads: of one image's computation.

    """

    packages = ("openvino",)
    file_name = "model.xml"  # beside which lies one with the weights

    def __init__(self, file: Path, dtype: torch.dtype, threads: int) -> None:
        hint = "bf16" if dtype == torch.bfloat16 else "f32"
        settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads}
        self._compiled = _core().compile_model(_core().read_model(file), "CPU", settings)

    def __call__(self, image: np.ndarray) -> Sequence[np.ndarray]:
        """Return the outputs for ``image`` ``(B, C, H, W)``, float32."""
        found = self._compiled(image)
        return [found[i] for i in range(len(found))]

    @staticmethod
    def convert(network: nn.Module, image: torch.Tensor, file: Path) -> None:
        """Write a network for batches of images of the size of ``image`` ``(1, C, H, W)``, float32."""
        import openvino
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        # as openvino.convert_model does, which would report its use to its makers
        decoder = TorchScriptPythonDecoder(network, example_input=(image,))  # has to live until the end
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(decoder))
        model.reshape(openvino.PartialShape([-1, *image.shape[1:]]))
        # into a file, because this model shares memory with torch's, which OpenVINO may free without Python's lock
        openvino.save_model(model, file, compress_to_fp16=False)


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
