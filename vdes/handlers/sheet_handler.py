"""The picture sheet of an evaluation run, as a MONAI handler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ignite.engine import Engine, Events

from vdes.handlers.picture_sheet import picture_sheet
from vdes.handlers.representative_cases import representative_cases
from vdes.metrics.decollated import decollated_cases

PANELS = {
    "low_energy": "image",
    "des": "label",
    "virtual_des": "pred",
    "lesion_mask": "lesion_mask",
    "des_lesion_mask": "des_lesion_mask",
}
PLACES = ("best", "median", "worst")


class SheetHandler:
    """Draw the best, the median and the worst case of an evaluation run, chosen by `representative_cases`.

    The images are kept as 8 bits until the end of the run: 1 MB per case at 512 x 384.

    Args:
        file: the picture.
        rows: the per-case table of `FidelityHandler`, which must be attached before this handler.

    """

    def __init__(self, file: str | Path, rows: str | Path) -> None:
        self.file = Path(file)
        self.rows = Path(rows)
        self.images: dict[str, dict[str, Any]] = {}

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.keep)
        engine.add_event_handler(Events.COMPLETED, self.draw)

    def keep(self, engine: Engine) -> None:
        """Keep the iteration's images."""
        for case in decollated_cases(engine):
            panels = {panel: np.asarray(case[key].cpu()) for panel, key in PANELS.items()}
            self.images[case["case"]] = {
                panel: np.round(np.clip(image, 0, 1) * 255).astype(np.uint8) for panel, image in panels.items()
            }

    def draw(self, _engine: Engine) -> None:
        """Draw the sheet, if there are at least three cases."""
        if len(self.images) < len(PLACES):
            return
        chosen = representative_cases(pd.read_csv(self.rows))
        cases = [
            {key: image / 255.0 for key, image in self.images[str(name)].items()}
            | {"caption": f"{place}: {name}, breast PSNR {gain:+.2f} dB over the constant level"}
            for place, (name, gain) in zip(PLACES, chosen.items(), strict=True)
        ]
        picture_sheet(cases, self.file)
