"""Do the time and the memory of inference grow as they should with the number of images?

Runs a bundle's inference with the MONAI bundle command line on links to the images of a folder, for several numbers of
images, in one process and, by torchrun, in several. Time should be linear and memory flat. Other options than its own
are knobs of inference. Run on an idle machine:

    vdes phantom phantoms --patients 5 --size 512
    PYTHONPATH=tools python -m bench.growth --datalist phantoms/datalist.json
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.machine import machine

from vdes.data.datalist import Datalist
from vdes.statistics.markdown_table import markdown_table

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"


@dataclass(frozen=True)
class Run:
    """What one run took.

    Attributes:
        images: their number.
        processes: their number.
        seconds: with start-up.
        processor_seconds: of all processes.
        memory_gib: peak of the largest process.
    """

    images: int
    processes: int
    seconds: float
    processor_seconds: float
    memory_gib: float


def measured(bundle: Path, listed: Datalist, images: int, processes: int, knobs: Sequence[str] = ()) -> Run:
    """Return what inference on so many images takes.

    Args:
        bundle: folder of a generator's bundle.
        listed: its images.
        images: their number; those of the datalist are taken again and again, under other names.
        processes: their number.
        knobs: further options of the command.
    """
    files = [Path(item["low_energy"]) for item in listed.items()]
    low, high = listed.intensity_range("low_energy")
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "images", Path(folder) / "virtual_des"
        source.mkdir()
        for number in range(images):
            file = files[number % len(files)]
            (source / f"{number:06d}{file.suffix}").symlink_to(file.absolute())
        configs = [str(bundle / "configs" / "inference.yaml")]
        launcher: list[str] = []
        if processes > 1:
            configs.append(str(bundle / "configs" / "multi_gpu_inference.yaml"))
            launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        command = [
            sys.executable,
            "-W",
            "ignore",
            *launcher,
            "-m",
            "monai.bundle",
            "run",
            "--config_file",
            str(configs),
        ]
        command += ["--bundle_root", str(bundle), "--dataset_dir", str(source), "--output_dir", str(output)]
        command += ["--intensity_range", f"[{low},{high}]", *knobs]
        start = time.perf_counter()
        with tempfile.TemporaryFile() as printed:
            process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            if status != 0:
                printed.seek(0)
                sys.exit(printed.read().decode()[-2000:])
        written = len(list(output.iterdir()))
        if written != images:
            sys.exit(f"{written} files were written for {images} images")
    return Run(images, processes, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20)


def table(runs: Sequence[Run]) -> str:
    """Return the runs, with the time that each image took beyond the first run of as many processes."""
    first: dict[int, Run] = {}
    rows = []
    for run in runs:
        start = first.setdefault(run.processes, run)
        more = run.images - start.images
        each = [
            f"{1000 * (time - before) / more:.1f}" if more else ""
            for time, before in ((run.seconds, start.seconds), (run.processor_seconds, start.processor_seconds))
        ]
        rows.append([str(run.processes), f"{run.images:,}", f"{run.seconds:.1f}", *each, f"{run.memory_gib:.2f}"])
    header = ["processes", "images", "s", "ms an image more", "processor ms an image more", "peak memory GiB"]
    return markdown_table(header, rows, aligned=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datalist", type=Path, required=True, help="datalist with low-energy images")
    parser.add_argument("--bundle", default="breast_cesm_virtual_des_unet", help="a generator (default: %(default)s)")
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 10_000], help="numbers of images")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="numbers of processes")
    arguments, knobs = parser.parse_known_args()  # further options are knobs of inference
    listed = Datalist.read(arguments.datalist)
    runs = [
        measured(BUNDLES / arguments.bundle, listed, count, processes, knobs)
        for processes in arguments.processes
        for count in arguments.counts
    ]
    print(machine())
    print(table(runs))


if __name__ == "__main__":
    main()
