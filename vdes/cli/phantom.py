"""``vdes phantom``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App

from vdes.cli.parameters import FIELDS
from vdes.data.vocabulary import WorldName
from vdes.phantom.settings import Settings
from vdes.phantom.worlds import in_world

app = App(name="phantom", help_epilogue="example: vdes phantom phantoms --patients 50 --seed 0 --size 256 --workers 2")


@app.default
def phantom(
    out: Path,
    /,
    *,
    settings: Annotated[Settings, FIELDS] = Settings(),
    world: WorldName | None = None,
    workers: int = 1,
    overwrite: bool = False,
) -> None:
    """Simulate contrast-enhanced spectral mammograms with known truth.

    Each patient has two breasts, each in two views; two thirds of the patients have one lesion. Writes OUT/images,
    OUT/truth.csv (everything that was drawn), OUT/oracle.csv (the ceiling for any classifier) and OUT/datalist.json,
    split by patient. Run the same command again to resume an interrupted run. The output is the same, byte for byte,
    for any number of workers.

    Args:
        out: folder to write; must be empty or not exist.
        world: lesions that show at low energy: shown (else the default phantoms), told (a lesion's shape determines its
            enhancement), half, or untold (it says nothing, and the low-energy image is taken before the injection). It
            sets density and lesions, and the last three also the shapes' distance, coupling and contrast.
        workers: number of processes.
        overwrite: replace the phantom set in OUT.
    """
    from vdes.phantom.generate import generate

    print(f"wrote {generate(out, in_world(settings, world), workers, overwrite)}")
