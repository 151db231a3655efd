from __future__ import annotations

from pathlib import Path

import itk
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter

from vdes.data.vocabulary import LATERALITIES
from vdes.transforms.breast_mask import BreastMask
from vdes.transforms.preprocessing import air_threshold
from vdes.transforms.read_mammogram import ReadMammogram
from vdes.transforms.register_des import RegisterDes, RegisterDesd, edge_offset, warp

SHAPE = (320, 240)
DES_SHAPE = (330, 250)


def similarity(scale: float, angle: float, shift: tuple[float, float]) -> itk.Similarity2DTransform:
    """Return the map from low-energy points to DES points: about the middle, the angle in radians, in pixels."""
    transform = itk.Similarity2DTransform[itk.D].New()
    transform.SetCenter([SHAPE[1] / 2, SHAPE[0] / 2])
    transform.SetScale(scale)
    transform.SetAngle(angle)
    transform.SetTranslation(list(shift))
    return transform


def mean_point_error(found: itk.Transform, truth: itk.Transform, mask: np.ndarray) -> float:
    points = [(float(x), float(y)) for y, x in np.argwhere(mask)[::97]]
    pairs = [(found.TransformPoint(point), truth.TransformPoint(point)) for point in points]
    return float(np.mean([np.hypot(one[0] - other[0], one[1] - other[1]) for one, other in pairs]))


def exposed_again(breast, truth: itk.Transform) -> tuple[np.ndarray, np.ndarray]:
    """Return a DES image ``DES_SHAPE`` of another contrast, and its mask, where ``truth`` says."""
    inverse = truth.GetInverseTransform()
    contrast = np.where(breast.mask, 235 - breast.pixels, 0).astype(np.float32)
    mask = warp(breast.mask.astype(np.float32), inverse, DES_SHAPE) > 0.5
    return warp(gaussian_filter(contrast, 0.7), inverse, DES_SHAPE), mask


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("scale", "angle", "shift"), [(1.03, 0.02, (5.0, -4.0)), (0.97, -0.015, (-3.0, 9.0)), (1.0, 0.0, (0.0, 0.0))]
)
def test_a_known_similarity_is_found(breast, side, scale, angle, shift):
    made = breast(SHAPE, side, contrast=25)
    # crops keep the chest wall: at the right it lies as far to the right as the DES image is wider
    truth = similarity(scale, angle, (shift[0] + (10 if side == "right" else 0), shift[1] + 5))
    des, des_mask = exposed_again(made, truth)
    found, offsets = RegisterDes()(des, made.pixels, des_mask, made.mask)
    assert mean_point_error(found, truth, made.mask) < 0.5
    assert offsets["edge_offset_px"] <= min(1.0, offsets["edge_offset_before_px"])


def test_the_same_pair_gives_the_same_numbers(breast):
    made = breast(SHAPE, contrast=25)
    des, des_mask = exposed_again(made, similarity(1.02, 0.01, (3.0, 2.0)))
    first, second = (RegisterDes()(des, made.pixels, des_mask, made.mask)[0] for _ in range(2))
    assert list(first.GetParameters()) == list(second.GetParameters())


@pytest.mark.parametrize("seed", [0, 2])
def test_a_hopeless_pair_is_not_made_worse(breast, seed):
    made = breast(SHAPE)
    noise = np.random.default_rng(seed).uniform(0, 255, SHAPE).astype(np.float32)
    des_mask = np.roll(made.mask, 6, axis=0)
    found, offsets = RegisterDes()(noise, made.pixels, des_mask, made.mask)
    after = edge_offset(made.mask, warp(des_mask.astype(np.float32), found, SHAPE))
    assert offsets["edge_offset_px"] <= offsets["edge_offset_before_px"]
    assert after == pytest.approx(offsets["edge_offset_px"], abs=1.0)


def test_an_even_image_has_nothing_to_register_and_stays(breast):
    made = breast(SHAPE)
    even = np.full(SHAPE, 255.0, np.float32)
    found, offsets = RegisterDes()(even, made.pixels, made.mask, made.mask)
    assert found.TransformPoint([17.0, 40.0]) == pytest.approx((17.0, 40.0))
    assert offsets == {"edge_offset_before_px": 0.0, "edge_offset_px": 0.0}


@pytest.mark.parametrize("shift", [0, 1, 7])
def test_the_edge_offset_is_the_distance_between_two_skin_lines(shift):
    mask, other = np.zeros((100, 80), bool), np.zeros((100, 80), bool)
    mask[:, :30] = True
    other[:, : 30 + shift] = True
    assert edge_offset(mask, other) == shift
    assert edge_offset(other, mask) == shift
    assert edge_offset(mask.T, other.T) == shift


