from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Events
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import IterationEvents
from monai.handlers import LrScheduleHandler, MeanAbsoluteError, StatsHandler, TensorBoardStatsHandler, from_engine
from monai.transforms import Compose, Lambdad, RandFlipd
from monai.utils import AdversarialIterationEvents
from scipy.ndimage import gaussian_filter
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from vdes.data.datasets.unpaired_dataset import UnpairedDataset
from vdes.engines.cycle_gan_trainer import CycleGanTrainer, losses
from vdes.engines.image_pool import ImagePool
from vdes.engines.prepare_batch import PrepareBatchWithMasks
from vdes.errors import InputError
from vdes.networks.patch_discriminator import PatchDiscriminator
from vdes.networks.residual_generator import ResidualGenerator

PARTS = ("adversarial", "cycle", "identity", "discriminator")


class Shift(nn.Module):
    """Add a level, and note what came."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(level))
        self.seen: list[torch.Tensor] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen.append(image.detach().clone())
        return image + self.level


class Scale(Shift):
    """Score every pixel by a multiple of itself."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen.append(image.detach().clone())
        return image * self.level


def batch(size: int = 1) -> dict[str, torch.Tensor]:
    """Low energy 0.3, DES 0.5, a lesion in a quarter of the image, which is all breast."""
    image = torch.full((size, 1, 4, 4), 0.3)
    mask = torch.zeros_like(image)
    mask[..., :2, :2] = 1
    breast = torch.ones_like(image)
    return {"image": image, "label": torch.full_like(image, 0.5), "lesion_mask": mask, "breast_mask": breast}


def toy(batches: int = 1, rate: float = 0.0, size: int = 1, epochs: int = 1, **settings: Any) -> CycleGanTrainer:
    """A trainer of four one-parameter networks, by plain gradient descent."""
    networks = {
        "des_generator": Shift(0.1),
        "low_energy_generator": Shift(-0.3),
        "des_discriminator": Scale(2.0),
        "low_energy_discriminator": Scale(1.0),
    }
    optimizers = [
        torch.optim.SGD([networks[f"{image}_{kind}"].level for image in ("des", "low_energy")], lr=rate)
        for kind in ("generator", "discriminator")
    ]
    return CycleGanTrainer("cpu", epochs, [batch(size)] * batches, **networks, generator_optimizer=optimizers[0],
                           discriminator_optimizer=optimizers[1], **settings)  # fmt: skip


def levels(trainer: CycleGanTrainer) -> list[float]:
    return [
        float(network.level.detach())
        for network in (
            trainer.des_generator,
            trainer.low_energy_generator,
            trainer.des_discriminator,
            trainer.low_energy_discriminator,
        )
    ]


# ---- the losses ------------------------------------------------------------------------------------------------------

# virtual DES is 0.3 + 0.1 = 0.4, scored 2 * 0.4 = 0.8; virtual low energy 0.5 - 0.3 = 0.2, scored 0.2
EXPECTED = {
    "des_adversarial_loss": 0.2**2,
    "low_energy_adversarial_loss": 0.8**2,
    # both cycles end 0.2 too dark, which is 0.4 of images in [-1, 1]
    "des_cycle_loss": 0.4,
    "low_energy_cycle_loss": 0.4,
    "des_identity_loss": 0.2,
    "low_energy_identity_loss": 0.6,
    # real DES is scored 1, real low energy 0.3
    "des_discriminator_loss": (0.0**2 + 0.8**2) / 2,
    "low_energy_discriminator_loss": (0.7**2 + 0.2**2) / 2,
}
PAIRED = {"des_paired_loss": 0.2, "low_energy_paired_loss": 0.2, "des_lesion_loss": 0.2, "low_energy_lesion_loss": 0.2}


def test_every_loss_is_what_the_paper_says():
    trainer = toy()
    trainer.run()
    output = losses(trainer.state.output)
    generator = 0.04 + 0.64 + 10 * 0.8 + 5 * 0.8
    discriminator = 0.32 + 0.265
    assert output == pytest.approx(EXPECTED | {"generator_loss": generator, "discriminator_loss": discriminator})
    assert float(trainer.state.output["loss"]) == pytest.approx(generator)
    torch.testing.assert_close(trainer.state.output["pred"], torch.full((1, 1, 4, 4), 0.4))
    torch.testing.assert_close(trainer.state.output["virtual_low_energy"], torch.full((1, 1, 4, 4), 0.2))


