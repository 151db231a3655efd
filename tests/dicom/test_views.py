from __future__ import annotations

import pytest
from pydicom import Dataset

from vdes.dicom.views import laterality_of, view_of


def header(position: str | None = None, *codes: str) -> Dataset:
    dataset = Dataset()
    if position is not None:
        dataset.ViewPosition = position
    items = []
    for code in codes:
        items.append(Dataset())
        items[-1].CodeValue = code
    if codes:
        dataset.ViewCodeSequence = items
    return dataset


@pytest.mark.parametrize(
    ("position", "codes", "view"),
    [
        ("CC", (), "CC"),
        (" mlo", (), "MLO"),
        (None, ("399162004",), "CC"),
        ("", ("399368009",), "MLO"),
        (None, ("R-10242",), "CC"),
        ("MLO", ("R-10226",), "MLO"),
        ("ML", (), None),
        ("CC", ("399260004",), None),  # coded as medio-lateral
        ("CC", ("399368009",), None),
        (None, (), None),
    ],
)
def test_view_comes_from_code_or_position_and_never_from_a_contradiction(position, codes, view) -> None:
    found, words = view_of(header(position, *codes))
    assert found == view
    if view is None:
        assert (position or "missing") in words or codes[0] in words


def test_laterality_comes_from_the_image_first() -> None:
    dataset = Dataset()
    assert laterality_of(dataset) is None
    dataset.Laterality = "R"
    assert laterality_of(dataset) == "R"
    dataset.ImageLaterality = "L"
    assert laterality_of(dataset) == "L"
    dataset.ImageLaterality = "B"
    assert laterality_of(dataset) == "R"
