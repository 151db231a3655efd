"""Supervised training with gradient scaling, for precisions that need it."""

from __future__ import annotations

from typing import Any

import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer


class ScaledTrainer(SupervisedTrainer):
    """MONAI's `SupervisedTrainer` with the caller's gradient scaler, whose state is saved with the rest.

    MONAI's ``amp`` makes a new scaler at every start, for CUDA only, and computes the loss in mixed precision too.
    Here only the inferer uses mixed precision (`vdes.engines.autocast_inferer.AutocastInferer`).

    Args:
        gradient_scaler: `vdes.engines.precision.gradient_scaler`; one that is not enabled changes nothing.
        settings: settings of the `SupervisedTrainer`, without ``amp``.

    """

    def __init__(self, *, gradient_scaler: torch.amp.GradScaler, **settings: Any) -> None:
        super().__init__(amp_kwargs={"enabled": False}, **settings)
        self.gradient_scaler = gradient_scaler
        if gradient_scaler.is_enabled():
            self.add_event_handler(Events.STARTED, self._scale)

    def _scale(self) -> None:
        """Make MONAI's iteration use the scaler; ``run`` has reset it just before."""
        self.amp, self.scaler = True, self.gradient_scaler
