"""Which low-energy and DES images belong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from vdes.dicom.image_facts import ImageFacts
from vdes.dicom.kinds import LOW_ENERGY


@dataclass(frozen=True)
class Pair:
    """The images of one view of one breast in one study; either may be None, not both."""

    low_energy: ImageFacts | None
    des: ImageFacts | None

    @property
    def present(self) -> ImageFacts:
        """The low-energy image, or where there is none the DES image."""
        image = self.low_energy or self.des
        assert image is not None
        return image

    @property
    def complete(self) -> bool:
        """Whether both are there."""
        return self.low_energy is not None and self.des is not None


def pair_images(images: Iterable[ImageFacts]) -> list[Pair]:
    """Pair low-energy and DES images of one study, laterality and view.

    Where a view was taken several times, the two that share their frame of reference (one acquisition does) come first,
    then the two that are nearest in time; each image is in one pair.

    Returns:
        The pairs, and the images that are left over as pairs without a partner, ordered by study, laterality, view and
        time.
    """
    groups: dict[tuple[str, str | None, str | None], list[ImageFacts]] = defaultdict(list)
    for image in images:
        groups[image.study, image.laterality, image.view].append(image)
    pairs: list[Pair] = []
    for key in sorted(groups, key=str):
        low = [image for image in groups[key] if image.kind.name == LOW_ENERGY]
        des = [image for image in groups[key] if image.kind.name != LOW_ENERGY]
        candidates = sorted(
            ((a, b) for a in low for b in des), key=lambda ab: (_apart(*ab), ab[0].instance, ab[1].instance)
        )
        found: list[Pair] = []
        taken: set[str] = set()
        for a, b in candidates:
            if not taken & {a.instance, b.instance}:
                found.append(Pair(a, b))
                taken |= {a.instance, b.instance}
        found += [Pair(image, None) for image in low if image.instance not in taken]
        found += [Pair(None, image) for image in des if image.instance not in taken]
        pairs += sorted(found, key=lambda pair: (not pair.complete, str(pair.present.acquired), pair.present.instance))
    return pairs


def _apart(low_energy: ImageFacts, des: ImageFacts) -> tuple[bool, float]:
    shared = bool(low_energy.frame_of_reference) and low_energy.frame_of_reference == des.frame_of_reference
    if low_energy.acquired is None or des.acquired is None:
        return not shared, float("inf")
    return not shared, abs((low_energy.acquired - des.acquired).total_seconds())
