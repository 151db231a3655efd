"""The precision that networks run in: the fastest on this hardware, or the requested one."""

from __future__ import annotations

import functools
import logging
import os
import platform

import torch
from ignite.distributed import get_rank

from vdes.errors import InputError

logger = logging.getLogger(__name__)

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def autocast_dtype(precision: str, device: str | torch.device) -> torch.dtype:
    """Return the type to run a network in, and log it with the reason, once per process and on rank 0 only.

    ``auto`` is the first of bfloat16, float16 and float32 that is faster than float32 on this device:

    - CUDA: bfloat16 from compute capability 8.0, float16 from 7.0;
    - CPU: bfloat16 if oneDNN uses bfloat16 instructions (AVX512_BF16, AMX, Arm's), else float32;
    - other devices: float32.

    A type that is requested by name is used even if the device only emulates it, with a warning.

    Args:
        precision: auto, float32, bfloat16 or float16.
        device: where the network runs.

    Raises:
        InputError: the precision is another value.

    """
    if precision != "auto" and precision not in DTYPES:
        raise InputError(f"precision: {precision!r}; expected auto, float32, bfloat16 or float16")
    device = torch.device(device)
    fast = _fast(device)
    machine = {"cuda": "this GPU", "cpu": "this processor"}.get(device.type)
    if precision == "auto":
        precision = fast[0]
        has = "has" if precision == "bfloat16" else "has no"
        reason = f"{machine} {has} bfloat16 instructions" if machine else f"used on every device of type {device.type}"
        _log(logging.INFO, f"precision: {precision} (auto: {reason})")
    elif precision in fast or machine is None:
        _log(logging.INFO, f"precision: {precision} (as asked for)")
    else:
        _log(logging.WARNING, f"precision: {precision} (as asked for; slow: {machine} has no {precision} instructions)")
    return DTYPES[precision]


def gradient_scaler(precision: str, device: str | torch.device) -> torch.amp.GradScaler:
    """Return the scaler of a training's gradients, which does nothing unless the precision is float16."""
    return torch.amp.GradScaler(torch.device(device).type, enabled=autocast_dtype(precision, device) == torch.float16)


def _fast(device: torch.device) -> list[str]:
    """Return the types that are no slower than float32, the best one first."""
    fast = ["float32"]
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        fast = ["float16"] * (capability >= (7, 0)) + fast
        fast = ["bfloat16"] * (capability >= (8, 0)) + fast
    elif device.type == "cpu" and _cpu_has_bfloat16():
        fast = ["bfloat16", *fast]
    return fast


def _cpu_has_bfloat16() -> bool:
    """Tell whether oneDNN computes bfloat16 with dedicated instructions.

    oneDNN itself answers yes from AVX-512 on, but it emulates bfloat16 there unless the processor has AVX512_BF16 (as
    every processor with AMX does) and oneDNN's environment variable allows these instructions.
    """
    if not torch.backends.mkldnn.is_available() or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    return torch.cpu._is_avx512_bf16_supported() and limit.upper() not in ("AVX512_CORE", "AVX512_CORE_VNNI")


@functools.cache
def _log(level: int, line: str) -> None:
    if get_rank() == 0:
        logger.log(level, line)
