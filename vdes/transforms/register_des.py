"""Register a DES image onto its low-energy image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import itk
import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from scipy import ndimage

from vdes.transforms.breast_mask import chest_wall_is_left

_Image = itk.Image[itk.F, 2]
# (shrink factor, first step in pixels, iterations), from coarse to fine
_LEVELS = ((8, 4.0, 60), (4, 1.0, 40), (2, 0.5, 15))


class RegisterDes(Transform):
    """Find the similarity (scale, rotation, translation) that brings a DES image onto its low-energy image.

    The two exposures are seconds apart under the same compression, so published images differ in little but their
    cropping. The method is Mattes mutual information (Mattes et al., IEEE TMI 22:120, 2003) over both whole images,
    including the breast edge, at 1/8, 1/4 and 1/2 of the resolution, with ITK's regular-step gradient descent, starting
    from aligned chest walls. The trap: registration of the breast outlines alone slides along the skin, which looks
    right at the edge and moves lesions.

    The result is the start or the end, whichever has the smaller breast-edge offset, so a failed search never makes a
    pair worse.
    """

    def __init__(self) -> None:
        _ = itk.ImageRegistrationMethodv4  # ITK loads its modules on first use: here, and not in every worker process

    def __call__(
        self, des: np.ndarray, low_energy: np.ndarray, des_mask: np.ndarray, breast_mask: np.ndarray
    ) -> tuple[itk.Transform, dict[str, float]]:
        """Return the transform and the median breast-edge offset before and after it.

        Args:
            des: ``(h, w)`` float.
            low_energy: ``(H, W)`` float.
            des_mask: ``(h, w)`` bool, the breast in ``des``.
            breast_mask: ``(H, W)`` bool, the breast in ``low_energy``.

        Returns:
            An ITK transform from points (x, y) of the low-energy image to points of the DES image, in pixels, and
            ``{"edge_offset_before_px", "edge_offset_px"}``.

        """
        start = _start(des.shape, breast_mask)
        before = edge_offset(
            breast_mask, warp(des_mask, start, breast_mask.shape), _support(des.shape, start, breast_mask.shape)
        )
        found = _start(des.shape, breast_mask)
        try:
            for shrink, step, iterations in _LEVELS:
                _optimise(found, _shrunk(low_energy, shrink), _shrunk(des, shrink), step, iterations)
        except RuntimeError:  # ITK finds no overlap or nothing to compare, as in a uniform image
            found = start
        after = edge_offset(
            breast_mask, warp(des_mask, found, breast_mask.shape), _support(des.shape, found, breast_mask.shape)
        )
        best, offset = (found, after) if after <= before else (start, before)
        return best, {"edge_offset_before_px": before, "edge_offset_px": offset}


class RegisterDesd(MapTransform):
    """Dictionary form of `RegisterDes`: ``keys``, the DES image and the masks drawn on it, move onto ``reference``.

    Adds ``edge_offset_before_px`` and ``edge_offset_px`` (floats). ``mask_key`` is limited to the moved DES image,
    because there is nothing to compare outside it.
    """

    def __init__(
        self,
        keys: KeysCollection = ("des", "des_lesion_mask"),
        reference: str = "low_energy",
        mask_key: str = "breast_mask",
        des_mask_key: str = "des_breast_mask",
    ) -> None:
        super().__init__(keys)
        self.reference = reference
        self.mask_key = mask_key
        self.des_mask_key = des_mask_key
        self.register = RegisterDes()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with ``keys`` on the grid of the reference image."""
        d = dict(data)
        mask = d[self.mask_key][0].numpy() > 0
        des_mask = d.pop(self.des_mask_key)[0].numpy() > 0
        des, reference = d[self.keys[0]], d[self.reference]
        transform, offsets = self.register(des[0].numpy(), reference[0].numpy(), des_mask, mask)
        for number, key in enumerate(self.key_iterator(d)):
            moved = warp(d[key][0].numpy(), transform, mask.shape)
            if number > 0:  # masks
                moved = moved > 0.5
            d[key] = MetaTensor(torch.from_numpy(moved.astype(np.float32))[None], affine=reference.affine)
        support = _support(tuple(des.shape[1:]), transform, mask.shape)
        d[self.mask_key] = MetaTensor(
            torch.from_numpy((mask & support).astype(np.float32))[None], affine=reference.affine
        )
        for name, value in offsets.items():
            d[name] = value
        return d


