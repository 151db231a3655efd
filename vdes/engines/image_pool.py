"""Images of earlier steps, for the discriminators of CycleGAN."""

from __future__ import annotations

from typing import Any

import torch

from vdes.errors import InputError


class ImagePool:
    """Mix made images with those of earlier steps (Shrivastava et al., CVPR 2017; Zhu et al., ICCV 2017).

    A discriminator that sees only what its generator makes now forgets what it has learnt, and the two oscillate. Until
    the pool is full it keeps and returns what comes. Then, for every image and with a chance of one half, the image
    takes the place of one of the pool, which is returned instead.

    Chance is drawn from torch's global CPU generator, so that a seeded run repeats itself, on whatever device.

    Args:
        size: images that are kept; 50 in the paper, 0 for none.

    """

    def __init__(self, size: int = 50) -> None:
        self.size = size
        self.images: list[torch.Tensor] = []

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return as many images as came, ``(B, C, H, W)``, without a gradient."""
        returned = []
        for image in images.detach():
            if len(self.images) < self.size:
                self.images.append(image.clone())
            elif self.size and torch.rand(()) < 0.5:
                place = int(torch.randint(self.size, ()))
                image, self.images[place] = self.images[place].to(image), image.clone()
            returned.append(image)
        return torch.stack(returned)

    def state_dict(self) -> dict[str, Any]:
        """Return the images, to be saved."""
        return {"images": list(self.images)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take images that were saved.

        Raises:
            InputError: there are more of them than the pool's size.
        """
        if len(state["images"]) > self.size:
            raise InputError(f"{len(state['images'])} images for a pool of {self.size}")
        self.images = list(state["images"])
