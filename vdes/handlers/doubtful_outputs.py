"""A warning of virtual DES images that tell nothing."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import torch
from ignite.engine import Engine, Events

from vdes.metrics.decollated import case_values, decollated_cases

logger = logging.getLogger(__name__)

COPY = 0.999  # correlation of an output with its input above which it is a copy
CONSTANT = 1e-4  # standard deviation, of a range of 1, that no enhancement has
KINDS = {
    "constant": "have one value all over the breast",
    "copy": f"are their low-energy image (correlation above {COPY})",
    "outside": "are outside [0, 1] for most of the breast, and were clipped; expected a network whose output has the "
    "scale of DES images, as that of a sigmoid, not of a tanh or of logits",
}


class DoubtfulOutputs:
    """Count outputs that are constant, a copy of the input, or mostly outside their range, and warn of them at the end.

    Attach it to an evaluator before its `WriteBehind`, so that it sees the network's outputs and warns even if a case
    fails. Cases need ``image``, ``pred`` and ``breast_mask`` ``(1, H, W)``; values within the breast count.
    """

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.cases = 0

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.look)
        engine.add_event_handler(Events.COMPLETED, self.complete)

    def start(self, _engine: Engine) -> None:
        """Forget an earlier run."""
        self.found.clear()
        self.cases = 0

    def look(self, engine: Engine) -> None:
        """Look at the outputs of the iteration."""
        for case in decollated_cases(engine):
            image, output, breast = case_values(case, ("image", "pred", "breast_mask"))
            self.found.update(doubts(image, output, breast))
            self.cases += 1

    def complete(self, _engine: Engine) -> None:
        """Warn once of each kind."""
        for kind, words in KINDS.items():
            if self.found[kind]:
                logger.warning("%d of %d virtual DES images %s", self.found[kind], self.cases, words)


def doubts(image: Any, output: Any, breast: Any) -> list[str]:
    """Return which of `KINDS` an output is; one that is not finite is none of them.

    Args:
        image: low-energy image, ``(1, H, W)``.
        output: of the network, as ``image``.
        breast: mask, as ``image``.
    """
    inside = torch.as_tensor(breast) > 0
    x, y = (torch.as_tensor(value).detach()[inside.to(value.device)].double().cpu() for value in (image, output))
    if not len(y) or not bool(y.isfinite().all()):
        return []
    kinds = ["outside"] if float(((y < 0) | (y > 1)).double().mean()) > 0.5 else []
    if float(y.std(correction=0)) < CONSTANT:
        return [*kinds, "constant"]
    if float(x.std(correction=0)) > 0 and float(torch.corrcoef(torch.stack([x, y]))[0, 1]) > COPY:
        kinds.append("copy")
    return kinds