def test_weights_weigh():
    weights = {"adversarial": 0.5, "cycle": 3.0, "identity": 0.0, "paired": 7.0, "lesion": 11.0}
    settings = {f"{name}_weight": weight for name, weight in weights.items()}
    trainer = toy(paired=True, prepare_batch=PrepareBatchWithMasks(), **settings)
    trainer.run()
    output = losses(trainer.state.output)
    expected = {name: value for name, value in (EXPECTED | PAIRED).items() if "identity" not in name}
    total = 0.5 * 0.68 + 3 * 0.8 + 7 * 0.4 + 11 * 0.4
    assert output == pytest.approx(expected | {"generator_loss": total, "discriminator_loss": 0.585})


def test_the_lesion_term_looks_inside_drawn_lesions_only():
    """With a lesion elsewhere than the error there is none; without any lesion the term is 0."""
    settings = {"paired": True, "lesion_weight": 1.0, "prepare_batch": PrepareBatchWithMasks()}
    for change, expected in (((2, 0.9), 0.2), ((0, 0.9), 1.0), (None, 0.0)):
        trainer = toy(**settings)
        [data] = trainer.data_loader
        if change is None:
            data["lesion_mask"].zero_()
        else:
            row, level = change
            data["label"][..., row : row + 2, :2] = level  # rows 0 and 1 are the lesion's
        trainer.run()
        assert float(trainer.state.output["des_lesion_loss"]) == pytest.approx(expected)


def test_a_lesion_term_without_masks_is_refused():
    """MONAI's own `default_prepare_batch` leaves them out, and the term would be 0 for ever."""
    with pytest.raises(InputError, match="lesion_weight: the batches have no lesion_mask; expected"):
        toy(paired=True, lesion_weight=1.0).run()


def test_gradients_take_the_steps_of_the_closed_form():
    """Plain descent of four levels a, b (generators) and s, t (discriminators)."""
    rate = 0.01
    trainer = toy(rate=rate)
    trainer.run()
    # d/da: adversarial 2 (s (x + a) - 1) s; each cycle error |a + b| falls by 2 as a grows; identity 5 * 2 sign(a)
    des_gradient = 2 * (0.8 - 1) * 2 - 10 * 2 * 2 + 5 * 2
    low_energy_gradient = 2 * (0.2 - 1) * 1 - 10 * 2 * 2 - 5 * 2
    # d/ds of ((s y - 1)^2 + (s v)^2) / 2, of the images made before the generators' step
    scores = [(2 * 0.5 - 1) * 0.5 + 2 * 0.4 * 0.4, (0.3 - 1) * 0.3 + 0.2 * 0.2]
    gradients = [des_gradient, low_energy_gradient, *scores]
    expected = [start - rate * gradient for start, gradient in zip((0.1, -0.3, 2.0, 1.0), gradients, strict=True)]
    assert levels(trainer) == pytest.approx(expected)


def test_clipping_bounds_each_step():
    trainer = toy(rate=1.0, clip_norm=0.25)
    trainer.run()
    moved = [after - before for after, before in zip(levels(trainer), (0.1, -0.3, 2.0, 1.0), strict=True)]
    # the generators' gradient is longer, the discriminators' is shorter in neither component
    assert (moved[0] ** 2 + moved[1] ** 2) ** 0.5 == pytest.approx(0.25, rel=1e-4)
    assert (moved[2] ** 2 + moved[3] ** 2) ** 0.5 == pytest.approx(0.25, rel=1e-4)
    assert moved[0] / moved[1] == pytest.approx(30.8 / 51.6)


# ---- what a step computes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("identity_weight", "sizes"), [(5.0, [4, 2]), (0.0, [2, 2])])
def test_nothing_goes_through_a_network_twice(identity_weight, sizes):
    trainer = toy(size=2, identity_weight=identity_weight)
    trainer.run()
    for generator in (trainer.des_generator, trainer.low_energy_generator):
        assert [len(images) for images in generator.seen] == sizes
        flat = torch.cat(generator.seen)[:, 0, 0, 0].tolist()
        # translation and identity, and the other's images: each level once a batch item
        assert all(flat.count(level) == 2 for level in flat)
    for discriminator in (trainer.des_discriminator, trainer.low_energy_discriminator):
        assert [len(images) for images in discriminator.seen] == [2, 4]


def test_the_generators_step_leaves_the_discriminators_alone():
    trainer = toy()
    seen = []

    def look(engine: CycleGanTrainer) -> None:
        judges = (engine.des_discriminator, engine.low_energy_discriminator)
        seen.append([(judge.level.grad, judge.level.requires_grad) for judge in judges])

    trainer.add_event_handler(AdversarialIterationEvents.GENERATOR_BACKWARD_COMPLETED, look)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, look)
    trainer.run()
    assert seen[0] == [(None, False)] * 2
    assert all(gradient is not None and required for gradient, required in seen[1])


