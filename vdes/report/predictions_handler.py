"""A classifier's predictions as a table, as a MONAI handler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import pandas as pd
from ignite.engine import Engine, Events

from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.metrics.decollated import decollated_cases
from vdes.metrics.level_predictions import case_row, level_predictions, with_probabilities

FILE = "predictions.csv"


class PredictionsHandler:
    """Write the predictions of an evaluator that runs a `LesionClassifier`.

    When the run is complete ``predictions.csv`` in ``output_dir`` has a row an image, breast and examination:
    ``level``, ``case`` (of an image the file's stem or the datalist's case), ``patient``, ``laterality``, ``malignant``
    (where known), ``logit`` (before calibration), ``inputs`` (which were present), ``probability``, ``threshold`` and
    ``prediction``, by the temperatures and thresholds that are part of the network.

    Args:
        output_dir: folder of the table; made where it is missing.
        overwrite: whether a table of an earlier run may be replaced.

    Raises:
        InputError: when the run starts, if a file is there already or several processes share the run.

    """

    def __init__(self, output_dir: str | Path, overwrite: bool = False) -> None:
        self.output_dir = Path(output_dir)
        self.overwrite = overwrite
        self.rows: list[dict[str, Any]] = []

    @property
    def targets(self) -> list[Path]:
        """The files that are written."""
        return [self.output_dir / FILE]

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.keep)
        engine.add_event_handler(Events.COMPLETED, self.complete)

    def start(self, _engine: Engine) -> None:
        """Forget an earlier run, and refuse at once what would be refused at the end."""
        if idist.get_world_size() > 1:
            raise InputError("predictions: expected one process, each would write a part: run without torchrun")
        for target in self.targets:
            if target.exists() and not self.overwrite:
                raise InputError(f"{target}: exists already; name another output_dir or set overwrite to true")
        self.rows = []

    def keep(self, engine: Engine) -> None:
        """Keep the outputs of the iteration."""
        self.rows += [case_row(case) for case in decollated_cases(engine)]

    def complete(self, engine: Engine) -> None:
        """Make the table and write it."""
        network: Any = engine.network
        table = level_predictions(self.rows)
        table = with_probabilities(table, network.temperature.tolist(), network.threshold.tolist())
        self.output_dir.mkdir(parents=True, exist_ok=True)
        with staged(self.targets, self.overwrite) as stages:
            self.write(table, stages)

    def write(self, table: pd.DataFrame, stages: Mapping[Path, Path]) -> None:
        """Write the table to the place that ``stages`` has for it."""
        table.to_csv(stages[self.output_dir / FILE], index=False)
