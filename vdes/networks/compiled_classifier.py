"""The lesion classifier for inference, its encoders run by the fastest engine."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from vdes.engines.inference_engine import CompiledNetwork
from vdes.networks.lesion_classifier import LesionClassifier


def compiled_classifier(network: LesionClassifier, **settings: Any) -> LesionClassifier:
    """Return the classifier with compiled encoders, which are nearly all of its work.

    The rest looks at which inputs an image has, which no conversion can follow.

    Args:
        network: it stays as it is; what is returned shares its weights.
        settings: of `vdes.engines.inference_engine.CompiledNetwork`.
    """
    compiled = copy.copy(network)
    compiled._modules = dict(network._modules)
    compiled.encoders = nn.ModuleList([CompiledNetwork(encoder, **settings) for encoder in network.encoders])
    return compiled.eval()
