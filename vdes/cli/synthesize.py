"""``vdes synthesize``."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from vdes.cli.parameters import Bundles

app = App(
    name="synthesize",
    help_epilogue="example: vdes synthesize --dicomweb https://pacs.example.org/dicom-web --study 1.2.840.113619.2.1",
)


@app.default
def synthesize(
    *,
    dicomweb: str,
    study: str,
    bundle: Path | None = None,
    bundles: Bundles = None,
    trust_bundle: bool = False,
    trust_sha256: tuple[str, ...] = (),
    compression: str = "none",
) -> None:
    """Make the virtual DES images of a study in an archive.

    Fetches the low-energy images of the study over DICOMweb, makes virtual DES images and stores them in the same
    study. User and password are read from ~/.netrc, certificates from REQUESTS_CA_BUNDLE.

    Args:
        dicomweb: base URL of the archive's DICOMweb services.
        study: StudyInstanceUID.
        bundle: folder of the bundle that makes the images. Without it breast_cesm_virtual_des_unet among the bundles.
        bundles: folder of vdes's bundles. Without it those of the clone or of the installed vdes.
        trust_bundle: run a bundle that is not one of vdes's own. The configs of a bundle can run any program with your
            rights, so read them first.
        trust_sha256: run a bundle that is not one of vdes's own if its configs and code have this hash, which the
            refusal of the bundle names.
        compression: none, jpeg-2000, jpeg-ls or rle, all lossless.
    """
    from vdes.bundle.locate import find_bundle
    from vdes.bundle.synthesize_study import synthesize_study
    from vdes.bundle.trust import check_trust

    bundle = bundle or find_bundle("breast_cesm_virtual_des_unet", bundles)
    check_trust(bundle, trust_bundle, bundles, trust_sha256)
    done = synthesize_study(dicomweb, study, bundle, compression)
    for instance, reason in sorted(done.left_out.items()):
        print(f"left out: {instance}: {reason}")
    print(f"stored {len(done.stored)} virtual DES images in study {study}")
