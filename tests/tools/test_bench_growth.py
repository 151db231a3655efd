from __future__ import annotations

from pathlib import Path

import pytest
from bench.growth import BUNDLES, Run, measured, table

from vdes.data.datalist import Datalist
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings


def test_the_table_tells_what_each_further_image_took() -> None:
    runs = [Run(100, 1, 10.0, 15.0, 0.9), Run(1100, 1, 110.0, 215.0, 0.91), Run(100, 2, 12.0, 20.0, 0.8)]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(runs).splitlines()[2:]]
    assert lines == [
        ["1", "100", "10.0", "", "", "0.90"],
        ["1", "1,100", "110.0", "100.0", "200.0", "0.91"],
        ["2", "100", "12.0", "", "", "0.80"],
    ]


@pytest.mark.slow
def test_a_run_is_measured(tmp_path: Path) -> None:
    listed = Datalist.read(generate(tmp_path / "phantoms", Settings(3, 0, 64)))
    run = measured(BUNDLES / "breast_cesm_virtual_des_unet", listed, 13, 1, ["--height", "64", "--engine", "torch"])
    assert (run.images, run.processes) == (13, 1)
    assert run.seconds > 1 and run.processor_seconds > 1 and 0.2 < run.memory_gib < 4
    with pytest.raises(SystemExit, match=r"error: .*engine: 'fast'"):
        measured(BUNDLES / "breast_cesm_virtual_des_unet", listed, 1, 1, ["--height", "64", "--engine", "fast"])
