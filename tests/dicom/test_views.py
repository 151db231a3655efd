from __future__ import annotations

import pytest
from pydicom import Dataset

from vdes.dicom.views import laterality_of, modifiers_of, view_of


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
        (None, ("399162004", "399368009"), None),
        ("CC", ("",), "CC"),  # an item without a code says nothing
        (None, (), None),
    ],
)
def test_view_comes_from_code_or_position_and_never_from_a_contradiction(position, codes, view) -> None:
    found, words = view_of(header(position, *codes))
    assert found == view
    if view is None:
        assert (position or "missing") in words or codes[0] in words
    assert "DOE" not in view_of(header("DOE^JANE"))[1]


def test_laterality_comes_from_the_image_first() -> None:
    dataset = Dataset()
    assert laterality_of(dataset) is None
    dataset.Laterality = "R"
    assert laterality_of(dataset) == "R"
    dataset.ImageLaterality = "R"
    assert laterality_of(dataset) == "R"
    dataset.Laterality = ""
    assert laterality_of(dataset) == "R"
    for contradicting in "LB":
        dataset.Laterality = contradicting
        assert laterality_of(dataset) is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("399209000", None),
        ("R-102D5", None),  # implant displaced, in the older code
        ("399055006", "ViewModifierCodeSequence Spot Compression"),
        ("R-102D7", "ViewModifierCodeSequence Spot Compression"),
        ("399163009", "ViewModifierCodeSequence Magnification"),
        ("12345", "ViewModifierCodeSequence 12345, which vdes does not know"),
        ("DOE", "ViewModifierCodeSequence of another kind, which vdes does not know"),
        ("", None),
    ],
)
def test_a_view_of_a_part_of_the_breast_is_told(code: str, reason: str | None) -> None:
    dataset, modifier = header("CC", "399162004"), Dataset()
    modifier.CodeValue = code
    dataset.ViewCodeSequence[0].ViewModifierCodeSequence = [modifier]
    codes, found = modifiers_of(dataset)
    assert found == reason
    assert codes == ({"399209000"} if code == "R-102D5" else {"399055006"} if code == "R-102D7" else {code} - {""})


def test_a_magnified_view_is_told_by_its_factor() -> None:
    dataset = header("CC", "399162004")
    for factor, reason in (("1.06", None), ("1.8", "EstimatedRadiographicMagnificationFactor 1.8")):
        dataset.EstimatedRadiographicMagnificationFactor = factor
        assert modifiers_of(dataset) == (frozenset(), reason)
