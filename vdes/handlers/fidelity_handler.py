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
from vdes.handlers.criterion_table import criterion_table
from vdes.handlers.fidelity_table import all_tables
from vdes.metrics.decollated import case_values, decollated_cases, naming_case
from vdes.metrics.fidelity import case_rows
from vdes.metrics.lesion_table import lesion_rows, lesion_table
from vdes.statistics.fidelity_summary import summarise
from vdes.statistics.lesion_summary import summarise_lesions
from vdes.transforms.lesion_places import RING_WIDTH

FILES = ("fidelity_per_case.csv", "lesions.csv", "fidelity.json")
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
    - ``lesions.csv``: the rows of `vdes.metrics.lesion_table.lesion_rows`;
    - ``fidelity.json``: their summaries by `vdes.statistics.fidelity_summary.summarise` and
      `vdes.statistics.lesion_summary.summarise_lesions`, the settings and the provenance;

    and prints how lesions are shown, and the tables for the breast, the whole image and the lesion.

    Args:
        output_dir: folder of the three files; created if it is missing.
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
        self.lesions: list[dict[str, Any]] = []

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
        self.rows, self.lesions = [], []

    def score(self, engine: Engine) -> None:
        """Append the rows of the iteration's cases."""
        for case in decollated_cases(engine):
            with naming_case(case):
                values = dict(zip(KEYS, case_values(case, list(KEYS.values())), strict=True))
                self.rows += case_rows(**values, constant=self.constant)
                images = {name: values.pop(name) for name in ("virtual_des", "low_energy")}
                self.lesions += lesion_rows(**values, images=images)

    def write(self, _engine: Engine) -> None:
        """Write both files and print the tables."""
        rows, lesions = pd.DataFrame(self.rows), lesion_table(self.lesions)
        of_images = summarise(rows, self.n_resamples, self.seed)
        of_lesions = summarise_lesions(lesions, self.n_resamples, self.seed)
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
            "summary": _records(of_images),
            "lesions": _records(of_lesions),
        }
        self.output_dir.mkdir(parents=True, exist_ok=True)
        with staged(self.targets, self.overwrite) as stages:
            per_case, per_lesion, overall = (stages[target] for target in self.targets)
            rows.to_csv(per_case, index=False)
            lesions.to_csv(per_lesion, index=False)
            overall.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        print("\n\n".join(text for text in (criterion_table(of_lesions), all_tables(of_images)) if text))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table for JSON, which has no NaN and no infinity."""
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in table.to_dict("records")
    ]
