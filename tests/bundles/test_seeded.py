"""Weights do not depend on what of a workflow is asked for first, nor on what was drawn before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigWorkflow

ADVERSARIAL = ("network", "low_energy_generator", "des_discriminator", "low_energy_discriminator")
NETWORKS: dict[str, tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]] = {
    "breast_cesm_virtual_des_unet": (("train",), ("network",), {"encoder_weights": "none"}),
    "breast_cesm_virtual_des_cyclegan": (("train",), ADVERSARIAL, {"channels": 4, "blocks": 1}),
    "breast_cesm_lesion_classification": (("train",), ("network",), {"encoder_weights": "none", "channels": 8}),
    "breast_cesm_virtual_des_unet, joint": (
        ("train", "joint"),
        ("generator", "classifier"),
        {"encoder_weights": "none", "classifier_encoder_weights": "none"},
    ),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_weights_are_the_same_in_a_run_and_after_a_look_at_the_properties(
    bundles: Path, labelled: Path, cache_dir: Path, tmp_path: Path, case: str
) -> None:
    names, networks, own = NETWORKS[case]
    bundle = bundles / case.partition(",")[0]
    own = {"device": "cpu", "num_workers": 0, "output_dir": str(tmp_path), "cache_dir": str(cache_dir), **own}
    own |= {"bundle_root": str(bundle), "dataset_dir": str(labelled)}
    own |= {"size": 64} if "lesion" in case or "joint" in case else {}
    own |= {"height": 96} if "virtual" in case else {}

    def opened(**more: Any) -> ConfigWorkflow:
        files = [str(bundle / "configs" / f"{name}.yaml") for name in names]
        workflow = ConfigWorkflow(files, workflow_type="train", logging_file=False, **own, **more)
        torch.rand(torch.randint(1, 9, ()))
        workflow.initialize()
        return workflow

    looked_at = opened()
    assert looked_at.check_properties() == []
    steps = looked_at.parser.get("run")
    until_training = steps[: next(i for i, step in enumerate(steps) if "trainer" in step)]
    started = opened(run=[*until_training, "$@train#trainer"])
    started.run()
    for name in networks:
        one, other = (workflow.parser.get_parsed_content(name).state_dict() for workflow in (looked_at, started))
        assert [key for key, value in one.items() if not torch.equal(value, other[key])] == []
