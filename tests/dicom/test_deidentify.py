from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import RawDataElement

from vdes.cli import main
from vdes.data.inference_items import check_outputs
from vdes.dicom import Model, virtual_des_object
from vdes.dicom.carried import EMPTY_IF_ABSENT
from vdes.dicom.deidentify import KEPT, deidentify
from vdes.dicom.virtual_des_writer import VirtualDesWriter
from vdes.transforms.save_virtual_des import SaveVirtualDesd

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


# what an image needs to be one, and to be read as low energy
NEEDED = {
    "SOPClassUID", "Modality", "PresentationIntentType", "ImageType", "KVP", "FilterMaterial", "ImageLaterality",
    "Laterality", "ViewPosition", "ViewCodeSequence", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
    "SamplesPerPixel", "PixelRepresentation", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames",
    "PresentationLUTShape", "PixelData", "FloatPixelData", "DoubleFloatPixelData", "ImagerPixelSpacing", "PixelSpacing",
    "PatientOrientation", "BurnedInAnnotation", "SyntheticData", "SpecificCharacterSet", "WindowCenter", "WindowWidth",
    "VOILUTFunction", "VOILUTSequence", "ModalityLUTSequence", "RescaleSlope", "RescaleIntercept",
    "SpecimenDescriptionSequence", "ContainerIdentifier", "SharedFunctionalGroupsSequence", "FrameLaterality",
    "PerFrameFunctionalGroupsSequence", "LossyImageCompression", "EstimatedRadiographicMagnificationFactor",
}  # fmt: skip
MARKED = {
    "DA": "19470813", "TM": "134759", "DT": "19470813134759", "AS": "073Y", "DS": "731947", "IS": "731947",
    "FD": 731947.0, "FL": 731947.0, "UL": 731947, "SL": 731947, "US": 7319, "SS": 7319,
    "UV": 731947, "SV": 731947, "AT": 0x00100010, "OB": b"JANEROE!", "OW": b"JANEROE!", "OF": b"JANEROE!",
    "OD": b"JANEROE!", "OL": b"JANEROE!", "OV": b"JANEROE!", "UN": b"JANEROE!",
}  # fmt: skip
# whose values a report quotes, as long as they are the standard's
SHOWN = ("Modality", "ImageType", "ViewPosition", "StudyInstanceUID", "PhotometricInterpretation", "SOPClassUID")
MARKERS = (
    b"JANEROE",
    b"731947",
    b"19470813",
    b"134759",
    b"073Y",
    np.float64(731947).tobytes(),
    np.float32(731947).tobytes(),
)


def marked(image: pydicom.Dataset, depth: int = 0) -> None:
    """Put a marker into every attribute of the standard, of every VR, and into nested items."""
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        if tag >> 16 < 8 or not keyword or (depth == 0 and keyword in NEEDED) or vr in ("NONE", ""):
            continue
        vr = vr.split(" or ")[0]
        if vr == "SQ":
            item = pydicom.Dataset()
            if depth == 0:
                for inner, inner_vr in (("CodeValue", "SH"), ("CodeMeaning", "LO"), ("PatientName", "PN")):
                    item.add_new(inner, inner_vr, "JANEROE")
                item.private_block(0x0051, "JANEROE", create=True).add_new(1, "LO", "JANEROE")
            image.add_new(tag, "SQ", [item])
        else:
            image.add_new(tag, vr, f"1.2.731947.{tag}" if vr == "UI" else MARKED.get(vr, "JANEROE"))
    for group in (0x0051, 0x0055):
        image.private_block(group, "JANEROE", create=True).add_new(1, "LO", "JANEROE")


