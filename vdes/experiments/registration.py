"""Measure how well DES images lie on their low-energy images, before and after registration.

Prints the median breast-edge offset over all pairs of a datalist and the pairs that registration left further apart
than the limit, and writes a row a pair (csv). Offsets are in pixels of the files.

    vdes experiment registration datalist.json --output alignment.csv --cache runs/cache
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.datasets.cached_dataset import cached_dataset
from vdes.data.staging import staged
from vdes.experiments.settings import RegistrationReport
from vdes.transforms.paired_preprocessing import paired_preprocessing

COLUMNS = ["case", "edge_offset_before_px", "edge_offset_px"]


def write_offsets(datalist: Path, settings: RegistrationReport, overwrite: bool = False) -> pd.DataFrame:
    """Measure the offsets of every pair and write them as csv.

    Args:
        datalist: datalist of pairs.
        settings: where the results go, and how the cases are preprocessed.
        overwrite: replace the csv file.

    Returns:
        What was written: ``case``, ``edge_offset_before_px`` and ``edge_offset_px``, one row a pair.

    Raises:
        InputError: the datalist or an image cannot be read, or the file exists already.
    """
    with staged([settings.output], overwrite) as stages:
        table = offsets(datalist, settings)
        table.to_csv(stages[settings.output], index=False)
    return table


def summary(table: pd.DataFrame, limit: float) -> str:
    """Return the median offsets of a table, and the pairs that lie further apart than ``limit``, as lines of text."""
    before, after = table["edge_offset_before_px"], table["edge_offset_px"]
    lines = [
        f"{len(table)} pairs: median breast-edge offset {before.median():.2f} px before, {after.median():.2f} px after"
    ]
    for row in table[after > limit].itertuples():
        lines.append(
            f"flagged: {row.case}: {row.edge_offset_before_px:.1f} px before, {row.edge_offset_px:.1f} px after"
        )
    return "\n".join(lines)


def offsets(datalist: Path, settings: RegistrationReport) -> pd.DataFrame:
    """Return the offsets of every pair."""
    listed = Datalist.read(datalist)
    low_energy, des = (listed.intensity_range(modality) for modality in ("low_energy", "des"))
    preprocessing = paired_preprocessing(settings.height, settings.height * 3 // 4, low_energy, des)
    items = [item for name in SECTIONS if listed.fields[name] for item in listed.section(name)]
    cases = cached_dataset(items, preprocessing, settings.cache, settings.workers)
    return pd.DataFrame([{column: case[column] for column in COLUMNS} for case in cases])
