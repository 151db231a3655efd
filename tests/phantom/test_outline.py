import numpy as np
import pytest

from vdes.phantom.outline import FIELD_MM, compress, draw_outline

SHAPE = (256, 192)


@pytest.fixture(scope="module", params=["CC", "MLO"])
def bodies(request):
    drawn = []
    for seed in range(6):
        outline = draw_outline(request.param, 95.0, 55.0, np.random.default_rng(seed))
        drawn.append((outline, compress(outline, 55.0, SHAPE)))
    return drawn


def test_breast_lies_on_the_chest_wall_and_ends_before_the_field_does(bodies):
    for outline, body in bodies:
        assert body.breast[:, 0].any()
        assert not body.breast[:, -1].any()
        assert 0.1 < body.breast.mean() < 0.7
        reach = np.flatnonzero(body.breast.any(axis=0)).max() * FIELD_MM[0] / SHAPE[0]
        assert outline.depth_mm - 2 < reach < outline.depth_mm + 3 * max(outline.nipple_radius_mm, 1)


def test_thickness_is_that_of_the_paddles_inside_and_falls_to_the_skin(bodies):
    for outline, body in bodies:
        assert body.thickness.max() == pytest.approx(55.0, abs=0.01)
        deep = body.inside > outline.edge_mm
        assert body.thickness[deep] == pytest.approx(55.0, abs=0.01)
        assert (body.thickness[~body.breast] == 0).all()
        # half way through the rounded edge a quarter circle has .87 of its height
        away = np.hypot(body.rows - outline.nipple_mm[0], body.columns - outline.nipple_mm[1]) > 25
        half = (np.abs(body.inside - outline.edge_mm / 2) < 0.3) & away
        assert body.thickness[half].mean() == pytest.approx(55 * np.sqrt(0.75), rel=0.02)


def test_skin_is_two_layers_of_a_millimetre_and_a_half(bodies):
    for outline, body in bodies:
        away = np.hypot(body.rows - outline.nipple_mm[0], body.columns - outline.nipple_mm[1]) > 45
        assert body.skin[(body.inside > outline.edge_mm) & away] == pytest.approx(3.0, abs=0.02)
        # seen edge on, it is longer than it is thick
        assert body.skin[(body.inside > 0.5) & (body.inside < 1.5) & away].mean() > 5
        assert (body.skin <= body.thickness + 1e-5).all()


def test_nipple_in_profile_is_a_low_bump_that_merges_in_the_skin(bodies):
    from scipy.ndimage import label

    pixel = FIELD_MM[0] / SHAPE[0]
    for outline, body in bodies:
        assert label(body.breast)[1] == 1
        skin_line = outline.nipple_mm[1]
        beyond = body.breast & (body.columns > skin_line + 1.5)
        if not outline.nipple_radius_mm:
            assert not beyond.any()
            assert (body.nipple == 0).all()
            continue
        height = np.flatnonzero(body.breast.any(axis=0)).max() * pixel - skin_line
        assert 4 < height < 9
        width = beyond.any(axis=1).sum() * pixel
        assert 2 * outline.nipple_radius_mm - 2 < width < 2 * outline.nipple_radius_mm + 7
        # no step in thickness where nipple and breast meet: every pixel of the axis is thicker than a few mm
        row = int(outline.nipple_mm[0] / pixel)
        axis = body.thickness[row, : int((skin_line + 0.6 * height) / pixel)]
        assert axis.min() > 4


def test_distance_to_the_skin_is_euclidean(bodies):
    from scipy.ndimage import distance_transform_edt

    for outline, body in bodies:
        if outline.nipple_radius_mm:
            continue
        pixel = FIELD_MM[0] / SHAPE[0]
        # the field's borders are no skin: pad with breast
        padded = np.pad(body.inside > 0, ((0, 0), (60, 0)), mode="edge")
        exact = distance_transform_edt(padded)[:, 60:] * pixel
        checked = (body.inside > 2) & (exact < 20) & (body.columns > 10) & (body.rows > 25) & (body.rows < 215)
        assert np.abs(body.inside - exact)[checked].mean() < pixel


def test_pectoral_muscle_is_a_wedge_in_mlo_only():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert draw_outline("CC", 95.0, 55.0, rng).pectoral_mm == (0.0, 0.0)
        top, foot = draw_outline("MLO", 95.0, 55.0, rng).pectoral_mm
        assert 15 <= np.rad2deg(np.arctan2(top, foot)) <= 30
        assert 0 < foot < FIELD_MM[0]


def test_both_views_keep_the_distance_behind_the_nipple():
    rng = np.random.default_rng(0)
    cc, mlo = (draw_outline(view, 95.0, 55.0, rng) for view in ("CC", "MLO"))
    behind = [o.depth_mm - o.lesion_mm(40.0, 12.0, 20.0)[1] for o in (cc, mlo)]
    assert behind == pytest.approx([40.0, 40.0])
    assert cc.nipple_mm[0] - cc.lesion_mm(40.0, 12.0, 20.0)[0] == pytest.approx(12.0)
    assert mlo.nipple_mm[0] - mlo.lesion_mm(40.0, 12.0, 20.0)[0] == pytest.approx(32.0 / np.sqrt(2))
