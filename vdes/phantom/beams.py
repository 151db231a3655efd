"""Beams, tissues and detectors of contrast-enhanced spectral mammography, from the shipped ``beams.csv``.

``beams.csv`` was written by ``tools/make_spectra.py`` with SpekPy and xraydb; neither is needed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from vdes.errors import InputError

Array = npt.NDArray[np.floating]

SKIN_CM = 0.15  # one layer; a ray crosses two
TUMOUR_TO_GLAND = 1.02  # linear attenuation of tumour over that of glandular tissue; 1.0 to 1.1 in the literature


@dataclass(frozen=True)
class Beam:
    """One beam on one detector, on a grid of energies.

    Attributes:
        energy: keV, shape (n,).
        fluence: entrance photons/mm2 in each energy bin per mGy of entrance air kerma, shape (n,).
        detected: detector signal per entrance photon: absorbed share times keV (energy integrating), shape (n,).
        adipose, glandular, skin, calcium: linear attenuation in 1/cm, shape (n,).
        iodine: mass attenuation in cm2/mg, shape (n,).
        kerma_mgy: entrance air kerma at 5 cm compressed thickness and dose 1.
    """

    energy: Array
    fluence: Array
    detected: Array
    adipose: Array
    glandular: Array
    skin: Array
    calcium: Array
    iodine: Array
    kerma_mgy: float

    def transmitted(
        self, adipose: npt.ArrayLike, glandular: npt.ArrayLike, iodine: npt.ArrayLike = 0.0, skin: npt.ArrayLike = 0.0
    ) -> Array:
        """Return the transmitted fraction at each energy, shape (..., n): Beer-Lambert.

        Args:
            adipose: cm of adipose tissue along the ray.
            glandular: cm of glandular tissue (tumour counts 1.02 times).
            iodine: mg/cm2.
            skin: cm of skin.
        """
        ray = [np.asarray(value, dtype=float)[..., None] for value in (adipose, glandular, iodine, skin)]
        return np.exp(-(ray[0] * self.adipose + ray[1] * self.glandular + ray[2] * self.iodine + ray[3] * self.skin))

    def log_signal(
        self, adipose: npt.ArrayLike, glandular: npt.ArrayLike, iodine: npt.ArrayLike = 0.0, skin: npt.ArrayLike = 0.0
    ) -> Array:
        """Return ln of the detector signal per mGy and mm2, summed over the spectrum; arguments as `transmitted`."""
        signal: Array = np.log(self.transmitted(adipose, glandular, iodine, skin) @ (self.fluence * self.detected))
        return signal

    def effective(self, attenuation: Array, glandular: float, adipose: float, skin: float = 2 * SKIN_CM) -> float:
        """Return the signal-weighted mean of ``attenuation`` behind the given tissue (cm): its first-order effect."""
        weight = self.transmitted(adipose, glandular, 0.0, skin) * self.fluence * self.detected
        return float((weight * attenuation).sum() / weight.sum())


@dataclass(frozen=True)
class Preset:
    """A pair of beams on one detector.

    Attributes:
        low, high: the low- and high-energy beams.
        blur_mm: sigma of the detector's point spread.
        electronic: standard deviation of the electronic noise, in low-energy photons of 20 keV per pixel of 0.1 mm.
    """

    name: str
    low: Beam
    high: Beam
    blur_mm: float
    electronic: float

    def weight(self, thickness_cm: float) -> float:
        """Return w, which cancels 0 against 100 % gland in ``ln H - w ln L`` at a thickness in cm, skin included."""
        inner = thickness_cm - 2 * SKIN_CM
        fall = [
            float(beam.log_signal(inner, 0, skin=2 * SKIN_CM) - beam.log_signal(0, inner, skin=2 * SKIN_CM))
            for beam in (self.high, self.low)
        ]
        return fall[0] / fall[1]


# low beam, high beam, scintillator or photoconductor and its thickness in cm, blur in mm
_PRESETS = {
    "rh-rh": ("rh_rh_29", "rh_cu_49", "caesium_iodide", 0.010, 0.12),
    "rh-ag": ("rh_ag_34", "rh_cu_49", "caesium_iodide", 0.010, 0.12),
    "w-rh": ("w_rh_29", "w_cu_45", "selenium", 0.020, 0.065),
}
PRESETS = tuple(_PRESETS)
_KERMA_MGY = (5.0, 0.6)
_ELECTRONIC = 30.0


@lru_cache(maxsize=1)
def read_table() -> pd.DataFrame:
    """Return the shipped table: one row per energy, with the columns of its header."""
    return pd.read_csv(Path(__file__).with_name("beams.csv"), comment="#")


@lru_cache(maxsize=len(_PRESETS))
def load_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        InputError: there is no such preset.
    """
    if name not in _PRESETS:
        raise InputError(f"preset: expected one of {', '.join(PRESETS)}, found {name!r}")
    low, high, absorber, absorber_cm, blur_mm = _PRESETS[name]
    table = read_table()
    energy = table["energy_kev"].to_numpy(float)
    step = energy[1] - energy[0]

    def column(title: str) -> Array:
        return table[title].to_numpy(float)

    absorbed = 1 - np.exp(-column(f"{absorber}_per_cm") * absorber_cm)
    beams = [
        Beam(
            energy=energy,
            fluence=column(title) * step,
            detected=absorbed * energy,
            adipose=column("adipose_per_cm"),
            glandular=column("glandular_per_cm"),
            skin=column("skin_per_cm"),
            calcium=column("hydroxyapatite_per_cm"),
            iodine=column("iodine_cm2_per_g") / 1000,
            kerma_mgy=kerma,
        )
        for title, kerma in zip((low, high), _KERMA_MGY, strict=True)
    ]
    return Preset(name=name, low=beams[0], high=beams[1], blur_mm=blur_mm, electronic=_ELECTRONIC)
