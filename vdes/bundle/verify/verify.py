"""Verify bundles as the MONAI model zoo's checks do, and beyond, without a network.

Asked of every bundle:

  files      what the zoo wants is there, of 25 MB at most; names are region_modality_task; weights that the card names
  metadata   the schema (tools/schemas), the version in the changelog, `image` and `pred`, every imported package
  paths      no path of one machine in configs, docs and results
  code       no config needs vdes before MONAI puts the bundle's folder on the search path
  weights    their sha256 is recorded with their results (weights_sha256 in docs/results/*_NAME.json), they are nothing
             but finite tensors, and they fit network_def
  network    verify_net_in_out, shapes and finite values, at several sizes where the metadata leave them open
  exports    TorchScript (traced, read again) and ONNX (dynamic batch and size, in onnxruntime) against torch
  workflows  check_properties() of train, evaluate and inference, set up on phantoms
  card       each command of docs/README.md and of the heads of configs names configs, knobs, weights and scripts that
             there are; pictures are there and tables are filled; with --run-commands they run on phantoms

One line for each finding: the bundle, the file, what is wrong and what was expected; with --verbose figures as well.

Verifying runs the bundle's configs, which may hold any code: of bundles that you do not trust ask --static alone, which
runs nothing of them. Where weights or metadata are refused, nothing is run either.

    python vdes/bundle/verify/verify.py bundles/*
    python vdes/bundle/verify/verify.py --run-commands --verbose bundles/breast_cesm_virtual_des_unet

Exit status: 0 no findings, 1 findings, 2 bad input.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from vdes.bundle.verify.bundle import Bundle
from vdes.bundle.verify.checks import verify
from vdes.errors import InputError


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", type=Path, help="folder of a bundle")
    parser.add_argument("--static", action="store_true", help="run nothing of the bundles")
    parser.add_argument("--run-commands", action="store_true", help="run the cards' commands on phantoms (minutes)")
    parser.add_argument("--verbose", action="store_true", help="print figures too, such as the differences of exports")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # MONAI warns at each config that it reads
    try:
        bundles = [Bundle(folder) for folder in arguments.bundles]
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = 0
    for bundle in bundles:
        lines = verify(bundle, arguments.static, arguments.run_commands)
        findings = [line for line in lines if not line.good]
        for line in lines if arguments.verbose else findings:
            print(f"{bundle.name}: {line}")
        print(f"{bundle.name}: {f'{len(findings)} findings' if findings else 'verified'}")
        found += len(findings)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
