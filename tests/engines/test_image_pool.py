from __future__ import annotations

import io

import pytest
import torch

from vdes.engines.image_pool import ImagePool
from vdes.errors import InputError


def images(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)[:, None, None, None].expand(-1, 1, 2, 3).clone()


def levels(batch: torch.Tensor) -> list[float]:
    return batch[:, 0, 0, 0].tolist()


def test_until_it_is_full_the_pool_returns_what_comes():
    pool = ImagePool(5)
    assert levels(pool(images(1, 2, 3))) == [1, 2, 3]
    assert levels(pool(images(4, 5))) == [4, 5]
    assert [float(image.mean()) for image in pool.images] == [1, 2, 3, 4, 5]


def test_then_half_of_the_images_change_places_with_earlier_ones():
    torch.manual_seed(0)
    pool = ImagePool(50)
    seen: set[float] = set()
    swapped = 0
    for step in range(2000):
        before = {float(image.mean()) for image in pool.images}
        [level] = levels(pool(images(step)))
        after = {float(image.mean()) for image in pool.images}
        if step < 50:
            continue
        if level == step:
            assert after == before
        else:
            assert level in before and after == before - {level} | {step}
            swapped += 1
        seen.add(level)
    # 1950 tries with a chance of one half: within four standard deviations
    assert swapped == pytest.approx(975, abs=4 * 22)
    assert len(seen) > 1850  # an image is returned once, from the pool or at once


def test_without_a_size_nothing_is_kept():
    pool = ImagePool(0)
    assert levels(pool(images(1, 2))) == [1, 2] and levels(pool(images(3))) == [3]
    assert pool.images == []


def test_no_gradient_and_no_memory_is_shared():
    pool = ImagePool(1)
    made = images(1).requires_grad_()
    returned = pool(made)
    assert not returned.requires_grad and not pool.images[0].requires_grad
    made.data.fill_(7)
    returned.fill_(8)
    assert float(pool.images[0].mean()) == 1


def test_a_restored_pool_goes_on_as_the_first_would():
    torch.manual_seed(0)
    pool = ImagePool(3)
    for step in range(10):
        pool(images(step))
    file = io.BytesIO()
    torch.save(pool.state_dict(), file)
    file.seek(0)
    other = ImagePool(3)
    other.load_state_dict(torch.load(file, weights_only=True))
    runs = []
    for each in (pool, other):
        torch.manual_seed(1)
        runs.append([levels(each(images(step))) for step in range(20, 40)])
    assert runs[0] == runs[1] and any(level != [step] for step, level in zip(range(20, 40), runs[0], strict=True))


def test_more_images_than_fit_are_not_taken():
    with pytest.raises(InputError, match="3 images for a pool of 2"):
        ImagePool(2).load_state_dict({"images": list(images(1, 2, 3))})
