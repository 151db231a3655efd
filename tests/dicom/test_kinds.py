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
        ({"ImageType": ["ORIGINAL", "PRIMARY", "", "", "HIGH_ENERGY"], "KVP": "29"}, "high_energy", "ImageType HIGH_"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "GENERATED_2D"], "KVP": "29"}, "other", "ImageType GENERATED_2D"),
        ({"ImageType": ["DERIVED", "PRIMARY", "TOMO"], "KVP": "29"}, "other", "ImageType TOMO"),
        ({"AcquisitionDeviceProcessingCode": "GEMS_FFDM_PV", "KVP": "49"}, "low_energy", "GEMS_FFDM_PV"),
        ({"AcquisitionDeviceProcessingCode": "GEMS_CESM_1", "KVP": "29"}, "des", "GEMS_CESM_1"),
        ({"SeriesDescription": "CESM R_LE_CC", "KVP": "49"}, "low_energy", "SeriesDescription LE"),
        ({"SeriesDescription": "L MLO I-View", "KVP": "29"}, "des", "SeriesDescription I-VIEW"),
        ({"SeriesDescription": "R CC Recombined"}, "des", "SeriesDescription RECOMB"),
        ({"SeriesDescription": "High Energy raw"}, "high_energy", "SeriesDescription HIGH ENERGY"),
        ({"SeriesDescription": "Mamografia Leon", "KVP": "31"}, "low_energy", "KVP 31"),
        ({"ImageType": "ORIGINAL", "KVP": "49"}, "other", "KVP 49, and nothing else that tells"),
        ({"KVP": None}, "other", "nothing that tells"),
        (
            {"SyntheticData": "YES", "ImageType": ["DERIVED", "PRIMARY", "", "RECOMBINED"]},
            "virtual_des",
            "SyntheticData",
        ),
    ],
)
def test_the_first_evidence_decides(attributes: dict[str, Any], kind: str, evidence: str) -> None:
    header = Dataset()
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    found = kind_of(header)
    assert found.name == kind and evidence in found.evidence
    assert "Leon" not in found.evidence  # the evidence is written to datalists
