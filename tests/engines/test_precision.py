from __future__ import annotations

import logging
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vdes.engines import precision
from vdes.engines.precision import autocast_dtype, gradient_scaler
from vdes.errors import InputError

ISA = ("DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA")


@pytest.fixture(autouse=True)
def nothing_said_yet(caplog):
    precision._log.cache_clear()
    caplog.set_level(logging.INFO)


def lines(names: list[str], **environment: str) -> list[str]:
    """Return what a new process logs about the precisions of these names on its CPU."""
    program = f"""
import logging, sys
logging.basicConfig(format="%(levelname)s %(message)s", stream=sys.stdout, level="INFO")
from vdes.engines.precision import autocast_dtype
print(*(autocast_dtype(name, "cpu") for name in {names}))
"""
    own = {name: value for name, value in os.environ.items() if name not in ISA}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**own, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.skipif(platform.machine() != "x86_64" or not Path("/proc/cpuinfo").is_file(), reason="asks Linux on x86")
@pytest.mark.skipif(any(name in os.environ for name in ISA), reason="the instructions are limited")
def test_auto_is_what_the_processors_flags_say(caplog):
    flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")).split()
    native = "avx512_bf16" in flags
    assert autocast_dtype("auto", "cpu") == (torch.bfloat16 if native else torch.float32)
    expected = (
        "bfloat16 (auto: this processor has bfloat16 instructions)"
        if native
        else "float32 (auto: this processor has no bfloat16 instructions)"
    )
    assert caplog.messages == [f"precision: {expected}"]


@pytest.mark.parametrize(
    "limit", [{"DNNL_MAX_CPU_ISA": "AVX2"}, {"DNNL_MAX_CPU_ISA": "avx512_core"}, {"ONEDNN_MAX_CPU_ISA": "AVX2"}]
)
def test_auto_is_float32_where_bfloat16_would_be_emulated(limit):
    """From AVX-512 on, oneDNN says that it has bfloat16, also where it emulates it."""
    assert lines(["auto", "bfloat16"], **limit) == [
        "INFO precision: float32 (auto: this processor has no bfloat16 instructions)",
        "WARNING precision: bfloat16 (as asked for; slow: this processor has no bfloat16 instructions)",
        "torch.float32 torch.bfloat16",
    ]


@pytest.mark.parametrize(
    ("capability", "expected", "slow"),
    [
        ((6, 1), "float32", {"bfloat16", "float16"}),
        ((7, 0), "float16", {"bfloat16"}),
        ((7, 5), "float16", {"bfloat16"}),
        ((8, 0), "bfloat16", set()),
        ((9, 0), "bfloat16", set()),
    ],
)
def test_auto_of_a_gpu_goes_by_its_compute_capability(monkeypatch, caplog, capability, expected, slow):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert autocast_dtype("auto", "cuda:0") == precision.DTYPES[expected]
    assert caplog.messages[0].startswith(f"precision: {expected} (auto: this GPU has ")
    for name in precision.DTYPES:
        caplog.clear()
        assert autocast_dtype(name, "cuda:0") == precision.DTYPES[name]
        assert [record.levelname for record in caplog.records] == ["WARNING" if name in slow else "INFO"]


def test_auto_of_other_devices_is_float32(caplog):
    assert autocast_dtype("auto", "mps") == torch.float32
    assert caplog.messages == ["precision: float32 (auto: used on every device of type mps)"]


def test_it_is_said_once(caplog):
    for _ in range(3):
        assert autocast_dtype("float32", torch.device("cpu")) == torch.float32
    assert caplog.messages == ["precision: float32 (as asked for)"]


def test_the_first_process_alone_says_it(monkeypatch, caplog):
    monkeypatch.setattr(precision, "get_rank", lambda: 1)
    autocast_dtype("auto", "cpu")
    assert caplog.messages == []


@pytest.mark.parametrize("name", ["float8", "", "true", "False", "torch.float16"])
def test_another_precision_is_refused(name):
    with pytest.raises(InputError) as error:
        autocast_dtype(name, "cpu")
    assert str(error.value) == f"precision: {name!r}; expected auto, float32, bfloat16 or float16"


def test_float16_alone_scales_gradients():
    assert {name for name in precision.DTYPES if gradient_scaler(name, "cpu").is_enabled()} == {"float16"}
