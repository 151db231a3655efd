"""The models of a study: generators and the classifier, with weights that are given or trained inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from vdes.bundle.bundle import WEIGHTS, OpenedBundle
from vdes.bundle.process import run_workflow
from vdes.data.vocabulary import MODALITIES
from vdes.errors import InputError


@dataclass(frozen=True)
class Model:
    """A bundle, and how the study uses it.

    Attributes:
        bundle: its folder.
        weights: file of the weights; None is the bundle's own. Not read where the study trains it.
        knobs: of its inference, such as the height that the weights were trained at.
        configs: of its training; later ones override.
        training: knobs of its training.
        start: generator of the same study whose weights the training goes on from.
        kind: of `vdes.bundle.steps.SECONDS`, what its training is.
    """

    bundle: Path
    weights: Path | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)
    configs: Sequence[str] = ("train",)
    training: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None
    kind: str = "train unet"

    def opened(self, weights: Path | None = None) -> OpenedBundle:
        """Return the bundle with its weights, or with others.

        Raises:
            InputError: as `OpenedBundle`.
        """
        return OpenedBundle(self.bundle, weights or self.weights or self.bundle / WEIGHTS, self.knobs)

    @property
    def epochs(self) -> int:
        """The epochs of its training, as its configs and knobs say.

        Raises:
            InputError: a config is missing.
        """
        found = dict(self.training)
        for name in reversed(self.configs):
            file = self.bundle / "configs" / f"{name}.yaml"
            if not file.is_file():
                raise InputError(f"{file}: no such file; expected the training of a bundle")
            found = {**ConfigParser.load_config_file(str(file)), **found}
        return int(found.get("epochs", 1))

    def train(self, datalist: Path, output: Path, settings: Mapping[str, Any], processes: int = 1) -> None:
        """Train it in a process of its own, or go on with an interrupted training; ``output/model.pt`` is the result.

        Args:
            datalist: with training and validation cases.
            output: folder of the run; its console output is in ``<output>.log``.
            settings: knobs, ahead of its own.
            processes: above 1, by torchrun and the bundle's multi_gpu_train.

        Raises:
            InputError: the training failed; the message names the log.
        """
        multi = processes > 1 and tuple(self.configs) == ("train",)
        configs = [*self.configs, *(["multi_gpu_train"] if multi else [])]
        knobs = {**self.training, **settings}
        run_workflow(self.bundle, configs, datalist, output, knobs, processes=processes if multi else 1)


def seen_inputs(weights: Path) -> list[str] | None:
    """Return the inputs that a classifier's weights were trained with, or None where they do not tell.

    Raises:
        InputError: the file cannot be read as weights.
    """
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"weights: {weights} cannot be read as weights: {str(error).splitlines()[0]}") from error
    seen = state.get("seen") if isinstance(state, dict) else None
    if seen is None or not bool(seen.any()):
        return None
    return [name for name, found in zip(MODALITIES, seen.tolist(), strict=True) if found]
