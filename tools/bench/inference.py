"""How fast is the U-Net bundle's inference from file to file, and how much memory does it take?

Runs the bundle's inference.yaml with the MONAI bundle command line on copies of the images of a folder, for two numbers
of images: the difference gives the time per image once everything is loaded. Run on an idle machine:

    python tools/bench/inference.py --images DIR
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vdes.data.inference_items import inference_items

BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_virtual_des_unet"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of low-energy images, 512 px high")
    parser.add_argument("--counts", type=int, nargs=2, default=[20, 220], help="numbers of images (default: 20 220)")
    arguments = parser.parse_args()
    items = inference_items(arguments.images)
    seconds = []
    for count in arguments.counts:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "images"
            source.mkdir()
            for number in range(count):
                file = Path(items[number % len(items)]["low_energy"])
                shutil.copy(file, source / f"{number:05d}{file.suffix}")
            seconds.append(timed(source, Path(folder) / "virtual_des"))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        print(f"{count} images: {seconds[-1]:.1f} s with start-up; peak memory of a process {peak:.2f} GiB", flush=True)
    rate = (arguments.counts[1] - arguments.counts[0]) / (seconds[1] - seconds[0])
    print(f"{rate:.1f} images/s from file to file, start-up aside")


def timed(source: Path, output: Path) -> float:
    """Return the seconds that inference takes."""
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "--bundle_root", str(BUNDLE)]
    command += ["--config_file", str(BUNDLE / "configs" / "inference.yaml"), "--dataset_dir", str(source)]
    start = time.perf_counter()
    subprocess.run([*command, "--output_dir", str(output)], check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
