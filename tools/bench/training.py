"""How long does an epoch of the U-Net's training take, compared with the forward and backward passes alone?

Trains with the bundle's own train.yaml on the training section of a datalist, whose cases are cached first, and then
passes one batch of the same size forwards and backwards as often as an epoch does. Validation is not counted. With
``--compile`` the passes are timed with `torch.compile` too, its compilation aside. Run on an idle machine:

    vdes phantom phantoms --patients 53 --size 256
    PYTHONPATH=tools python -m bench.training --datalist phantoms/datalist.json
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from bench.machine import machine
from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow

BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_virtual_des_unet"


@dataclass(frozen=True)
class Epochs:
    """Seconds of each epoch, its iterations, and what is needed to repeat one without the rest."""

    seconds: Sequence[float]
    iterations: int
    network: torch.nn.Module
    inputs: tuple[Any, ...]
    inferer: Callable[..., Any]
    loss: Callable[..., torch.Tensor]


def trained(datalist: Path, height: int, precision: str, epochs: int) -> Epochs:
    """Train, and return the times of all epochs but the first."""
    with tempfile.TemporaryDirectory() as folder:
        workflow = ConfigWorkflow(
            config_file=str(BUNDLE / "configs" / "train.yaml"),
            meta_file=str(BUNDLE / "configs" / "metadata.json"),
            workflow_type="train",
            logging_file=False,
            bundle_root=str(BUNDLE),
            dataset_dir=str(datalist),
            output_dir=folder,
            encoder_weights="none",
            height=height,
            precision=precision,
            epochs=epochs + 1,
        )
        workflow.initialize()
        content = workflow.parser.get_parsed_content
        trainer = content("train#trainer")
        starts: list[float] = []
        ends: list[float] = []
        kept: list[Any] = []

        def ended(engine: Engine) -> None:
            if (engine.state.iteration - 1) % engine.state.epoch_length == 0:
                ends.append(0.0)
            ends[-1] = time.perf_counter()  # after the last step, before validation
            kept[:] = [engine.state.batch]

        trainer.add_event_handler(Events.EPOCH_STARTED, lambda _: starts.append(time.perf_counter()))
        trainer.add_event_handler(Events.ITERATION_COMPLETED, ended)
        workflow.run()
        batch = content("train#trainer#prepare_batch")(kept[0], torch.device("cpu"))
        seconds = [end - start for start, end in zip(starts, ends, strict=True)][1:]
        length = int(trainer.state.epoch_length)
        return Epochs(seconds, length, content("network"), batch, content("train#inferer"), trainer.loss_function)


def passes(epochs: Epochs, compiled: bool = False) -> list[float]:
    """Return the seconds of forward and backward passes, as many as an epoch has; the first is not counted."""
    image, target, *_ = epochs.inputs
    network: Any = torch.compile(epochs.network) if compiled else epochs.network
    epochs.network.train()
    seconds = []
    for _ in range(epochs.iterations + 1):
        start = time.perf_counter()
        epochs.loss(epochs.inferer(image, network), target).backward()
        seconds.append(time.perf_counter() - start)
        epochs.network.zero_grad()
    return seconds[1:]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datalist", type=Path, required=True, help="datalist of pairs")
    parser.add_argument("--height", type=int, default=256, help="working size in pixels (default: %(default)s)")
    parser.add_argument("--precision", default="float32", help="as in training (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=3, help="epochs that count (default: %(default)s)")
    parser.add_argument("--compile", action="store_true", help="time torch.compile too")
    arguments = parser.parse_args()
    epochs = trained(arguments.datalist, arguments.height, arguments.precision, arguments.epochs)
    bare = sum(passes(epochs))
    print(machine())
    print(f"{epochs.iterations} steps of {len(epochs.inputs[0])} images an epoch, {arguments.precision}")
    print(f"forward and backward alone: {bare:.1f} s")
    ratios = [one / bare for one in epochs.seconds]
    print(
        f"an epoch: {statistics.median(epochs.seconds):.1f} s, {statistics.median(ratios):.2f} times as long "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )
    if arguments.compile:
        print(f"forward and backward by torch.compile: {sum(passes(epochs, compiled=True)):.1f} s")


if __name__ == "__main__":
    main()
