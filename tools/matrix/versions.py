"""Run the packed bundles where only what their metadata name is installed, at the oldest and the newest versions.

For each archive an empty environment is made, the archive's inference runs on phantoms by MONAI's command line, and
its outputs are compared with the reference in tools/matrix/reference. It takes minutes an environment, several
gigabytes, and uv.

    PYTHONPATH=tools python -m matrix.versions reference --overwrite
    PYTHONPATH=tools python -m matrix.versions run --python oldest=python3.10 stated=python3.11 newest=python3.13
    PYTHONPATH=tools python -m matrix.table

The rows of docs/results/versions.json that are not run again stay.
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
from matrix.requirements import allowed, exact, stated
from matrix.table import ROWS

from vdes.bundle.pack import pack
from vdes.cli.program import program
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
REFERENCE = Path(__file__).with_name("reference")
KINDS = ("oldest", "stated", "newest")
PHANTOMS = Settings(patients=3, size=64, seed=24)
# the shipped classifier sees DES alone
KNOBS = {"breast_cesm_lesion_classification": ("--inputs", "des")}
# the same arithmetic on every machine
COMMON = ("--device", "cpu", "--precision", "float32", "--engine", "torch")


def unpacked(folder: Path) -> list[Path]:
    """Pack all bundles as they are committed, and return the unpacked archives, each alone in a folder.

    Raises:
        InputError: one cannot be packed.
    """
    found = []
    for bundle in sorted((PROJECT / "bundles").iterdir()):
        archive, findings = pack(bundle, folder / "archives", program())
        if archive is None:
            raise InputError(findings[0])
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder / archive.stem)
        found.append(folder / archive.stem / bundle.name)
    return found


def infer(bundle: Path, environment: Environment, datalist: Path, output: Path) -> None:
    """Run an unpacked bundle's inference by MONAI's command line."""
    given = ["--bundle_root", str(bundle), "--dataset_dir", str(datalist), "--output_dir", str(output)]
    words = ["monai.bundle", "run", "--config_file", "configs/inference.yaml", *given, *COMMON]
    environment.run([*words, *KNOBS.get(bundle.name, ())], bundle)


def weights(bundles: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of each bundle's weights."""
    return {one.name: hashlib.sha256((one / "models" / "model.pt").read_bytes()).hexdigest() for one in bundles}


def reference(work: Path, overwrite: bool) -> None:
    """Write the outputs in this environment as the reference.

    Raises:
        InputError: there is one and it is not to be replaced, or a bundle fails.
    """
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


def row(bundle: Path, datalist: Path, kind: str, python: str, work: Path) -> dict[str, Any]:
    """Run one bundle in one environment, which is removed again; a failure is the row's reason."""
    found: dict[str, Any] = {"bundle": bundle.name, "environment": f"{kind}, {Path(python).name}", "passed": False}
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    requirements = exact(metadata) if kind == "stated" else allowed(metadata, PROJECT / "setup.cfg")
    try:
        environment = Environment.make(work / "environment", python, requirements, oldest=kind == "oldest")
        installed = environment.versions()
        found["versions"] = {name: installed[name] for name in ("python", *stated(metadata))}
        infer(bundle, environment, datalist, work / "output")
        found["difference"] = difference(work / "output", REFERENCE / bundle.name)
        found["passed"] = found["difference"] <= TOLERANCE
    except InputError as error:
        found["reason"] = str(error).replace(str(work), "WORK").replace(str(PROJECT), "PROJECT")
    finally:
        for name in ("environment", "output"):
            shutil.rmtree(work / name, ignore_errors=True)
    return found


def run(work: Path, pythons: Sequence[tuple[str, str]], only: str) -> bool:
    """Run the matrix, store each row as soon as it is known, and tell whether all passed.

    Args:
        work: folder for archives, phantoms and environments.
        pythons: what to install, of `KINDS`, and for which interpreter.
        only: part of the names of the bundles to run.

    Raises:
        InputError: the reference is of other weights.
    """
    bundles, datalist = unpacked(work), generate(work / "phantoms", PHANTOMS)
    if weights(bundles) != json.loads((REFERENCE / "weights.json").read_text(encoding="utf-8")):
        raise InputError(f"{REFERENCE}: of other weights; make it again: python -m matrix.versions reference")
    passed = True
    for kind, python in pythons:
        for bundle in (one for one in bundles if only in one.name):
            new = row(bundle, datalist, kind, python, work)
            print(new["bundle"], new["environment"], new.get("difference"), new.get("reason", ""), flush=True)
            passed &= new["passed"]
            rows = json.loads(ROWS.read_text(encoding="utf-8"))["rows"] if ROWS.exists() else []
            kept = {(one["bundle"], one["environment"]): one for one in [*rows, new]}
            content = {"tolerance": TOLERANCE, "rows": [kept[key] for key in sorted(kept)]}
            with staged([ROWS], overwrite=True) as stages:
                stages[ROWS].write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return passed


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("reference", "run"))
    defaults = ["oldest=python3.10", "newest=python3.13"]
    told = f"what to install ({', '.join(KINDS)}) for which interpreter"
    parser.add_argument("--python", nargs="+", default=defaults, metavar="KIND=PROGRAM", help=told)
    parser.add_argument("--only", default="", help="part of a bundle's name")
    parser.add_argument("--overwrite", action="store_true", help="replace the reference")
    options = parser.parse_args(arguments)
    pythons = [(kind, python) for kind, _, python in (text.partition("=") for text in options.python)]
    for kind, python in pythons:
        if kind not in KINDS or not python:
            parser.error(f"--python {kind}={python}: expected KIND=PROGRAM, with {', '.join(KINDS)} as KIND")
    try:
        with tempfile.TemporaryDirectory() as work:
            if options.what == "reference":
                reference(Path(work), options.overwrite)
            elif not run(Path(work), pythons, options.only):
                sys.exit(1)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
