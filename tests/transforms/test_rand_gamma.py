from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import Compose

from vdes.errors import InputError
from vdes.transforms.rand_gamma import RandGamma, RandGammad

DIM = torch.linspace(0, 0.4, 12).reshape(1, 3, 4)


def test_powers_fill_the_range_evenly_in_their_logarithm():
    transform = RandGamma((0.5, 2.0)).set_random_state(0)
    half = torch.tensor([[[0.5]]])
    powers = np.log2([-float(torch.log2(transform(half))) for _ in range(2000)])
    assert powers.min() > -1.001 and powers.max() < 1.001
    # uniform from -1 to 1: within four standard errors
    assert powers.mean() == pytest.approx(0, abs=4 / np.sqrt(3 * 2000))
    assert powers.std() == pytest.approx(1 / np.sqrt(3), rel=0.05)


def test_black_and_white_stay_and_a_dim_image_changes_as_a_whole():
    for gamma in (0.7, 1.4):
        out = RandGamma((gamma, gamma))(torch.tensor([0.0, 0.25, 1.0]))
        torch.testing.assert_close(out, torch.tensor([0.0, 0.25**gamma, 1.0]))
    # the brightest pixel too, which a transform of the image's own range would leave
    assert float(RandGamma((0.7, 0.7))(DIM).max()) == pytest.approx(0.4**0.7)


def test_what_leaves_the_range_is_clipped_and_the_image_that_came_is_left_as_it_is():
    image = torch.tensor([-0.1, 0.5, 1.2])
    out = RandGamma((2.0, 2.0))(image)
    torch.testing.assert_close(out, torch.tensor([0.0, 0.25, 1.0]))
    assert image.tolist() == pytest.approx([-0.1, 0.5, 1.2])


def test_keys_have_powers_of_their_own_and_the_same_seed_gives_the_same():
    transform = Compose([RandGammad(("low_energy", "des"), allow_missing_keys=True)])
    data = {"low_energy": DIM, "des": DIM, "case": "a"}
    one, other = (transform.set_random_state(3)(data) for _ in range(2))
    assert not torch.equal(one["low_energy"], one["des"])
    assert all(torch.equal(one[key], other[key]) for key in ("low_energy", "des"))
    assert set(transform({"des": DIM})) == {"des"}


@pytest.mark.parametrize("gamma", [(0.0, 1.0), (1.4, 0.7), (-1.0, 1.0)])
def test_powers_that_are_none_are_refused(gamma):
    with pytest.raises(InputError, match="gamma: expected two numbers above 0 in order"):
        RandGamma(gamma)
