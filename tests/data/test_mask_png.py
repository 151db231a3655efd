from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vdes.data.mask_png import write_mask_png


def test_pillow_reads_back_what_was_written(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).choice([0, 255], (33, 57)).astype(np.uint8)
    write_mask_png(tmp_path / "mask.png", mask)
    with Image.open(tmp_path / "mask.png") as image:
        image.verify()
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), mask)
