"""How fast is vdes compared with what one would write without it?

Three comparisons, each with its parts in turn, round after round, in one process:

- the U-Net from image files to files of virtual DES in float32: parts of MONAI alone, the bundle by torch, and the
  bundle as it is by default. Start-up and conversion are left out: the time of an image is a difference between two
  numbers of images;
- a training step of CycleGAN: a plain restatement of the published algorithm, and vdes;
- the bootstrap intervals of several arms: a loop over scikit-learn, and vdes.

Ratios are medians of the rounds, with their lowest and highest. Run on an idle machine:

    PYTHONPATH=tools python -m bench.peers --page docs/results/peers.md
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from bench.cyclegan import PlainCycleGan, trainer
from bench.machine import machine
from bench.paired_bootstrap import arms
from bench.stock import infer as stock_infer
from sklearn.metrics import f1_score, roc_auc_score

from vdes.bundle.bundle import Bundle
from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.networks.virtual_des_unet import VirtualDesUNet
from vdes.networks.weights import load_weights
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.statistics.markdown_table import markdown_table
from vdes.statistics.paired_bootstrap import paired_bootstrap

UNET = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_virtual_des_unet"
WEIGHTS = UNET / "models" / "model.pt"
LOW_ENERGY_TOP = 4095  # of phantoms, 12 bits in 16-bit files

Times = tuple[float, float]  # wall and processor seconds
Part = Callable[[], Times]


@dataclass(frozen=True)
class Sizes:
    """What is measured.

    Attributes:
        rounds: number of rounds.
        height: rows of images and working grid.
        counts: two numbers of images.
        gan: image size, channels and blocks of CycleGAN.
        resamples: of the bootstrap, by scikit-learn and by vdes.
    """

    rounds: int = 5
    height: int = 512
    counts: tuple[int, int] = (100, 200)
    gan: tuple[int, int, int] = (256, 64, 9)
    resamples: tuple[int, int] = (20, 10_000)


def timed(work: Callable[[], object]) -> Times:
    """Return the seconds that work takes, those of processes that end with it included."""

    def processor() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    start = time.perf_counter(), processor()
    work()
    return time.perf_counter() - start[0], processor() - start[1]


def inference(sizes: Sizes, folder: Path) -> dict[str, Part]:
    """Return the parts that make virtual DES of image files; each returns the seconds of an image."""
    generate(folder / "phantoms", Settings(patients=3, seed=0, size=sizes.height))
    images = sorted((folder / "phantoms" / "images").rglob("*_low_energy.png"))
    links: dict[int, Path] = {}
    for count in sizes.counts:
        links[count] = folder / f"images{count}"
        links[count].mkdir()
        for number in range(count):
            (links[count] / f"{number:05d}.png").symlink_to(images[number % len(images)])
    network = load_weights(VirtualDesUNet(), WEIGHTS).eval()

    def stock(source: Path, output: Path) -> None:
        stock_infer(network, sorted(source.iterdir()), output, sizes.height, LOW_ENERGY_TOP)

    def vdes(**knobs: str) -> Callable[[Path, Path], None]:
        bundle = Bundle(UNET, WEIGHTS, {"height": sizes.height, "intensity_range": [0, LOW_ENERGY_TOP], **knobs})
        return lambda source, output: bundle.infer(source, output)

    def an_image(infer: Callable[[Path, Path], None]) -> Part:
        def part() -> Times:
            found = []
            for source in links.values():
                with tempfile.TemporaryDirectory(dir=folder) as output:
                    found.append(timed(lambda source=source, output=output: infer(source, Path(output))))  # type: ignore[misc]
                    assert len(list(Path(output).iterdir())) == len(list(source.iterdir()))
            first, second = sizes.counts
            wall, processor = ((many - few) / (second - first) for few, many in zip(*found, strict=True))
            return wall, processor

        return part

    return {
        "MONAI alone, float32": an_image(stock),
        "vdes, torch, float32": an_image(vdes(engine="torch", precision="float32")),
        "vdes, default engine, float32": an_image(vdes(precision="float32")),
        "vdes, default engine and precision": an_image(vdes()),
    }


def cycle_gan(sizes: Sizes) -> dict[str, Part]:
    """Return the training steps of CycleGAN."""
    pixels, channels, blocks = sizes.gan
    batch = {name: torch.rand(1, 1, pixels, pixels) for name in ("image", "label")}
    plain = PlainCycleGan(channels, blocks)
    ours = {name: trainer("transposed", name, channels, blocks) for name in ("float32", "auto")}
    return {
        "plain restatement, float32": lambda: timed(lambda: plain.step(batch)),
        "vdes, float32": lambda: timed(lambda: ours["float32"]._iteration(ours["float32"], batch)),
        "vdes, default precision": lambda: timed(lambda: ours["auto"]._iteration(ours["auto"], batch)),
    }


def intervals(sizes: Sizes) -> dict[str, Part]:
    """Return the bootstraps; each returns the seconds of a resample."""
    tables = arms(cases_per_patient=1)
    truth = next(iter(tables.values()))["malignant"].to_numpy()
    probabilities = [table["probability"].to_numpy() for table in tables.values()]
    drawn = np.random.default_rng(0)
    few, many = sizes.resamples

    def loop() -> None:
        for _ in range(few):
            chosen = drawn.integers(len(truth), size=len(truth))
            for probability in probabilities:
                f1_score(truth[chosen], probability[chosen] >= 0.5)
                roc_auc_score(truth[chosen], probability[chosen])

    def each(work: Callable[[], object], resamples: int) -> Part:
        def part() -> Times:
            wall, processor = timed(work)
            return wall / resamples, processor / resamples

        return part

    return {
        "loop over scikit-learn": each(loop, few),
        "vdes": each(lambda: paired_bootstrap(tables, "arm0", ("f1", "auc"), many, 0), many),
    }


def rounds(parts: Mapping[str, Part], number: int) -> dict[str, list[Times]]:
    """Return the times of all parts, which take turns; a first round is not counted."""
    found: dict[str, list[Times]] = {name: [] for name in parts}
    for turn in range(number + 1):
        for name, part in parts.items():
            with Path(os.devnull).open("w") as silent, redirect_stdout(silent), redirect_stderr(silent):
                times = part()
            if turn:
                found[name].append(times)
            print(f"round {turn}: {name}: {times[0]:.4f} s, {times[1]:.4f} processor s", file=sys.stderr, flush=True)
    return found


def table(found: Mapping[str, Sequence[Times]]) -> str:
    """Return the medians and, for each part, how many times as fast it is as the first."""
    first = next(iter(found.values()))
    rows = []
    for name, times in found.items():
        cells = [name]
        for kind in range(2):
            ratios = [one[kind] / other[kind] for one, other in zip(first, times, strict=True)]
            median = statistics.median(one[kind] for one in times)
            cells += [
                f"{1000 * median:.3g}",
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            ]
        rows.append(cells)
    return markdown_table(["", "ms", "times as fast", "processor ms", "times as fast (processor)"], rows)


def page(sizes: Sizes, command: str) -> str:
    """Run all comparisons and return the page about them."""
    torch.manual_seed(0)
    random.seed(0)
    with tempfile.TemporaryDirectory() as folder:
        sections = {
            f"U-Net, an image from file to file, {sizes.height} px": inference(sizes, Path(folder)),
            f"CycleGAN, a training step, {sizes.gan[0]} px, {sizes.gan[1]} channels": cycle_gan(sizes),
            "Bootstrap, a resample of 10 arms of 1,000 patients, F1 and AUC": intervals(sizes),
        }
        texts = [f"## {title}\n\n{table(rounds(parts, sizes.rounds))}\n" for title, parts in sections.items()]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    start = (
        "# Speed against peers\n\nMedians of "
        f"{sizes.rounds} rounds in which the parts take turns; in brackets the lowest and highest ratio of a round. "
        f"Written by `{command}`.\n\nMachine: {machine()}. Versions: {used}.\n\n"
    )
    return start + "\n".join(texts)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, help="write the results to this page, in place of an older one")
    parser.add_argument("--rounds", type=int, default=Sizes.rounds, help="rounds that count (default: %(default)s)")
    arguments = parser.parse_args()
    command = shlex.join(["PYTHONPATH=tools", "python", "-m", "bench.peers", *sys.argv[1:]])
    text = page(Sizes(rounds=arguments.rounds), command)
    print(text)
    if arguments.page is not None:
        with staged([arguments.page], overwrite=True) as stages:
            stages[arguments.page].write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
