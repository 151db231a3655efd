"""Enhancement that a virtual DES image misses, and enhancement that it invents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_tensor
from scipy.ndimage import find_objects, gaussian_filter
from skimage.measure import label

from vdes.errors import InputError
from vdes.metrics.lesion_ring import lesion_and_ring
from vdes.metrics.regions import check_image, check_mask

# A region enhances if its mean exceeds that of the ring around it by more than one standard deviation of the ring,
# which is more than the variation of the surrounding anatomy. On phantoms this agrees with the simulation in 93 % of
# the lesions.
CONTRAST_LIMIT = 1.0
# ... and by a fiftieth of the intensity range, about ten just noticeable differences of a calibrated display (DICOM
# PS3.14): in a very smooth image an invisible bump would have a high contrast-to-noise ratio.
LEVEL_LIMIT = 0.02
# It has no enhancement below half of these limits: just above in one image and just below in another is not an error.
ABSENT = 0.5
# Finding enhancement: from below the smallest lesion to the scale of the tissue around it
SIGMAS_MM = (2.0, 10.0)
NOISE_LIMIT = 3.0  # robust standard deviations
MIN_DIAMETER_MM = 5.0  # smaller ones are foci, which BI-RADS does not characterise
FIELD_MM = 240.0  # height of the image where the pixel size is unknown: the long side of the common detector
MAD_TO_SIGMA = 1.4826  # of a normal distribution
CONSTANT = 1e-5  # range below which a ring is constant: less than a grey level of 16 bits, more than float32 rounds


class LocalContrast(NamedTuple):
    """A region compared with the ring around it."""

    ratio: float  # difference over the standard deviation of the ring
    difference: float  # of the means

    def exceeds(self, share: float = 1.0) -> bool:
        """Tell whether both are above ``share`` of their limits; False where they are undefined."""
        return self.ratio > share * CONTRAST_LIMIT and self.difference > share * LEVEL_LIMIT


def local_contrast(image: np.ndarray, region: np.ndarray, breast: np.ndarray) -> LocalContrast:
    """Return the contrast of a region with the ring around it (`vdes.metrics.lesion_ring.lesion_and_ring`).

    Args:
        image: (H, W), float.
        region: (H, W), bool.
        breast: (H, W), bool.

    Returns:
        Ratio and difference. Both are NaN without a region or a ring; the ratio is NaN if the ring is constant.
    """
    shown, drawn, masked = (part[np.newaxis, np.newaxis] for part in (image, region, breast))
    ((inside, ring),) = lesion_and_ring(shown, drawn, masked)
    if inside.size == 0 or ring.size == 0:
        return LocalContrast(np.nan, np.nan)
    difference = float(inside.mean() - ring.mean())
    return LocalContrast(difference / float(ring.std()) if np.ptp(ring) > CONSTANT else np.nan, difference)


def enhancing_regions(
    images: Sequence[np.ndarray], breast: np.ndarray, pixel_size_mm: float | None = None
) -> list[list[np.ndarray]]:
    """Find the focal regions that enhance, in each image of one breast.

    Candidates are bright in the difference of two Gaussians (Marr and Hildreth, "Theory of edge detection",
    Proceedings of the Royal Society B 207, 1980), a plain detector of masses in mammograms (te Brake and Karssemeijer,
    "Single and multiscale detection of masses in digital mammograms", IEEE Trans. Med. Imaging 18(7), 1999), of
    `SIGMAS_MM`. The Gaussians are normalised by the breast, so its edge is not a structure (Knutsson and Westin,
    "Normalized and differential convolution", CVPR 1993). A pixel is bright if it is `NOISE_LIMIT` robust standard
    deviations (median absolute deviation over the breast) above the breast's median. A connected candidate counts if
    its area is at least that of a disc of `MIN_DIAMETER_MM` and its `local_contrast` exceeds the limits.

    Args:
        images: each (H, W), float in [0, 1].
        breast: (H, W), bool.
        pixel_size_mm: pixel size; with None the height of the image is taken to be `FIELD_MM`.

    Returns:
        For each image the masks (H, W), bool, one per region.
    """
    if not breast.any():
        return [[] for _ in images]
    pixel = pixel_size_mm or FIELD_MM / breast.shape[0]
    smallest = np.pi / 4 * (MIN_DIAMETER_MM / pixel) ** 2
    sigmas = [sigma / pixel for sigma in SIGMAS_MM]
    (window,) = find_objects(breast.astype(np.uint8))  # beyond it all is 0
    inside = breast[window]
    # at least the smallest positive number; 0 / 0 far from the breast does not matter
    weights = [np.maximum(_smooth(inside, sigma), np.finfo(np.float32).tiny) for sigma in sigmas]

    def found(image: np.ndarray) -> list[np.ndarray]:
        shown = np.where(inside, image[window], 0)
        narrow, wide = (_smooth(shown, sigma) / weight for sigma, weight in zip(sigmas, weights, strict=True))
        response = narrow - wide
        median = np.median(response[inside])
        noise = MAD_TO_SIGMA * np.median(np.abs(response[inside] - median))
        candidates = np.zeros(breast.shape, dtype=int)
        candidates[window] = label(inside & (response > median + NOISE_LIMIT * noise))
        areas = np.bincount(candidates.ravel())
        regions = (candidates == i for i in range(1, len(areas)) if areas[i] >= smallest)
        return [region for region in regions if local_contrast(image, region, breast).exceeds()]

    return [found(image) for image in images]


def enhancement_rows(
    case: str,
    patient: str,
    predictions: Mapping[str, NdarrayOrTensor],
    des: NdarrayOrTensor,
    breast_mask: NdarrayOrTensor,
    lesion_mask: NdarrayOrTensor,
    des_lesion_mask: NdarrayOrTensor,
    pixel_size_mm: float | None = None,
    registered: bool = True,
) -> list[dict[str, Any]]:
    """Return one row per prediction of one real DES image, and one for the real image itself.

    All lesions of an image form one region, as in all metrics.

    Args:
        case: unique name.
        patient: the patient's pseudonym.
        predictions: by method, such as ``virtual_des`` and ``low_energy`` (the image itself, as a trivial prediction),
            images (1, H, W), float in [0, 1].
        des: real DES, registered onto the low-energy image, the same.
        breast_mask: (1, H, W) of 0 and 1.
        lesion_mask: lesions drawn on low energy, (1, H, W) of 0 and 1; all 0 if there is none.
        des_lesion_mask: lesions drawn on the real DES; the same.
        pixel_size_mm: as in `enhancing_regions`.
        registered: False if ``des`` is not aligned with the others, so locations cannot be compared.

    Returns:
        Dictionaries with ``case``, ``patient``, ``method`` (``real_des`` comes last), and

        - ``lesion_contrast``: ratio of `local_contrast`, each image in the lesion drawn on it;
        - ``real_enhances``, ``enhances``: 1 if the lesion exceeds the limits in the real DES, or in the prediction,
          else 0; NaN if none was drawn;
        - ``regions``: number of `enhancing_regions`;
        - ``hallucinations``: how many of them do not enhance in the real DES at the same location (less than `ABSENT`
          of a limit); NaN if not ``registered``. The real DES itself has none.

    Raises:
        InputError: a metric refuses the images or masks.
    """
    real = check_image("des", convert_to_tensor(des)[None])
    breast, drawn, real_drawn = (
        check_mask(name, convert_to_tensor(mask)[None], real.shape)[0, 0]
        for name, mask in (
            ("breast_mask", breast_mask),
            ("lesion_mask", lesion_mask),
            ("des_lesion_mask", des_lesion_mask),
        )
    )
    images = {method: check_image(method, convert_to_tensor(image)[None]) for method, image in predictions.items()}
    for method, image in images.items():
        if image.shape != real.shape:
            raise InputError(f"{method} and des: sizes differ, {image.shape[1:]} and {real.shape[1:]}")
    images["real_des"] = real
    real_lesion = local_contrast(real[0], real_drawn, breast)
    found = enhancing_regions([image[0] for image in images.values()], breast, pixel_size_mm)
    rows = []
    for (method, image), regions in zip(images.items(), found, strict=True):
        lesion = real_lesion if method == "real_des" else local_contrast(image[0], drawn, breast)
        absent = [not local_contrast(real[0], region, breast).exceeds(ABSENT) for region in regions]
        rows.append(
            {
                "case": case,
                "patient": patient,
                "method": method,
                "lesion_contrast": lesion.ratio,
                "real_enhances": _enhances(real_lesion),
                "enhances": _enhances(lesion),
                "regions": len(regions),
                "hallucinations": float(sum(absent)) if registered else np.nan,
            }
        )
    return rows


def _enhances(lesion: LocalContrast) -> float:
    return np.nan if np.isnan(lesion.difference) else float(lesion.exceeds())


def _smooth(image: np.ndarray, sigma: float) -> np.ndarray:
    smoothed: np.ndarray = gaussian_filter(image.astype(np.float32), sigma, mode="constant", truncate=3.0)
    return smoothed
