from __future__ import annotations

import torch
from monai.data import MetaTensor

from vdes.transforms.stack_inputs import StackInputsd

LOW_ENERGY, DES = torch.full((1, 4, 3), 0.25), torch.full((1, 4, 3), 0.75)


def test_low_energy_comes_first_and_des_second():
    out = StackInputsd()({"des": DES, "low_energy": LOW_ENERGY, "case": "a"})
    assert set(out) == {"image", "case"}
    assert torch.equal(out["image"], torch.cat([LOW_ENERGY, DES]))


def test_an_absent_input_is_nan_and_not_black():
    for key, image, place in (("low_energy", LOW_ENERGY, 0), ("des", DES, 1)):
        stacked = StackInputsd()({key: image})["image"]
        assert stacked.shape == (2, 4, 3) and stacked.dtype == torch.float32
        assert torch.equal(stacked[place], image[0])
        assert bool(stacked[1 - place].isnan().all())


def test_what_comes_in_is_left_as_it_is():
    data = {"low_energy": MetaTensor(LOW_ENERGY.clone()), "case": "a"}
    StackInputsd()(data)["image"].zero_()
    assert set(data) == {"low_energy", "case"}
    assert torch.equal(data["low_energy"].as_tensor(), LOW_ENERGY)


def test_parts_of_another_suffix_are_stacked_under_another_name():
    parts = {"low_energy": LOW_ENERGY, "des_malignant": DES}
    out = StackInputsd("lesion_map", "_malignant")(parts)
    assert set(out) == {"low_energy", "lesion_map"}
    assert bool(out["lesion_map"][0].isnan().all()) and torch.equal(out["lesion_map"][1], DES[0])
