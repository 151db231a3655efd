from dataclasses import asdict, replace

import pytest

from vdes.errors import InputError
from vdes.phantom.settings import Settings

GOOD = Settings(10, 0, 512)


def test_shape_and_pixel_follow_from_the_size():
    assert GOOD.shape == (512, 384)
    assert GOOD.pixel_mm == pytest.approx(0.46875)
    assert GOOD.record() == asdict(GOOD)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("patients", 2, "patients: 2; expected 3 or more"),
        ("seed", -1, "seed: -1; expected 0 or more"),
        ("size", 0, "size: 0; expected a multiple of 4, 64 to 4096"),
        ("size", -512, "size: -512; expected a multiple of 4"),
        ("size", 510, "size: 510; expected a multiple of 4"),
        ("size", 100000, "size: 100000; expected a multiple of 4, 64 to 4096"),
        ("dose", -1.0, "dose: -1.0; expected a number above 0"),
        ("dose", 0.0, "dose: 0.0; expected a number above 0"),
        ("dose", float("nan"), "dose: nan; expected a number above 0"),
        ("format", "bmp", "format: 'bmp'; expected one of png, nifti"),
        ("preset", "mo-mo", "preset: 'mo-mo'; expected one of rh-rh, rh-ag, w-rh"),
        ("le_contrast", "none", "le_contrast: 'none'; expected one of post, pre"),
        ("morphology_dprime", -0.1, "morphology_dprime: -0.1; expected 0 or more"),
        ("enhancement_dprime", float("inf"), "enhancement_dprime: inf; expected 0 or more"),
        ("coupling", 1.5, "coupling: 1.5; expected 0 to 1"),
        ("density", "", "density: ''; expected letters of abcd, in order"),
        ("density", "ax", "density: 'ax'; expected letters of abcd, in order"),
        ("density", "ba", "density: 'ba'; expected letters of abcd, in order"),
        ("test_fraction", 1.0, "test_fraction: 1.0; expected 0 or more and less than 1"),
        ("validation_fraction", 0.8, "test_fraction and validation_fraction: 1.05; expected 1 or less in all"),
    ],
)
def test_bad_settings_are_one_clear_error(field, value, message):
    with pytest.raises(InputError) as caught:
        replace(GOOD, **{field: value})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
