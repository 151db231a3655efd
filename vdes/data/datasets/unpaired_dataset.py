"""Low-energy and DES images drawn independently of each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.data import Dataset
from monai.transforms import Compose, Randomizable
from monai.utils import MAX_SEED

from vdes.errors import InputError


class UnpairedDataset(Dataset, Randomizable):
    """Give each low-energy image and, drawn at random each time, a DES image of another patient.

    As many items as low-energy images. Item ``i`` has ``image`` and ``case`` of low-energy image ``i``, and ``label``
    and ``des_case`` of the DES image. Each goes through ``transform`` by itself, so that chance moves them apart.

    Args:
        low_energy: data set of items with ``image``, ``case`` and ``patient``.
        des: data set of items with ``label``, ``case`` and ``patient``.
        transform: random transforms of ``image`` or ``label``, whichever is there.

    Raises:
        InputError: all DES images are of one patient, who has a low-energy image too.

    """

    def __init__(self, low_energy: Dataset, des: Dataset, transform: Compose) -> None:
        super().__init__(data=low_energy, transform=transform)
        self.des = des
        # those of the items, for reading each image would take its time
        self.patients = [item["patient"] for item in low_energy.data]
        self.des_patients = np.array([item["patient"] for item in des.data])
        if len(set(self.des_patients)) == 1 and self.des_patients[0] in self.patients:
            raise InputError(
                f"training: all DES images are of patient '{self.des_patients[0]}', who has low-energy images too; "
                "expected DES images of another patient for each"
            )

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> UnpairedDataset:
        """Seed the drawing and the transforms: MONAI does not look for those inside a part that can be seeded."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(int(self.R.randint(MAX_SEED, dtype=np.uint32)))
        return self

    def _transform(self, index: int) -> dict[str, Any]:
        chosen = int(self.R.choice(np.flatnonzero(self.des_patients != self.patients[index])))
        low_energy, des = self.transform(self.data[index]), self.transform(self.des[chosen])
        return {**low_energy, "label": des["label"], "des_case": des["case"]}
