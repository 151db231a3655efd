"""The shipped models, for use in a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from vdes.data.datalist import Datalist
from vdes.study.models import Model

UNET, CYCLEGAN = "breast_cesm_virtual_des_unet", "breast_cesm_virtual_des_cyclegan"
CLASSIFIER = "breast_cesm_lesion_classification"
# the working heights that the shipped weights were trained at
HEIGHTS = {
    (UNET, "model"): 512,
    (UNET, "model_phantom"): 256,
    (CYCLEGAN, "model"): 256,
    (CYCLEGAN, "model_phantom"): 256,
}

Weights = Literal["model", "model_phantom"]


def fitting_weights(datalist: Datalist) -> Weights:
    """Return the shipped weights for a datalist: those of phantoms for phantoms, otherwise those of CDD-CESM."""
    return "model_phantom" if datalist.fields.get("phantom") else "model"


def shipped_generators(bundles: Path, weights: Weights) -> dict[str, Model]:
    """Return the generators with their shipped weights."""
    return {
        name: Model(
            bundles / folder, bundles / folder / "models" / f"{weights}.pt", {"height": HEIGHTS[folder, weights]}
        )
        for name, folder in (("unet", UNET), ("cyclegan", CYCLEGAN))
    }


def shipped_classifier(bundles: Path, weights: Weights, epochs: int | None = None) -> Model:
    """Return the classifier with its shipped weights, and the budget of its retrainings."""
    folder = bundles / CLASSIFIER
    return classifier_to_train(Model(folder, folder / "models" / f"{weights}.pt"), epochs)


def classifier_to_train(model: Model, epochs: int | None = None) -> Model:
    """Return a classifier with the budget of its trainings; None is that of its bundle."""
    return replace(model, training={} if epochs is None else {"epochs": epochs}, kind="train classifier")


def trained_generators(bundles: Path, height: int, epochs: int | None = None) -> dict[str, Model]:
    """Return the generators that a study trains from scratch.

    The reference work compares a pre-trained U-Net, a U-Net trained end to end and a CycleGAN, without defining these.
    Both interpretations are here: ``unet_imagenet`` against ``unet_random`` (initial weights of the encoder), and
    ``unet_imagenet``, trained only from low energy to DES, against ``unet_joint``, which continues from it with the
    loss of a classifier on its images.

    Args:
        bundles: folder of the bundles.
        height: working height of all.
        epochs: epochs of each; None is the number of its bundle.
    """
    knobs = {"height": height}
    training = {**knobs, **({} if epochs is None else {"epochs": epochs})}
    unet, cyclegan = bundles / UNET, bundles / CYCLEGAN
    return {
        "unet_imagenet": Model(unet, knobs=knobs, training={**training, "encoder_weights": "imagenet"}),
        "unet_random": Model(unet, knobs=knobs, training={**training, "encoder_weights": "none"}),
        "unet_joint": Model(
            unet,
            knobs=knobs,
            configs=("train", "joint"),
            training={**training, "encoder_weights": "none"},
            start="unet_imagenet",
            kind="train joint",
        ),
        "cyclegan": Model(cyclegan, knobs=knobs, training=training, kind="train cyclegan"),
    }
