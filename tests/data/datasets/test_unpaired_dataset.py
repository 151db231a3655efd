from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.data.utils import set_rnd
from monai.transforms import Compose, RandShiftIntensityd

from vdes.data.datasets.unpaired_dataset import UnpairedDataset
from vdes.errors import InputError

PATIENTS = ("P1", "P1", "P2", "P3", "P3", "P3")


def images(key: str, patients: tuple[str, ...], level: float) -> Dataset:
    """Images whose pixels are the level plus the image's number."""
    items = [
        {key: torch.full((1, 4, 3), float(level + number)), "case": f"{patient}_{number}", "patient": patient}
        for number, patient in enumerate(patients)
    ]
    return Dataset(items)


def shift() -> Compose:
    return Compose([RandShiftIntensityd(["image", "label"], offsets=0.4, prob=1.0, allow_missing_keys=True)])


def unpaired(low_energy: tuple[str, ...] = PATIENTS, des: tuple[str, ...] = PATIENTS) -> UnpairedDataset:
    dataset = UnpairedDataset(images("image", low_energy, 10), images("label", des, 20), shift())
    return dataset.set_random_state(0)


def drawn(dataset: Any) -> list[tuple[str, float, str, float]]:
    """Return the case and the level of both images of each item."""
    return [
        (item["case"], float(item["image"].mean()), item["des_case"], float(item["label"].mean())) for item in dataset
    ]


def test_each_low_energy_image_meets_every_des_image_of_other_patients():
    dataset = unpaired()
    met: dict[str, dict[str, int]] = {}
    for _ in range(300):
        for case, image, des_case, label in drawn(dataset):
            assert round(image) - 10 == int(case[-1]) and round(label) - 20 == int(des_case[-1])
            met.setdefault(case, {}).setdefault(des_case, 0)
            met[case][des_case] += 1
    cases = {f"{patient}_{number}" for number, patient in enumerate(PATIENTS)}
    for case, partners in met.items():
        assert set(partners) == {other for other in cases if other[:2] != case[:2]}
        # with equal chances: within four standard deviations of 300 / number of partners
        expected = 300 / len(partners)
        assert all(abs(count - expected) < 4 * np.sqrt(expected) for count in partners.values())
    assert len(met) == len(dataset) == 6


def test_the_two_images_go_through_chance_apart():
    shifts = [(image - round(image), label - round(label)) for _, image, _, label in drawn(unpaired())]
    assert all(abs(one - other) > 1e-3 for one, other in shifts)
    assert len({round(one, 4) for one, _ in shifts}) == len(shifts)


def test_the_seed_decides_the_partners_and_the_transforms():
    one, same, other = unpaired(), unpaired(), unpaired()
    # as MONAI does it, in a worker process or in ResumableTraining
    for dataset, seed in ((one, 5), (same, 5), (other, 6)):
        set_rnd(dataset, seed)
    first = drawn(one)
    assert first == drawn(same) and first != drawn(one)
    changed = drawn(other)
    assert [item[2] for item in first] != [item[2] for item in changed]
    assert all(before[1] != after[1] for before, after in zip(first, changed, strict=True))


@pytest.mark.slow
def test_worker_processes_draw_by_the_loaders_seed():
    batches = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        loader = DataLoader(unpaired(), batch_size=1, num_workers=2)
        batches.append([(batch["des_case"][0], float(batch["image"].mean())) for batch in loader])
    assert batches[0] == batches[1] != batches[2]


def test_patients_need_not_have_both_images():
    dataset = unpaired(("P1", "P2"), ("P4", "P4"))
    assert {item[2] for _ in range(10) for item in drawn(dataset)} == {"P4_0", "P4_1"}


def test_des_images_of_one_patient_alone_are_refused():
    with pytest.raises(InputError, match="training: all DES images are of patient 'P2', who has low-energy images too"):
        unpaired(("P1", "P2"), ("P2", "P2"))
