"""Inference of the U-Net with parts of MONAI alone, as one would write it without vdes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from monai.inferers import SimpleInferer
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    Invertd,
    LoadImaged,
    Resized,
    SaveImaged,
    ScaleIntensityRanged,
    Transposed,
)
from torch import nn


def infer(network: nn.Module, files: Sequence[Path], output: Path, height: int, highest: float) -> None:
    """Write a 16-bit PNG of the original size for each of ``files``, in float32.

    Args:
        network: from ``(B, 1, height, width)`` in [0, 1] to the same.
        files: grey images.
        output: folder.
        height: rows of the working grid; the columns are three quarters of it.
        highest: the intensity that becomes 1.
    """
    preprocessing = Compose(
        [
            LoadImaged("image"),
            EnsureChannelFirstd("image"),
            Transposed("image", (0, 2, 1)),  # MONAI reads columns first
            ScaleIntensityRanged("image", a_min=0.0, a_max=highest, b_min=0.0, b_max=1.0, clip=True),
            Resized("image", (height, height * 3 // 4), mode="bilinear", anti_aliasing=True),
        ]
    )
    postprocessing = Compose(
        [
            Invertd("pred", transform=preprocessing, orig_keys="image", nearest_interp=False),
            ScaleIntensityRanged("pred", a_min=0.0, a_max=1.0, b_min=0.0, b_max=1.0, clip=True),
            SaveImaged(
                "pred",
                output_dir=output,
                output_ext=".png",
                output_postfix="",
                output_dtype=np.uint16,
                scale=65535,
                resample=False,
                separate_folder=False,
                print_log=False,
            ),
        ]
    )
    dataset = Dataset([{"image": str(file)} for file in files], preprocessing)
    SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(dataset, batch_size=1, num_workers=1),
        network=network,
        inferer=SimpleInferer(),
        postprocessing=postprocessing,
    ).run()
