"""The lesion classifier in two halves: from images to features that can be stored, and from features to its outputs."""

from __future__ import annotations

import torch
from torch import nn

from vdes.data.vocabulary import MODALITIES
from vdes.engines.inference_engine import CompiledNetwork
from vdes.errors import InputError
from vdes.networks.lesion_classifier import STRIDE, LesionClassifier


class InputEncoder:
    """The features of one input of a classifier.

    Args:
        network: from `vdes.networks.compiled_classifier.compiled_classifier`.
        modality: ``low_energy`` or ``des``.
    """

    def __init__(self, network: LesionClassifier, modality: str) -> None:
        self.network = network
        self.used = torch.tensor([name == modality for name in MODALITIES], device=network.seen.device)
        encoder = network.encoders[MODALITIES.index(modality)]
        assert isinstance(encoder, CompiledNetwork)
        self.encoder = encoder
        self.size = int(network.size)
        self.device = network.size.device

    @property
    def identity(self) -> str:
        """What tells its features from those of another encoder, size, engine or precision."""
        return f"{self.size} {self.encoder.identity}"

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Return the features ``(B, 2, F)`` of ``image`` ``(B, 1, H, W)``, upright and upside down.

        Raises:
            InputError: the image does not have the working size of the weights, or they have not seen this input.
        """
        self.network._check_seen(self.used)
        if tuple(image.shape[1:]) != (1, self.size, self.size):
            raise InputError(
                f"image of shape {list(image.shape)}: expected [B, 1, {self.size}, {self.size}], the working size of "
                "the weights"
            )
        features, _ = self.encoder(torch.cat([image, image.flip(2)]))
        return torch.stack(features.chunk(2), dim=1)


def input_encoders(network: LesionClassifier) -> dict[str, InputEncoder]:
    """Return the encoders of a compiled classifier by modality, in the order of its inputs."""
    return {name: InputEncoder(network, name) for name in MODALITIES}


class FeatureClassifier(LesionClassifier):
    """The classifier for images whose features are known, as from `vdes.data.datasets.encoded_dataset`.

    Input: ``(B, 2, 2, F)``, for each of its inputs the features of `InputEncoder`, NaN where the input is absent.
    Output: that of the network for the images themselves.

    Args:
        network: it stays as it is; this one shares its weights.
    """

    def __init__(self, network: LesionClassifier) -> None:
        nn.Module.__init__(self)
        self.__dict__ = {**network.__dict__, "_modules": dict(network._modules)}
        self.encoders = nn.ModuleList([_Known() for _ in network.encoders])
        self.eval()

    def forward(self, features: torch.Tensor, lesion_map: bool = False) -> torch.Tensor:
        """Return logits and scores ``(B, C + 2)`` of ``features``; there are no maps of malignancy."""
        present = ~features[:, :, 0, 0].isnan()
        self._check_seen(present.any(dim=0))
        upright, upside_down = features.unbind(dim=2)
        outputs, _ = self._seen_once(torch.cat([upright, upside_down]), torch.cat([present, present]))
        return torch.stack(outputs.chunk(2)).mean(dim=0)


class _Known(nn.Module):
    """Stands for an encoder: its input ``(B, 1, F)`` is its output already."""

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return features[:, 0], features[:, :, ::STRIDE]  # a map of the shape that absent inputs get, for nobody
