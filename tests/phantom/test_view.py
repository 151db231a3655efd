import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from vdes.phantom.latents import Knobs
from vdes.phantom.patient import build_patient, simulate_patient
from vdes.phantom.view import Acquisition, simulate_view

KNOBS = Knobs(1.4, 1.4, 0.5)
CLINICAL = Acquisition("rh-ag", 1.0, "post")
SIZE = 256


def _view(index=1, side=None, view="CC", acquisition=CLINICAL, size=SIZE, seed=None):
    patient = build_patient(f"P{index}", index, 0, KNOBS)
    lesion = patient.latents.lesion
    side = side or (lesion.laterality if lesion else "L")
    present = (lesion, patient.lesion) if lesion and lesion.laterality == side else None
    rng = np.random.default_rng(patient.seeds[side, view])
    return patient, simulate_view(
        patient.latents, patient.outlines[side, view], present, acquisition, (size, size * 3 // 4), rng
    )


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_nothing_outside_the_breast(view):
    _, images = _view(view=view)
    outside = ~images.breast_mask
    assert outside.any()
    for name in ("low_energy", "des", "low_log", "des_log", "iodine", "lesion_mask", "glandular_mm", "thickness_mm"):
        assert (getattr(images, name)[outside] == 0).all(), name
    assert (images.low_energy[images.breast_mask] > 0).all()
    assert (images.des[images.breast_mask] > 0).all()


def test_lesion_mask_is_where_the_lesion_is_in_both_views():
    found = 0
    for index in range(8):
        patient = build_patient(f"P{index}", index, 0, KNOBS)
        lesion = patient.latents.lesion
        for side, view, images in simulate_patient(patient, CLINICAL, (SIZE, SIZE * 3 // 4)):
            if lesion is None or side != lesion.laterality:
                assert not images.lesion_mask.any()
                continue
            found += 1
            assert images.lesion_mask.any()
            row, column = patient.outlines[side, view].lesion_mm(lesion.behind_mm, lesion.outward_mm, lesion.up_mm)
            centre = (np.argwhere(images.lesion_mask) + 0.5).mean(axis=0) * 240 / SIZE
            assert np.hypot(centre[0] - row, centre[1] - column) < max(0.3 * lesion.diameter_mm, 2.0)
            assert (images.lesion_mask & ~images.breast_mask).sum() == 0
    assert found >= 4


def test_des_follows_the_iodine_map():
    from dataclasses import replace

    patient = build_patient("P1", 1, 0, KNOBS)
    lesion = replace(patient.latents.lesion, enhancement_score=2.0)
    side = lesion.laterality
    images = [
        simulate_view(
            patient.latents,
            patient.outlines[side, "CC"],
            (chosen, patient.lesion),
            Acquisition("rh-ag", 400.0, "post"),
            (SIZE, SIZE * 3 // 4),
            np.random.default_rng(5),
        )
        for chosen in (lesion, replace(lesion, enhancement_score=-1.0))
    ]
    iodine = images[0].iodine - images[1].iodine
    des = images[0].des_log - images[1].des_log
    inside = iodine > 0.3
    assert inside.sum() > 20
    assert np.polyfit(iodine[inside], des[inside], 1)[0] == pytest.approx(0.0155, rel=0.12)


def test_low_energy_before_the_contrast_shows_no_iodine():
    from dataclasses import replace

    patient = build_patient("P1", 1, 0, KNOBS)
    lesion = replace(patient.latents.lesion, enhancement_score=3.0)
    taken = {}
    for contrast in ("post", "pre"):
        taken[contrast] = simulate_view(
            patient.latents,
            patient.outlines[lesion.laterality, "CC"],
            (lesion, patient.lesion),
            Acquisition("rh-ag", 400.0, contrast),
            (SIZE, SIZE * 3 // 4),
            np.random.default_rng(5),
        )
    post, pre = taken["post"], taken["pre"]
    inside = post.iodine > 1.0
    assert inside.any()
    assert np.mean((post.low_log - pre.low_log)[inside] / post.iodine[inside]) == pytest.approx(0.022, rel=0.2)
    assert np.array_equal(post.des, pre.des)


def test_dose_lowers_the_noise():
    def noise(dose):
        _, images = _view(0, acquisition=Acquisition("rh-ag", dose, "post"), size=512)
        middle = images.des_log[220:300, 40:140]
        return (np.diff(middle, axis=0)).std()

    assert noise(0.05) > 2 * noise(1.0)


def test_low_energy_has_the_power_law_of_breasts(spectral_exponent):
    found = []
    for index in range(12):
        patient = build_patient(f"P{index}", index, 0, KNOBS)
        outline = patient.outlines["L", "CC"]
        images = simulate_view(patient.latents, outline, None, CLINICAL, (512, 384), np.random.default_rng(index))
        pixel = 240 / 512
        row, column = int(outline.nipple_mm[0] / pixel), int(outline.depth_mm / 2 / pixel)
        patch = images.low_log[row - 48 : row + 48, column - 48 : column + 48]
        found.append(spectral_exponent(patch, pixel, 0.08, 0.5))
    assert 2.7 <= np.mean(found) <= 3.3


def test_no_bright_ring_at_the_skin():
    # between 3 and 8 mm from the skin, DES is no more than .4 mg/cm2 above the breast's middle
    for index in range(6):
        patient, images = _view(index, view="CC")
        outline = patient.outlines[patient.latents.lesion.laterality if patient.latents.lesion else "L", "CC"]
        rows, columns = np.indices(images.des.shape)
        inside = outline.inside_mm((np.stack([rows, columns], -1).reshape(-1, 2) + 0.5) * 240 / SIZE)
        inside = inside.reshape(images.des.shape)
        band = (inside > 3) & (inside < 8)
        middle = inside > 25
        rim = (np.median(images.des_log[band]) - np.median(images.des_log[middle])) / 0.0155
        assert -0.8 < rim < 0.4


def test_background_enhancement_shows_in_des():
    from dataclasses import replace

    patient = build_patient("P3", 3, 0, KNOBS)
    outline = patient.outlines["L", "CC"]
    levels = {}
    for background in ("minimal", "marked"):
        latents = replace(patient.latents, background=background)
        images = simulate_view(latents, outline, None, CLINICAL, (SIZE, SIZE * 3 // 4), np.random.default_rng(2))
        levels[background] = images.des_log[images.glandular_mm > 15].mean()
    assert levels["marked"] - levels["minimal"] > 0.1 * 0.0155


def test_lesions_stand_out_at_low_energy_in_fatty_breasts_and_hide_in_dense_ones():
    def contrast(densities: str) -> float:
        """Median over lesions of their mean less that of their surroundings, over its standard deviation there."""
        found = []
        for index in range(16):
            patient = build_patient(f"P{index}", index, 0, KNOBS, densities)
            lesion = patient.latents.lesion
            if lesion is None or lesion.non_mass:
                continue
            side = lesion.laterality
            images = simulate_view(
                patient.latents,
                patient.outlines[side, "CC"],
                (lesion, patient.lesion),
                CLINICAL,
                (SIZE, SIZE * 3 // 4),
                np.random.default_rng(patient.seeds[side, "CC"]),
            )
            mask = images.lesion_mask
            ring = binary_dilation(mask, iterations=8) & ~binary_dilation(mask, iterations=2) & images.breast_mask
            around = images.low_energy[ring].astype(float)
            found.append((images.low_energy[mask].mean() - around.mean()) / around.std())
        assert len(found) >= 5
        return float(np.median(found))

    assert contrast("a") > 1.2
    assert contrast("cd") < 0.9
