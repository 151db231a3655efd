"""A classifier's metrics and figures on labelled cases, as a MONAI handler."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from ignite.engine import Engine

from vdes.errors import InputError
from vdes.handlers.classification_table import classification_table
from vdes.handlers.predictions_handler import PredictionsHandler
from vdes.statistics.classification_summary import classification_summary

logger = logging.getLogger(__name__)

FILE = "classification.json"


class ClassificationHandler(PredictionsHandler):
    """Write what `PredictionsHandler` writes, and ``classification.json``: the metrics of all levels.

    They are `vdes.statistics.classification_summary.classification_summary` of the table, with the numbers of cases
    and the provenance; the tables are printed too. A level with known cases of one class only is left out.

    Args:
        output_dir: folder of the files; created if it is missing.
        provenance: what made the predictions: datalist, split, seed, versions, weights; JSON values.
        n_resamples: bootstrap samples behind the intervals.
        seed: seed of the bootstrap.
        overwrite: whether files of an earlier run may be replaced.

    Raises:
        InputError: at the start of the run, as `PredictionsHandler`, or the provenance is not JSON; at its end, no
            level has both malignant and other cases, or an output of the network is not finite. Nothing is written
            then.

    """

    partial = False  # the metrics of some cases would pass for those of all

    def __init__(
        self,
        output_dir: str | Path,
        provenance: Mapping[str, Any],
        n_resamples: int = 2000,
        seed: int = 0,
        overwrite: bool = False,
    ) -> None:
        super().__init__(output_dir, overwrite)
        self.provenance = dict(provenance)
        self.n_resamples = n_resamples
        self.seed = seed

    @property
    def targets(self) -> list[Path]:
        """The files that are written."""
        return [*super().targets, self.output_dir / FILE]

    def start(self, engine: Engine) -> None:
        """Forget an earlier run, and make the checks of the end at the start."""
        super().start(engine)
        try:
            json.dumps(self.provenance, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"provenance: expected what JSON can hold ({error})") from error

    def write(self, table: pd.DataFrame, stages: Mapping[Path, Path]) -> None:
        """Write the table and its summary."""
        super().write(table, stages)
        classes = table.groupby("level", sort=False)["malignant"].nunique()
        single = list(classes.index[classes < 2])
        if len(single) == len(classes):
            raise InputError("predictions: expected malignant and other cases; all whose pathology is known are alike")
        for level in single:
            logger.warning("%s: one class only, not scored", level)
        summary = classification_summary(table[~table["level"].isin(single)], self.n_resamples, self.seed)
        result = classification_result(summary, self.provenance, self.n_resamples, self.seed)
        stages[self.output_dir / FILE].write_text(
            json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8"
        )
        print(classification_table(summary))


def classification_result(
    summary: pd.DataFrame, provenance: Mapping[str, Any], n_resamples: int, seed: int
) -> dict[str, Any]:
    """Return the content of a results file: the summary, how its intervals were made, and the provenance."""
    rows = summary.astype(object).where(summary.notna(), None).to_dict("records")
    return {
        "provenance": dict(provenance),
        "interval": {
            "method": "percentile bootstrap, patients resampled with all of their cases",
            "level": 0.95,
            "n_resamples": n_resamples,
            "seed": seed,
        },
        "summary": rows,
    }
