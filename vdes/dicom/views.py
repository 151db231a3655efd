"""Laterality and view of a mammogram, and the codes for them."""

from __future__ import annotations

from pydicom import Dataset

from vdes.dicom.codes import Code
from vdes.dicom.values import codes_of, items_of, number_of, text_of

LATERALITIES = ("L", "R")
VIEW_CODES = {
    "CC": Code("399162004", "SCT", "cranio-caudal"),
    "MLO": Code("399368009", "SCT", "medio-lateral oblique"),
}
# attributes that the functions use
KEYWORDS = (
    "ImageLaterality", "Laterality", "ViewPosition", "ViewCodeSequence", "EstimatedRadiographicMagnificationFactor",
)  # fmt: skip
# CID 4015, with the older codes. These views show the whole breast; DES and low energy must have the same modifiers.
WHOLE_MODIFIERS = {
    "399209000": Code("399209000", "SCT", "Implant Displaced"),
    "399226006": Code("399226006", "SCT", "Rolled Medial"),
    "399197002": Code("399197002", "SCT", "Rolled Lateral"),
    "415670009": Code("415670009", "SCT", "Rolled Superior"),
    "414493004": Code("414493004", "SCT", "Rolled Inferior"),
    "442581004": Code("442581004", "SCT", "Nipple in profile"),
    "442593008": Code("442593008", "SCT", "Infra-mammary fold"),
    "442580003": Code("442580003", "SCT", "Axillary tissue"),
}
PART_MODIFIERS = {
    "399055006": Code("399055006", "SCT", "Spot Compression"),
    "399163009": Code("399163009", "SCT", "Magnification"),
    "399161006": Code("399161006", "SCT", "Cleavage"),
    "399011000": Code("399011000", "SCT", "Axillary Tail"),
    "399110001": Code("399110001", "SCT", "Tangential"),
    "441752004": Code("441752004", "SCT", "Anterior compression"),
}
MODIFIERS = WHOLE_MODIFIERS | PART_MODIFIERS
# contact mammography magnifies by a tenth at most
_MAGNIFIED_FROM = 1.25

_OLDER_CODES = {"R-10242": "CC", "R-10226": "MLO"}
_OLDER_MODIFIERS = {
    "R-102D5": "399209000", "R-102D3": "399197002", "R-102D4": "399226006", "R-102C9": "415670009",
    "R-102CA": "414493004", "R-102D7": "399055006", "R-102D6": "399163009", "R-102D2": "399161006",
    "R-102D1": "399011000", "R-102C2": "399110001", "R-40AB3": "442581004", "R-40ABE": "442593008",
    "R-40AB2": "442580003", "P2-00161": "441752004",
}  # fmt: skip
_BY_CODE = {code.value: view for view, code in VIEW_CODES.items()} | _OLDER_CODES
_POSITIONS = ("CC", "MLO", "ML", "LM", "LMO", "XCC", "XCCL", "XCCM", "FB", "SIO", "ISO", "AT", "CV", "TAN")


def laterality_of(header: Dataset) -> str | None:
    """Return L or R from ImageLaterality or, in older objects, Laterality; None if both are missing or they differ."""
    stated = {text for keyword in ("ImageLaterality", "Laterality") for text in codes_of(header, keyword)}
    return stated.pop() if len(stated) == 1 and stated <= set(LATERALITIES) else None


def view_of(header: Dataset) -> tuple[str | None, str]:
    """Return the view, and what was found.

    The code takes precedence over ViewPosition. The view is never guessed from PatientOrientation, which is all that
    scanned films have.

    Args:
        header: the attributes `KEYWORDS`, as far as the object has them.

    Returns:
        CC, MLO or None; and what the header states, in words.
    """
    codes = [code for item in items_of(header, "ViewCodeSequence") if (code := text_of(item, "CodeValue"))]
    coded = {_BY_CODE.get(code) for code in codes}
    position = text_of(header, "ViewPosition").upper()
    shown = position if position in _POSITIONS else "of another kind" if position else "missing"
    if len(coded) > 1 or None in coded:
        return None, f"ViewCodeSequence {', '.join(map(_shown, codes))}"
    view = coded.pop() if coded else None
    if view is not None and position in VIEW_CODES and position != view:
        return None, f"ViewCodeSequence {view}, but ViewPosition {position}"
    view = view or (position if position in VIEW_CODES else None)
    return view, f"ViewPosition {shown}"


def modifiers_of(header: Dataset) -> tuple[frozenset[str], str | None]:
    """Return the codes that modify the view, and why it does not show the whole breast, None if it does.

    Args:
        header: the attributes `KEYWORDS`, as far as the object has them.
    """
    found = set()
    for view in items_of(header, "ViewCodeSequence"):
        for item in items_of(view, "ViewModifierCodeSequence"):
            code = text_of(item, "CodeValue")
            if code:
                found.add(_OLDER_MODIFIERS.get(code, code))
    for code in sorted(found):
        if code in PART_MODIFIERS:
            return frozenset(found), f"ViewModifierCodeSequence {PART_MODIFIERS[code].meaning}"
        if code not in WHOLE_MODIFIERS:
            return frozenset(found), f"ViewModifierCodeSequence {_shown(code)}, which vdes does not know"
    factor = number_of(header, "EstimatedRadiographicMagnificationFactor")
    if factor is not None and factor >= _MAGNIFIED_FROM:
        return frozenset(found), f"EstimatedRadiographicMagnificationFactor {factor:g}"
    return frozenset(found), None


def modifier_code(value: str) -> Code | None:
    """Return a view modifier by the value of its current or older code, or None if the code is unknown."""
    return MODIFIERS.get(_OLDER_MODIFIERS.get(value, value))


def _shown(code: str) -> str:
    """Return a code as reports show it; a value that does not look like one might be a name, and is not shown."""
    return code if code.replace("-", "").replace(".", "").isdigit() or code in _BY_CODE else "of another kind"
