from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest


def _spectral_exponent(image, pixel_mm, low, high):
    """Fit the exponent of the radial power spectrum between two frequencies in 1/mm."""
    size = image.shape[0]
    window = np.hanning(size)[:, None] * np.hanning(size)
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size, pixel_mm), np.fft.fftfreq(size, pixel_mm)))
    edges = np.geomspace(low, high, 9)
    rings = [(frequency >= a) & (frequency < b) for a, b in pairwise(edges)]
    centre = [np.log(frequency[ring]).mean() for ring in rings]
    return -np.polyfit(centre, [np.log(power[ring].mean()) for ring in rings], 1)[0]


@pytest.fixture(scope="session")
def spectral_exponent():
    """The function that fits the exponent of an image's radial power spectrum."""
    return _spectral_exponent
