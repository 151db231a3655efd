"""How fast are pairs read, registered and resampled to the working grid, and how fast are they read from the cache?

python tools/bench/preprocessing.py --datalist datalist.json
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from vdes.data.datalist import Datalist
from vdes.data.datasets.cached_dataset import cached_dataset
from vdes.transforms.paired_preprocessing import paired_preprocessing


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datalist", type=Path, required=True, help="datalist of pairs; its training section is read")
    parser.add_argument("--height", type=int, default=512, help="working size in pixels (default: 512)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    arguments = parser.parse_args()
    listed = Datalist.read(arguments.datalist)
    items = listed.section("training")
    low_energy, des = (listed.intensity_range(modality) for modality in ("low_energy", "des"))
    start = time.perf_counter()
    preprocessing = paired_preprocessing(arguments.height, arguments.height * 3 // 4, low_energy, des)
    print(f"loading ITK's registration: {time.perf_counter() - start:.1f} s, once")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        cases = cached_dataset(items, preprocessing, folder, arguments.workers)
        rate = len(items) / (time.perf_counter() - start)
        print(f"preprocessing: {rate:.1f} pairs/s at {arguments.height} px ({len(items)} pairs)")
        start = time.perf_counter()
        for case in cases:
            assert case["image"].shape[1] == arguments.height
        print(f"from the cache: {len(items) / (time.perf_counter() - start):.0f} pairs/s in one process")


if __name__ == "__main__":
    main()
