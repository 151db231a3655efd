from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vdes.networks.compiled_classifier import compiled_classifier


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_compiled_encoders_change_no_prediction(engine: str, small_classifier: Callable[..., Any]) -> None:
    pytest.importorskip("openvino", reason="no package openvino")
    plain = small_classifier().eval()
    plain.seen.fill_(True)
    images = torch.rand(4, 2, 64, 64)
    images[1, 0] = images[2, 1] = torch.nan  # one input is absent
    compiled = compiled_classifier(plain, engine=engine, precision="float32")
    with torch.inference_mode():
        for batch in (images, images[:1], images[1:2]):
            wanted, found = (network(batch, lesion_map=True) for network in (plain, compiled))
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5, equal_nan=True)
    assert torch.equal(compiled.temperature, plain.temperature)
