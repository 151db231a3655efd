from __future__ import annotations

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.metrics.enhancement import (
    ABSENT,
    CONTRAST_LIMIT,
    LEVEL_LIMIT,
    enhancement_rows,
    enhancing_regions,
    local_contrast,
)

SHAPE = (192, 144)
NOISE = 0.02
PIXEL_MM = 1.0


def disc(row: float, column: float, radius: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    y, x = np.indices(shape)
    return np.hypot(y - row, x - column) < radius


BREAST = disc(96, 0, 90) & (np.indices(SHAPE)[1] < 90)
LESION = disc(80, 40, 8)
OTHER = disc(130, 30, 7)


def drawn(*enhancing: tuple[np.ndarray, float], seed: int = 0, noise: float = NOISE) -> np.ndarray:
    """A breast at .4 with white noise, discs above it, and air around."""
    image = 0.4 + noise * np.random.default_rng(seed).standard_normal(SHAPE)
    for region, contrast in enhancing:
        image = image + contrast * region
    return np.where(BREAST, image, 0.0).clip(0, 1)


def regions(image: np.ndarray, pixel_size_mm: float | None = PIXEL_MM) -> list[np.ndarray]:
    (found,) = enhancing_regions([image], BREAST, pixel_size_mm)
    return found


def row(prediction: np.ndarray, real: np.ndarray, lesion: np.ndarray = LESION, **more) -> dict:
    masks = (mask[None].astype(np.uint8) for mask in (BREAST, lesion, lesion))
    rows = enhancement_rows("c", "P", {"virtual_des": prediction[None]}, real[None], *masks, PIXEL_MM, **more)
    assert [found["method"] for found in rows] == ["virtual_des", "real_des"]
    return rows[0]


def test_the_contrast_of_a_disc_is_the_one_that_it_was_drawn_with():
    found = local_contrast(drawn((LESION, 0.1)), LESION, BREAST)
    # standard errors: .02 / sqrt(197) and .02 / sqrt(330); of a standard deviation, 4 %
    assert found.difference == pytest.approx(0.1, abs=4 * 0.02 * (1 / 197 + 1 / 330) ** 0.5)
    assert found.ratio == pytest.approx(0.1 / NOISE, rel=0.15)


@pytest.mark.parametrize("offset", [(0, 0), (-30, -35), (60, 20)])
def test_the_contrast_does_not_depend_on_where_in_the_image_the_region_is(offset):
    image = np.random.default_rng(1).random((80, 60))
    region = disc(40, 30, 4, (80, 60))
    breast = np.ones((80, 60), bool)
    moved = (np.roll(part, offset, (0, 1)) for part in (image, region, breast))
    if offset == (0, 0):
        assert local_contrast(*moved) == local_contrast(image, region, breast)
    else:  # cut by the border or not, it is that of the region's own window
        cut = [np.asarray(part) for part in moved]
        whole = [np.pad(part, 20) for part in cut]
        found, padded = local_contrast(*cut), local_contrast(whole[0], whole[1], whole[2])
        # the ring is a share of the image's height
        assert found.difference == pytest.approx(padded.difference, abs=0.05)


@pytest.mark.parametrize(("region", "breast"), [(np.zeros(SHAPE, bool), BREAST), (LESION, np.zeros(SHAPE, bool))])
def test_without_a_region_or_a_breast_there_is_no_contrast(region, breast):
    found = local_contrast(drawn(), region, breast)
    assert np.isnan(found.ratio)
    assert np.isnan(found.difference)
    assert not found.exceeds()


def test_a_level_that_nobody_sees_is_no_enhancement_however_smooth_the_image():
    smooth = drawn((LESION, 0.9 * LEVEL_LIMIT), noise=0.001)
    assert local_contrast(smooth, LESION, BREAST).ratio > 10 * CONTRAST_LIMIT
    assert not local_contrast(smooth, LESION, BREAST).exceeds()
    assert local_contrast(drawn((LESION, 1.2 * LEVEL_LIMIT), noise=0.001), LESION, BREAST).exceeds()
    assert not regions(smooth)


def test_regions_are_found_where_they_were_drawn_and_nowhere_else():
    for seed in range(5):
        found = regions(drawn((LESION, 0.1), (OTHER, 0.08), seed=seed))
        assert len(found) == 2
        for region, truth in zip(found, (LESION, OTHER), strict=True):
            assert 2 * (region & truth).sum() / (region.sum() + truth.sum()) > 0.7
        assert not regions(drawn(seed=seed))


def test_the_skin_line_is_no_region():
    assert not regions(drawn(noise=0.001))
    assert enhancing_regions([np.zeros(SHAPE)] * 2, np.zeros(SHAPE, bool), PIXEL_MM) == [[], []]


def test_a_region_below_five_millimetres_is_none():
    image = drawn((disc(80, 40, 3.5), 0.1))
    assert len(regions(image)) == 1
    assert not regions(image, 0.4)  # 3 mm across
    # unknown: 240 mm over 192 rows
    assert len(regions(image, None)) == len(regions(image, 1.25)) == 1


@pytest.mark.parametrize(("real", "virtual"), [(0.1, 0.1), (0.1, 0.0), (0.0, 0.1), (0.0, 0.0)])
def test_a_lesion_enhances_in_either_image_or_not(real, virtual):
    found = row(drawn((LESION, virtual), seed=1), drawn((LESION, real)))
    assert (found["real_enhances"], found["enhances"]) == (float(real > 0), float(virtual > 0))
    # what the virtual image invents is the lesion
    assert found["hallucinations"] == float(virtual > real)
    assert found["regions"] == int(virtual > 0)


def test_each_image_is_judged_by_the_lesion_drawn_on_it():
    masks = (mask[None].astype(np.uint8) for mask in (BREAST, OTHER, LESION))
    images = {"virtual_des": drawn((OTHER, 0.1), seed=1)[None], "low_energy": drawn((LESION, 0.1), seed=2)[None]}
    virtual, low_energy, real = enhancement_rows("c", "P", images, drawn((LESION, 0.1))[None], *masks, PIXEL_MM)
    assert [found["enhances"] for found in (virtual, low_energy, real)] == [1.0, 0.0, 1.0]
    assert {found["real_enhances"] for found in (virtual, low_energy, real)} == {1.0}
    assert [found["hallucinations"] for found in (virtual, low_energy, real)] == [1.0, 0.0, 0.0]


def test_enhancement_elsewhere_is_invented_and_a_weak_one_in_the_real_image_is_none():
    real = drawn((LESION, 0.1), (OTHER, 0.8 * ABSENT * LEVEL_LIMIT), noise=0.005)
    assert row(drawn((LESION, 0.1), (OTHER, 0.1), seed=1), real)["hallucinations"] == 1
    real = drawn((LESION, 0.1), (OTHER, 1.5 * ABSENT * LEVEL_LIMIT), noise=0.005)
    assert row(drawn((LESION, 0.1), (OTHER, 0.1), seed=1), real)["hallucinations"] == 0


def test_the_real_image_misses_and_invents_nothing():
    rng = np.random.default_rng(4)
    for seed in range(10):
        discs = [(disc(*rng.uniform((50, 15), (140, 60)), rng.uniform(4, 9)), rng.uniform(0, 0.1)) for _ in range(3)]
        real = drawn(*discs, seed=seed)
        masks = (mask[None].astype(np.uint8) for mask in (BREAST, discs[0][0], discs[0][0]))
        copied, itself = enhancement_rows("c", "P", {"virtual_des": real[None]}, real[None], *masks, PIXEL_MM)
        for found in (copied, itself):
            assert found["hallucinations"] == 0
            assert found["enhances"] == found["real_enhances"]


def test_what_is_not_known_is_missing():
    image = drawn((LESION, 0.1))
    found = row(image, image, lesion=np.zeros(SHAPE, bool))
    assert np.isnan([found["lesion_contrast"], found["real_enhances"], found["enhances"]]).all()
    assert found["hallucinations"] == 0
    found = row(image, image, registered=False)
    assert np.isnan(found["hallucinations"])
    assert found["enhances"] == 1


def test_bad_images_are_refused():
    image = drawn()
    with pytest.raises(InputError, match="virtual_des and des: sizes differ"):
        row(image[:-1], image)
    with pytest.raises(InputError, match="virtual_des: expected floats"):
        row((255 * image).astype(np.uint8), image)