def edge_offset(mask: np.ndarray, other: np.ndarray, support: np.ndarray | None = None, border: int = 4) -> float:
    """Return the median distance, in pixels, from the skin line of one breast mask ``(H, W)`` to that of another.

    Cut edges are not skin: points within ``border`` pixels of the image border, or of the border of ``support`` (where
    the other image exists), are left out. Infinite if either has no skin line.
    """
    inside = np.zeros(mask.shape, bool)
    inside[border:-border, border:-border] = True
    lines = [part & ~ndimage.binary_erosion(part, border_value=1) & inside for part in (mask > 0, other > 0.5)]
    if support is not None:
        lines[0] &= ndimage.binary_erosion(support, iterations=border, border_value=1)
    if not (lines[0].any() and lines[1].any()):
        return float("inf")
    return float(np.median(ndimage.distance_transform_edt(~lines[1])[lines[0]]))


def warp(moving: np.ndarray, transform: itk.Transform, shape: tuple[int, ...]) -> np.ndarray:
    """Return ``moving`` ``(h, w)`` resampled linearly through ``transform`` to ``shape``; 0 outside."""
    image = _itk(moving.astype(np.float32), 1)
    resampled = itk.resample_image_filter(image, transform=transform, size=shape[::-1], default_pixel_value=0.0)
    return np.asarray(itk.array_from_image(resampled))


def _support(moving_shape: tuple[int, ...], transform: itk.Transform, shape: tuple[int, ...]) -> np.ndarray:
    return warp(np.ones(moving_shape, np.float32), transform, shape) > 0.5


def _start(moving_shape: tuple[int, ...], mask: np.ndarray) -> itk.Similarity2DTransform:
    """Return the similarity that aligns the chest walls and the middle heights."""
    transform = itk.Similarity2DTransform[itk.D].New()
    transform.SetCenter([mask.shape[1] / 2, mask.shape[0] / 2])
    along = 0.0 if chest_wall_is_left(mask) else float(moving_shape[1] - mask.shape[1])
    transform.SetTranslation([along, (moving_shape[0] - mask.shape[0]) / 2])
    return transform


def _itk(pixels: np.ndarray, spacing: int) -> itk.Image:
    image = itk.image_from_array(np.ascontiguousarray(pixels, dtype=np.float32))
    image.SetSpacing([float(spacing)] * 2)
    return image


def _shrunk(pixels: np.ndarray, factor: int) -> itk.Image:
    return _itk(ndimage.gaussian_filter(pixels, 0.7 * factor, truncate=2.0)[::factor, ::factor], factor)


def _optimise(transform: itk.Transform, fixed: itk.Image, moving: itk.Image, step: float, iterations: int) -> None:
    """Move ``transform`` in place to a maximum of Mattes mutual information."""
    metric = itk.MattesMutualInformationImageToImageMetricv4[_Image, _Image].New(
        NumberOfHistogramBins=32, UseMovingImageGradientFilter=False, UseFixedImageGradientFilter=False
    )
    metric.SetMaximumNumberOfWorkUnits(1)  # with several threads the sum would depend on their number
    scales = itk.RegistrationParameterScalesFromPhysicalShift[type(metric)].New(Metric=metric)
    optimizer = itk.RegularStepGradientDescentOptimizerv4[itk.D].New(
        LearningRate=step,
        MinimumStepLength=0.01,
        RelaxationFactor=0.6,
        NumberOfIterations=iterations,
        ScalesEstimator=scales,
    )
    registration = itk.ImageRegistrationMethodv4[_Image, _Image].New(
        FixedImage=fixed, MovingImage=moving, Metric=metric, Optimizer=optimizer, InitialTransform=transform
    )
    registration.InPlaceOn()
    registration.SetNumberOfLevels(1)
    registration.SetShrinkFactorsPerLevel([1])
    registration.SetSmoothingSigmasPerLevel([0])
    registration.Update()
