"""Measure how well DES images lie on their low-energy images, before and after registration.

Prints the median breast-edge offset over all pairs of a datalist and the pairs that registration left further apart
than --limit, and writes a row a pair to --output (csv). Offsets are in pixels of the files.

    python vdes/experiments/registration.py datalist.json --output alignment.csv --cache runs/cache
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from vdes.data.datalist import SECTIONS, intensity_range, read_datalist, section
from vdes.data.datasets.cached_dataset import cached_dataset
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.transforms.paired_preprocessing import paired_preprocessing

COLUMNS = ["case", "edge_offset_before_px", "edge_offset_px"]


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", type=Path, help="datalist of pairs")
    parser.add_argument("--output", type=Path, required=True, help="csv file with a row a pair")
    parser.add_argument("--cache", type=Path, required=True, help="folder of preprocessed cases, shared with training")
    parser.add_argument("--limit", type=float, default=5.0, help="offset above which a pair is flagged (default: 5)")
    parser.add_argument("--height", type=int, default=512, help="working size of the cached cases (default: 512)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--overwrite", action="store_true", help="replace the csv file")
    arguments = parser.parse_args()
    try:
        with staged([arguments.output], arguments.overwrite) as stages:
            table = offsets(arguments)
            table.to_csv(stages[arguments.output], index=False)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    before, after = table["edge_offset_before_px"], table["edge_offset_px"]
    print(
        f"{len(table)} pairs: median breast-edge offset {before.median():.2f} px before, {after.median():.2f} px after"
    )
    for row in table[after > arguments.limit].itertuples():
        print(f"flagged: {row.case}: {row.edge_offset_before_px:.1f} px before, {row.edge_offset_px:.1f} px after")
    return 0


def offsets(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return the offsets of every pair."""
    low_energy, des = (intensity_range(arguments.datalist, modality) for modality in ("low_energy", "des"))
    preprocessing = paired_preprocessing(arguments.height, arguments.height * 3 // 4, low_energy, des)
    listed = read_datalist(arguments.datalist)
    items = [item for name in SECTIONS if listed[name] for item in section(arguments.datalist, name)]
    cases = cached_dataset(items, preprocessing, arguments.cache, arguments.workers)
    return pd.DataFrame([{column: case[column] for column in COLUMNS} for case in cases])


if __name__ == "__main__":
    sys.exit(main())