def test_discriminators_are_shown_what_the_pool_gives():
    trainer = toy(batches=30, rate=1e-3, image_pools=(ImagePool(3), ImagePool(3)))
    torch.manual_seed(0)
    trainer.run()
    shown = [float(images[-1].mean()) for images in trainer.des_discriminator.seen[1::2]]
    made = [float(images.mean()) for images in trainer.des_discriminator.seen[0::2]]
    assert shown[:3] == made[:3]
    earlier = [number for number, level in enumerate(shown) if level != made[number]]
    assert len(earlier) > 5 and all(shown[number] in made[:number] for number in earlier)


def test_metadata_of_random_transforms_do_not_go_into_the_pools():
    """A checkpoint that holds them cannot be read as plain data."""
    trainer = toy()
    [data] = trainer.data_loader
    data |= {key: MetaTensor(data[key]) for key in ("image", "label")}
    trainer.run()
    pooled = [*trainer.des_pool.images, *trainer.low_energy_pool.images, trainer.state.output["pred"]]
    assert {type(image) for image in pooled} == {torch.Tensor}


def test_the_networks_train_when_they_have_been_validated():
    trainer = toy()
    networks = (trainer.des_generator, trainer.des_discriminator)
    for network in networks:
        network.eval()
    trainer.run()
    assert all(network.training for network in networks)


# ---- MONAI's handlers ------------------------------------------------------------------------------------------------


def test_events_come_in_the_order_of_the_step():
    trainer = toy(batches=2)
    fired: list[str] = []
    for event in (*AdversarialIterationEvents, IterationEvents.MODEL_COMPLETED, Events.ITERATION_COMPLETED):
        trainer.add_event_handler(event, lambda _, name=event.value: fired.append(name))
    trainer.run()
    steps = [
        f"{part}_{what}_completed" for part in ("generator", "discriminator") for what in ("loss", "backward", "model")
    ]
    assert fired == ["generator_forward_completed", *steps, "model_completed", "iteration_completed"] * 2
    assert trainer.state.iteration == 2


@pytest.mark.parametrize("decollate", [False, True])
def test_stats_and_curves_name_every_loss(decollate, tmp_path: Path, capsys):
    printed = StatsHandler(output_transform=losses, name=f"losses, decollate {decollate}")
    curves = TensorBoardStatsHandler(log_dir=str(tmp_path), output_transform=losses)
    trainer = toy(batches=3, size=2, decollate=decollate, train_handlers=[printed, curves])
    trainer.run()
    curves.close()
    names = {f"{image}_{part}_loss" for image in ("des", "low_energy") for part in PARTS}
    names |= {"generator_loss", "discriminator_loss"}
    lines = [line for line in capsys.readouterr().out.splitlines() if "cycle_loss" in line]
    assert len(lines) == 3 and all(f"{name}: " in lines[0] for name in names)
    [file] = tmp_path.iterdir()
    events = EventAccumulator(str(file)).Reload()
    assert set(events.Tags()["scalars"]) == names
    assert [event.value for event in events.Scalars("des_cycle_loss")] == pytest.approx([0.4] * 3)


def test_metrics_and_postprocessing_see_virtual_des():
    metric = MeanAbsoluteError(output_transform=from_engine(["pred", "label"]))
    double = Lambdad("pred", lambda image: 2 * image)
    for postprocessing, expected in ((None, 0.1), (double, 0.3)):
        trainer = toy(size=2, decollate=True, key_train_metric={"mae": metric}, postprocessing=postprocessing)
        trainer.run()
        assert trainer.state.metrics["mae"] == pytest.approx(expected)


# ---- mixed precision -------------------------------------------------------------------------------------------------


def small(precision: str, **settings: Any) -> CycleGanTrainer:
    torch.manual_seed(0)
    generators = [ResidualGenerator(channels=8, blocks=1) for _ in range(2)]
    discriminators = [PatchDiscriminator(channels=8) for _ in range(2)]
    optimizers = [
        torch.optim.Adam([*one.parameters(), *other.parameters()], 0.002) for one, other in (generators, discriminators)
    ]
    loader = DataLoader(Dataset([{"image": torch.rand(1, 32, 24), "label": torch.rand(1, 32, 24)}]), batch_size=1)
    return CycleGanTrainer("cpu", 1, loader, *generators, *discriminators, *optimizers, precision=precision,
                           **settings)  # fmt: skip


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains_as_single_precision_does(precision):
    types = []
    outputs = {}
    for name in ("float32", precision):
        trainer = small(name)
        trainer.des_generator.layers[1].conv.register_forward_hook(lambda *args: types.append(args[2].dtype))
        trainer.run()
        outputs[name] = losses(trainer.state.output)
        assert all(value.dtype == value.grad.dtype == torch.float32 for value in trainer.des_generator.parameters())
    assert set(types[:2]) == {torch.float32} and set(types[2:]) == {getattr(torch, precision)}
    assert outputs[precision] == pytest.approx(outputs["float32"], rel=0.02)
    assert outputs[precision] != outputs["float32"]


