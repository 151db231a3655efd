import numpy as np
import pytest

from vdes.phantom.outline import compress, draw_outline
from vdes.phantom.parenchyma import BACKGROUND_CAP_MG_CM2, draw_parenchyma


def _draw(view, glandular, background, seed=0, size=256):
    rng = np.random.default_rng(seed)
    outline = draw_outline(view, 95.0, 55.0, rng)
    body = compress(outline, 55.0, (size, size * 3 // 4))
    return outline, body, draw_parenchyma(outline, body, glandular, background, rng)


@pytest.mark.parametrize("fraction", [0.05, 0.15, 0.3, 0.5])
def test_gland_fills_the_share_of_the_volume_asked_for(fraction):
    _, body, tissue = _draw("CC", fraction, 0.0)
    room = (body.thickness - body.skin).sum(dtype=float)
    # the vessels, which count as gland too, take less than a hundredth
    assert tissue.glandular.sum(dtype=float) / room == pytest.approx(fraction, abs=0.012)


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_tissue_fits_into_the_breast(view):
    _, body, tissue = _draw(view, 0.6, 0.18)
    assert (tissue.glandular >= 0).all()
    assert (tissue.glandular <= body.thickness - body.skin + 1e-4).all()
    assert (tissue.glandular[~body.breast] == 0).all()
    assert (tissue.iodine[~body.breast] == 0).all()
    assert (tissue.iodine >= 0).all()


def test_gland_lies_in_the_middle_and_not_under_the_skin():
    _, body, tissue = _draw("CC", 0.2, 0.0)
    share = tissue.glandular / np.maximum(body.thickness, 1)
    under_skin = (body.inside > 2) & (body.inside < 6) & body.breast
    middle = tissue.zone > 0.7
    assert share[middle].mean() > 3 * share[under_skin].mean()


def test_muscle_is_in_the_upper_corner_of_mlo():
    outline, body, tissue = _draw("MLO", 0.05, 0.0)
    inside = outline.pectoral_depth_mm(body.rows, body.columns) > 12
    share = tissue.glandular / np.maximum(body.thickness, 1)
    assert share[inside & body.breast].mean() > 0.15
    assert share[inside & body.breast].mean() > 3 * share[~inside & body.breast].mean()


@pytest.mark.parametrize("level", [0.02, 0.10, 0.18])
def test_background_enhancement_is_proportional_to_gland_and_capped(level):
    _, _, without = _draw("CC", 0.25, 0.0)
    _, _, tissue = _draw("CC", 0.25, level)
    uptake = tissue.iodine - without.iodine  # what is in the vessels is in both
    assert uptake.max() <= BACKGROUND_CAP_MG_CM2 + 1e-5
    middle = tissue.zone > 0.5
    per_cm = uptake[middle].sum(dtype=float) / (without.glandular[middle].sum(dtype=float) / 10)
    assert per_cm == pytest.approx(level, rel=0.3)


def test_vessels_take_up_contrast():
    _, body, tissue = _draw("CC", 0.1, 0.0)
    vein = tissue.iodine[body.breast]
    assert 0.1 < vein.max() < 1.2
    assert (vein > 0.05).mean() < 0.25
