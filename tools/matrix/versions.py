"""Run the packed bundles where only what their metadata name is installed, at the oldest and the newest versions.

For each archive an empty environment is made, its inference runs on phantoms by MONAI's command line, and its outputs
are compared with the reference in tools/matrix/reference. Takes minutes an environment, and needs uv.

    PYTHONPATH=tools python -m matrix.versions reference
    PYTHONPATH=tools python -m matrix.versions run --python oldest=python3.10 --python newest=python3.13
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matrix.environment import Environment
from matrix.outputs import TOLERANCE, difference
from matrix.requirements import bounds, stated, wanted

from vdes.bundle.pack import pack
from vdes.cli.program import program
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
REFERENCE = Path(__file__).with_name("reference")
COUNTS = PROJECT / "docs" / "results" / "versions.json"
PHANTOMS = Settings(patients=3, size=64, seed=24)
# the shipped classifier sees DES alone
KNOBS = {"breast_cesm_lesion_classification": ("--inputs", "des")}
# one process, in single precision by torch, on every machine
COMMON = ("--device", "cpu", "--precision", "float32", "--engine", "torch", "--num_workers", "0")


def unpacked(folder: Path) -> list[Path]:
    """Pack all bundles as they are committed, and return the unpacked archives, beside each other in ``folder``.

    Raises:
        InputError: one cannot be packed.
    """
    for bundle in sorted((PROJECT / "bundles").iterdir()):
        archive, findings = pack(bundle, folder / "archives", program())
        if archive is None:
            raise InputError(findings[0])
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder / "bundles")
    return sorted((folder / "bundles").iterdir())


def infer(bundle: Path, environment: Environment, datalist: Path, output: Path) -> None:
    """Run an unpacked bundle's inference by MONAI's command line."""
    given = ["--bundle_root", str(bundle), "--dataset_dir", str(datalist), "--output_dir", str(output)]
    words = ["monai.bundle", "run", "--config_file", "configs/inference.yaml", *given, *COMMON]
    environment.run([*words, *KNOBS.get(bundle.name, ())], bundle)


def weights(bundles: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of each bundle's weights."""
    return {one.name: hashlib.sha256((one / "models" / "model.pt").read_bytes()).hexdigest() for one in bundles}


def reference(work: Path, overwrite: bool) -> None:
    """Write the outputs in this environment as the reference."""
    bundles, datalist = unpacked(work), generate(work / "phantoms", PHANTOMS)
    with staged([REFERENCE], overwrite) as stages:
        stages[REFERENCE].mkdir()
        for bundle in bundles:
            infer(bundle, Environment(Path(sys.prefix)), datalist, work / "outputs" / bundle.name)
            for file in sorted((work / "outputs" / bundle.name).rglob("*")):
                if file.suffix in (".png", ".csv"):
                    kept = stages[REFERENCE] / file.relative_to(work / "outputs")
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, kept)
        text = json.dumps(weights(bundles), indent=1)
        (stages[REFERENCE] / "weights.json").write_text(text + "\n", encoding="utf-8")


def row(bundle: Path, datalist: Path, versions: str, python: str, work: Path) -> dict[str, Any]:
    """Run one bundle in one environment, which is removed again; a failure is the row's reason."""
    found: dict[str, Any] = {"bundle": bundle.name, "environment": versions, "interpreter": python}
    try:
        metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
        environment = Environment.make(
            work / "environment", python, wanted(metadata, bounds(PROJECT / "setup.cfg"), versions)
        )
        installed = environment.versions()
        found["versions"] = {name: installed[name] for name in ("python", *sorted(stated(metadata)))}
        infer(bundle, environment, datalist, work / "output")
        found["difference"] = difference(work / "output", REFERENCE / bundle.name)
        found["passed"] = found["difference"] <= TOLERANCE
    except InputError as error:
        found |= {"passed": False, "reason": str(error).replace(str(work), "WORK").replace(str(PROJECT), "PROJECT")}
    finally:
        for name in ("environment", "output"):
            shutil.rmtree(work / name, ignore_errors=True)
    return found


def run(work: Path, pythons: dict[str, str], only: str) -> None:
    """Run the matrix, and store each row as soon as it is known, in place of that of an earlier run.

    Args:
        work: folder for archives, phantoms and environments.
        pythons: the interpreter of each kind of environment: ``stated``, ``oldest``, ``newest``.
        only: part of the names of the bundles to run.

    Raises:
        InputError: the reference is of other weights.
    """
    bundles, datalist = unpacked(work), generate(work / "phantoms", PHANTOMS)
    if weights(bundles) != json.loads((REFERENCE / "weights.json").read_text(encoding="utf-8")):
        raise InputError(f"{REFERENCE}: of other weights; make it again: python -m matrix.versions reference")
    for versions, python in pythons.items():
        for bundle in (one for one in bundles if only in one.name):
            new = row(bundle, datalist, versions, python, work)
            print(new["bundle"], versions, new.get("difference"), new.get("reason", ""), flush=True)
            rows = json.loads(COUNTS.read_text(encoding="utf-8"))["rows"] if COUNTS.exists() else []
            kept = [one for one in rows if (one["bundle"], one["environment"]) != (bundle.name, versions)]
            content = {"tolerance": TOLERANCE, "weights": weights(bundles), "rows": [*kept, new]}
            COUNTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("reference", "run"))
    parser.add_argument(
        "--python", action="append", default=[], metavar="KIND=PROGRAM", help="stated, oldest or newest"
    )
    parser.add_argument("--only", default="", help="part of a bundle's name")
    parser.add_argument("--overwrite", action="store_true", help="replace the reference")
    options = parser.parse_args(arguments)
    given = options.python or ["oldest=python3.10", "newest=python3.13"]
    pythons = dict(one.partition("=")[::2] for one in given)
    try:
        with tempfile.TemporaryDirectory() as work:
            if options.what == "reference":
                reference(Path(work), options.overwrite)
            else:
                run(Path(work), pythons, options.only)
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
