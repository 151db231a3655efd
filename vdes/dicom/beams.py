"""The energies at which an image was exposed, derived from tube voltage and filter."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom import Dataset

from vdes.dicom.values import codes_of, numbers_of

BEAM_KEYWORDS = ("KVP", "FilterMaterial")
LOW, HIGH, BOTH = "low", "high", "both"
# a low-energy spectrum ends below the K edge of iodine at 33.2 keV; W/Rh and Rh/Ag beams go up to 34 kVp
LOW_ENERGY_BELOW_KVP = 38.0
# only the high-energy beams of contrast-enhanced mammography use copper or titanium; both beams may use aluminium
_FILTERS = {
    "MOLYBDENUM": LOW, "RHODIUM": LOW, "SILVER": LOW, "MO": LOW, "RH": LOW, "AG": LOW,
    "COPPER": HIGH, "TITANIUM": HIGH, "CU": HIGH, "TI": HIGH,
}  # fmt: skip


@dataclass(frozen=True)
class Beam:
    """The energy of an image's exposures.

    Attributes:
        energy: `LOW`, `HIGH`, `BOTH`, or empty if the header does not state it or contradicts itself.
        words: the attributes with their values.
        contradictory: whether the header contradicts itself.
    """

    energy: str
    words: str
    contradictory: bool = False


def beam_of(header: Dataset) -> Beam:
    """Return the energy by KVP or, if that is missing, by FilterMaterial; the two must not contradict each other.

    Args:
        header: the attributes `BEAM_KEYWORDS`, as far as the object has them.
    """
    voltages = sorted({kvp for kvp in numbers_of(header, "KVP") if kvp > 0})
    by_kvp = {LOW if kvp < LOW_ENERGY_BELOW_KVP else HIGH for kvp in voltages}
    filters = [name for name in codes_of(header, "FilterMaterial") if name in _FILTERS]
    by_filter = {_FILTERS[name] for name in filters}
    kvp_words = "KVP " + " and ".join(f"{kvp:g}" for kvp in voltages) if voltages else ""
    filter_words = f"FilterMaterial {' and '.join(filters)}" if filters else ""
    words = ", ".join(part for part in (kvp_words, filter_words) if part)
    if len(by_kvp) == 2:
        return Beam(BOTH, kvp_words)
    if by_kvp and len(by_filter) == 1 and by_kvp != by_filter:
        # some high-energy beams combine rhodium with copper, so only low KVP with a high-energy filter contradicts
        return Beam("", f"contradiction: {words}", True) if by_kvp == {LOW} else Beam(HIGH, kvp_words)
    if by_kvp:
        return Beam(by_kvp.pop(), kvp_words)
    if len(by_filter) == 2:
        return Beam(BOTH, filter_words)
    return Beam(by_filter.pop() if by_filter else "", words)
