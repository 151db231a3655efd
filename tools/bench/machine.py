"""The machine that a benchmark ran on."""

from __future__ import annotations

import os

import torch

from vdes.engines.device_name import device_name


def machine() -> str:
    """Return its processor or GPU, cores, torch's threads, a limit of oneDNN's instructions, and its load."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    limited = f", oneDNN limited to {limit}" if limit else ""
    return (
        f"{device_name()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads{limited}, "
        f"load {os.getloadavg()[0]:.1f}"
    )
