"""The lesion and the ring of breast tissue around it, for measuring lesion contrast."""

from __future__ import annotations

import numpy as np
from monai.config import NdarrayOrTensor
from scipy.ndimage import find_objects
from skimage.morphology import isotropic_dilation

from vdes.errors import InputError
from vdes.metrics.regions import check_image, check_mask
from vdes.transforms.lesion_places import RING_WIDTH


def lesion_and_ring(
    image: NdarrayOrTensor,
    lesion_mask: NdarrayOrTensor,
    breast_mask: NdarrayOrTensor | None = None,
    ring_width: float = RING_WIDTH,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the pixel values of each image's lesion and of the ring around it.

    The ring consists of the pixels that a Euclidean dilation adds to the lesion mask, without those outside the breast.
    All lesions of an image form one region, so no ring contains another lesion. Lesion pixels outside the breast are
    excluded too, because drawn outlines extend into the air.

    Args:
        image: images (B, 1, H, W), float.
        lesion_mask: lesions drawn on these images, (B, 1, H, W) of 0 and 1.
        breast_mask: breasts (B, 1, H, W) of 0 and 1; None is the whole image.
        ring_width: width of the ring as a fraction of the image's height; .03 is 15 pixels of 512, about 7 mm.

    Returns:
        For each image the values in the lesion and in the ring, 1-D float64, either possibly empty.

    Raises:
        InputError: sizes differ, images are integers, a mask has values other than 0 and 1, or the ring width is not
            positive.
    """
    if not ring_width > 0:
        raise InputError(f"ring_width: expected a positive fraction of the image's height, got {ring_width}")
    values = check_image("image", image)
    lesions = check_mask("lesion_mask", lesion_mask, values.shape)[:, 0]
    breasts = check_mask("breast_mask", breast_mask, values.shape)[:, 0]
    radius = ring_width * values.shape[1]
    pixels = []
    for plane, lesion, breast in zip(values, lesions, breasts, strict=True):
        if not lesion.any():  # the distance to a lesion is undefined
            pixels.append((plane[lesion], plane[lesion]))
            continue
        window = _window(lesion, radius)
        plane, lesion, breast = plane[window], lesion[window], breast[window]
        ring = isotropic_dilation(lesion, radius) & ~lesion & breast
        pixels.append((plane[lesion & breast], plane[ring]))
    return pixels


def _window(lesion: np.ndarray, radius: float) -> tuple[slice, ...]:
    """Return the window around the lesion and its ring: distances over a whole image are expensive."""
    margin = int(np.ceil(radius))
    (box,) = find_objects(lesion.astype(np.uint8))
    return tuple(slice(max(0, side.start - margin), side.stop + margin) for side in box)
