from __future__ import annotations

from typing import Any

import pytest
from pydicom import Dataset

from vdes.dicom.kinds import kind_of


@pytest.mark.parametrize(
    ("attributes", "kind", "evidence"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "", "LOW_ENERGY"]}, "low_energy", "ImageType LOW_ENERGY"),
        (
            {"ImageType": ["DERIVED", "PRIMARY", "POST_CONTRAST", "", "LOW_ENERGY"]},
            "low_energy",
            "ImageType LOW_ENERGY",
        ),
        ({"ImageType": ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"]}, "des", "ImageType SUBTRACTION"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "RECOMBINED"]}, "des", "ImageType RECOMBINED"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "CESM"]}, "des", "ImageType CESM"),
        # a vendor that says CESM on both: the energy counts first
        ({"ImageType": ["ORIGINAL", "PRIMARY", "CESM", "LOW_ENERGY"]}, "low_energy", "ImageType LOW_ENERGY"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "", "", "HIGH_ENERGY"], "KVP": "49"}, "high_energy", "ImageType HIGH_"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "GENERATED_2D"], "KVP": "29"}, "other", "ImageType GENERATED_2D"),
        ({"ImageType": ["DERIVED", "PRIMARY", "TOMO"], "KVP": "29"}, "other", "ImageType TOMO"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "STEREO_SCOUT"], "KVP": "29"}, "other", "ImageType STEREO"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "SPECIMEN"], "KVP": "26"}, "other", "ImageType SPECIMEN"),
        # PS3.3 C.8.11.7.1.4: a subtraction that names an energy is one in time
        (
            {"ImageType": ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION", "LOW_ENERGY"], "KVP": "29"},
            "other",
            "of one energy at two times",
        ),
        # the beam counts before ImageType, and what contradicts itself is unknown
        ({"ImageType": ["ORIGINAL", "PRIMARY", "CESM"], "KVP": "29"}, "low_energy", "KVP 29"),
        ({"ImageType": ["DERIVED", "PRIMARY", "CESM"], "KVP": "29"}, "unknown", "ImageType CESM, but KVP 29"),
        ({"ImageType": ["DERIVED", "PRIMARY", "CESM"], "KVP": "49"}, "des", "ImageType CESM"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "", "LOW_ENERGY"], "KVP": "49"}, "unknown", "LOW_ENERGY, but KVP 49"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "HIGH_ENERGY"], "KVP": "29"}, "unknown", "HIGH_ENERGY, but KVP 29"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "RECOMBINED"], "KVP": "29"}, "unknown", "RECOMBINED, but KVP 29"),
        # an image derived from exposures may have the beam of one of them
        ({"ImageType": ["DERIVED", "PRIMARY", "RECOMBINED"], "KVP": "29"}, "des", "ImageType RECOMBINED"),
        ({"ImageType": ["DERIVED", "PRIMARY"], "KVP": ["28", "49"]}, "des", "KVP 28 and 49"),
        ({"ImageType": ["ORIGINAL", "PRIMARY"], "KVP": ["28", "28"]}, "low_energy", "KVP 28"),
        ({"ImageType": ["ORIGINAL", "PRIMARY"], "FilterMaterial": "RHODIUM"}, "low_energy", "FilterMaterial RHODIUM"),
        ({"ImageType": ["ORIGINAL", "PRIMARY"], "FilterMaterial": "COPPER"}, "unknown", "FilterMaterial COPPER"),
        (
            {"ImageType": ["ORIGINAL", "PRIMARY"], "FilterMaterial": "COPPER", "KVP": "28"},
            "unknown",
            "contradiction: KVP 28, FilterMaterial COPPER",
        ),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "ODD"], "KVP": "29"}, "unknown", "unknown value of ImageType"),
        ({"ImageType": ["DERIVED", "SECONDARY"], "KVP": "29"}, "unknown", "ImageType SECONDARY"),
        ({"AcquisitionDeviceProcessingCode": "GEMS_FFDM_PV", "KVP": "49"}, "unknown", "GEMS_FFDM_PV, but KVP 49"),
        ({"AcquisitionDeviceProcessingCode": "GEMS_FFDM_PV"}, "low_energy", "GEMS_FFDM_PV"),
        ({"AcquisitionDeviceProcessingCode": "GEMS_CESM_1", "KVP": "29"}, "des", "GEMS_CESM_1"),
        # a description supports what the beam says; alone, or against it, it decides nothing
        ({"SeriesDescription": "CESM R_LE_CC", "KVP": "29"}, "low_energy", "KVP 29"),
        ({"SeriesDescription": "CESM R_LE_CC", "KVP": "49"}, "unknown", "SeriesDescription LE, but KVP 49"),
        ({"SeriesDescription": "L MLO I-View", "KVP": "49"}, "des", "KVP 49, SeriesDescription I-VIEW"),
        ({"SeriesDescription": "L MLO I-View", "KVP": "29"}, "unknown", "SeriesDescription I-VIEW, but KVP 29"),
        ({"SeriesDescription": "R CC Recombined"}, "unknown", "SeriesDescription RECOMB alone"),
        ({"SeriesDescription": "CESM DES", "KVP": "49"}, "des", "KVP 49, SeriesDescription DES"),
        # words of other languages are none of these
        (
            {"SeriesDescription": "Mammographie des deux seins", "KVP": "49"},
            "unknown",
            "KVP 49, with no other evidence",
        ),
        ({"SeriesDescription": "Mammographie des deux seins", "KVP": "28"}, "low_energy", "KVP 28"),
        ({"SeriesDescription": "Aufnahme des Le", "KVP": "28"}, "low_energy", "KVP 28"),
        ({"SeriesDescription": "High Energy raw"}, "unknown", "SeriesDescription HIGH ENERGY alone"),
        ({"SeriesDescription": "Mamografia Leon", "KVP": "31"}, "low_energy", "KVP 31"),
        ({"ImageType": "ORIGINAL", "KVP": "49"}, "unknown", "KVP 49, with no other evidence"),
        ({"KVP": None}, "unknown", "no evidence"),
        (
            {"SyntheticData": "YES", "ImageType": ["DERIVED", "PRIMARY", "", "RECOMBINED"]},
            "virtual_des",
            "SyntheticData",
        ),
    ],
)
def test_the_strongest_evidence_decides(attributes: dict[str, Any], kind: str, evidence: str) -> None:
    header = Dataset()
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    found = kind_of(header)
    assert found.name == kind and evidence in found.evidence
    assert "Leon" not in found.evidence  # the evidence is written to datalists
