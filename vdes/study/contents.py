"""The images that replace the DES image in the arms of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from vdes.data.datalist import Datalist
from vdes.study.arm_datalists import write_low_energy_datalist, write_shuffled_datalist

Inputs = Literal["low_energy", "des", "both"]

# ids of the arms of real images
REAL_DES = "des"
REAL_BOTH = "low_energy+des"
LOW_ENERGY = "low_energy"


class Use(NamedTuple):
    """An arm with such images: its label, and its reference."""

    label: str
    reference: str | None


@dataclass(frozen=True)
class Content:
    """Images that replace DES, as a study and its report use them.

    Attributes:
        place: its name in the ids of arms. With ``{generator}``, here and in labels, there is one for each generator.
        uses: the arms, by what the classifier sees: ``des`` (these images alone) or ``both`` (with low energy).
        kind: purpose of such arms.
        shows_contrast: whether the images show the contrast of their patient. Otherwise low energy sets the ceiling.
        retrained: whether a classifier may be retrained on such images.
        in_regions: whether the study of regions has such arms.
        write: makes the datalist from that of the real pairs: takes source, output and seed. None for real images and
            for those that a generator makes.
    """

    place: str
    uses: Mapping[Inputs, Use]
    kind: Literal["real", "virtual", "control"]
    shows_contrast: bool = False
    retrained: bool = False
    in_regions: bool = False
    write: Callable[[Datalist, Path, int], Datalist] | None = None

    @property
    def generated(self) -> bool:
        """Whether a generator makes the images."""
        return "{generator}" in self.place


CONTENTS: dict[str, Content] = {
    "real": Content(
        "des",
        {"des": Use("real DES", None), "both": Use("low energy + real DES", REAL_DES)},
        "real",
        shows_contrast=True,
        in_regions=True,
    ),
    "virtual": Content(
        "virtual_des-{generator}",
        {
            "des": Use("virtual DES ({generator})", REAL_DES),
            "both": Use("low energy + virtual DES ({generator})", REAL_BOTH),
        },
        "virtual",
        retrained=True,
        in_regions=True,
    ),
    # the size of the network without the content of DES; it adds nothing to the features of a region
    "low_energy": Content(
        "low_energy",
        {"both": Use("low energy twice", LOW_ENERGY)},
        "control",
        retrained=True,
        write=lambda source, output, _seed: write_low_energy_datalist(source, output),
    ),
    # tests whether the classifier uses DES at all; another patient's DES has no such region
    "shuffled": Content(
        "shuffled_des",
        {"both": Use("low energy + another patient's DES", REAL_BOTH)},
        "control",
        write=write_shuffled_datalist,
    ),
}
