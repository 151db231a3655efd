"""Twelve-bit presentation values, in the manner of a vendor's processing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vdes.phantom.fields import smooth

Image = npt.NDArray[np.float32]

WHITE = 4095
# ln units over fat at which low-energy presentation begins and bends
_LOW_BLACK, _LOW_BEND = -0.16, 1.15
# presentation value of DES without iodine, and values per ln unit
_DES_ZERO, _DES_SLOPE = 0.22 * WHITE, 0.20 * WHITE / 0.0155


def _sharpen(image: Image, breast: npt.NDArray[np.bool_], pixel_mm: float, sigma_mm: float, gain: float) -> Image:
    """Return ``image`` plus ``gain`` times its detail below ``sigma_mm``, the breast's outside left out of the mean."""
    sigma = sigma_mm / pixel_mm
    weight = smooth(breast.astype(np.float32), sigma)
    mean = smooth(np.where(breast, image, np.float32(0)), sigma) / np.maximum(weight, np.float32(0.05))
    result: Image = image + np.float32(gain) * (image - mean)
    return result


def _quantise(image: Image, breast: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
    # 1 at least inside, so that outside is where the value is 0
    return np.where(breast, np.clip(np.round(image), 1, WHITE), 0).astype(np.uint16)


def present_low_energy(low: Image, breast: npt.NDArray[np.bool_], pixel_mm: float) -> npt.NDArray[np.uint16]:
    """Return a low-energy image for display: detail enhanced, then a curve that bends towards white; 0 outside the breast.

    Args:
        low: `equalised` low-energy image, ln units over fat.
        breast: where the breast is.
        pixel_mm: pixel size.
    """
    detailed = _sharpen(low, breast, pixel_mm, 1.0, 0.7)
    shade = 1 - np.exp(-np.clip(detailed - np.float32(_LOW_BLACK), 0, None) / np.float32(_LOW_BEND))
    return _quantise(WHITE * shade * np.float32(1.2), breast)


def present_des(des: Image, breast: npt.NDArray[np.bool_], pixel_mm: float) -> npt.NDArray[np.uint16]:
    """Return a DES image for display: detail enhanced, then a straight line; 0 outside the breast.

    Args:
        des: ln units.
        breast: where the breast is.
        pixel_mm: pixel size.
    """
    detailed = _sharpen(des, breast, pixel_mm, 1.0, 0.3)
    return _quantise(np.float32(_DES_ZERO) + np.float32(_DES_SLOPE) * detailed, breast)
