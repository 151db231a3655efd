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
    """List the available bundles with their versions and weights.

    Args:
        bundles: folder of the bundles. Without it those of the clone or of the installed vdes.
    """
    import json

    from vdes.bundle.locate import METADATA, bundle_names, find_bundles

    folder = find_bundles(bundles)
    print(folder)
    for name in bundle_names(folder):
        version = json.loads((folder / name / METADATA).read_text(encoding="utf-8")).get("version", "(no version)")
        weights = ", ".join(sorted(file.name for file in (folder / name / "models").glob("*.pt")))
        print(f"  {name} {version}, weights: {weights or 'none'}")


@app.command(help_epilogue="example: vdes bundle path breast_cesm_virtual_des_unet")
def path(name: str, /, *, bundles: Bundles = None) -> None:
    """Print the folder of a bundle, for other programs.

    Args:
        name: name of the bundle, as ``vdes bundle list`` shows it.
        bundles: folder of the bundles. Without it those of the clone or of the installed vdes.
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
    """Verify bundles as the MONAI model zoo does, with further checks, without network access.

    The checks of every bundle:

    - files: the files that the zoo requires exist, with at most 25 MB each; names are region_modality_task; the weights
      that the card names exist
    - metadata: the schema, the version in the changelog, ``image`` and ``pred``, every imported package
    - paths: configs, docs and results contain no paths of a particular machine
    - code: no config needs vdes before MONAI puts the bundle's folder on the search path
    - weights: their sha256 is recorded with their results (weights_sha256 in ``docs/results/*_NAME.json``), they
      contain only finite tensors, and they fit network_def
    - network: verify_net_in_out, shapes and finite values, at several sizes if the metadata allow any
    - exports: TorchScript (traced, saved and loaded) and ONNX (dynamic batch and size, in onnxruntime) agree with torch
    - workflows: check_properties() of train, evaluate and inference, set up on phantoms
    - card: the commands in docs/README.md and in the comments at the top of configs name configs, knobs, weights and
      scripts that exist; pictures exist and tables are filled; with ``--run-commands`` the commands run on phantoms

    Prints one line per finding: the bundle, the file, what is wrong and what was expected.

    Verifying runs the bundle's configs, which may contain any code. Use ``--static`` for bundles that you do not trust:
    it runs none of their code. A bundle whose weights or metadata are refused is not run either.

    Args:
        bundle: folder of a bundle; one or more.
        static: run no code of the bundles.
        run_commands: run the commands of the cards on phantoms, which takes minutes.
        verbose: also print figures, such as the differences of exports from torch.
    """
    import warnings

    from vdes.bundle.bundle import Bundle
    from vdes.bundle.verify.checks import verify
    from vdes.cli.program import program

    warnings.simplefilter("ignore")  # MONAI warns about each config that it reads
    found = 0
    for one in [Bundle(folder) for folder in bundle]:
        lines = verify(one, program(), static, run_commands)
        findings = [line for line in lines if not line.good]
        for line in lines if verbose else findings:
            print(f"{one.name}: {line}")
        judged = "no findings, but its code was neither run nor judged" if static else "verified"
        print(f"{one.name}: {f'{len(findings)} findings' if findings else judged}")
        found += len(findings)
    return 1 if found else 0


@app.command(
    help_epilogue=(
        "exit status: 0 packed, 1 refused, 2 bad input\n\n"
        "example: vdes bundle pack bundles/breast_cesm_virtual_des_unet --output dist"
    )
)
def pack(bundle: list[Path], /, *, output: Path = Path("dist"), overwrite: bool = False) -> int:
    """Pack bundles, each with the code it needs into one zip file that runs without an installed vdes.

    The archive contains what git has committed. Packing the same commit always gives the same bytes. Files listed in
    the bundle's large_files.yml are left out; ``python -m monai.bundle download_large_files`` fetches them. A bundle
    in which ``vdes bundle verify --static`` finds something is refused.

    Args:
        bundle: folder of a bundle in a git checkout of the project; one or more.
        output: folder of the archives.
        overwrite: replace archives with the same names.
    """
    import hashlib

    from vdes.bundle.pack import pack
    from vdes.cli.program import program

    refused = 0
    for one in bundle:
        archive, findings = pack(one, output, program(), overwrite)
        if archive is None:
            print("\n".join(findings))
            print(f"{one}: not packed, {len(findings)} findings", file=sys.stderr)
            refused += 1
            continue
        content = archive.read_bytes()
        print(f"wrote {archive}: {len(content) / 1e6:.1f} MB, sha256 {hashlib.sha256(content).hexdigest()}")
    return 1 if refused else 0
