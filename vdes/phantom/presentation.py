"""Twelve-bit presentation values, similar to a vendor's processing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vdes.phantom.fields import smooth

Image = npt.NDArray[np.floating]

WHITE = 4095
# low energy: ln units over fat that are black, the brightness of the densest 3 % of the breast, and the narrowest
# window
_LOW_BLACK, _LOW_BRIGHT, _LOW_NARROWEST = -0.22, 0.80, 0.65
# DES: presentation value of the breast's median, and values per ln unit
_DES_MIDDLE, _DES_SLOPE = 0.22 * WHITE, 0.20 * WHITE / 0.0155


def _sharpen(image: Image, breast: npt.NDArray[np.bool_], pixel_mm: float, sigma_mm: float, gain: float) -> Image:
    """Return ``image`` plus ``gain`` times its detail below ``sigma_mm``, with means over the breast only."""
    sigma = sigma_mm / pixel_mm
    weight = smooth(breast.astype(np.float32), sigma)
    mean = smooth(np.where(breast, image, np.float32(0)), sigma) / np.maximum(weight, np.float32(0.05))
    result: Image = image + np.float32(gain) * (image - mean)
    return result


def _quantise(image: Image, breast: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
    # 1 at least inside, so that outside is where the value is 0
    return np.where(breast, np.clip(np.round(image), 1, WHITE), 0).astype(np.uint16)


def present_low_energy(low: Image, breast: npt.NDArray[np.bool_], pixel_mm: float) -> npt.NDArray[np.uint16]:
    """Return a low-energy image for display; 0 outside the breast.

    Detail is enhanced, then a curve saturates towards white; its window is fitted to the densest tissue, as vendors do.

    Args:
        low: `equalised` low-energy image, ln units over fat.
        breast: where the breast is.
        pixel_mm: pixel size.
    """
    detailed = _sharpen(low, breast, pixel_mm, 1.0, 0.7)
    above = detailed - np.float32(_LOW_BLACK)
    # 1.6 (1 - exp(-x)) reaches the brightness wanted of the densest tissue at this x
    densest = max(float(np.percentile(above[breast], 97)), _LOW_NARROWEST)
    bend = densest / -np.log(1 - _LOW_BRIGHT / 1.6)
    shade = np.float32(1.6) * (1 - np.exp(-np.clip(above, 0, None) / np.float32(bend)))
    return _quantise(WHITE * shade, breast)


def present_des(des: Image, breast: npt.NDArray[np.bool_], pixel_mm: float) -> npt.NDArray[np.uint16]:
    """Return a DES image for display; 0 outside the breast.

    Detail is enhanced, then a straight line of fixed slope (a fifth of the range per mg/cm2) passes through the
    breast's median; otherwise the residual of beam hardening would make thick, dense breasts black.

    Args:
        des: ln units.
        breast: where the breast is.
        pixel_mm: pixel size.
    """
    detailed = _sharpen(des, breast, pixel_mm, 1.0, 0.4)
    middle = np.median(detailed[breast])
    return _quantise(np.float32(_DES_MIDDLE) + np.float32(_DES_SLOPE) * (detailed - middle), breast)
