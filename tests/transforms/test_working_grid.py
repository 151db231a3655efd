from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from vdes.errors import InputError
from vdes.transforms.working_grid import WorkingGrid, WorkingGridd


def plane(rows: int, columns: int) -> MetaTensor:
    """Rise by 2 a row and 3 a column: any exact resampling of it is known."""
    r, c = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return MetaTensor((2.0 * r + 3.0 * c)[None], affine=torch.eye(4))


def blob(shape: tuple[int, int], row: float, column: float, sigma: float = 4.0) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2)).astype(np.float32)


def centroid(image: torch.Tensor) -> tuple[float, float]:
    weights = image[0].numpy().astype(float)
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return float((weights * rows).sum() / weights.sum()), float((weights * columns).sum() / weights.sum())


@pytest.mark.parametrize(
    ("shape", "grid", "size"),
    [((200, 100), (128, 96), (128, 64)), ((100, 200), (128, 96), (48, 96)), ((40, 20), (100, 100), (100, 50))],
)
def test_the_grid_is_filled_as_far_as_the_aspect_ratio_allows(shape, grid, size):
    image = plane(*shape)
    resized = WorkingGrid(*grid)(image)
    assert resized.shape == (1, *grid)
    assert not resized[:, size[0] :].any()
    assert not resized[:, :, size[1] :].any()
    # pixels are areas: the centre of pixel i lies at (i + 0.5) / scale - 0.5, and the filter,
    # which has a whole number of taps, is off by up to .06 pixels of the image
    scale = size[0] / shape[0]
    rows, columns = ((torch.arange(length) + 0.5) / scale - 0.5 for length in size)
    expected = 2 * rows[:, None] + 3 * columns
    inner = slice(4, -4)
    found = resized.as_tensor()[0, : size[0], : size[1]]
    torch.testing.assert_close(found[inner, inner], expected[inner, inner], atol=0.06 * (2 + 3), rtol=0)


def test_millimetres_follow_from_the_pixel_sizes():
    # 0.1 mm to 0.25 mm: 100 x 50 pixels, 10 x 5 mm, become 40 x 20, whatever room there is
    for grid in ((40, 20), (64, 48)):
        resized = WorkingGrid(*grid, pixel_size_mm=0.25)(torch.ones(1, 100, 50), 0.1)
        assert resized.shape == (1, *grid)
        assert resized[0, :40, :20].numpy() == pytest.approx(1.0, abs=1e-4)  # to the border, unlike MONAI's Resize
        assert not resized[0, 40:].any()
        assert not resized[0, :, 20:].any()


@pytest.mark.parametrize("pixel_size", [None, float("nan")])
def test_millimetres_need_a_pixel_size(pixel_size):
    with pytest.raises(
        InputError, match=r"^image: working grid in millimetres \(0\.25 mm\): the image has no pixel size"
    ):
        WorkingGrid(64, 48, pixel_size_mm=0.25)(torch.ones(1, 100, 50), pixel_size)


def test_what_does_not_fit_is_refused_and_not_shrunk():
    with pytest.raises(
        InputError, match=r"^image: working grid \(64, 48\) at 0\.1 mm: the breast needs \(100, 50\) pixels"
    ):
        WorkingGrid(64, 48, pixel_size_mm=0.1)(torch.ones(1, 100, 50), 0.1)


@pytest.mark.parametrize("shape", [(301, 177), (60, 33)])
def test_the_inverse_restores_size_and_place(shape):
    where = (0.4 * shape[0], 0.6 * shape[1])
    image = MetaTensor(blob(shape, *where)[None], affine=torch.eye(4))
    grid = WorkingGrid(128, 96)
    back = grid.inverse(grid(image))
    assert back.shape == image.shape
    assert back.applied_operations == []
    assert centroid(back) == pytest.approx(where, abs=0.05)
    assert float(back.sum()) == pytest.approx(float(image.sum()), rel=0.01)


