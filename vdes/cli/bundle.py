"""``vdes bundle``."""

from __future__ import annotations

import sys
from pathlib import Path

from cyclopts import App

from vdes.cli.parameters import Bundles

app = App(
    name="bundle",
    help="List, verify and pack bundles: the folders of configs, weights and docs that MONAI runs.",
    help_epilogue="``vdes bundle COMMAND --help`` explains a command and gives an example.",
)


@app.command(name="list", help_epilogue="example: vdes bundle list --bundles my_bundles")
def list_(*, bundles: Bundles = None) -> None:
    """List the bundles that are found, with their version and their weights.

    Args:
        bundles: folder that holds the bundles. Without it those of the clone or of the installed vdes.
    """
    import json

    from vdes.bundle.locate import METADATA, bundle_names, find_bundles

    folder = find_bundles(bundles)
    print(folder)
    for name in bundle_names(folder):
        version = json.loads((folder / name / METADATA).read_text(encoding="utf-8")).get("version", "of no version")
        weights = ", ".join(sorted(file.name for file in (folder / name / "models").glob("*.pt")))
        print(f"  {name} {version}, weights: {weights or 'none'}")


@app.command(help_epilogue="example: vdes bundle path breast_cesm_virtual_des_unet")
def path(name: str, /, *, bundles: Bundles = None) -> None:
    """Print the folder of a bundle, for other programs.

    Args:
        name: name of the bundle, as ``vdes bundle list`` shows it.
        bundles: folder that holds the bundles. Without it those of the clone or of the installed vdes.
    """
    from vdes.bundle.locate import find_bundle

    print(find_bundle(name, bundles))


@app.command(
    help_epilogue=(
        "exit status: 0 no findings, 1 findings, 2 bad input\n\n"
        "example: vdes bundle verify bundles/breast_cesm_virtual_des_unet\n\n"
        "example: vdes bundle verify --run-commands --verbose bundles/breast_cesm_virtual_des_unet"
    )
)
def verify(bundle: list[Path], /, *, static: bool = False, run_commands: bool = False, verbose: bool = False) -> int:
    """Verify bundles as the MONAI model zoo does, and beyond, without a network.

    Every bundle is asked for:

    - files: what the zoo wants is there, with at most 25 MB a file; names are region_modality_task; the weights that
      the card names exist
    - metadata: the schema, the version in the changelog, ``image`` and ``pred``, every imported package
    - paths: no path of one machine in configs, docs and results
    - code: no config needs vdes before MONAI puts the bundle's folder on the search path
    - weights: their sha256 is recorded with their results (weights_sha256 in ``docs/results/*_NAME.json``), they are
      nothing but finite tensors, and they fit network_def
    - network: verify_net_in_out, shapes and finite values, at several sizes where the metadata leave them open
    - exports: TorchScript (traced, read again) and ONNX (dynamic batch and size, in onnxruntime) against torch
    - workflows: check_properties() of train, evaluate and inference, set up on phantoms
    - card: each command of docs/README.md and of the heads of configs names configs, knobs, weights and scripts that
      exist; pictures exist and tables are filled; with ``--run-commands`` the commands run on phantoms

    Prints one line for each finding: the bundle, the file, what is wrong and what was expected.

    Verifying runs the bundle's configs, which may hold any code. Use ``--static`` for bundles that you do not trust: it
    runs nothing of them. A bundle whose weights or metadata are refused is not run either.

    Args:
        bundle: folder of a bundle; one or more.
        static: run nothing of the bundles.
        run_commands: run the commands of the cards on phantoms, which takes minutes.
        verbose: print figures too, such as the differences of exports.
    """
    import warnings

    from vdes.bundle.bundle import Bundle
    from vdes.bundle.verify.checks import verify
    from vdes.cli.program import program

    warnings.simplefilter("ignore")  # MONAI warns at each config that it reads
    found = 0
    for one in [Bundle(folder) for folder in bundle]:
        lines = verify(one, program(), static, run_commands)
        findings = [line for line in lines if not line.good]
        for line in lines if verbose else findings:
            print(f"{one.name}: {line}")
        print(f"{one.name}: {f'{len(findings)} findings' if findings else 'verified'}")
        found += len(findings)
    return 1 if found else 0


@app.command(
    help_epilogue=(
        "exit status: 0 packed, 1 refused, 2 bad input\n\n"
        "example: vdes bundle pack bundles/breast_cesm_virtual_des_unet --output dist"
    )
)
def pack(bundle: Path, /, *, output: Path = Path("dist"), overwrite: bool = False) -> int:
    """Pack a bundle and the code it needs into one zip file that runs where vdes is not installed.

    The archive holds what git has committed. It is the same, byte for byte, whenever the same commit is packed. Files
    that the bundle's large_files.yml lists are left out; ``python -m monai.bundle download_large_files`` fetches them.
    What ``vdes bundle verify --static`` finds is refused.

    Args:
        bundle: folder of the bundle, in a git checkout of the project.
        output: folder of the archive.
        overwrite: replace an archive of the same name.
    """
    import hashlib

    from vdes.bundle.pack import pack
    from vdes.cli.program import program

    archive, findings = pack(bundle, output, program(), overwrite)
    if archive is None:
        print("\n".join(findings))
        print(f"{bundle}: not packed, {len(findings)} findings", file=sys.stderr)
        return 1
    content = archive.read_bytes()
    print(f"wrote {archive}: {len(content) / 1e6:.1f} MB, sha256 {hashlib.sha256(content).hexdigest()}")
    return 0
