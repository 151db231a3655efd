"""Laterality and view of a mammogram, and the codes for them."""

from __future__ import annotations

from pydicom import Dataset

from vdes.dicom.codes import Code

LATERALITIES = ("L", "R")
VIEW_CODES = {
    "CC": Code("399162004", "SCT", "cranio-caudal"),
    "MLO": Code("399368009", "SCT", "medio-lateral oblique"),
}
# attributes that `laterality_of` and `view_of` look at
KEYWORDS = ("ImageLaterality", "Laterality", "ViewPosition", "ViewCodeSequence")

_OLDER_CODES = {"R-10242": "CC", "R-10226": "MLO"}
_BY_CODE = {code.value: view for view, code in VIEW_CODES.items()} | _OLDER_CODES


def laterality_of(header: Dataset) -> str | None:
    """Return L or R from ImageLaterality or, in older objects, Laterality; None where neither says."""
    for keyword in ("ImageLaterality", "Laterality"):
        if header.get(keyword) in LATERALITIES:
            return str(header.get(keyword))
    return None


def view_of(header: Dataset) -> tuple[str | None, str]:
    """Return the view, and what was found.

    The code counts before ViewPosition. PatientOrientation, the only trace in scanned films, is not guessed from.

    Args:
        header: the attributes `KEYWORDS`, as far as the object has them.

    Returns:
        CC, MLO or None; and in words what the header says.
    """
    codes = [str(item.get("CodeValue")) for item in header.get("ViewCodeSequence") or ()]
    position = str(header.get("ViewPosition") or "").strip().upper()
    coded = next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)
    if codes and coded is None:
        return None, f"ViewCodeSequence {', '.join(codes)}"
    if coded is not None and position in VIEW_CODES and position != coded:
        return None, f"ViewCodeSequence {coded}, but ViewPosition {position}"
    view = coded or position
    return (view if view in VIEW_CODES else None), f"ViewPosition {position or 'missing'}"
