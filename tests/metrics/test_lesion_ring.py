from __future__ import annotations

import numpy as np
import pytest
import torch

from vdes.errors import InputError
from vdes.metrics.lesion_ring import lesion_and_ring
from vdes.transforms.lesion_places import RING_WIDTH

SIZE = (100, 80)


def numbered() -> torch.Tensor:
    """An image whose value says which pixel it is."""
    return torch.arange(SIZE[0] * SIZE[1], dtype=torch.float64).view(1, 1, *SIZE)


def mask(*places) -> torch.Tensor:
    drawn = torch.zeros(1, 1, *SIZE)
    for place in places:
        drawn[0, 0][place] = 1
    return drawn


def test_the_ring_is_a_disc_without_the_lesion():
    [(lesion, ring)] = lesion_and_ring(numbered(), mask(np.s_[50, 40]), ring_width=0.05)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(rows - 50, columns - 40)
    assert lesion.tolist() == [50 * 80 + 40]
    assert sorted(ring) == sorted(numbered()[0, 0].numpy()[(distance > 0) & (distance <= 5)])


def test_the_stated_width_is_a_fraction_of_the_height():
    [(_, ring)] = lesion_and_ring(numbered(), mask(np.s_[50, 40]))
    assert len(ring) == 28  # a disc of radius 3 has 29 pixels
    assert RING_WIDTH == 0.03


def test_no_ring_holds_a_lesion_or_air():
    lesions = mask(np.s_[50:54, 40:44], np.s_[56:60, 40:44], np.s_[10:14, 76:80])
    breast = mask(np.s_[:, :78])
    [(lesion, ring)] = lesion_and_ring(numbered(), lesions, breast, ring_width=0.05)
    inside = (lesions[0, 0] > 0) & (breast[0, 0] > 0)
    assert sorted(lesion) == sorted(numbered()[0, 0][inside].tolist())
    assert not set(ring) & set(numbered()[0, 0][lesions[0, 0] > 0].tolist())
    assert max(np.asarray(ring) % 80) == 77


def test_every_image_of_a_batch_has_its_own_and_none_has_empty_ones():
    image = numbered().repeat(2, 1, 1, 1)
    lesions = torch.cat([mask(), mask(np.s_[0, 0])])
    (no_lesion, no_ring), (corner, ring) = lesion_and_ring(image, lesions, ring_width=0.01)
    assert len(no_lesion) == len(no_ring) == 0
    assert corner.tolist() == [0]
    assert sorted(ring) == [1, 80]


def test_bad_input_is_named():
    with pytest.raises(InputError, match="ring_width: expected a positive fraction"):
        lesion_and_ring(numbered(), mask(), ring_width=0)
    with pytest.raises(InputError, match="lesion_mask: expected the shape"):
        lesion_and_ring(numbered(), torch.zeros(1, 1, 8, 8))
    with pytest.raises(InputError, match="breast_mask: expected 0 and 1"):
        lesion_and_ring(numbered(), mask(), mask() + 0.5)
    with pytest.raises(InputError, match="image: expected floats"):
        lesion_and_ring(numbered().int(), mask())
