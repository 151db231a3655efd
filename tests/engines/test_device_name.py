from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

from vdes.engines.device_name import device_name


@pytest.mark.skipif(torch.cuda.is_available(), reason="networks run on the GPU here")
def test_a_processor_is_told_by_its_name_and_its_vector_instructions() -> None:
    name, _, capability = device_name().rpartition(", ")
    assert capability == torch.backends.cpu.get_cpu_capability()
    info = Path("/proc/cpuinfo")
    known = info.read_text() if info.is_file() else platform.processor() or platform.machine()
    assert name and name in known