def test_masks_stay_masks_both_ways():
    mask = MetaTensor(torch.from_numpy(blob((150, 90), 70, 40, 15) > 0.5).float()[None], affine=torch.eye(4))
    grid = WorkingGrid(64, 48, mode="nearest-exact")
    resized = grid(mask)
    back = grid.inverse(resized)
    for image in (resized, back):
        assert set(np.unique(image.numpy())) == {0.0, 1.0}
    scale = 64 / 150
    on_grid = [(place + 0.5) * scale - 0.5 for place in centroid(mask)]
    assert centroid(resized) == pytest.approx(on_grid, abs=0.75)  # taking the nearest pixel moves by up to half a pixel
    assert float(resized.sum()) == pytest.approx(float(mask.sum()) * scale**2, rel=0.05)
    assert centroid(back) == pytest.approx(centroid(mask), abs=1.0 / scale)


def test_a_plain_tensor_gives_the_same_pixels():
    image = plane(120, 80)
    resized = WorkingGrid(64, 48)(image.as_tensor())
    assert not isinstance(resized, MetaTensor)
    torch.testing.assert_close(resized, WorkingGrid(64, 48)(image).as_tensor())


def test_the_dictionary_form_has_one_interpolation_a_key_and_reads_the_pixel_size():
    mask = (plane(100, 50) > 150).float()
    data = {"image": plane(100, 50), "breast_mask": mask, "pixel_size_mm": 0.1}
    transform = WorkingGridd(("image", "breast_mask"), 64, 48, pixel_size_mm=0.2, mode=("bilinear", "nearest-exact"))
    resized = transform(data)
    torch.testing.assert_close(resized["image"].as_tensor(), WorkingGrid(64, 48, 0.2)(data["image"], 0.1).as_tensor())
    assert set(np.unique(resized["breast_mask"].numpy())) == {0.0, 1.0}
    back = transform.inverse(resized)
    assert back["image"].shape == back["breast_mask"].shape == (1, 100, 50)
    with pytest.raises(InputError, match="has no pixel size"):
        transform(data | {"pixel_size_mm": None})


@pytest.mark.parametrize("shape", [(200, 100), (50, 100), (64, 48), (301, 17)])
def test_stretching_fills_the_grid_whatever_the_aspect_ratio(shape):
    image = plane(*shape)
    resized = WorkingGrid(64, 48, stretch=True)(image)
    assert resized.shape == (1, 64, 48)
    scales = 64 / shape[0], 48 / shape[1]
    rows, columns = ((torch.arange(n) + 0.5) / s - 0.5 for n, s in zip((64, 48), scales, strict=True))
    inner = slice(4, -4)
    found, expected = resized.as_tensor()[0, inner, inner], (2 * rows[:, None] + 3 * columns)[inner, inner]
    torch.testing.assert_close(found, expected, atol=0.06 * (2 + 3), rtol=0)
    # the last row and column are the image's: nothing is padded
    assert float(resized[0, -1, -1]) > 0.9 * float(image[0, -1, -1])


def test_the_inverse_of_stretching_restores_size_and_place():
    image = MetaTensor(blob((301, 97), 120, 40, 6)[None], affine=torch.eye(4))
    grid = WorkingGrid(128, 96, stretch=True)
    back = grid.inverse(grid(image))
    assert back.shape == image.shape
    assert centroid(back) == pytest.approx((120, 40), abs=0.05)
    mask = (image > 0.5).float()
    data = WorkingGridd(("image", "mask"), 64, 64, mode=("bilinear", "nearest-exact"), stretch=True)(
        {"image": image, "mask": mask}
    )
    assert data["image"].shape == data["mask"].shape == (1, 64, 64)
    assert set(np.unique(data["mask"].numpy())) == {0.0, 1.0}
    assert centroid(data["mask"]) == pytest.approx(centroid(data["image"]), abs=0.5)


def test_a_stretched_grid_has_no_pixel_size():
    with pytest.raises(InputError, match="stretch: a pixel size fixes the scale; expected one of the two"):
        WorkingGrid(64, 48, pixel_size_mm=0.1, stretch=True)
