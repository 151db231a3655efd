"""Tests for `vdes.bundle.virtual_items`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vdes.bundle.bundle import Bundle
from vdes.bundle.locate import find_bundle
from vdes.bundle.virtual_items import PREDICTIONS, virtual_items
from vdes.errors import CaseError


def test_predictions_of_replaced_images_do_not_pass_for_those_of_the_new_ones(
    small_datalist: Path, tmp_path: Path
) -> None:
    root = find_bundle("breast_cesm_virtual_des_unet")
    knobs = {"network": "$torch.nn.Identity()", "height": 64, "num_workers": 0}
    bundle = Bundle(root, root / "models" / "model_phantom.pt", knobs)
    items = virtual_items(bundle, small_datalist, tmp_path)
    assert all(Path(item["des"]).is_file() for item in items)
    (tmp_path / PREDICTIONS).write_text("of these images")
    broken = replace(bundle, knobs={**knobs, "inferer": "$lambda image, network: image * float('nan')"})
    message = (
        rf"^bundle {root.name}: {len(items)} cases failed: .*; {tmp_path / PREDICTIONS} of an earlier run removed$"
    )
    with pytest.raises(CaseError, match=message):
        virtual_items(broken, small_datalist, tmp_path, overwrite=True)
    assert not (tmp_path / PREDICTIONS).exists() and not any(Path(item["des"]).exists() for item in items)
