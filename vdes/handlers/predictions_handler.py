"""A classifier's predictions as a table, as a MONAI handler."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import pandas as pd
import torch.distributed as dist
from ignite.engine import Engine, Events

from vdes.data.datasets.readable_cases import ReadableCases
from vdes.data.staging import staged
from vdes.errors import CaseError, InputError, one_error
from vdes.metrics.decollated import decollated_cases
from vdes.metrics.level_predictions import case_row, level_predictions, with_probabilities

FILE = "predictions.csv"


class PredictionsHandler:
    """Write the predictions of an evaluator that runs a `LesionClassifier`.

    At the end of the run ``predictions.csv`` in ``output_dir`` has one row for each image, breast and examination:
    ``level``, ``case`` (for an image the file's stem or the datalist's case), ``patient``, ``laterality``,
    ``malignant`` (if known), ``logit`` (before calibration), ``inputs`` (which were present), ``probability``,
    ``threshold`` and ``prediction``, from the temperatures and thresholds stored in the network.

    Several processes may share the cases: each has every n-th, as with `monai.data.DistributedSampler`
    (``even_divisible=False, shuffle=False``). The first writes one table, the same as that of a single process.

    Args:
        output_dir: folder of the table; created if it is missing.
        overwrite: whether a table of an earlier run may be replaced.
        loader: the evaluator's, whose cases that cannot be read fail like those with outputs that are not finite.

    Raises:
        InputError: at the start of the run, a file already exists; at its end, images could not be read, or outputs of
            the network are not finite. The table then has all examinations but theirs; without any, that of an earlier
            run is removed.

    """

    partial = True  # whether a table without the examinations that failed is of use

    def __init__(self, output_dir: str | Path, overwrite: bool = False, loader: ReadableCases | None = None) -> None:
        self.output_dir = Path(output_dir)
        self.overwrite = overwrite
        self.loader = loader
        self.rows: list[dict[str, Any]] = []

    @property
    def targets(self) -> list[Path]:
        """The files that are written."""
        return [self.output_dir / FILE]

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.keep)
        if self.loader is not None:
            engine.add_event_handler(Events.DATALOADER_STOP_ITERATION, engine.terminate_epoch)
        engine.add_event_handler(Events.COMPLETED, self.complete)

    def start(self, _engine: Engine) -> None:
        """Forget an earlier run, and make the checks of the end at the start."""
        for target in self.targets:
            if target.exists() and not self.overwrite:
                raise InputError(f"{target}: exists already; name another output_dir or set overwrite to true")
        self.rows = []

    def keep(self, engine: Engine) -> None:
        """Keep the outputs of the iteration."""
        self.rows += [case_row(case) for case in decollated_cases(engine)]

    def complete(self, engine: Engine) -> None:
        """Make the table and write it."""
        rows = _of_all_processes(self.rows)
        unread = _of_all_processes(self.loader.failed if self.loader is not None else [])
        odd = [row for row in rows if not bool(row["pred"].isfinite().all())]
        failed = [message for _, message in unread]
        failed += [f"case {row['case']}: the network's output has values that are not finite" for row in odd]
        lost = {item["examination"] for item in (*odd, *(item for item, _ in unread))}
        rows = [row for row in rows if row["examination"] not in lost]
        removed = ""
        if idist.get_rank() == 0 and rows and (self.partial or not failed):
            self._write_all(rows, engine)
        elif idist.get_rank() == 0 and failed:
            removed = self._remove_all()
        if failed:
            idist.barrier()  # the first process that ends with an error ends the others
            raise CaseError(f"{one_error(failed)}{removed}")

    def _remove_all(self) -> str:
        """Remove the files of an earlier run, which would pass for those of this run, and return which, in words."""
        older = [target for target in self.targets if target.exists()]
        for target in older:
            target.unlink()
        return f"; {' and '.join(map(str, older))} of an earlier run removed" if older else ""

    def _write_all(self, rows: list[dict[str, Any]], engine: Engine) -> None:
        network: Any = engine.network
        table = level_predictions(rows)
        table = with_probabilities(table, network.temperature.tolist(), network.threshold.tolist())
        self.output_dir.mkdir(parents=True, exist_ok=True)
        with staged(self.targets, self.overwrite) as stages:
            self.write(table, stages)

    def write(self, table: pd.DataFrame, stages: Mapping[Path, Path]) -> None:
        """Write the table to its path in ``stages``."""
        table.to_csv(stages[self.output_dir / FILE], index=False)


def _of_all_processes(values: list[Any]) -> list[Any]:
    """Return the values of all processes, in the order of the cases."""
    if idist.get_world_size() == 1:
        return values
    shares: list[Any] = [None] * idist.get_world_size()
    dist.all_gather_object(shares, values)
    return [value for turn in zip_longest(*shares) for value in turn if value is not None]
