"""Area under the ROC of images, breasts or examinations, as a validation metric."""

from __future__ import annotations

from typing import Any

import ignite.distributed as idist
import torch.distributed as dist
from ignite.engine import Engine
from ignite.metrics import Metric
from sklearn.metrics import roc_auc_score

from vdes.metrics.decollated import decollated_cases
from vdes.metrics.level_predictions import case_row, level_predictions


class LevelAUC(Metric):
    """Score an evaluator's predictions of one level by their area under the ROC curve (scikit-learn's).

    Several processes score all of their cases together. NaN without known predictions of both classes.

    Args:
        level: ``image``, ``breast`` or ``examination``.
        key: key of the network's output.

    """

    def __init__(self, level: str = "image", key: str = "pred") -> None:
        self.level = level
        self.key = key
        self.rows: list[dict[str, Any]] = []
        super().__init__()

    def reset(self) -> None:
        """Forget all cases."""
        self.rows = []

    def iteration_completed(self, engine: Engine) -> None:
        """Keep the cases of the iteration."""
        self.rows += [case_row(case, self.key) for case in decollated_cases(engine)]

    def update(self, output: Any) -> None:
        """Do nothing: `iteration_completed` uses fields that the engine's output lacks."""

    def compute(self) -> float:
        """Return the area."""
        rows = self.rows
        if idist.get_world_size() > 1:
            gathered: list[Any] = [None] * idist.get_world_size()
            dist.all_gather_object(gathered, rows)
            # a sampler repeats cases to give all processes the same number
            rows = list({row["case"]: row for part in gathered for row in part}.values())
        table = level_predictions(rows)
        known = table[(table["level"] == self.level) & table["malignant"].notna()]
        if known["malignant"].nunique() < 2:
            return float("nan")
        return float(roc_auc_score(known["malignant"], known["logit"]))
