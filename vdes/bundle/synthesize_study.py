"""Make the virtual DES images of a study that lies in an archive."""

from __future__ import annotations

import tempfile
from pathlib import Path

from monai.bundle import ConfigWorkflow
from pydicom import Dataset
from tqdm import tqdm

from vdes.dicom.archive import Archive
from vdes.dicom.kinds import LOW_ENERGY, kind_of
from vdes.dicom.pixels import raw_reason
from vdes.dicom.views import laterality_of, view_of
from vdes.errors import InputError


def synthesize_study(url: str, study: str, bundle: Path, compression: str = "none") -> list[str]:
    """Fetch a study's low-energy images, make virtual DES with a bundle and store it in the same study.

    Nothing is stored unless all of them were made. Storing again what is there already changes nothing: the UIDs follow
    from what went in.

    Args:
        url: DICOMweb URL of the archive.
        study: StudyInstanceUID.
        bundle: folder of a virtual DES bundle.
        compression: of the objects, see `vdes.dicom.virtual_des_object`.

    Returns:
        The SOPInstanceUIDs of the virtual DES images, which the archive lists in the study now.

    Raises:
        InputError: the archive fails, the study has no low-energy image, the bundle is none, or its inference fails.
    """
    config = bundle / "configs" / "inference.yaml"
    if not config.is_file():
        raise InputError(f"{bundle}: no bundle there; expected a folder with configs/inference.yaml")
    archive = Archive(url)
    wanted = [header for header in archive.headers(study) if is_low_energy(header)]
    if not wanted:
        raise InputError(f"{url}: study {study}: no low-energy image for presentation, CC or MLO, in it")
    with tempfile.TemporaryDirectory() as folder:
        fetched, made = Path(folder) / "low_energy", Path(folder) / "virtual_des"
        fetched.mkdir()
        for number, header in enumerate(tqdm(wanted, desc="fetching", unit="image", disable=None)):
            archive.fetch(header, fetched / f"{number:04d}.dcm")
        workflow = ConfigWorkflow(
            config_file=str(config),
            workflow_type="infer",
            logging_file=False,
            bundle_root=str(bundle),
            dataset_dir=str(fetched),
            output_dir=str(made),
            output_ext=".dcm",
            compression=compression,
        )
        workflow.initialize()
        workflow.run()
        workflow.finalize()
        files = sorted(made.iterdir())
        stored = [archive.store(file) for file in tqdm(files, desc="storing", unit="image", disable=None)]
    listed = {str(header.SOPInstanceUID) for header in archive.headers(study)}
    missing = sorted(set(stored) - listed)
    if missing:
        raise InputError(f"{url}: study {study}: {len(missing)} of {len(stored)} stored images are not listed in it")
    return stored


def is_low_energy(header: Dataset) -> bool:
    """Tell whether virtual DES can be made of an image: low energy, for presentation, of a known side and view."""
    return (
        header.get("Modality") == "MG"
        and kind_of(header).name == LOW_ENERGY
        and raw_reason(header) is None
        and laterality_of(header) is not None
        and view_of(header)[0] is not None
    )
