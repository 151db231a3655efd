from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from bench.peers import Sizes, page
from bench.stock import infer
from PIL import Image
from scipy.ndimage import gaussian_filter

pytestmark = pytest.mark.slow

TINY = Sizes(rounds=2, height=64, counts=(1, 3), gan=(32, 4, 1), resamples=(1, 10))


def test_stock_inference_writes_what_the_network_makes_in_the_size_of_the_file(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values = gaussian_filter(random.random((96, 72)), 4.0)
    pixels = np.round(4095 * (values - values.min()) / np.ptp(values)).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    infer(torch.nn.Identity(), [tmp_path / "a.png"], tmp_path / "made", 64, 4095)
    [file] = (tmp_path / "made").iterdir()
    made = np.asarray(Image.open(file)).astype(float) / 65535
    assert made.shape == pixels.shape
    assert np.abs(made - pixels / 4095)[2:-2, 2:-2].max() < 0.02


def test_the_page_has_a_table_of_each_comparison() -> None:
    text = page(TINY, "the command")
    tables = [part.strip().splitlines() for part in text.split("## ")[1:]]
    assert [len(lines) - 4 for lines in tables] == [4, 3, 2]
    for lines in tables:
        first, *others = lines[4:]
        assert first.count("1.00 (1.00 to 1.00)") == 2
        for line in others:
            assert re.fullmatch(r"\| .* \|( [-\d.e+]+ \| [-\d.]+ \([-\d.]+ to [-\d.]+\) \|){2}", line), line
    assert "Written by `the command`." in text and " cores, " in text
