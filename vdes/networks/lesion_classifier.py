"""The classifier of malignant lesions, the yardstick of the real-vs-virtual study."""

# without ``from __future__ import annotations``: TorchScript reads those of the attributes
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from vdes.data.vocabulary import LEVELS, MODALITIES, PATHOLOGIES
from vdes.errors import InputError
from vdes.networks.efficientnet_lite0 import EfficientNetLite0Encoder, load_encoder_weights
from vdes.networks.float32_layers import Float32Conv2d, Float32Linear
from vdes.networks.view_pooling import SCORES

STACKS = 5  # of EfficientNet-Lite0's seven: 0.7 M of 3.0 M parameters, and a last feature map at 1/16 of the size
FEATURES = 112  # channels after them
STRIDE = 16  # of the images over their feature maps
HIGHEST = 4  # cells of a map that count
MINIMUM = 32
SHARPNESS = 1000.0  # of the softmax that stands for a maximum
PRIOR = -3.0  # logit of an untrained map: most of an image is not malignant (Lin et al., ICCV 2017)


class LesionClassifier(nn.Module):
    """Classify images of a breast as malignant or not, from the low-energy image, the DES image, or both.

    Input: ``(B, 2, H, W)``, channel 0 low energy and channel 1 DES (real or virtual), in [0, 1]. A channel of NaN is
    an absent input: its encoder does not run, and a learned vector replaces its features, unlike those of an empty
    image. H and W are ``size``, the working size, which belongs to the weights: a lesion looks different to a network
    at another scale, so images of another size are refused.

    Output: ``(B, C + 2)``. The first C are logits: C = 1, of malignant against the rest, or with ``classes=3`` those of
    normal, benign and malignant. The last two are scores from which `vdes.networks.view_pooling.pooled_logits` makes
    predictions of breasts and examinations: the weight of the image in its breast, and of the breast in its
    examination.

    Each input has an encoder: EfficientNet-Lite0 (see `vdes.networks.efficientnet_lite0`) up to its fifth stack, a
    convolution to ``channels``, and the mean and the maximum over the image, because a lesion is small. A linear layer
    on the features of each location gives a map of malignancy, logits at 1/16 of H and W; the mean of its four highest
    values is another feature. The features of each input pass a linear layer and are added (equivalent to
    concatenation followed by a linear layer), and linear layers give the outputs. Pooling: ``"attention"`` learns the
    two scores (Ilse et al., ICML 2018, without the gate). ``"mean"`` and ``"max"`` learn none: the logit of a breast is
    the mean, or the largest, of its images' logits.

    Training with `vdes.losses.lesion_map_loss.LesionMapLoss` teaches the maps where lesions are drawn. At inference
    each image is also seen upside down, which makes it look like the other breast, and both outputs are averaged.

    The results of validation are stored with the weights, in vectors of `LEVELS` (image, breast, examination):
    ``temperature``, by which logits are divided (Guo et al., ICML 2017), and ``threshold``, the probability of
    malignancy at and above which a prediction is positive. A network that was not calibrated has 1 and 0.5.

    So is ``seen``: the inputs that training used. Weights trained on DES images alone know nothing about low energy, so
    an input that they have not seen is refused at inference.

    Args:
        classes: 2 (malignant and the rest) or 3 (normal, benign, malignant).
        encoder_weights: ``"imagenet"``, ``"none"`` for random weights, or a file (see `load_encoder_weights`).
        pooling: ``"attention"``, ``"mean"`` or ``"max"``.
        channels: features of each input, before mean and maximum.
        dropout: share of the features dropped in training.
        size: rows and columns of the images, 32 px or more; loaded weights have their own.

    Raises:
        InputError: an argument is out of range, or the encoder weights are missing or do not fit; at inference, an
            image has neither input, an input that the weights have not seen, another size than ``size``, or another
            number of channels.

    """

    temperature: torch.Tensor
    threshold: torch.Tensor
    size: torch.Tensor
    seen: torch.Tensor

    def __init__(
        self,
        classes: int = 2,
        encoder_weights: str | Path = "none",
        pooling: Literal["attention", "mean", "max"] = "attention",
        channels: int = 256,
        dropout: float = 0.3,
        size: int = 256,
    ) -> None:
        super().__init__()
        if classes not in (2, len(PATHOLOGIES)):
            raise InputError(f"classes: {classes!r}; expected 2 (malignant, the rest) or 3 ({', '.join(PATHOLOGIES)})")
        if pooling not in ("attention", "mean", "max"):
            raise InputError(f"pooling: {pooling!r}; expected attention, mean or max")
        if size < MINIMUM:
            raise InputError(f"size: {size!r}; expected {MINIMUM} px or more")
        self.inputs = list(MODALITIES)
        self.sharpness = SHARPNESS if pooling == "max" else 0.0
        self.score_count, self.stride = SCORES, STRIDE
        self.encoders = nn.ModuleList([_ImageEncoder(channels, encoder_weights) for _ in MODALITIES])
        self.fusion = nn.ModuleList([Float32Linear(2 * channels + 1, channels) for _ in MODALITIES])
        self.absent = nn.Parameter(torch.zeros(len(MODALITIES), channels))
        self.malignant = 0 if classes == 2 else PATHOLOGIES.index("malignant")  # its logit
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), Float32Linear(channels, self.malignant + 1))
        self.scores = Float32Linear(channels, SCORES) if pooling == "attention" else None
        self.register_buffer("size", torch.tensor(size))
        self.register_buffer("seen", torch.zeros(len(MODALITIES), dtype=torch.bool))
        self.register_buffer("temperature", torch.ones(len(LEVELS)))
        self.register_buffer("threshold", torch.full((len(LEVELS),), 0.5))

    def forward(self, image: torch.Tensor, lesion_map: bool = False) -> torch.Tensor | dict[str, torch.Tensor]:
        """Return logits and scores of ``image`` ``(B, 2, H, W)``.

        With ``lesion_map`` the result is a dictionary: these as ``classification``, and the maps of malignancy as
        ``lesion_map`` ``(B, 2, H / 16, W / 16)``, NaN for an absent input.
        """
        inputs, size = len(self.inputs), int(self.size)
        if image.dim() != 4 or image.shape[1] != inputs or image.shape[2] != size or image.shape[3] != size:
            names = " and ".join(self.inputs)
            raise InputError(
                f"image of shape {list(image.shape)}: expected [B, {inputs}, {size}, {size}], {names} at the working "
                "size of the weights"
            )
        present = ~image[:, :, 0, 0].isnan()
        if not bool(present.any(dim=1).all()):
            raise InputError("image: both inputs are absent; expected a low-energy image, a DES image or both")
        self._check_seen(present.any(dim=0))
        if self.training:
            output, maps = self._seen_once(image, present)
        else:
            outputs, both = self._seen_once(torch.cat([image, image.flip(2)]), torch.cat([present, present]))
            output = torch.stack(outputs.chunk(2)).mean(dim=0)
            oriented = both.chunk(2)
            maps = (oriented[0] + oriented[1].flip(2)) / 2
        if lesion_map:
            return {"classification": output, "lesion_map": maps}
        return output

    def _seen_once(self, image: torch.Tensor, present: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return outputs and maps of images in one orientation; absent images have the learned vector."""
        features: list[torch.Tensor] = []
        maps: list[torch.Tensor] = []
        for i, (encoder, fusion) in enumerate(zip(self.encoders, self.fusion)):  # noqa: B905 (TorchScript)
            absent = self.absent[i].expand(image.shape[0], -1)
            size = [-(-length // self.stride) for length in image.shape[2:]]
            nowhere = image.new_full([image.shape[0], 1] + size, float("nan"))  # noqa: RUF005 (TorchScript)
            here = present[:, i]
            if bool(here.any()):
                pooled, lesion_map = encoder(image[:, i : i + 1][here])
                found = fusion(pooled)
                if bool(here.all()):
                    absent, nowhere = found, lesion_map
                else:
                    where = here.nonzero()[:, 0]
                    absent = absent.to(found.dtype).index_put([where], found)
                    nowhere = nowhere.to(lesion_map.dtype).index_put([where], lesion_map)
            features.append(absent)
            maps.append(nowhere)
        fused = torch.stack(features).sum(dim=0)
        logits = self.head(fused)
        if self.scores is not None:
            scores = self.scores(torch.relu(fused))
        else:
            scores = torch.stack([self.sharpness * malignancy_logit(logits).detach()] * self.score_count, dim=1)
        return torch.cat([logits, scores], dim=1), torch.cat(maps, dim=1)

    def _check_seen(self, present: torch.Tensor) -> None:
        """Record the inputs that training uses, and refuse others at inference."""
        if self.training:
            if not torch.jit.is_scripting():
                present = present.as_subclass(torch.Tensor)  # a plain tensor, because checkpoints hold it
            self.seen.logical_or_(present)
        elif bool(self.seen.any() & (present & ~self.seen).any()):
            names: list[str] = []
            for i, name in enumerate(self.inputs):
                if bool(present[i] & ~self.seen[i]):
                    names.append(name)
            unseen = " and ".join(names)
            raise InputError(f"image: {unseen}: the weights were trained without; expected images of the other input")


class _ImageEncoder(nn.Module):
    """From an image ``(B, 1, H, W)`` to features ``(B, 2 * channels + 1)`` and a map ``(B, 1, H / 16, W / 16)``."""

    def __init__(self, channels: int, encoder_weights: str | Path) -> None:
        super().__init__()
        self.highest = HIGHEST
        self.encoder = EfficientNetLite0Encoder(in_channels=1)
        if str(encoder_weights) != "none":
            load_encoder_weights(self.encoder, encoder_weights)
        self.encoder._blocks = self.encoder._blocks[:STACKS]
        self.project = nn.Sequential(nn.Conv2d(FEATURES, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU6())
        self.lesion_map = Float32Conv2d(channels, 1, 1)
        self.lesion_map.bias = nn.Parameter(torch.full((1,), PRIOR))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.project(self.encoder(image)[-1]).float()
        lesion_map = self.lesion_map(features)
        highest = lesion_map.flatten(1).topk(self.highest, dim=1).values.mean(dim=1, keepdim=True)
        return torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3)), highest], dim=1), lesion_map


def malignancy_logit(logits: torch.Tensor) -> torch.Tensor:
    """Return the logit ``(N,)`` of malignant against the rest, from logits ``(N, 1)`` or ``(N, 3)``."""
    if logits.shape[1] == 1:
        return logits[:, 0]
    return logits[:, -1] - logits[:, :-1].logsumexp(dim=1)
