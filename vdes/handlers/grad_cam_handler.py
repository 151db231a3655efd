"""Grad-CAM pictures of malignancy, as a MONAI handler."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.transforms import ScaleIntensity
from monai.visualize import GradCAM

from vdes.data.datasets.readable_cases import ReadableCases
from vdes.data.vocabulary import MODALITIES
from vdes.errors import InputError
from vdes.handlers.overlay import overlay_picture
from vdes.metrics.decollated import decollated_cases
from vdes.networks.lesion_classifier import LesionClassifier


class GradCamHandler:
    """Draw for each image that a `LesionClassifier` sees where it found malignancy, by Grad-CAM.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017; MONAI's `GradCAM` on the last features of the input's encoder, at
    1/16 of the working size, so the maps are coarse. Each map is scaled to its own largest value, so it shows where,
    not how much. Writes ``<case>_<input>.png`` on the working grid (chest wall at the left, cropped to the breast,
    square).

    Args:
        output_dir: folder of the pictures; created if it is missing.
        overwrite: whether pictures of an earlier run may be replaced, and those of its cases removed of which this run
            makes none: of inputs that are absent, of images that cannot be read and of outputs that are not finite.
        loader: the evaluator's, which knows the cases that cannot be read.

    Raises:
        InputError: at the start of the run, the folder already has pictures.

    """

    def __init__(self, output_dir: str | Path, overwrite: bool = False, loader: ReadableCases | None = None) -> None:
        self.output_dir = Path(output_dir)
        self.overwrite = overwrite
        self.loader = loader

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.draw)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.forget)

    def start(self, _engine: Engine) -> None:
        """Refuse to replace pictures, before the run."""
        if not self.overwrite and any(self.output_dir.glob("*.png")):
            raise InputError(f"{self.output_dir}: has pictures already; choose another folder or set overwrite to true")
        idist.barrier()  # no process draws before all have checked
        self.output_dir.mkdir(parents=True, exist_ok=True)

    def draw(self, engine: Engine) -> None:
        """Draw the iteration's cases."""
        network: Any = engine.network
        for case in decollated_cases(engine):
            for i, name in enumerate(MODALITIES):
                image, file = case["image"][i], self._file(case, name)
                if bool(image[0, 0].isnan()) or not bool(torch.as_tensor(case["pred"]).isfinite().all()):
                    file.unlink(missing_ok=True)  # of an earlier run
                else:
                    heat = malignancy_map(network, case["image"], i)
                    overlay_picture(image.cpu(), heat.cpu(), file)

    def forget(self, _engine: Engine) -> None:
        """Remove the pictures of an earlier run of cases that cannot be read."""
        for item, _ in self.loader.failed if self.loader is not None else ():
            for name in MODALITIES:
                self._file(item, name).unlink(missing_ok=True)

    def _file(self, case: Mapping[str, Any], name: str) -> Path:
        return self.output_dir / f"{case['case']}_{name}.png"


def malignancy_map(network: LesionClassifier, image: torch.Tensor, modality: int) -> torch.Tensor:
    """Return where ``network`` finds malignancy in one input, ``(H, W)`` in [0, 1].

    Args:
        network: the classifier.
        image: ``(2, H, W)``; the input ``modality`` is present.
        modality: 0 low energy, 1 DES.

    """
    device = next(network.parameters()).device
    network = copy.deepcopy(network)  # MONAI's hooks remain in a network, with the features of every image
    scale = ScaleIntensity(minv=0.0, maxv=1.0)
    # the network sees the image upside down too, as the second of a batch
    cam = GradCAM(network, f"encoders.{modality}.project", postprocessing=lambda heat: scale(heat[:1]))
    with torch.enable_grad():
        heat = cam(image[None].to(device).requires_grad_(), class_idx=network.malignant)
    return torch.as_tensor(heat)[0, 0].detach()
