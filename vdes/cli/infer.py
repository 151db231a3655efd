"""``vdes infer``."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from vdes.cli.parameters import Bundles

app = App(
    name="infer",
    help_epilogue=(
        "example: vdes infer breast_cesm_virtual_des_unet images --output virtual_des\n\n"
        "example: vdes infer breast_cesm_virtual_des_unet studies.json --output virtual_des --knob output_ext=.dcm"
    ),
)


@app.default
def infer(
    bundle: Path,
    images: Path,
    /,
    *,
    output: Path,
    weights: Path | None = None,
    knob: tuple[str, ...] = (),
    overwrite: bool = False,
    bundles: Bundles = None,
    trust_bundle: bool = False,
    trust_sha256: tuple[str, ...] = (),
) -> None:
    """Run the inference of a bundle.

    A generator writes a virtual DES image for each low-energy image, a classifier a table of predictions. This is the
    bundle's own configs/inference.yaml, which ``python -m monai.bundle run`` runs too; here paths and texts are taken
    as they are typed.

    Args:
        bundle: folder of the bundle, or the name of one of vdes's own.
        images: one image, a folder of images or a datalist (.json).
        output: folder of the results.
        weights: file of the weights (.pt). Without it the bundle's models/model.pt.
        knob: a setting at the top of the bundle's configs/inference.yaml, such as height=256. May be given several
            times.
        overwrite: replace the results of an earlier run.
        bundles: folder of vdes's bundles. Without it those of the clone or of the installed vdes.
        trust_bundle: run a bundle that is not one of vdes's own. The configs of a bundle can run any program with your
            rights, so read them first.
        trust_sha256: run a bundle that is not one of vdes's own if its configs and code have this hash, which the
            refusal of the bundle names.
    """
    from vdes.bundle.bundle import Bundle
    from vdes.bundle.locate import bundle_names, find_bundle, find_bundles
    from vdes.bundle.trust import check_trust

    if not bundle.exists() and str(bundle) in bundle_names(find_bundles(bundles)):
        bundle = find_bundle(str(bundle), bundles)
    check_trust(bundle, trust_bundle, bundles, trust_sha256)
    found = Bundle(bundle, weights)
    settings = found.knobs_of([*knob, *(["overwrite=true"] if overwrite else [])])
    found.infer(images, output, **settings)
    print(f"wrote {output}")
