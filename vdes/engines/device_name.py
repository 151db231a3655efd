"""The hardware behind a result."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def device_name() -> str:
    """Return what networks run on: the GPU, or the processor with the vector instructions that torch uses."""
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}"


def _processor() -> str:
    """Return the processor's name; Python itself knows it on few systems."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
