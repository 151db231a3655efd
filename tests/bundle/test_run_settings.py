from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from monai.bundle import ConfigParser

from vdes.bundle.run_settings import first_difference, run_settings
from vdes.errors import InputError

CONFIG = {
    "imports": ["$import vdes.bundle.run_settings as run_settings"],
    "output_dir": "runs",
    "epochs": 3,
    "rate": "$0.1 * @epochs",
    "loss": {"_target_": "torch.nn.L1Loss", "reduction": "sum"},
    "found": "$run_settings.run_settings()",
    "run": ["@found"],
}


def settings(**overrides: object) -> dict:
    parser = ConfigParser(deepcopy(CONFIG))
    parser.update(overrides)
    found = parser.get_parsed_content("run#0")
    assert isinstance(found, dict)
    return found


def test_the_settings_are_the_config_that_is_evaluated_with_its_overrides() -> None:
    found = settings(epochs=4, **{"loss#reduction": "mean"}, output_dir="elsewhere", device=torch.device("cpu"))
    assert found == {
        "epochs": 4,
        "rate": "$0.1 * @epochs",
        "loss": {"_target_": "torch.nn.L1Loss", "reduction": "mean"},
        "found": "$run_settings.run_settings()",
    }


def test_what_json_cannot_hold_is_named_by_its_type() -> None:
    assert settings(rate=torch.device("cpu"))["rate"] == "torch.device"


def test_there_are_none_outside_of_a_config() -> None:
    with pytest.raises(InputError, match="no config is being evaluated"):
        run_settings()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"output_dir": "x", "run": []}, None),
        ({"epochs": 4}, ("epochs", 3, 4)),
        ({"loss#reduction": "mean"}, ("loss#reduction", "sum", "mean")),
        ({"more": [1, 2]}, ("more", None, [1, 2])),
    ],
)
def test_the_first_difference_is_named(changes: dict, expected: tuple | None) -> None:
    changed = {**CONFIG, **{key: value for key, value in changes.items() if "#" not in key}}
    parser = ConfigParser(deepcopy(changed))
    parser.update({key: value for key, value in changes.items() if "#" in key})
    assert first_difference(settings(), parser.get_parsed_content("found")) == expected


def test_lists_are_compared_by_their_entries() -> None:
    assert first_difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ("a#1#b", 2, 3)
    assert first_difference({"a": [1]}, {"a": [1, 2]}) == ("a", [1], [1, 2])
