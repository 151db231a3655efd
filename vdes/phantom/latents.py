"""The patients: thickness, density, background enhancement and one lesion, drawn from published distributions.

The appearance of a lesion depends on its class only through two scores, one of morphology and one of enhancement. Size,
position, type, background and density are independent of the class, so an observer who knows both scores exactly is the
ceiling of every classifier (see `oracle`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from vdes.data.vocabulary import DENSITIES

THICKNESS_MM = (59.0, 16.0)
THICKNESS_LIMITS_MM = (20.0, 110.0)
# log-normal with mean .193, 80 % under .27 and 95 % under .45
GLANDULAR_LOG = (float(np.log(0.27) - norm.ppf(0.8) * 0.636), 0.636)
GLANDULAR_LIMITS = (0.02, 0.65)
# classes a, b, c, d at 10, 50 and 90 % of that distribution
DENSITY_BOUNDS = (0.070, 0.158, 0.357)
ALL_DENSITIES = "".join(DENSITIES)
BACKGROUND = {"minimal": (0.40, 0.02), "mild": (0.33, 0.05), "moderate": (0.18, 0.10), "marked": (0.09, 0.18)}
LESION_SHARE = 0.65
MALIGNANT_SHARE = 0.5
NON_MASS_SHARE = 0.25
# thresholds of the scores: 12 % of benign lesions calcify, 35 % of malignant ones at d' 1.4 show a rim, half of the
# benign ones enhance
CALCIFIED_FROM = 1.175
RIM_FROM = 1.785
ENHANCES_FROM = 0.0
# mg/cm2 in the middle of the lesion at these enhancement scores, straight in its logarithm between them
LESION_LIMITS_MM = (6.0, 40.0)
LOOSE = 0.68  # share of tumour in the core of a mass of the default phantoms
_SCORES = (0.0, 0.674, 1.4, 3.4)
_IODINE = (0.2, 0.4, 1.0, 2.5)


@dataclass(frozen=True)
class Knobs:
    """The parameters of the lesions: what separates benign from malignant, and what hides them.

    Attributes:
        morphology_dprime: distance of the class means of the morphology score, in its standard deviations.
        enhancement_dprime: the same for the enhancement score; at 1.4, 8 % of malignant lesions do not enhance.
        coupling: correlation of the two scores within a class, 0 to 1.
        diameter_mm: median diameter of the lesions.
        solidity: share of tumour in the core of a mass, whose rest is fat; a non-mass lesion has less in proportion.
    """

    morphology_dprime: float
    enhancement_dprime: float
    coupling: float
    diameter_mm: float = 15.0
    solidity: float = LOOSE


@dataclass(frozen=True)
class LesionLatents:
    """One lesion.

    Lengths in mm: ``behind_mm`` from the nipple to the chest wall, ``outward_mm`` to the arm, ``up_mm`` to the head.
    """

    laterality: str
    malignant: int
    morphology_score: float
    enhancement_score: float
    non_mass: bool
    diameter_mm: float
    behind_mm: float
    outward_mm: float
    up_mm: float
    solidity: float = LOOSE

    @property
    def pathology(self) -> str:
        """Return benign or malignant."""
        return "malignant" if self.malignant else "benign"

    @property
    def irregularity(self) -> float:
        """Return 0 (round, circumscribed) to 1 (irregular, spiculated): a function of the morphology score alone."""
        return float(norm.cdf((self.morphology_score - 0.7) * 1.2))

    @property
    def calcified(self) -> bool:
        """Return whether it carries calcifications: a function of the morphology score alone."""
        return self.morphology_score > CALCIFIED_FROM

    @property
    def enhances(self) -> bool:
        """Return whether it takes up contrast."""
        return self.enhancement_score > ENHANCES_FROM

    @property
    def rim(self) -> bool:
        """Return whether the enhancement is that of a rim."""
        return self.enhancement_score > RIM_FROM

    @property
    def iodine_mg_cm2(self) -> float:
        """Return the projected iodine in its middle, 0 to 2.5 mg/cm2: a function of the enhancement score alone."""
        if not self.enhances:
            return 0.0
        return float(np.exp(np.interp(self.enhancement_score, _SCORES, np.log(_IODINE))))


@dataclass(frozen=True)
class PatientLatents:
    """One patient: the properties that both breasts and all views share."""

    patient: str
    thickness_mm: float
    glandular_fraction: float
    background: str
    depth_mm: float
    lesion: LesionLatents | None

    @property
    def density(self) -> str:
        """Return the density class a to d."""
        return density_class(self.glandular_fraction)

    @property
    def background_mg_cm3(self) -> float:
        """Return background enhancement in mg/cm2 per cm of glandular tissue."""
        return BACKGROUND[self.background][1]

    def pathology(self, laterality: str) -> str:
        """Return normal, benign or malignant: that of one breast."""
        return self.lesion.pathology if self.lesion and self.lesion.laterality == laterality else "normal"


def density_class(glandular_fraction: float) -> str:
    """Return the density class a to d of a glandular fraction."""
    return DENSITIES[int(np.searchsorted(DENSITY_BOUNDS, glandular_fraction))]


def draw_patient(
    patient: str, knobs: Knobs, rng: np.random.Generator, densities: str = ALL_DENSITIES
) -> PatientLatents:
    """Draw one patient.

    Args:
        patient: name of the patient.
        knobs: the parameters that separate the classes.
        rng: random number generator of the patient.
        densities: the density classes to draw from, in their population proportions.
    """
    thickness = float(np.clip(rng.normal(*THICKNESS_MM), *THICKNESS_LIMITS_MM))
    glandular = _draw_glandular(rng)
    while density_class(glandular) not in densities:
        glandular = _draw_glandular(rng)
    background = str(rng.choice(list(BACKGROUND), p=[share for share, _ in BACKGROUND.values()]))
    # thick breasts are large ones
    depth = float(np.clip(102 + 0.55 * (thickness - THICKNESS_MM[0]) + rng.normal(0, 12), 52, 145))
    lesion = draw_lesion(knobs, depth, rng) if rng.random() < LESION_SHARE else None
    return PatientLatents(patient, thickness, glandular, background, depth, lesion)


def _draw_glandular(rng: np.random.Generator) -> float:
    return float(np.clip(rng.lognormal(*GLANDULAR_LOG), *GLANDULAR_LIMITS))


def draw_lesion(knobs: Knobs, depth_mm: float, rng: np.random.Generator) -> LesionLatents:
    """Draw one lesion in a breast of that depth."""
    malignant = int(rng.random() < MALIGNANT_SHARE)
    first, second = rng.standard_normal(2)
    enhancement = knobs.coupling * first + np.sqrt(1 - knobs.coupling**2) * second
    return LesionLatents(
        laterality=str(rng.choice(["L", "R"])),
        malignant=malignant,
        morphology_score=float(knobs.morphology_dprime * malignant + first),
        enhancement_score=float(knobs.enhancement_dprime * malignant + enhancement),
        non_mass=bool(rng.random() < NON_MASS_SHARE),
        diameter_mm=float(np.clip(rng.lognormal(np.log(knobs.diameter_mm), 0.4), *LESION_LIMITS_MM)),
        behind_mm=float(depth_mm * rng.uniform(0.25, 0.75)),
        # most lesions are in the upper outer quadrant
        outward_mm=float(depth_mm * rng.normal(0.14, 0.26)),
        up_mm=float(depth_mm * rng.normal(0.12, 0.22)),
        solidity=knobs.solidity,
    )