def test_float16_scales_its_gradients_and_skips_what_overflows():
    trainer = small("float16")
    assert trainer.gradient_scaler.is_enabled() and not small("bfloat16").gradient_scaler.is_enabled()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**60, enabled=True)
    trainer = small("float16", gradient_scaler=scaler)
    before = [value.clone() for value in trainer.des_generator.parameters()]
    trainer.run()
    assert all(torch.equal(one, other) for one, other in zip(before, trainer.des_generator.parameters(), strict=True))
    assert scaler.state_dict()["scale"] == 2.0**59


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"paired_weight": 1.0}, "paired_weight: 1: needs paired sampling; expected 0 for unpaired images"),
        ({"lesion_weight": 0.5}, "lesion_weight: 0.5: needs paired sampling; expected 0 for unpaired images"),
        ({"cycle_weight": -1}, "cycle_weight: -1; expected 0 or more"),
        ({"precision": "float8"}, "precision: 'float8'; expected auto, float32, bfloat16 or float16"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(InputError) as error:
        toy(**settings)
    assert str(error.value) == message


# ---- it learns -------------------------------------------------------------------------------------------------------


def breasts(count: int, seed: int) -> torch.Tensor:
    """Half ellipses of smooth texture around 0.5, with air at 0."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:32, :24]
    images = []
    for _ in range(count):
        height, width = rng.uniform(0.3, 0.45) * 32, rng.uniform(0.5, 0.9) * 24
        texture = gaussian_filter(rng.standard_normal((32, 24)), 3)
        tissue = (0.5 + 0.15 * texture / texture.std()).clip(0.1, 1)
        images.append(np.where(((rows - 16) / height) ** 2 + (columns / width) ** 2 < 1, tissue, 0))
    return torch.tensor(np.array(images), dtype=torch.float32)[:, None]


@pytest.mark.slow
def test_an_affine_change_of_intensity_is_recovered_from_unpaired_images():
    """DES is 0.3 + 0.5 low energy, of other breasts; on breasts that were never shown the error is below 0.05.

    As it comes, a low-energy image is 0.21 away from that.
    """
    slope, offset, epochs = 0.5, 0.3, 16
    torch.manual_seed(0)
    items = {
        key: Dataset([{key: image, "case": f"{key}{n}", "patient": f"{key}{n}"} for n, image in enumerate(images)])
        for key, images in (("image", breasts(40, 0)), ("label", offset + slope * breasts(40, 1)))
    }
    flip = Compose([RandFlipd(["image", "label"], prob=0.5, spatial_axis=0, allow_missing_keys=True)])
    dataset = UnpairedDataset(items["image"], items["label"], flip).set_random_state(0)
    generators = [ResidualGenerator(channels=8, blocks=1) for _ in range(2)]
    discriminators = [PatchDiscriminator(channels=8) for _ in range(2)]
    optimizers = [
        torch.optim.Adam([*one.parameters(), *other.parameters()], 0.002, betas=(0.5, 0.999))
        for one, other in (generators, discriminators)
    ]
    decay = [
        torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: min(1.0, (epochs - epoch) / (epochs // 2 + 1)))
        for optimizer in optimizers
    ]
    trainer = CycleGanTrainer("cpu", epochs, DataLoader(dataset, batch_size=4, shuffle=True), *generators,
                              *discriminators, *optimizers,
                              train_handlers=[LrScheduleHandler(each, print_lr=False) for each in decay])  # fmt: skip
    trainer.run()
    shown = breasts(10, 2)
    with torch.no_grad():
        made = generators[0](shown)
    expected = offset + slope * shown
    assert float((made - expected).abs().mean()) < 0.05
    assert float((expected - expected.median()).abs().mean()) > 0.1  # no constant comes near
    for part in (shown == 0, shown > 0):
        assert float(made[part].mean()) == pytest.approx(float(expected[part].mean()), abs=0.04)
