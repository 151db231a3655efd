"""Weighted logarithmic subtraction, with the compressed thickness taken out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vdes.phantom.beams import Preset
from vdes.phantom.signal_table import SignalTable

Image = npt.NDArray[np.floating]

_THICKNESS_CM = np.linspace(0.02, 12.0, 240)


def reference(table: SignalTable, thickness_cm: Image) -> Image:
    """Return ln H_ref(T): the signal behind skin and fat alone of that compressed thickness (cm, skin included).

    Where the breast is thinner than two layers of skin, the whole of it is skin.
    """
    skin = np.minimum(_THICKNESS_CM, 0.3)
    curve = table.beam.log_signal(_THICKNESS_CM - skin, 0.0, 0.0, skin)
    values: Image = np.interp(thickness_cm, _THICKNESS_CM, curve).astype(np.float32)
    return values


def equalised(log_signal: Image, table: SignalTable, thickness_cm: Image) -> Image:
    """Return ``-(ln I - ln I_ref(T))``: attenuation beyond skin and fat of the modelled thickness, in ln units."""
    result: Image = reference(table, thickness_cm) - log_signal
    return result


def local_weight(preset: Preset, thickness_cm: Image) -> Image:
    """Return w at every pixel for its thickness (cm, skin included): the rounded edge takes a smaller one."""
    knots = np.linspace(0.5, 12.0, 24)
    values: Image = np.interp(thickness_cm, knots, [preset.weight(float(knot)) for knot in knots]).astype(np.float32)
    return values


def subtract(low: Image, high: Image, weight: Image | float) -> Image:
    """Return ``DES = -([ln H - ln H_ref] - w [ln L - ln L_ref])`` from two `equalised` images, in ln units.

    About 0.0155 per mg/cm2 of iodine, about 0 for any mixture of fat and gland.
    """
    result: Image = high - np.asarray(weight, np.float32) * low
    return result
