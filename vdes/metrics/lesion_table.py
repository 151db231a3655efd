"""The contrast of each lesion, and of places without one, in real DES, virtual DES and low energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from monai.config import NdarrayOrTensor

from vdes.metrics.regions import check_image, check_mask
from vdes.transforms.lesion_places import Place, counterpart, lesion_places, matched_places

PLACES_PER_LESION = 4
REAL = "real_des"
LESION, ELSEWHERE = "lesion", "elsewhere"  # values of the column `place`
NAMED = ("case", "patient", "place", "number", "pixels")


def lesion_rows(
    case: str,
    patient: str,
    des: NdarrayOrTensor,
    images: Mapping[str, NdarrayOrTensor],
    breast_mask: NdarrayOrTensor,
    lesion_mask: NdarrayOrTensor,
    des_lesion_mask: NdarrayOrTensor,
) -> list[dict[str, Any]]:
    """Return one row per lesion and per place elsewhere, with its contrast in each image.

    The standardised contrast is (mean inside - mean of the ring) / SD of the image over the breast. Unlike the
    contrast-to-noise ratio of `vdes.metrics.contrast`, which divides by the SD of the ring, it is comparable between
    lesions of one image, and neither depends on level and gain. A lesion is measured where it was drawn on low energy,
    which has the geometry of virtual DES; in the real DES where it was drawn there, if it was. For each lesion, up to
    `PLACES_PER_LESION` places of its shape are drawn in the same breast outside all lesions, always the same for the
    same masks. What an image shows there and the real DES does not is false enhancement.

    Args:
        case: unique name.
        patient: the patient's pseudonym.
        des: real DES ``(1, H, W)``, float, registered onto the low-energy image.
        images: further images ``(1, H, W)`` with the geometry of low energy, by method.
        breast_mask: ``(1, H, W)`` of 0 and 1.
        lesion_mask: lesions drawn on the low-energy image, the same.
        des_lesion_mask: lesions drawn on the real DES, registered with it, the same.

    Returns:
        Rows of ``case``, ``patient``, ``place`` (``lesion`` or ``elsewhere``), ``number`` from 1, ``pixels``, and the
        contrast by method, ``real_des`` first; NaN in an image that is even over the breast. None for a case without a
        lesion of `vdes.transforms.lesion_places.MIN_PIXELS`.

    Raises:
        InputError: a size differs, an image holds integers or values that are not finite, or a mask other values.
    """
    planes = {name: check_image(name, image[None])[0] for name, image in {REAL: des, **images}.items()}
    size = (1, *planes[REAL].shape)
    masks = {"breast_mask": breast_mask, "lesion_mask": lesion_mask, "des_lesion_mask": des_lesion_mask}
    breast, lesions, des_lesions = (check_mask(name, mask[None], size)[0, 0] for name, mask in masks.items())
    drawn, on_des = lesion_places(lesions, breast), lesion_places(des_lesions, breast)
    generator = np.random.default_rng(0)
    elsewhere = [
        place
        for lesion in drawn
        for place in matched_places(lesion, breast, lesions | des_lesions, PLACES_PER_LESION, generator)
    ]
    spread = {name: float(plane[breast].std()) if breast.any() else 0.0 for name, plane in planes.items()}

    def row(kind: str, number: int, place: Place, on_real: Place) -> dict[str, Any]:
        contrasts = {
            name: (on_real if name == REAL else place).contrast(plane) / spread[name] if spread[name] else np.nan
            for name, plane in planes.items()
        }
        named = zip(NAMED, (case, patient, kind, number, int(place.inside.sum())), strict=True)
        return {**dict(named), **contrasts}

    return [
        *(row(LESION, i, lesion, counterpart(lesion, on_des)) for i, lesion in enumerate(drawn, start=1)),
        *(row(ELSEWHERE, i, place, place) for i, place in enumerate(elsewhere, start=1)),
    ]


def lesion_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows of `lesion_rows` as a table, which has its columns also without a row."""
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(NAMED))
