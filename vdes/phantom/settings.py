"""The checked settings of a phantom set."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from vdes.errors import InputError
from vdes.phantom.beams import PRESETS
from vdes.phantom.image_files import SUFFIXES
from vdes.phantom.latents import ALL_DENSITIES, LESION_LIMITS_MM, LOOSE, Knobs
from vdes.phantom.outline import FIELD_MM
from vdes.phantom.view import Acquisition

LE_CONTRAST = ("post", "pre")
FEWEST_PATIENTS = 3  # one for each split
SIZES = (64, 4096)
_COLUMNS_PER_ROW = FIELD_MM[1] / FIELD_MM[0]


@dataclass(frozen=True)
class Settings:
    """One phantom set; two runs with equal settings write the same bytes.

    Attributes:
        patients: number of patients, at least 3; each has both breasts in both views.
        seed: seed of everything, 0 or more.
        size: rows of an image, a multiple of 4 from 64 to 4096. The columns are three quarters of it, and the field is
            240 x 180 mm.
        format: png, nifti, or dicom: low energy and DES as GE's and Hologic's mammographs would send them, and the rest
            as png.
        dose: multiple of the clinical exposure, above 0.
        preset: beams: rh-rh (29 and 49 kVp), rh-ag (34 and 49) or w-rh (29 and 45).
        le_contrast: post if the low-energy image is taken after the contrast agent, as in the clinic; pre if without
            iodine, as in mammography.
        morphology_dprime: distance between the shapes of malignant and of benign lesions, in standard deviations.
        enhancement_dprime: the same for their enhancement. With 1.4, 8 % of malignant lesions do not enhance.
        coupling: correlation of the two within a class, 0 to 1. With 1 the shape determines the enhancement.
        lesion_diameter_mm: median diameter of the lesions, 6 to 40.
        lesion_solidity: share of tumour in the core of a mass, above 0 to 1; the rest is fat. Larger and more solid
            lesions show better in the low-energy image.
        test_fraction: share of the patients in the test set.
        validation_fraction: share of the patients in the validation set. If both fractions add up to 1, no patient is
            left for training.
        density: density classes of the breasts, letters from a (fat) to d (dense) in their order, in their population
            proportions. With a or ab most lesions show in the low-energy image too.
    """

    patients: int = 50
    seed: int = 0
    size: int = 512
    format: str = "png"
    dose: float = 1.0
    preset: str = "rh-ag"
    le_contrast: str = "post"
    morphology_dprime: float = 1.4
    enhancement_dprime: float = 1.4
    coupling: float = 0.5
    lesion_diameter_mm: float = 15.0
    lesion_solidity: float = LOOSE
    test_fraction: float = 0.25
    validation_fraction: float = 0.1
    density: str = ALL_DENSITIES

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: a field is out of range; the message names it.
        """
        _require(self.patients >= FEWEST_PATIENTS, "patients", self.patients, "3 or more, one for each split")
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
        few, many = SIZES
        _require(
            few <= self.size <= many and self.size % 4 == 0, "size", self.size, f"a multiple of 4, {few} to {many}"
        )
        _require(math.isfinite(self.dose) and self.dose > 0, "dose", self.dose, "a number above 0, 1 being clinical")
        for name, known in (("format", tuple(SUFFIXES)), ("preset", PRESETS), ("le_contrast", LE_CONTRAST)):
            value = getattr(self, name)
            _require(value in known, name, value, f"one of {', '.join(known)}")
        for name in ("morphology_dprime", "enhancement_dprime"):
            value = getattr(self, name)
            _require(math.isfinite(value) and value >= 0, name, value, "0 or more")
        _require(0 <= self.coupling <= 1, "coupling", self.coupling, "0 to 1")
        low, high = LESION_LIMITS_MM
        diameter = self.lesion_diameter_mm
        _require(low <= diameter <= high, "lesion_diameter_mm", diameter, f"{low:g} to {high:g}")
        _require(0 < self.lesion_solidity <= 1, "lesion_solidity", self.lesion_solidity, "above 0, up to 1")
        for name in ("test_fraction", "validation_fraction"):
            value = getattr(self, name)
            _require(0 <= value < 1, name, value, "0 or more and less than 1")
        both = self.test_fraction + self.validation_fraction
        ordered = "".join(letter for letter in ALL_DENSITIES if letter in self.density)
        _require(
            bool(self.density) and self.density == ordered,
            "density",
            self.density,
            f"letters of {ALL_DENSITIES}, in order",
        )
        _require(both <= 1, "test_fraction and validation_fraction", both, "1 or less in all")

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of an image."""
        return self.size, round(self.size * _COLUMNS_PER_ROW)

    @property
    def pixel_mm(self) -> float:
        """Return the pixel size."""
        return FIELD_MM[0] / self.size

    @property
    def knobs(self) -> Knobs:
        """Return the parameters of the lesions."""
        return Knobs(
            *(self.morphology_dprime, self.enhancement_dprime, self.coupling),
            *(self.lesion_diameter_mm, self.lesion_solidity),
        )

    @property
    def acquisition(self) -> Acquisition:
        """Return the acquisition settings."""
        return Acquisition(self.preset, self.dose, self.le_contrast)

    def record(self) -> dict[str, Any]:
        """Return the settings as a dictionary for JSON."""
        return asdict(self)


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise InputError(f"{name}: {value!r}; expected {expected}")
