"""The models of a study: generators and the classifier, with given weights or trained inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from vdes.bundle.bundle import Bundle
from vdes.data.vocabulary import MODALITIES


@dataclass(frozen=True)
class Model:
    """A bundle, and how the study uses it.

    Attributes:
        bundle: its folder.
        weights: file of the weights; None for the bundle's own. Not read if the study trains it.
        knobs: knobs of its inference, such as the height that the weights were trained at.
        configs: configs of its training; later ones override.
        training: knobs of its training.
        start: generator of the same study from whose weights the training starts.
        kind: kind of its training, one of `vdes.bundle.steps.SECONDS`.
    """

    bundle: Path
    weights: Path | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)
    configs: Sequence[str] = ("train",)
    training: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None
    kind: str = "train unet"

    @cached_property
    def given(self) -> Bundle:
        """The bundle with the weights that are given, whose hash and content are read once.

        Raises:
            InputError: as `Bundle.check_inference`.
        """
        bundle = Bundle(self.bundle, self.weights, self.knobs)
        bundle.check_inference()
        return bundle

    def trained(self, weights: Path) -> Bundle:
        """Return the bundle with weights that the study trained.

        Raises:
            InputError: as `Bundle`.
        """
        return Bundle(self.bundle, weights, self.knobs)

    @property
    def epochs(self) -> int:
        """The epochs of its training, from its configs and knobs.

        Raises:
            InputError: a config is missing.
        """
        return Bundle(self.bundle).epochs(self.configs, self.training)

    def train(self, datalist: Path, output: Path, settings: Mapping[str, Any], processes: int = 1) -> None:
        """Train it in a separate process, or resume an interrupted training; ``output/model.pt`` is the result.

        Args:
            datalist: datalist with training and validation cases.
            output: folder of the run; its console output is in ``<output>.log``.
            settings: knobs that override its own.
            processes: number of processes; above 1, with torchrun if the bundle supports it.

        Raises:
            InputError: the training failed; the message names the log.
        """
        knobs = {**self.training, **settings}
        Bundle(self.bundle).run(self.configs, datalist, output, knobs, processes=processes)


def seen_inputs(classifier: Bundle) -> list[str] | None:
    """Return the inputs that a classifier's weights were trained with, or None if they do not state them.

    Raises:
        InputError: the file cannot be read as weights.
    """
    seen = classifier.state.get("seen")
    if seen is None or not bool(seen.any()):
        return None
    return [name for name, found in zip(MODALITIES, seen.tolist(), strict=True) if found]
