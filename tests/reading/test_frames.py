from __future__ import annotations

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.reading.frames import WHITE, encode, levels_of, read_frame


@pytest.mark.parametrize(("levels", "wanted"), [(255, 255), (4095, 4095), (1023, 1023), (65535, 65535)])
def test_the_steps_of_a_source_are_found(levels, wanted):
    values = np.random.default_rng(0).integers(0, levels + 1, 300_000) / levels
    assert levels_of(values.astype(np.float32)) == pytest.approx(wanted, rel=0.01)


def test_a_source_that_uses_few_of_its_values_still_has_its_steps():
    values = np.random.default_rng(0).integers(40, 90, 10_000) / 255
    assert levels_of(values.astype(np.float32)) == 255
    assert levels_of(np.zeros(100)) == 255


def test_a_curve_makes_the_steps_coarser():
    values = (np.random.default_rng(0).integers(0, 4096, 300_000) / 4095) ** 0.7
    assert 255 <= levels_of(values) < 4095


def test_the_encoding_keeps_the_picture_and_hides_the_steps():
    rng = np.random.default_rng(0)
    image = np.rint(rng.random((200, 150)) * 255) / 255
    image[:, :30] = 0
    coded = np.frombuffer(encode(image, 255, rng), "<u2").reshape(image.shape)
    assert (coded[:, :30] == 0).all()
    assert np.abs(coded / WHITE - image).max() <= 0.5 / 255 + 1 / WHITE
    inside = coded[(coded > 400) & (coded < 65000)]
    # within a step all values are as frequent: chi-squared of 257 places
    counts = np.bincount((inside + 128) % 257, minlength=257)
    chi = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
    assert abs(chi - 256) < 5 * np.sqrt(2 * 256)


def test_a_frame_of_another_size_is_refused(tmp_path):
    file = tmp_path / "image"
    file.write_bytes(bytes(10))
    assert read_frame(file, 1, 5).shape == (1, 5)
    with pytest.raises(InputError, match="10 bytes; expected 12"):
        read_frame(file, 2, 3)
    with pytest.raises(InputError, match="cannot be read"):
        read_frame(tmp_path / "none", 2, 3)
