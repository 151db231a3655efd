from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from vdes.dicom import Model, virtual_des_object
from vdes.dicom.deidentify import deidentify

MODEL = Model("bundle", "0.1.0", "ab" * 32)
IDENTIFIERS = {
    "PatientName": "Secret^Name", "PatientID": "SECRETID", "AccessionNumber": "SECRETACC", "StudyID": "SECRETST",
    "PatientBirthDate": "19510203", "StudyDate": "20200304", "AcquisitionDate": "20200304", "StudyTime": "111213.25",
    "AcquisitionTime": "111314.25", "FrameOfReferenceUID": "2.25.3.4713",
    "ReferringPhysicianName": "Secret^Doctor", "StudyDescription": "SECRET study",
}  # fmt: skip


@pytest.fixture
def objects(write_mammogram, tmp_path: Path) -> list[pydicom.Dataset]:
    """Virtual DES of both breasts of a study, and of another study."""
    values = np.random.default_rng(0).random((64, 48))
    made = []
    for study, laterality in (("1.2.3.4711", "L"), ("1.2.3.4711", "R"), ("1.2.3.4712", "L")):
        file = write_mammogram(tmp_path / "a.dcm", values, laterality=laterality, study=study, **IDENTIFIERS)
        made.append(virtual_des_object(file, values, MODEL))
    return made


def test_no_identifier_is_left(objects, tmp_path: Path, dciodvfy) -> None:
    before = objects[0]
    uids = [str(element.value) for element in before.iterall() if "InstanceUID" in element.keyword]
    assert len(uids) == 4 and all(uid in str(before) for uid in uids)  # study, series, instance, source image
    pixels = before.PixelData
    deidentify(before)
    before.save_as(tmp_path / "v.dcm", enforce_file_format=True)
    everything = (tmp_path / "v.dcm").read_bytes()
    for secret in (*IDENTIFIERS.values(), *uids, "2.25.3.4713"):
        assert secret.encode() not in everything, secret
    assert before.PatientIdentityRemoved == "YES"
    assert [item.CodeValue for item in before.DeidentificationMethodCodeSequence] == ["113100", "113105"]
    assert before.PixelData == pixels and before.ImageLaterality == "L" and before.ViewPosition == "CC"
    assert before.file_meta.MediaStorageSOPInstanceUID == before.SOPInstanceUID
    assert dciodvfy(tmp_path / "v.dcm") == []


def test_it_still_says_what_it_is(objects) -> None:
    deidentify(objects[0])
    assert objects[0].SyntheticData == "YES" and "not for diagnosis" in objects[0].SeriesDescription
    assert MODEL.weights_sha256 in objects[0].DerivationDescription
    [equipment] = objects[0].ContributingEquipmentSequence
    assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
    assert "ContributionDateTime" not in equipment


def test_uids_are_mapped_alike_everywhere(objects) -> None:
    sources = [image.SourceImageSequence[0].ReferencedSOPInstanceUID for image in objects]
    for image in objects:
        deidentify(image)
    left, right, other = objects
    assert left.StudyInstanceUID == right.StudyInstanceUID != other.StudyInstanceUID
    assert left.PatientID == right.PatientID != other.PatientID
    assert left.FrameOfReferenceUID == right.FrameOfReferenceUID
    assert len({image.SOPInstanceUID for image in objects}) == 3
    assert not {image.SourceImageSequence[0].ReferencedSOPInstanceUID for image in objects} & set(sources)
