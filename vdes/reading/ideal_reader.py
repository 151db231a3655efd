"""What a simulated reader sees of a phantom's breast: the ideal observer's evidence with the reader's own noise.

In low energy the ideal observer sees a lesion's morphology score; real DES adds its enhancement score
(`vdes.phantom.oracle`). Virtual DES shows the enhancement score with noise, which is part of the image and therefore
the same for all readers. A reader's noise differs from reading to reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import norm

from vdes.phantom.latents import Knobs, LesionLatents
from vdes.phantom.oracle import closed_form_auc, log_likelihood_ratio
from vdes.reading.worklist import LOW_ENERGY, REAL, VIRTUAL

# log odds of malignancy of a breast without a lesion: far below 0, but varying between breasts
LESION_FREE = (-4.0, 1.2)


@dataclass(frozen=True)
class Sight:
    """One breast as readers can see it.

    Attributes:
        lesion: of the phantom; None if there is none.
        noise: standard normal variate of the virtual DES image, the same for all readers.
        doubt: standard normal variate of a breast without a lesion, the same for all readers.
    """

    lesion: LesionLatents | None
    noise: float
    doubt: float

    def enhancement(self, modality: str, virtual_noise: float) -> float:
        """Return the enhancement score that a modality shows; minus infinity without a lesion."""
        if self.lesion is None:
            return -np.inf
        return self.lesion.enhancement_score + (virtual_noise * self.noise if modality == VIRTUAL else 0.0)


def seen_knobs(knobs: Knobs, modality: str, virtual_noise: float) -> tuple[Knobs, str]:
    """Return the class separations that a modality shows, and the images that `vdes.phantom.oracle` treats it as.

    Noise of standard deviation s on the enhancement score, divided by its new standard deviation, is a score again
    with a smaller separation and coupling.
    """
    if modality == LOW_ENERGY:
        return knobs, "low_energy"
    if modality == REAL:
        return knobs, "both"
    scale = np.sqrt(1 + virtual_noise**2)
    return Knobs(knobs.morphology_dprime, knobs.enhancement_dprime / scale, knobs.coupling / scale), "both"


@lru_cache
def separation(knobs: Knobs, modality: str, virtual_noise: float) -> float:
    """Return d' of the ideal observer between malignant and benign lesions."""
    return float(np.sqrt(2) * norm.ppf(closed_form_auc(*seen_knobs(knobs, modality, virtual_noise))))


def expected_auc(knobs: Knobs, modality: str, virtual_noise: float, internal_noise: float) -> float:
    """Return the area under the ROC curve of a simulated reader between malignant and benign lesions.

    The decision variable of the ideal observer has unit variance in both classes, so internal noise of standard
    deviation n leaves ``Phi(d' / sqrt(2 (1 + n^2)))``.
    """
    return float(norm.cdf(separation(knobs, modality, virtual_noise) / np.sqrt(2 * (1 + internal_noise**2))))


def log_odds(
    sight: Sight, modality: str, knobs: Knobs, virtual_noise: float, internal_noise: float, variate: float
) -> float:
    """Return a reader's log odds of malignancy, for equally many malignant and benign lesions.

    Args:
        sight: the breast.
        modality: low_energy, real or virtual.
        knobs: of the phantom.
        virtual_noise: standard deviation of the noise on the enhancement score in virtual DES.
        internal_noise: standard deviation of the reader's noise, relative to that of the decision variable.
        variate: normal variate of the reading.
    """
    if sight.lesion is None:
        mean, spread = LESION_FREE
        return float(mean + spread * (sight.doubt + internal_noise * variate))
    seen, images = seen_knobs(knobs, modality, virtual_noise)
    score = sight.enhancement(modality, virtual_noise)
    if modality == VIRTUAL:
        score /= np.sqrt(1 + virtual_noise**2)
    ratio = float(log_likelihood_ratio(sight.lesion.morphology_score, score, seen, images))
    dprime = separation(knobs, modality, virtual_noise)
    if dprime == 0:
        return 0.0
    # the optimal use of a noisy decision variable
    return (ratio + internal_noise * dprime * variate) / (1 + internal_noise**2)