def test_cut_edges_are_no_skin():
    mask, other = np.zeros((100, 80), bool), np.zeros((100, 80), bool)
    mask[:, :30] = True
    other[:60, :33] = True  # the other image ends at row 60
    support = np.zeros((100, 80), bool)
    support[:60] = True
    assert edge_offset(mask, other, support) == 3
    assert edge_offset(np.ones((100, 80), bool), other) == float("inf")
    assert edge_offset(mask, np.zeros((100, 80), bool)) == float("inf")


def test_warping_reads_the_moving_image_where_the_transform_points():
    moving = np.arange(12 * 10, dtype=np.float32).reshape(12, 10)
    shift = itk.TranslationTransform[itk.D, 2].New()
    shift.SetOffset([2.0, 3.0])  # x, y
    moved = warp(moving, shift, (8, 9))
    np.testing.assert_allclose(moved[:8, :8], moving[3:11, 2:10])
    assert not moved[:, 8:].any()
    shift.SetOffset([0.5, 0.0])
    np.testing.assert_allclose(warp(moving, shift, (12, 9)), moving[:, :9] + 0.5)


def test_the_dictionary_form_moves_the_lesion_with_the_image(breast):
    made = breast(SHAPE, contrast=25)
    truth = similarity(1.03, 0.02, (5.0, 1.0))
    des, des_mask = exposed_again(made, truth)
    drawn = np.hypot(*(np.indices(SHAPE) - np.array([150, 80])[:, None, None])) < 12
    des_lesion = warp(drawn.astype(np.float32), truth.GetInverseTransform(), DES_SHAPE) > 0.5
    affine = torch.diag(torch.tensor([0.1, 0.1, 1.0, 1.0], dtype=torch.float64))
    data = {
        "low_energy": MetaTensor(made.pixels[None], affine=affine),
        "breast_mask": MetaTensor(made.mask[None].astype(np.float32), affine=affine),
        "des": MetaTensor(des[None]),
        "des_breast_mask": MetaTensor(des_mask[None].astype(np.float32)),
        "des_lesion_mask": MetaTensor(des_lesion[None].astype(np.float32)),
        "case": "P1_L_CC",
    }
    registered = RegisterDesd()(data)
    assert "des_breast_mask" not in registered
    assert registered["case"] == "P1_L_CC"
    for key in ("des", "des_lesion_mask", "breast_mask"):
        assert registered[key].shape == (1, *SHAPE)
        torch.testing.assert_close(registered[key].affine, affine)
    lesion = registered["des_lesion_mask"][0].numpy()
    assert set(np.unique(lesion)) == {0.0, 1.0}
    assert 2 * (lesion * drawn).sum() / (lesion.sum() + drawn.sum()) > 0.95
    expected = np.where(made.mask, 235 - made.pixels, 0)
    inner = gaussian_filter(made.mask.astype(np.float32), 3) > 0.99
    assert np.corrcoef(registered["des"][0].numpy()[inner], expected[inner])[0, 1] > 0.98
    assert registered["edge_offset_px"] <= 1.0 < registered["edge_offset_before_px"]


def test_the_breast_ends_where_the_des_image_ends(breast):
    made = breast(SHAPE, contrast=25)
    des = np.where(made.mask, 235 - made.pixels, 0).astype(np.float32)
    images = {"low_energy": made.pixels, "breast_mask": made.mask, "des": des, "des_breast_mask": made.mask}
    # the DES image was cropped by 40 rows above and below
    cut = {key: image[40:-40] if key.startswith("des") else image for key, image in images.items()}
    data = {key: MetaTensor(image[None].astype(np.float32)) for key, image in cut.items()}
    found = RegisterDesd(keys="des")(data)["breast_mask"][0].numpy()
    assert not found[:38].any()
    assert not found[-38:].any()
    np.testing.assert_array_equal(found[42:-42], made.mask[42:-42])


@pytest.mark.slow
@pytest.mark.cdd_cesm
def test_real_pairs_end_within_a_pixel(cdd_cesm: Path):
    low_energies = sorted((cdd_cesm / "pairs" / "Low energy images of CDD-CESM").glob("*.jpg"))
    read, find = ReadMammogram(), BreastMask(air_threshold((0.0, 255.0)))
    before, after = [], []
    for file in low_energies[:: len(low_energies) // 24][:24]:
        assert file.name.split("_")[1] in LATERALITIES
        other = cdd_cesm / "pairs" / "Subtracted images of CDD-CESM" / file.name.replace("_DM_", "_CM_")
        low_energy, des = read(file), read(other)
        masks = [find(image)[0].numpy() > 0 for image in (des, low_energy)]
        _, offsets = RegisterDes()(des[0].numpy(), low_energy[0].numpy(), *masks)
        before.append(offsets["edge_offset_before_px"])
        after.append(offsets["edge_offset_px"])
    assert len(after) == 24
    assert np.median(before) > 2.0
    assert np.median(after) <= 1.0
    assert np.max(np.subtract(after, before)) <= 0.0
