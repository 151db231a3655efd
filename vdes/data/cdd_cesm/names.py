"""The folder and file names of CDD-CESM, where a low-energy image is named DM and a DES image CM."""

from __future__ import annotations

import re
from typing import NamedTuple

FOLDERS = {"low_energy": "Low energy images of CDD-CESM", "des": "Subtracted images of CDD-CESM"}
NAME_FORM = "P<number>_<L|R>_<DM|CM>_<CC|MLO>, with _2 after a repeated view"

_NAME = re.compile(r"P(?P<number>\d+)_(?P<side>[LR])_(?P<kind>DM|CM)_(?P<view>CC|MLO)(?:_?(?P<repeat>\d+))?")
_MODALITIES = {"DM": "low_energy", "CM": "des"}


class CaseKey(NamedTuple):
    """One view of one breast: what the low-energy and the DES image of a pair share.

    Attributes:
        number: number of the patient.
        laterality: ``L`` or ``R``.
        view: ``CC`` or ``MLO``.
        repeat: 1, or 2 and up for a repeated view.
    """

    number: int
    laterality: str
    view: str
    repeat: int

    @property
    def patient(self) -> str:
        """The patient's pseudonym, such as ``P1``."""
        return f"P{self.number}"

    @property
    def case(self) -> str:
        """The case id, such as ``P1_L_MLO``, or ``P99_L_MLO_2`` for a repeated view."""
        base = f"{self.patient}_{self.laterality}_{self.view}"
        return base if self.repeat == 1 else f"{base}_{self.repeat}"


def parse_name(name: str) -> tuple[CaseKey, str] | None:
    """Read an image name without its suffix.

    Returns:
        The view and the modality, ``low_energy`` or ``des``, or None when the name has another form. Spaces around the
        name do not count, and ``MLO2`` means the same as ``MLO_2``.
    """
    match = _NAME.fullmatch(name.strip())
    if match is None:
        return None
    key = CaseKey(int(match["number"]), match["side"], match["view"], int(match["repeat"] or 1))
    return key, _MODALITIES[match["kind"]]
