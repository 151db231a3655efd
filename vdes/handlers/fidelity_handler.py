"""The fidelity table of an evaluation run, as a MONAI handler."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import pandas as pd
from ignite.engine import Engine, Events

from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.handlers.fidelity_table import all_tables
from vdes.metrics.decollated import case_values, decollated_cases, naming_case
from vdes.metrics.fidelity import case_rows
from vdes.metrics.lesion_ring import RING_WIDTH
from vdes.statistics.fidelity_summary import summarise

FILES = ("fidelity_per_case.csv", "fidelity.json")
# names of the arguments of `case_rows` in MONAI's engines
KEYS = {
    "case": "case",
    "patient": "patient",
    "low_energy": "image",
    "des": "label",
    "virtual_des": "pred",
    "breast_mask": "breast_mask",
    "lesion_mask": "lesion_mask",
    "des_lesion_mask": "des_lesion_mask",
}


class FidelityHandler:
    """Score every case that a `SupervisedEvaluator` predicts, and the two trivial predictions, and write the tables.

    Each case needs ``image`` (low energy), ``label`` (real DES), ``pred``, ``breast_mask``, ``lesion_mask`` and
    ``des_lesion_mask``, each (1, H, W), images in [0, 1], masks 0 and 1 (all 0 if there is no lesion), and ``case``
    and ``patient``. At the end of the run it writes into ``output_dir``

    - ``fidelity_per_case.csv``: the rows of `vdes.metrics.fidelity.case_rows`;
    - ``fidelity.json``: their summary by `vdes.statistics.fidelity_summary.summarise`, the settings and the
      provenance;

    and prints the tables for the breast, the whole image and the lesion.

    Args:
        output_dir: folder of the two files; created if it is missing.
        constant: level of the constant prediction, `vdes.metrics.constant_level.constant_level` of the training cases.
        provenance: what made the predictions: datalist, split, seed, versions, weights; JSON values.
        n_resamples: bootstrap samples behind the intervals.
        seed: seed of the bootstrap.
        overwrite: whether files of an earlier run may be replaced.

    Raises:
        InputError: at the start of the run, a file exists, several processes share the run or the provenance is not
            JSON; during the run, a case lacks a key or a metric refuses it; at the end, a case occurred twice.

    """

    def __init__(
        self,
        output_dir: str | Path,
        constant: float,
        provenance: Mapping[str, Any],
        n_resamples: int = 2000,
        seed: int = 0,
        overwrite: bool = False,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.constant = constant
        self.provenance = dict(provenance)
        self.n_resamples = n_resamples
        self.seed = seed
        self.overwrite = overwrite
        self.targets = [self.output_dir / name for name in FILES]
        self.rows: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.score)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def start(self, _engine: Engine) -> None:
        """Forget an earlier run, and make the checks of the end at the start."""
        if idist.get_world_size() > 1:
            raise InputError("FidelityHandler: expected one process, each would write a part: run without torchrun")
        for target in self.targets:
            if target.exists() and not self.overwrite:
                raise InputError(f"{target}: exists already; name another output_dir or set overwrite to true")
        try:
            json.dumps(self.provenance, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"provenance: expected what JSON can hold ({error})") from error
        self.rows = []

    def score(self, engine: Engine) -> None:
        """Append the rows of the iteration's cases."""
        for case in decollated_cases(engine):
            with naming_case(case):
                values = case_values(case, list(KEYS.values()))
                self.rows += case_rows(**dict(zip(KEYS, values, strict=True)), constant=self.constant)

    def write(self, _engine: Engine) -> None:
        """Write both files and print the tables."""
        rows = pd.DataFrame(self.rows)
        summary = summarise(rows, self.n_resamples, self.seed)
        result = {
            "provenance": self.provenance,
            "data_range": 1.0,
            "constant_level": self.constant,
            "lesion_ring_width": RING_WIDTH,
            "interval": {
                "method": "percentile bootstrap, patients resampled with all of their cases",
                "level": 0.95,
                "n_resamples": self.n_resamples,
                "seed": self.seed,
            },
            "summary": [{key: _finite(value) for key, value in row.items()} for row in summary.to_dict("records")],
        }
        self.output_dir.mkdir(parents=True, exist_ok=True)
        with staged(self.targets, self.overwrite) as stages:
            per_case, overall = (stages[target] for target in self.targets)
            rows.to_csv(per_case, index=False)
            overall.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        print(all_tables(summary))


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
