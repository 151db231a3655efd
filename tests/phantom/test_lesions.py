from dataclasses import replace

import numpy as np
import pytest
from skimage.measure import label, perimeter_crofton, regionprops

from vdes.phantom.latents import LesionLatents
from vdes.phantom.lesions import build_lesion, project_lesion
from vdes.phantom.outline import FIELD_MM, draw_outline

SHAPE = (512, 384)
PIXEL = FIELD_MM[0] / SHAPE[0]
LATENTS = LesionLatents("L", 1, 0.5, 1.4, False, 16.0, 45.0, 8.0, 6.0)


def _project(view="CC", seed=0, **changes):
    latents = replace(LATENTS, **changes)
    outline = draw_outline(view, 95.0, 55.0, np.random.default_rng(9))
    volume = build_lesion(latents, np.random.default_rng(seed))
    return latents, outline, project_lesion(volume, latents, outline, SHAPE)


@pytest.mark.parametrize("view", ["CC", "MLO"])
@pytest.mark.parametrize("non_mass", [False, True])
def test_lesion_lies_where_its_latents_say_and_is_as_large(view, non_mass):
    latents, outline, found = _project(view, non_mass=non_mass)
    place = np.array(outline.lesion_mm(latents.behind_mm, latents.outward_mm, latents.up_mm))
    centre = (np.argwhere(found.mask) + 0.5).mean(axis=0) * PIXEL
    assert np.linalg.norm(centre - place) < 0.25 * latents.diameter_mm
    diameter = 2 * np.sqrt(found.mask.sum() / np.pi) * PIXEL
    assert diameter == pytest.approx(latents.diameter_mm, rel=0.5 if non_mass else 0.25)


def test_views_show_the_same_lesion():
    volumes = [_project(view, morphology_score=-1.0)[2].tissue.sum(dtype=float) for view in ("CC", "MLO")]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.05)


@pytest.mark.parametrize("score", [0.3, 0.9, 1.6, 2.6])
def test_iodine_in_the_middle_is_that_of_the_score(score):
    latents, _, found = _project(enhancement_score=score)
    inside = found.iodine[found.mask]
    assert np.percentile(inside, 85) == pytest.approx(latents.iodine_mg_cm2, rel=0.25)


def test_a_lesion_that_does_not_enhance_holds_no_iodine():
    latents, _, found = _project(enhancement_score=-0.4)
    assert not latents.enhances
    assert found.iodine.max() == 0
    assert found.tissue.max() > 5  # the low-energy image shows it all the same


def test_rim_is_brighter_than_the_middle():
    def middle_over_rim(score):
        ratios = []
        for seed in range(4):
            _, _, found = _project(enhancement_score=score, morphology_score=-1.0, diameter_mm=24.0, seed=seed)
            region = regionprops(found.mask.astype(int))[0]
            rows, columns = np.indices(SHAPE)
            away = np.hypot(rows - region.centroid[0], columns - region.centroid[1]) * PIXEL
            thick = np.maximum(found.tissue, 0.1)
            density = found.iodine / thick
            ratios.append(density[away < 3].mean() / density[found.mask & (away > 8) & (away < 11)].mean())
        return np.mean(ratios)

    assert middle_over_rim(2.2) < 0.75 * middle_over_rim(1.2)


def test_morphology_score_makes_the_outline_rough():
    def compactness(score):
        values = []
        for seed in range(5):
            _, _, found = _project(morphology_score=score, seed=seed)
            regions = regionprops(label(found.mask))
            largest = max(regions, key=lambda region: region.area)
            values.append(4 * np.pi * largest.area / perimeter_crofton(largest.image_filled, 4) ** 2)
        return np.mean(values)

    smooth, rough = compactness(-1.5), compactness(2.5)
    assert smooth > 0.85
    assert rough < smooth - 0.15


def test_calcifications_follow_from_the_morphology_score():
    assert _project(morphology_score=1.0)[2].calcium.max() == 0
    fine, coarse = (build_lesion(replace(LATENTS, morphology_score=s), np.random.default_rng(0)) for s in (2.8, 1.2))
    assert len(fine.calcification_mm3) > len(coarse.calcification_mm3)
    assert np.median(fine.calcification_mm3) < np.median(coarse.calcification_mm3)
    _, _, found = _project(morphology_score=2.8)
    assert found.calcium.sum(dtype=float) * PIXEL**2 == pytest.approx(fine.calcification_mm3.sum(), rel=0.02)
