"""Make the virtual DES images of a study in an archive."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset
from tqdm import tqdm

from vdes.bundle.bundle import Bundle
from vdes.data.dicom_folder.folder import read_intact_image
from vdes.dicom.archive import Archive
from vdes.dicom.files import check_one_image, damage_as_input_error, lift_functional_groups
from vdes.dicom.image_facts import ImageFacts, image_facts, refusal
from vdes.dicom.kinds import DES, LOW_ENERGY, VIRTUAL_DES
from vdes.dicom.virtual_des_object import check_source
from vdes.errors import InputError


@dataclass
class Synthesis:
    """What became of a study.

    Attributes:
        stored: SOPInstanceUIDs of the virtual DES images, which the archive lists in the study now.
        left_out: why nothing was made of an image, by its SOPInstanceUID; DES images are not among them.
    """

    stored: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def synthesize_study(url: str, study: str, bundle: Path, compression: str = "none") -> Synthesis:
    """Fetch a study's low-energy images, make virtual DES with a bundle and store it in the same study.

    What a datalist would leave out is left out here by the same check; virtual DES is made of the others. Nothing is
    stored unless all of these were made. Storing twice changes nothing, because the UIDs are derived from the input.

    Args:
        url: DICOMweb URL of the archive.
        study: StudyInstanceUID.
        bundle: folder of a virtual DES bundle.
        compression: compression of the objects, see `vdes.dicom.virtual_des_object`.

    Raises:
        InputError: the archive fails, the study has no low-energy image, the bundle is not valid, or its inference
            fails.
    """
    if not (bundle / "configs" / "inference.yaml").is_file():
        raise InputError(f"{bundle}: no bundle there; expected a folder with configs/inference.yaml")
    archive, done = Archive(url), Synthesis()
    with tempfile.TemporaryDirectory() as folder:
        fetched, made = Path(folder) / "low_energy", Path(folder) / "virtual_des"
        fetched.mkdir()
        headers = [header for header in archive.headers(study) if _wanted(header, done)]
        names: dict[Path, str] = {}
        for number, header in enumerate(tqdm(headers, desc="fetching", unit="image", disable=None)):
            file = fetched / f"{number:04d}.dcm"
            archive.fetch(header, file)
            if _usable(file, _name(header), done):
                names[file] = _name(header)
            else:
                file.unlink()
        if not names:
            why = "".join(f"; {name}: {reason}" for name, reason in sorted(done.left_out.items())[:3])
            raise InputError(f"{url}: study {study}: no low-energy image for presentation, CC or MLO, in it{why}")
        with _instances_in_errors(names):
            Bundle(bundle).infer(fetched, made, output_ext=".dcm", compression=compression)
        files = sorted(made.iterdir())
        if len(files) != len(names):
            raise InputError(f"{bundle}: made {len(files)} virtual DES images of {len(names)}; expected one of each")
        done.stored = [archive.store(file) for file in tqdm(files, desc="storing", unit="image", disable=None)]
    listed = {str(header.SOPInstanceUID) for header in archive.headers(study)}
    missing = sorted(set(done.stored) - listed)
    if missing:
        raise InputError(
            f"{url}: study {study}: {len(missing)} of {len(done.stored)} stored images are not listed in it"
        )
    return done


@contextmanager
def _instances_in_errors(names: Mapping[Path, str]) -> Iterator[None]:
    """Name in an error the image in the archive, not the file that stood for it and is gone."""
    try:
        yield
    except InputError as error:
        message = str(error)
        for file, name in names.items():
            message = message.replace(str(file), name)
        raise InputError(message) from error


def _wanted(header: Dataset, done: Synthesis) -> bool:
    """Tell whether an image may be low energy, by what the archive tells of its header."""
    path = Path(_name(header))
    try:
        with damage_as_input_error(path):
            check_one_image(path, header)
            lift_functional_groups(header)
            facts = image_facts(header, path)
    except InputError as error:
        done.left_out[_name(header)] = str(error).removeprefix(f"{path}: ")
        return False
    return _is_low_energy(facts, done)


def _usable(file: Path, name: str, done: Synthesis) -> bool:
    """Tell whether a file is a low-energy image that can be read and that an object can be written beside."""
    try:
        facts = read_intact_image(file)
        if not _is_low_energy(facts, done):
            return False
        check_source(file)
    except InputError as error:
        done.left_out[name] = str(error).removeprefix(f"{file}: ")
        return False
    return True


def _is_low_energy(facts: ImageFacts, done: Synthesis) -> bool:
    if facts.kind.name in (DES, VIRTUAL_DES):
        return False
    reason = refusal(facts)
    if reason is not None:
        done.left_out[facts.instance] = reason
    return reason is None and facts.kind.name == LOW_ENERGY


def _name(header: Dataset) -> str:
    return str(header.get("SOPInstanceUID") or "an image without a SOPInstanceUID")
