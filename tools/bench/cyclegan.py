"""How long does a training step of CycleGAN take, compared with a plain implementation of the published algorithm?

One batch of one 256 x 256 image from each domain, all four networks at the paper's width. The two take turns in this
process, under the same conditions; on a busy machine, processor seconds are more reliable. Run on an idle machine:

    python tools/bench/cyclegan.py
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import time
from collections.abc import Callable
from typing import Literal

import torch
from torch import nn
from torch.nn.functional import l1_loss, mse_loss

from vdes.engines.cycle_gan_trainer import CycleGanTrainer
from vdes.networks.patch_discriminator import PatchDiscriminator
from vdes.networks.residual_generator import ResidualGenerator

SIZE = 256
WIDTH = 64
BLOCKS = 9

Batch = dict[str, torch.Tensor]


def plain_generator(channels: int = WIDTH, blocks: int = BLOCKS) -> nn.Sequential:
    """Return the paper's generator for one channel, for images in [-1, 1]."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(1, channels, 7)]
    layers += [nn.InstanceNorm2d(channels), nn.ReLU(True)]
    for width in (channels, 2 * channels):
        layers += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.InstanceNorm2d(2 * width), nn.ReLU(True)]
    layers += [PlainBlock(4 * channels) for _ in range(blocks)]
    for width in (4 * channels, 2 * channels):
        layers += [nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1)]
        layers += [nn.InstanceNorm2d(width // 2), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(channels, 1, 7), nn.Tanh())


class PlainBlock(nn.Module):
    """The paper's residual block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return ``features`` and what the layers add."""
        return features + self.layers(features)


def plain_discriminator(channels: int = WIDTH) -> nn.Sequential:
    """Return the paper's discriminator for one channel, for images in [-1, 1]."""
    layers: list[nn.Module] = [nn.Conv2d(1, channels, 4, stride=2, padding=1), nn.LeakyReLU(0.2, True)]
    for width, stride in ((channels, 2), (2 * channels, 2), (4 * channels, 1)):
        layers += [nn.Conv2d(width, 2 * width, 4, stride=stride, padding=1)]
        layers += [nn.InstanceNorm2d(2 * width), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*layers, nn.Conv2d(8 * channels, 1, 4, padding=1))


class PlainCycleGan:
    """The training step of Zhu et al. (ICCV 2017), following the paper line by line, in float32, for a batch of one."""

    def __init__(self, channels: int = WIDTH, blocks: int = BLOCKS) -> None:
        self.generators = [plain_generator(channels, blocks) for _ in range(2)]
        self.discriminators = [plain_discriminator(channels) for _ in range(2)]
        both = [itertools.chain(*(n.parameters() for n in pair)) for pair in (self.generators, self.discriminators)]
        self.generator_optimizer, self.discriminator_optimizer = (
            torch.optim.Adam(parameters, 0.0002, betas=(0.5, 0.999)) for parameters in both
        )
        self.pools: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])

    def step(self, batch: Batch) -> None:
        """Train on a pair of images in [0, 1]."""
        a, b = 2 * batch["image"] - 1, 2 * batch["label"] - 1
        a_to_b, b_to_a = self.generators
        judge_b, judge_a = self.discriminators
        made_b, made_a = a_to_b(a), b_to_a(b)
        for discriminator in self.discriminators:
            discriminator.requires_grad_(False)
        self.generator_optimizer.zero_grad()
        score_b, score_a = judge_b(made_b), judge_a(made_a)
        loss = mse_loss(score_b, torch.ones_like(score_b)) + mse_loss(score_a, torch.ones_like(score_a))
        loss = loss + 10 * (l1_loss(b_to_a(made_b), a) + l1_loss(a_to_b(made_a), b))
        loss = loss + 5 * (l1_loss(a_to_b(b), b) + l1_loss(b_to_a(a), a))
        loss.backward()
        self.generator_optimizer.step()
        for discriminator in self.discriminators:
            discriminator.requires_grad_(True)
        self.discriminator_optimizer.zero_grad()
        cases = zip((judge_b, judge_a), (b, a), (made_b, made_a), self.pools, strict=True)
        for discriminator, real, made, pool in cases:
            of_real, of_made = discriminator(real), discriminator(pooled(made.detach(), pool))
            loss = mse_loss(of_real, torch.ones_like(of_real)) + mse_loss(of_made, torch.zeros_like(of_made))
            (loss / 2).backward()
        self.discriminator_optimizer.step()


def pooled(image: torch.Tensor, pool: list[torch.Tensor]) -> torch.Tensor:
    """Return ``image`` or, at random, one of the 50 in the pool, which ``image`` then replaces."""
    if len(pool) < 50:
        pool.append(image)
    elif random.random() < 0.5:
        place = random.randrange(50)
        image, pool[place] = pool[place], image
    return image


def trainer(
    upsampling: Literal["resize", "transposed"], precision: str, channels: int = WIDTH, blocks: int = BLOCKS
) -> CycleGanTrainer:
    """Return vdes' trainer, whose ``_iteration`` is one step."""
    generators = [ResidualGenerator(channels=channels, blocks=blocks, upsampling=upsampling) for _ in range(2)]
    discriminators = [PatchDiscriminator(channels=channels) for _ in range(2)]
    both = [itertools.chain(*(n.parameters() for n in pair)) for pair in (generators, discriminators)]
    generator_optimizer, discriminator_optimizer = (
        torch.optim.Adam(parameters, 0.0002, betas=(0.5, 0.999)) for parameters in both
    )
    return CycleGanTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=[],
        des_generator=generators[0],
        low_energy_generator=generators[1],
        des_discriminator=discriminators[0],
        low_energy_discriminator=discriminators[1],
        generator_optimizer=generator_optimizer,
        discriminator_optimizer=discriminator_optimizer,
        precision=precision,
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="steps of each, the first of which is not counted")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    batch = {"image": torch.rand(1, 1, SIZE, SIZE), "label": torch.rand(1, 1, SIZE, SIZE)}
    plain_step = PlainCycleGan().step

    def step(of: CycleGanTrainer) -> Callable[[], object]:
        return lambda: of._iteration(of, batch)

    steps = {
        "plain, float32": lambda: plain_step(batch),
        "vdes, transposed convolutions, float32": step(trainer("transposed", precision="float32")),
        "vdes, transposed convolutions, bfloat16": step(trainer("transposed", precision="bfloat16")),
        "vdes, resize convolutions, float32": step(trainer("resize", precision="float32")),
        "vdes, resize convolutions, bfloat16": step(trainer("resize", precision="bfloat16")),
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for _ in range(arguments.rounds):
        for name, one_step in steps.items():
            start = time.perf_counter(), time.process_time()
            one_step()
            seconds[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    print(f"{arguments.threads} threads of {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("a training step, medians                      wall s    ratio  processor s    ratio")
    medians = {
        name: [statistics.median(each) for each in zip(*values[1:], strict=True)] for name, values in seconds.items()
    }
    plain = medians["plain, float32"]
    for name, (wall, processor) in medians.items():
        print(f"{name:42s}  {wall:9.2f}  {wall / plain[0]:7.2f}  {processor:11.2f}  {processor / plain[1]:7.2f}")


if __name__ == "__main__":
    main()
