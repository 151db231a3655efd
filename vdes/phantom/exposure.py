"""Detector image from the primary radiation behind the breast: scatter, blur, quantum and electronic noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from vdes.phantom.fields import resize
from vdes.phantom.signal_table import SignalTable

Image = npt.NDArray[np.floating]

SCATTER_SIGMA_MM = 14.0
_SCATTER_GRID_MM = 4.0
_REFERENCE_KEV = 20.0


def exposure_mgy(table: SignalTable, thickness_cm: float, dose: float) -> float:
    """Return the entrance air kerma in mGy.

    An automatic exposure control keeps the detector signal behind an average breast at its value for 5 cm.

    Args:
        table: the beam.
        thickness_cm: compressed thickness, skin included.
        dose: multiple of the clinical exposure (5 mGy low, .6 mGy high energy at 5 cm).
    """
    behind = [table.scalar(0.8 * (t - 0.3), 0.2 * (t - 0.3)) for t in (5.0, thickness_cm)]
    return dose * table.beam.kerma_mgy * float(np.exp(behind[0] - behind[1]))


def scatter(primary: Image, breast: npt.NDArray[np.bool_], ratio: float, pixel_mm: float) -> Image:
    """Return scattered signal: the primary inside the breast, spread by a Gaussian, times ``ratio``.

    The open field does not scatter: counting it would draw a bright ring along the skin.
    """
    shape = primary.shape
    coarse = tuple(max(1, round(n * pixel_mm / _SCATTER_GRID_MM)) for n in shape)
    inside = resize(np.where(breast, primary, np.float32(0)), (coarse[0], coarse[1]))
    # the body continues beyond the image at the chest wall; `nearest` lets it scatter too
    spread = gaussian_filter(inside, SCATTER_SIGMA_MM / _SCATTER_GRID_MM, mode="nearest")
    return resize(np.float32(ratio) * spread, (shape[0], shape[1]))


def expose(
    log_primary: Image,
    breast: npt.NDArray[np.bool_],
    table: SignalTable,
    kerma_mgy: float,
    scatter_ratio: float,
    scatter_residual: float,
    blur_mm: float,
    electronic: float,
    pixel_mm: float,
    rng: np.random.Generator,
) -> Image:
    """Return ln of the scatter-corrected signal of one exposure, per mGy and mm2, with its noise.

    Args:
        log_primary: ln primary signal per mGy and mm2, shape (H, W).
        breast: mask of the breast; outside it nothing is computed and the result equals ``log_primary``.
        table: the beam, which gives the energy of a quantum.
        kerma_mgy: entrance air kerma.
        scatter_ratio: scattered over primary signal in the middle of a wide breast.
        scatter_residual: share of the scatter that remains after the vendor's correction (negative if overcorrected).
        blur_mm: sigma of the detector's point spread.
        electronic: standard deviation in quanta of 20 keV per pixel of 0.1 mm.
        pixel_mm: pixel size.
        rng: source of the noise.
    """
    primary = np.exp(log_primary)
    if blur_mm / pixel_mm > 0.2:
        primary = gaussian_filter(primary, blur_mm / pixel_mm, mode="nearest", truncate=3.0)
    scattered = scatter(primary, breast, scatter_ratio, pixel_mm) if scatter_ratio else np.zeros_like(primary)
    # absorbed energy in a pixel, in keV: mean, Poisson variance (mean times energy per quantum), electronics
    gain = np.float32(kerma_mgy * pixel_mm**2)
    mean = (primary + scattered) * gain
    electronic_variance = (electronic * _REFERENCE_KEV) ** 2 * (pixel_mm / 0.1) ** 2
    sigma = np.sqrt(mean * np.float32(table.energy_per_quantum()) + np.float32(electronic_variance))
    noisy = mean + sigma * rng.standard_normal(mean.shape, dtype=np.float32)
    corrected = noisy / gain - np.float32(1 - scatter_residual) * scattered
    # pixels below 5 % of their primary because of noise are clipped there, to keep the logarithm finite
    result: Image = np.log(np.maximum(corrected, np.float32(0.05) * primary))
    return result
