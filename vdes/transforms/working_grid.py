"""The grid on which networks work."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform, SpatialPad
from monai.utils import TraceKeys, convert_to_tensor, ensure_tuple_rep
from torch.nn.functional import interpolate

from vdes.errors import InputError


class WorkingGrid(InvertibleTransform):
    """Resize an image ``(1, h, w)`` to the working grid ``(1, height, width)`` and keep its aspect ratio.

    In pixels (``pixel_size_mm`` None) the image is scaled to the largest size that fits. In millimetres it is scaled to
    ``pixel_size_mm``, and an image that does not fit is an error, never silently scaled again. The rest is padded with
    zeros below and at the right, which is air once the chest wall is at the left. With ``stretch`` rows and columns are
    scaled separately without padding, for images whose aspect ratio is lost or must not reveal anything.

    Args:
        height: rows of the grid.
        width: columns of the grid.
        pixel_size_mm: pixel size of the grid in mm, or None to fill the grid.
        mode: interpolation of `torch.nn.functional.interpolate`; ``"nearest-exact"`` for masks
            (``"nearest"`` would move them by half a pixel against the image).
        stretch: ignore the aspect ratio; not with ``pixel_size_mm``.

    Raises:
        InputError: ``pixel_size_mm`` is given and the image has no pixel size, or does not fit at that pixel size.

    """

    def __init__(
        self,
        height: int,
        width: int,
        pixel_size_mm: float | None = None,
        mode: str = "bilinear",
        stretch: bool = False,
    ) -> None:
        if stretch and pixel_size_mm is not None:
            raise InputError("stretch: a pixel size fixes the scale; expected one of the two")
        self.size = (height, width)
        self.stretch = stretch
        self.pixel_size_mm = pixel_size_mm
        self.mode = mode

    def __call__(self, image: torch.Tensor, image_pixel_size_mm: float | None = None) -> torch.Tensor:
        """Return ``image`` on the grid; ``image_pixel_size_mm`` is its own pixel size in mm."""
        shape = tuple(image.shape[1:])
        if self.pixel_size_mm is None:
            scale = min(self.size[0] / shape[0], self.size[1] / shape[1])
        elif image_pixel_size_mm is None or not image_pixel_size_mm > 0:
            raise InputError(
                f"{_name(image)}: working grid in millimetres ({self.pixel_size_mm:g} mm): the image has no pixel size"
            )
        else:
            scale = image_pixel_size_mm / self.pixel_size_mm
        target = list(self.size) if self.stretch else [max(1, round(length * scale)) for length in shape]
        if any(length > room for length, room in zip(target, self.size, strict=True)):
            raise InputError(
                f"{_name(image)}: working grid {self.size} at {self.pixel_size_mm:g} mm: the breast needs "
                f"{tuple(target)} pixels; choose a larger grid or pixel size"
            )
        result = SpatialPad(self.size, method="end")(self._resized(image, target))
        if not isinstance(image, MetaTensor):
            return convert_to_tensor(result, track_meta=False)
        result = MetaTensor(result, meta=image.meta, applied_operations=image.applied_operations)
        self.push_transform(result, orig_size=shape, extra_info={"resized": target})
        return result

    def inverse(self, image: MetaTensor) -> MetaTensor:
        """Return ``image`` at its original size."""
        transform = self.pop_transform(image)
        rows, columns = transform[TraceKeys.EXTRA_INFO]["resized"]
        result = self._resized(image[:, :rows, :columns], transform[TraceKeys.ORIG_SIZE])
        return MetaTensor(result, meta=image.meta, applied_operations=image.applied_operations)

    def _resized(self, image: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
        """Return ``image`` at ``size``.

        Before it shrinks an image, MONAI's `Resize` smooths it with zeros around it, which darkens the chest wall.
        torch's triangular filter uses only pixels of the image.
        """
        plain = convert_to_tensor(image, track_meta=False)
        antialias = not self.mode.startswith("nearest")
        return interpolate(plain[None].float(), tuple(size), mode=self.mode, antialias=antialias)[0].to(plain.dtype)


def _name(image: torch.Tensor) -> str:
    return str(image.meta.get("filename_or_obj", "image")) if isinstance(image, MetaTensor) else "image"


class WorkingGridd(MapTransform, InvertibleTransform):
    """Dictionary form of `WorkingGrid`, with one ``mode`` or one per key; ``pixel_size_key`` is the images' size."""

    def __init__(
        self,
        keys: KeysCollection,
        height: int,
        width: int,
        pixel_size_mm: float | None = None,
        mode: str | tuple[str, ...] = "bilinear",
        pixel_size_key: str = "pixel_size_mm",
        stretch: bool = False,
    ) -> None:
        super().__init__(keys)
        self.pixel_size_key = pixel_size_key
        modes = ensure_tuple_rep(mode, len(self.keys))
        self.grids = [WorkingGrid(height, width, pixel_size_mm, m, stretch) for m in modes]

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` on the working grid."""
        d = dict(data)
        for key, grid in self.key_iterator(d, self.grids):
            d[key] = grid(d[key], d.get(self.pixel_size_key))
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` at its original size."""
        d = dict(data)
        for key, grid in self.key_iterator(d, self.grids):
            d[key] = grid.inverse(d[key])
        return d
