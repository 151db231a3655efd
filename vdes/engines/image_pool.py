"""Images of earlier steps, for the discriminators of CycleGAN."""

from __future__ import annotations

from typing import Any

import torch

from vdes.errors import InputError


class ImagePool:
    """Mix generated images with those of earlier steps (Shrivastava et al., CVPR 2017; Zhu et al., ICCV 2017).

    A discriminator that sees only the current images of its generator forgets what it has learned, and the two
    oscillate. Until the pool is full it keeps and returns all images. Then each image, with a probability of one half,
    replaces one in the pool, which is returned instead.

    Random numbers come from torch's global CPU generator, so a seeded run is reproducible on any device.

    Args:
        size: number of images kept; 50 in the paper, 0 for none.

    """

    def __init__(self, size: int = 50) -> None:
        self.size = size
        self.images: list[torch.Tensor] = []

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return as many images as given, ``(B, C, H, W)``, without a gradient."""
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
        """Return the images, for a checkpoint."""
        return {"images": list(self.images)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore images from a checkpoint.

        Raises:
            InputError: there are more of them than the pool's size.
        """
        if len(state["images"]) > self.size:
            raise InputError(f"{len(state['images'])} images for a pool of {self.size}")
        self.images = list(state["images"])
