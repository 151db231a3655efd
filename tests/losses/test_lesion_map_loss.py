from __future__ import annotations

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from vdes.errors import InputError
from vdes.losses.lesion_map_loss import LESION_FACTOR, LesionMapLoss
from vdes.losses.multi_level_loss import MultiLevelLoss

NAN = float("nan")
LEVELS = torch.tensor([[2, 0, 0], [0, 1, 1]])


def outputs(maps: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"classification": torch.tensor([[0.3, 0.0, 0.0], [-0.2, 0.0, 0.0]]), "lesion_map": maps}


@pytest.fixture
def classification() -> MultiLevelLoss:
    return MultiLevelLoss()


def test_the_target_of_a_cell_is_the_malignant_share_of_it(classification):
    maps = torch.randn(2, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    lesions = torch.zeros(2, 2, 8, 8)
    lesions[0, 1, :4, 2:6] = 1  # half of each of the two upper cells
    share = torch.zeros(2, 2, 2, 2)
    share[0, 1, 0] = 0.5
    expected = binary_cross_entropy_with_logits(maps, share, pos_weight=torch.tensor(LESION_FACTOR))
    alone = classification(outputs(maps)["classification"], LEVELS)
    for weight in (0.0, 0.5, 2.0):
        loss = LesionMapLoss(classification, weight)(outputs(maps), {"levels": LEVELS, "lesion_map": lesions})
        assert float(loss) == pytest.approx(float(alone + weight * expected), rel=1e-5)


def test_what_is_not_known_has_no_say_and_the_rest_is_averaged(classification):
    maps = torch.randn(2, 2, 2, 2, generator=torch.Generator().manual_seed(1))
    maps[0, 0] = NAN  # an absent input
    lesions = torch.zeros(2, 2, 8, 8)
    lesions[0, 1] = NAN  # a malignant image without a mask
    known = torch.stack([maps[1, 0], maps[1, 1]]).requires_grad_()
    whole = maps.clone()
    whole[1] = known
    loss = LesionMapLoss(classification)(outputs(whole), {"levels": LEVELS, "lesion_map": lesions})
    alone = classification(outputs(maps)["classification"], LEVELS)
    nothing = binary_cross_entropy_with_logits(known.detach(), torch.zeros(2, 2, 2))
    assert float(loss) == pytest.approx(float(alone + nothing), rel=1e-5)
    loss.backward()
    assert known.grad is not None and bool((known.grad > 0).all())  # towards nowhere


def test_with_nothing_known_the_classification_is_all_and_the_maps_still_have_a_gradient(classification):
    maps = torch.zeros(2, 2, 2, 2, requires_grad=True)
    lesions = torch.full((2, 2, 8, 8), NAN)
    loss = LesionMapLoss(classification)(outputs(maps), {"levels": LEVELS, "lesion_map": lesions})
    assert float(loss.detach()) == pytest.approx(float(classification(outputs(maps)["classification"], LEVELS)))
    loss.backward()
    assert maps.grad is not None and not maps.grad.any()


def test_a_weight_below_0_is_refused(classification):
    with pytest.raises(InputError, match=r"lesion_weight: -1\.0; expected 0 or more"):
        LesionMapLoss(classification, -1.0)
