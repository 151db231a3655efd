"""Networks in the form of ONNX, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn


class OnnxruntimeNetwork:
    """Run a converted network on the processor, in float32, for ONNX Runtime computes in no other type there.

    Args:
        file: of `convert`.
        dtype: float32.
        threads: of one image's computation.

    """

    packages = ("onnxruntime", "onnx")
    file_name = "model.onnx"

    def __init__(self, file: Path, dtype: torch.dtype, threads: int) -> None:
        import onnxruntime

        assert dtype == torch.float32
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def __call__(self, image: np.ndarray) -> Sequence[np.ndarray]:
        """Return the outputs for ``image`` ``(B, C, H, W)``, float32."""
        outputs: Sequence[np.ndarray] = self._session.run(None, {self._input: image})
        return outputs

    @staticmethod
    def convert(network: nn.Module, image: torch.Tensor, file: Path) -> None:
        """Write a network for batches of images of the size of ``image`` ``(1, C, H, W)``, float32."""
        # by tracing, in a tenth of the time of the exporter that reads the code
        axes = {"image": {0: "batch"}}
        torch.onnx.export(network, (image,), file, input_names=["image"], dynamic_axes=axes, dynamo=False)
