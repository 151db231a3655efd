"""Training of CycleGAN, for which MONAI has no engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine
from ignite.metrics import Metric
from monai.engines import IterationEvents, Trainer, default_metric_cmp_fn, default_prepare_batch
from monai.losses import PatchAdversarialLoss
from monai.transforms import Transform
from monai.utils import AdversarialIterationEvents as Events
from monai.utils import AdversarialKeys, CommonKeys, convert_to_tensor
from torch import nn
from torch.nn.functional import l1_loss
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from vdes.engines.image_pool import ImagePool
from vdes.engines.precision import autocast_dtype
from vdes.engines.precision import gradient_scaler as make_gradient_scaler
from vdes.errors import InputError


class CycleGanTrainer(Trainer):
    """Train two generators and two discriminators by cycle consistency (Zhu et al., ICCV 2017).

    The batch's ``image`` is low energy and its ``label`` DES, both ``(B, 1, H, W)`` in [0, 1], by default of different
    patients. In each iteration

    1. both generators take one step, on least-squares adversarial losses, cycle losses and identity losses;
    2. both discriminators take one step, on the real images and as many from their `ImagePool`, the mean of the two
       least-squares losses.

    Absolute errors are computed on images in [-1, 1], as published, which is twice those in [0, 1]: the weights have
    the same meaning as in the paper. The caller chooses the other published settings: Adam with 0.0002 and betas
    (0.5, 0.999), constant for half of the epochs and then linearly to 0, batches of one.

    Deviation: images that pass through the same network share a forward pass (a generator's source and identity images,
    a discriminator's real and pooled images), where the published code makes two. For networks that treat images
    separately, as with instance normalisation, the results are the same; with batch normalisation they differ.
    Paired and lesion terms, clipping and mixed precision are additions, off by default.

    ``engine.state.output`` is a dictionary for MONAI's handlers: ``image``, ``label``, ``pred`` (virtual DES),
    ``virtual_low_energy``, ``loss`` (the generators', also ``generator_loss``), ``discriminator_loss`` and the parts of
    both, unweighted: ``des_<part>_loss`` and ``low_energy_<part>_loss``, the part being ``adversarial``, ``cycle``,
    ``identity``, ``paired`` or ``lesion`` if its weight is above 0, and ``discriminator``. `losses` extracts the losses
    for a handler. Events: MONAI's ``AdversarialIterationEvents`` of generators (forward, loss, backward, model) and
    discriminators (loss, backward, model), and ``IterationEvents.MODEL_COMPLETED`` at the end.

    Args:
        device: where to train; the networks must already be there.
        max_epochs: epochs.
        train_data_loader: batches.
        des_generator: makes virtual DES from low energy.
        low_energy_generator: makes virtual low energy from DES.
        des_discriminator: separates real from virtual DES, by scores of any shape.
        low_energy_discriminator: separates real from virtual low energy.
        generator_optimizer: optimizer of the parameters of both generators.
        discriminator_optimizer: optimizer of the parameters of both discriminators.
        adversarial_weight: weight of the adversarial losses.
        cycle_weight: weight of the cycle losses, lambda in the paper.
        identity_weight: weight of the identity losses, half of lambda in the paper's code; 0 saves their computation.
        paired: whether ``image`` and ``label`` of an item show the same breast, registered.
        paired_weight: weight of the absolute error of both translations against the registered images.
        lesion_weight: weight of the same error inside drawn lesions only, after Seg-CycleGAN (arXiv 2505.03018). It
            needs `vdes.engines.prepare_batch.PrepareBatchWithMasks`.
        image_pools: pools of virtual DES and virtual low-energy images; None for two pools of 50.
        clip_norm: largest norm of the gradient in each step, None for no limit.
        precision: precision of the networks, as in `vdes.engines.precision.autocast_dtype`; losses and weights stay
            float32.
        gradient_scaler: the scaler that float16 needs, passed in to save its state with the rest; None makes one.
        epoch_length: iterations in an epoch, None for all batches.
        non_blocking: copy to a GPU while it computes.
        prepare_batch: takes image and target from a batch: the DES image, or by name ``des`` and ``lesion_mask``.
        postprocessing: transforms of the output.
        key_train_metric: metric of the output.
        additional_metrics: further metrics.
        metric_cmp_fn: compares a metric with the best one.
        train_handlers: handlers.
        decollate: split batch and output into items for postprocessing and metrics.

    Raises:
        InputError: ``paired_weight`` or ``lesion_weight`` is above 0 without ``paired``, a weight is negative, or the
            precision is unknown.

    """

    def __init__(
        self,
        device: str | torch.device,
        max_epochs: int,
        train_data_loader: Iterable[Any] | DataLoader[Any],
        des_generator: nn.Module,
        low_energy_generator: nn.Module,
        des_discriminator: nn.Module,
        low_energy_discriminator: nn.Module,
        generator_optimizer: Optimizer,
        discriminator_optimizer: Optimizer,
        adversarial_weight: float = 1.0,
        cycle_weight: float = 10.0,
        identity_weight: float = 5.0,
        paired: bool = False,
        paired_weight: float = 0.0,
        lesion_weight: float = 0.0,
        image_pools: Sequence[ImagePool] | None = None,
        clip_norm: float | None = None,
        precision: str = "float32",
        gradient_scaler: torch.amp.GradScaler | None = None,
        epoch_length: int | None = None,
        non_blocking: bool = False,
        prepare_batch: Callable[..., Any] = default_prepare_batch,
        postprocessing: Transform | None = None,
        key_train_metric: dict[str, Metric] | None = None,
        additional_metrics: dict[str, Metric] | None = None,
        metric_cmp_fn: Callable[..., bool] = default_metric_cmp_fn,
        train_handlers: Sequence[Any] | None = None,
        decollate: bool = False,
    ) -> None:
        self.weights = {
            "adversarial": adversarial_weight,
            "cycle": cycle_weight,
            "identity": identity_weight,
            "paired": paired_weight,
            "lesion": lesion_weight,
        }
        for name, weight in self.weights.items():
            if weight < 0:
                raise InputError(f"{name}_weight: {weight:g}; expected 0 or more")
            if weight and name in ("paired", "lesion") and not paired:
                raise InputError(f"{name}_weight: {weight:g}: needs paired sampling; expected 0 for unpaired images")
        # MONAI's own amp makes a scaler for CUDA at every start; this trainer's is saved and restored
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            data_loader=train_data_loader,
            epoch_length=epoch_length,
            non_blocking=non_blocking,
            prepare_batch=prepare_batch,
            postprocessing=postprocessing,
            key_metric=key_train_metric,
            additional_metrics=additional_metrics,
            metric_cmp_fn=metric_cmp_fn,
            event_names=[Events],
            handlers=train_handlers,
            decollate=decollate,
        )
        self.des_generator = des_generator
        self.low_energy_generator = low_energy_generator
        self.des_discriminator = des_discriminator
        self.low_energy_discriminator = low_energy_discriminator
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.des_pool, self.low_energy_pool = image_pools or (ImagePool(), ImagePool())
        self.clip_norm = clip_norm
        self.adversarial_loss = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)
        dtype = autocast_dtype(precision, device)
        self.autocast = torch.autocast(torch.device(device).type, dtype=dtype, enabled=dtype != torch.float32)
        self.gradient_scaler = gradient_scaler or make_gradient_scaler(precision, device)

    def _iteration(self, engine: Engine, batchdata: dict[str, torch.Tensor]) -> Any:
        batch = self.prepare_batch(batchdata, self.state.device, self.non_blocking, **self.to_kwargs)
        # without metadata, which slows every operation and would go into the image pools and their checkpoint
        low_energy, target = (convert_to_tensor(images, track_meta=False) for images in batch)
        des, lesion_mask = (target["des"], target["lesion_mask"]) if isinstance(target, Mapping) else (target, None)
        if self.weights["lesion"] and lesion_mask is None:
            raise InputError("lesion_weight: the batches have no lesion_mask; expected PrepareBatchWithMasks")
        self.state.output = {CommonKeys.IMAGE: low_energy, CommonKeys.LABEL: des}
        for network in (
            self.des_generator,
            self.low_energy_generator,
            self.des_discriminator,
            self.low_energy_discriminator,
        ):
            network.train()
        self._train_generators(low_energy, des, lesion_mask)
        self._train_discriminators(low_energy, des)
        self.gradient_scaler.update()
        self.fire_event(IterationEvents.MODEL_COMPLETED)
        return self.state.output

    def _train_generators(self, low_energy: torch.Tensor, des: torch.Tensor, lesion_mask: torch.Tensor | None) -> None:
        """Take the generators' step."""
        judges = [_plain(network) for network in (self.des_discriminator, self.low_energy_discriminator)]
        for judge in judges:
            judge.requires_grad_(False)
        with self.autocast:
            virtual_des, same_des = self._translated(self.des_generator, low_energy, des)
            virtual_low_energy, same_low_energy = self._translated(self.low_energy_generator, des, low_energy)
            cycled_low_energy = self.low_energy_generator(virtual_des)
            cycled_des = self.des_generator(virtual_low_energy)
            scores = [judge(made) for judge, made in zip(judges, (virtual_des, virtual_low_energy), strict=True)]
        self.state.output[CommonKeys.PRED] = virtual_des.detach()
        self.state.output["virtual_low_energy"] = virtual_low_energy.detach()
        self.fire_event(Events.GENERATOR_FORWARD_COMPLETED)

        parts = {
            "adversarial": tuple(self._least_squares(score, True, for_discriminator=False) for score in scores),
            "cycle": (_error(cycled_des, des), _error(cycled_low_energy, low_energy)),
        }
        if self.weights["identity"]:
            parts["identity"] = (_error(same_des, des), _error(same_low_energy, low_energy))
        if self.weights["paired"]:
            parts["paired"] = (_error(virtual_des, des), _error(virtual_low_energy, low_energy))
        if self.weights["lesion"]:
            parts["lesion"] = (
                _error(virtual_des, des, lesion_mask),
                _error(virtual_low_energy, low_energy, lesion_mask),
            )
        total = torch.stack([self.weights[part] * torch.stack(pair).sum() for part, pair in parts.items()]).sum()
        for part, pair in parts.items():
            self._report(part, pair)
        self.state.output[CommonKeys.LOSS] = self.state.output[AdversarialKeys.GENERATOR_LOSS] = total.detach()
        self.fire_event(Events.GENERATOR_LOSS_COMPLETED)

        self._step(self.generator_optimizer, total, Events.GENERATOR_BACKWARD_COMPLETED)
        for judge in judges:
            judge.requires_grad_(True)
        self.fire_event(Events.GENERATOR_MODEL_COMPLETED)

    def _train_discriminators(self, low_energy: torch.Tensor, des: torch.Tensor) -> None:
        """Take the discriminators' step, on the real images and the pools'."""
        losses = []
        for discriminator, real, pool, made in (
            (self.des_discriminator, des, self.des_pool, self.state.output[CommonKeys.PRED]),
            (self.low_energy_discriminator, low_energy, self.low_energy_pool, self.state.output["virtual_low_energy"]),
        ):
            with self.autocast:
                of_real, of_made = discriminator(torch.cat([real, pool(made)])).chunk(2)
            losses.append((self._least_squares(of_real, True) + self._least_squares(of_made, False)) / 2)
        total = torch.stack(losses).sum()
        self._report("discriminator", losses)
        self.state.output[AdversarialKeys.DISCRIMINATOR_LOSS] = total.detach()
        self.fire_event(Events.DISCRIMINATOR_LOSS_COMPLETED)
        self._step(self.discriminator_optimizer, total, Events.DISCRIMINATOR_BACKWARD_COMPLETED)
        self.fire_event(Events.DISCRIMINATOR_MODEL_COMPLETED)

    def _translated(
        self, generator: nn.Module, source: torch.Tensor, target: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output of ``generator`` for its source and, with an identity loss, for its target."""
        if not self.weights["identity"]:
            return generator(source), source[:0]
        made, same = generator(torch.cat([source, target])).chunk(2)
        return made, same

    def _least_squares(self, scores: torch.Tensor, real: bool, for_discriminator: bool = True) -> torch.Tensor:
        loss: torch.Tensor = self.adversarial_loss(scores.float(), real, for_discriminator)
        return loss

    def _report(self, part: str, pair: Sequence[torch.Tensor]) -> None:
        for image, loss in zip(("des", "low_energy"), pair, strict=True):
            self.state.output[f"{image}_{part}_loss"] = loss.detach()

    def _step(self, optimizer: Optimizer, loss: torch.Tensor, backward_completed: Events) -> None:
        optimizer.zero_grad()
        self.gradient_scaler.scale(loss).backward()
        self.fire_event(backward_completed)
        if self.clip_norm is not None:
            self.gradient_scaler.unscale_(optimizer)
            clip_grad_norm_([value for group in optimizer.param_groups for value in group["params"]], self.clip_norm)
        self.gradient_scaler.step(optimizer)


def losses(output: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the losses of an engine's output by name: an ``output_transform`` for MONAI's handlers."""
    first = output if isinstance(output, Mapping) else output[0]
    return {name: float(value) for name, value in first.items() if name.endswith("_loss")}


def _plain(network: nn.Module) -> nn.Module:
    """Return the network inside a `DistributedDataParallel`, which must not see a pass without gradients."""
    return network.module if isinstance(network, DistributedDataParallel) else network


def _error(made: torch.Tensor, real: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Return the mean absolute error of images in [-1, 1], inside the mask if there is one."""
    if mask is None:
        return 2 * l1_loss(made.float(), real)
    return 2 * ((made.float() - real).abs() * mask).sum() / mask.sum().clamp(min=1.0)
