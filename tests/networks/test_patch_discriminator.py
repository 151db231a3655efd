from __future__ import annotations

import pytest
import torch

from vdes.errors import InputError
from vdes.networks.patch_discriminator import PatchDiscriminator, check_grid


def test_the_papers_configuration_has_the_papers_parameters():
    """2.77 M, rounded up."""
    assert sum(value.numel() for value in PatchDiscriminator(3).parameters()) == 2_764_737


def test_a_score_looks_at_70_by_70_pixels():
    """By the gradient; instance normalisation looks at the whole image, so it is left out."""
    torch.manual_seed(0)
    network = PatchDiscriminator(channels=2)
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.InstanceNorm2d):
            parent = network.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], torch.nn.Identity())
    for value in network.parameters():
        value.data = torch.rand_like(value)  # so that no path is cut
    image = torch.rand(1, 1, 192, 160, requires_grad=True)
    scores = network(image)
    assert scores.shape == (1, 1, 22, 18)
    scores[0, 0, 11, 9].backward()
    seen = image.grad[0, 0] != 0
    rows, columns = seen.any(dim=1).nonzero()[:, 0], seen.any(dim=0).nonzero()[:, 0]
    assert (len(rows), len(columns)) == (70, 70) and int(seen.sum()) == 70 * 70
    # around the place that the score is about, 8 px to a score
    assert abs(float(rows.float().mean()) - (11 + 1.5) * 8) <= 4
    assert abs(float(columns.float().mean()) - (9 + 1.5) * 8) <= 4


def test_each_image_is_treated_by_itself():
    torch.manual_seed(0)
    network = PatchDiscriminator(channels=4)
    images = torch.rand(3, 1, 48, 40) * torch.tensor([0.1, 0.5, 1.0])[:, None, None, None]
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), alone, atol=1e-5, rtol=0)


def test_the_smallest_image_has_one_score():
    assert PatchDiscriminator(channels=2)(torch.rand(1, 1, 24, 31)).shape == (1, 1, 1, 1)


@pytest.mark.parametrize("size", [(23, 64), (32, 20)])
def test_a_smaller_image_is_refused(size):
    message = rf"height: images of {size[0]} x {size[1]} px are too small for the discriminator; expected 24 x 24"
    with pytest.raises(InputError, match=message):
        check_grid(*size)
    with pytest.raises(InputError, match=message):
        PatchDiscriminator(channels=2)(torch.rand(1, 1, *size))
