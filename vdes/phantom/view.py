"""One view of one breast, from its latents to its images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vdes.phantom.beams import SKIN_CM, TUMOUR_TO_GLAND, load_preset
from vdes.phantom.exposure import expose, exposure_mgy
from vdes.phantom.fields import power_law, resize
from vdes.phantom.latents import LesionLatents, PatientLatents
from vdes.phantom.lesions import LesionVolume, ProjectedLesion, project_lesion
from vdes.phantom.outline import FIELD_MM, Compressed, Outline, compress
from vdes.phantom.parenchyma import draw_parenchyma
from vdes.phantom.presentation import present_des, present_low_energy
from vdes.phantom.signal_table import load_tables
from vdes.phantom.subtraction import equalised, hardening, local_weight, reference, subtract

Image = npt.NDArray[np.floating]

# scattered over primary signal behind a grid, at 5 cm
_SCATTER_RATIO = (0.12, 0.22)
# presentation: share of the fall of attenuation towards the skin that is left, and of the skin line that is taken out
_EDGE_LEFT, _SKIN_TAKEN = 0.08, 0.97
_NIPPLE_RAISED = 0.06


@dataclass(frozen=True)
class Acquisition:
    """How the images are taken.

    Attributes:
        preset: name of the pair of beams.
        dose: multiple of the clinical exposure.
        le_contrast: post (the low-energy image is taken after the contrast, as in the clinic) or pre (without iodine,
            as in mammography).
    """

    preset: str
    dose: float
    le_contrast: str


@dataclass(frozen=True)
class View:
    """The images of one view, rows down and columns away from the chest wall, all of shape (H, W).

    Attributes:
        low_energy, des: presentation values, uint16, 1 to 4095 in the breast and 0 outside.
        low_log: low-energy attenuation beyond fat of the modelled thickness, ln units.
        des_log: weighted subtraction, calibrated for beam hardening, ln units; about .0155 per mg/cm2 of iodine.
        iodine: mg/cm2.
        lesion_mask, breast_mask: boolean.
        glandular_mm, thickness_mm: projected glandular tissue (muscle and tumour included) and breast.
    """

    low_energy: npt.NDArray[np.uint16]
    des: npt.NDArray[np.uint16]
    low_log: Image
    des_log: Image
    iodine: Image
    lesion_mask: npt.NDArray[np.bool_]
    breast_mask: npt.NDArray[np.bool_]
    glandular_mm: Image
    thickness_mm: Image


def _shift(image: Image, moved_px: tuple[Image, Image]) -> Image:
    """Return ``image`` moved by less than a pixel or two, to first order."""
    down, right = np.gradient(image)
    result: Image = image - moved_px[0] * down - moved_px[1] * right
    return result


def _modelled_thickness(body: Compressed, edge_mm: float, rng: np.random.Generator) -> Image:
    """Return the thickness in mm that the equalisation assumes.

    It is the truth, a smooth error, too little along the skin (the rim) and too much in the rounded edge (the halo).
    """
    shape = body.thickness.shape
    error = rng.uniform(0.1, 0.3) * power_law((120, 90), 4.0, rng, 120.0, 2.0)
    error -= error.mean()
    # 1 mm is about .7 mg/cm2: a rim of .1 to .3 mg/cm2 along the skin, and a step where the paddles leave the breast
    rim = rng.uniform(0.15, 0.42) * np.exp(-((body.inside / 3.5) ** 2))
    step = rng.uniform(0.1, 0.8) / (1 + np.exp((body.inside - rng.uniform(0.55, 0.9) * edge_mm) / 1.6))
    modelled = body.thickness + resize(error.astype(np.float32), (shape[0], shape[1])) - rim + step - 2.0 * body.nipple
    result: Image = np.where(body.breast, np.maximum(modelled, 0.2), 0.2).astype(np.float32)
    return result


def simulate_view(
    patient: PatientLatents,
    outline: Outline,
    lesion: tuple[LesionLatents, LesionVolume] | None,
    acquisition: Acquisition,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> View:
    """Simulate one view.

    Args:
        patient: what all views share.
        outline: this view's geometry.
        lesion: the breast's lesion, or None.
        acquisition: beams and dose.
        shape: rows and columns; pixels are square, so the columns are three quarters of the rows.
        rng: source of the texture, the vendor's errors and the noise.
    """
    pixel = FIELD_MM[0] / shape[0]
    body = compress(outline, patient.thickness_mm, shape)
    tissue = draw_parenchyma(outline, body, patient.glandular_fraction, patient.background_mg_cm3, rng)
    room = body.thickness - body.skin
    glandular, iodine = tissue.glandular, tissue.iodine
    tumour = np.zeros(shape, np.float32)
    found: ProjectedLesion | None = None
    if lesion is not None:
        latents, volume = lesion
        found = project_lesion(
            volume, latents, outline, shape, min(1.0, 0.8 * patient.thickness_mm / latents.diameter_mm)
        )
        tumour = np.minimum(found.tissue, 0.95 * room)
        # the tumour takes the place of what was there, fat and gland alike
        glandular = glandular * (1 - tumour / np.maximum(room, 0.1))
        iodine = iodine * (1 - tumour / np.maximum(room, 0.1)) + found.iodine * (room > 0)
    adipose = np.maximum(room - glandular - tumour, 0) / 10
    dense = (glandular + np.float32(TUMOUR_TO_GLAND) * tumour) / 10
    calcium = found.calcium / 10 if found is not None else np.zeros(shape, np.float32)
    skin = body.skin / 10

    preset = load_preset(acquisition.preset)
    tables = load_tables(acquisition.preset)
    thickness_cm = patient.thickness_mm / 10
    modelled = _modelled_thickness(body, outline.edge_mm, rng) / 10
    # the patient moves a little between the exposures
    move = rng.uniform(0.005, 0.035) / pixel * np.clip(body.inside / 8, 0, 1)
    drift = tuple(
        (move * resize(rng.normal() + 0.6 * power_law((60, 45), 3.5, rng, 120.0, 4.0), shape)).astype(np.float32)
        for _ in range(2)
    )

    def take(index: int, contrast: Image) -> Image:
        table = tables[index]
        log_primary = table.log_signal(adipose, dense, contrast, skin, calcium)
        if index:
            log_primary = _shift(log_primary, (drift[0], drift[1]))
        signal = expose(
            log_primary,
            body.breast,
            table,
            exposure_mgy(table, thickness_cm, acquisition.dose),
            _SCATTER_RATIO[index] * thickness_cm / 5,
            residual[index],
            preset.blur_mm,
            preset.electronic,
            pixel,
            rng,
        )
        return equalised(signal, table, modelled)

    residual = rng.normal(0, 0.01) + rng.normal(0, 0.004, 2)
    high = take(1, iodine)
    low_post = take(0, iodine)
    low = low_post if acquisition.le_contrast == "post" else take(0, np.zeros(shape, np.float32))
    des = subtract(low_post, high, local_weight(preset, modelled)) + hardening(preset, modelled, low_post)
    mask = found.mask & body.breast if found is not None else np.zeros(shape, bool)
    # presentation leaves some of the fall of thickness towards the skin
    flat = reference(tables[0], np.full((1, 1), thickness_cm, np.float32))
    fall = np.float32(_EDGE_LEFT * min(1.0, 5 / thickness_cm)) * (reference(tables[0], modelled) - flat)
    fall += np.float32(_SKIN_TAKEN * tables[0].skin_over_fat_per_cm) * (
        np.maximum(skin - np.float32(2 * SKIN_CM), 0) * (1 - np.float32(0.2) * body.nipple)
    )
    fall -= np.float32(_NIPPLE_RAISED) * body.nipple
    outside = ~body.breast
    for image in (low, des, iodine):
        image[outside] = 0
    return View(
        low_energy=present_low_energy(low - fall, body.breast, pixel),
        des=present_des(des, body.breast, pixel),
        low_log=low,
        des_log=des,
        iodine=iodine.astype(np.float32),
        lesion_mask=mask,
        breast_mask=body.breast,
        glandular_mm=(glandular + tumour).astype(np.float32),
        thickness_mm=body.thickness,
    )