def test_a_marker_in_every_attribute_of_the_source_is_nowhere_to_be_found(
    write_mammogram, tmp_path: Path, dciodvfy, capsys, caplog
) -> None:
    source = tmp_path / "JANEROE.dcm"
    write_mammogram(source, np.zeros((64, 48)))
    image = pydicom.dcmread(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        marked(image)
    image.ViewCodeSequence[0].CodeMeaning = "JANEROE"
    modifier = pydicom.Dataset()
    modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning = "399209000", "SCT", "JANEROE"
    unknown = pydicom.Dataset()
    unknown.CodeValue, unknown.CodingSchemeDesignator, unknown.CodeMeaning = "JANEROE", "99X", "JANEROE"
    image.ViewCodeSequence[0].ViewModifierCodeSequence = [modifier, unknown]
    image.KVP = "29"
    image.save_as(source)
    assert source.read_bytes().count(b"JANEROE") > 2000

    # files, and their names
    caplog.clear()  # of what pydicom said while the source was made
    out = tmp_path / "out"
    item = {"case": "JANEROE", "low_energy": str(source)}
    check_outputs(out, [item], ".dcm", False, deidentified=True)
    writer = VirtualDesWriter("bundle", "0.1.0", None, "none", True)
    save = SaveVirtualDesd("pred", out, ".dcm", (0, 1), writer, deidentified=True)
    save({"case": "JANEROE", "low_energy": str(source), "pred": torch.rand(1, 64, 48)})
    SaveVirtualDesd("pred", out, ".png", (0, 1), deidentified=True)(
        {"case": "JANEROE", "low_energy": str(source), "pred": torch.rand(1, 64, 48)}
    )
    files = sorted(out.iterdir())
    assert [file.suffix for file in files] == [".dcm", ".png"] and files[0].stem == files[1].stem
    assert dciodvfy(files[0]) == []
    # logs, reports and explanations
    log = caplog.text
    (tmp_path / "studies").mkdir()
    for number in range(2):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.{number}"
        image.ViewCodeSequence[0].ViewModifierCodeSequence = [unknown] * number
        image.save_as(tmp_path / "studies" / f"{number}")
    odd = pydicom.dcmread(tmp_path / "studies" / "0")
    for number, keyword in enumerate(SHOWN):
        changed = pydicom.Dataset(odd)
        changed.file_meta = odd.file_meta
        changed[keyword] = RawDataElement(odd[keyword].tag, odd[keyword].VR, 8, b"JANEROE ", 0, False, True)
        changed.SOPInstanceUID = f"1.2.9.{number}"
        changed.save_as(tmp_path / "studies" / keyword, implicit_vr=False, little_endian=True)
    caplog.clear()
    command = ["datalist", "dicom", str(tmp_path / "studies"), "--include-unpaired", "--test-fraction", "0"]
    command += [
        "--validation-fraction",
        "0",
        "--output",
        str(tmp_path / "d.json"),
        "--explain",
        str(tmp_path / "e.csv"),
    ]
    assert main(command) == 0
    printed = capsys.readouterr()
    everything = {"stdout": printed.out.encode(), "stderr": printed.err.encode()}
    everything["names"] = " ".join(file.name for file in files).encode()
    for file in (*files, tmp_path / "d.json", tmp_path / "e.csv"):
        everything[file.name] = file.read_bytes()
    everything["log"] = (log + caplog.text).encode()
    found = {where: [marker for marker in MARKERS if marker in text] for where, text in everything.items()}
    assert {where: markers for where, markers in found.items() if markers} == {}


def test_the_list_of_what_is_kept_holds_nothing_that_the_basic_profile_acts_on() -> None:
    """By the tables of dicom-anonymizer, but for UIDs, which are mapped, and what vdes itself writes or empties."""
    fields = dicom_anonymization_database_selector("dicomfields_2024b")
    tags = [tag for name, group in fields.items() if name.endswith("_TAGS") for tag in group if len(tag) == 2]
    acted_on = {keyword_for_tag(group << 16 | element) for group, element in tags}
    assert len(acted_on) > 300 and {"PatientName", "StudyDescription"} <= acted_on
    own = {"SeriesDescription", "DerivationDescription", "ContributingEquipmentSequence", "SourceImageSequence"}
    own |= {"AcquisitionContextSequence"}  # without items
    mapped = {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"}
    emptied = {keyword for keyword in KEPT if keyword in EMPTY_IF_ABSENT}
    assert KEPT & acted_on <= own | mapped | emptied


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
