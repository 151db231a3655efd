from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vdes.errors import InputError
from vdes.networks.compiled_classifier import compiled_classifier
from vdes.networks.feature_classifier import FeatureClassifier, input_encoders


@pytest.mark.parametrize("pooling", ["attention", "max"])
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_features_give_the_outputs_of_the_images(
    engine: str, pooling: str, small_classifier: Callable[..., Any]
) -> None:
    pytest.importorskip("openvino", reason="no package openvino")
    network = small_classifier(pooling=pooling).eval()
    compiled = compiled_classifier(network, engine=engine, precision="float32")
    images = torch.rand(4, 2, 64, 64)
    images[1, 0] = images[2, 1] = torch.nan  # one input is absent
    with torch.inference_mode():
        wanted = compiled(images)
        features = torch.stack([encode(images[:, i : i + 1]) for i, encode in enumerate(encoders(compiled))], dim=1)
        # alone, in another order
        again = torch.cat([encoders(compiled)[1](images[i : i + 1, 1:]) for i in (3, 0)])
        assert torch.equal(features[[3, 0], 1], again)
        features[1, 0] = features[2, 1] = torch.nan
        combined = FeatureClassifier(compiled)
        assert torch.equal(combined(features), wanted)
    assert torch.equal(combined.temperature, network.temperature)


def encoders(compiled: Any) -> list[Any]:
    return list(input_encoders(compiled).values())


def test_what_the_weights_do_not_know_is_refused(small_classifier: Callable[..., Any]) -> None:
    network = small_classifier().eval()
    network.seen.copy_(torch.tensor([False, True]))
    known = input_encoders(compiled_classifier(network, engine="torch", precision="float32"))
    with pytest.raises(InputError, match=r"^image of shape \[1, 1, 32, 32\]: expected \[B, 1, 64, 64\]"):
        known["des"](torch.rand(1, 1, 32, 32))
    with pytest.raises(InputError, match="low_energy: the weights were trained without"):
        known["low_energy"](torch.rand(1, 1, 64, 64))
    with pytest.raises(InputError, match="low_energy: the weights were trained without"):
        FeatureClassifier(network)(torch.rand(1, 2, 2, 33))


def test_an_encoder_is_known_by_its_weights_and_engine(small_classifier: Callable[..., Any]) -> None:
    def identities(network: Any, **settings: str) -> list[str]:
        compiled = compiled_classifier(network, **{"engine": "torch", "precision": "float32"} | settings)
        return [one.identity for one in encoders(compiled)]

    network = small_classifier().eval()
    first = identities(network)
    assert identities(network) == first and first[0] != first[1]
    assert not set(identities(network, precision="bfloat16")) & set(first)
    with torch.no_grad():
        network.encoders[1].lesion_map.bias += 1e-6
    assert [one == other for one, other in zip(identities(network), first, strict=True)] == [True, False]
