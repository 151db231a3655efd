"""Work in processes of its own: what a damaged file can do to a decoder, done on purpose."""

from __future__ import annotations

import os
import time
from pathlib import Path

from vdes.data.isolated import each_file
from vdes.errors import InputError


def work(file: Path) -> str:
    if file.name == "hangs":
        time.sleep(60)
    if file.name == "crashes":
        os.abort()
    if file.name == "swells":
        return str(len(bytearray(1 << 35)))
    if file.name == "bad":
        raise InputError(f"{file}: bad")
    return file.name


def test_every_good_file_is_worked_on_and_every_bad_one_has_a_reason() -> None:
    names = ["a", "hangs", "b", "crashes", "c", "swells", "bad", "d"]
    start = time.perf_counter()
    results = list(each_file(work, [Path(name) for name in names], workers=2, seconds=4.0, what="test"))
    assert time.perf_counter() - start < 40
    assert [str(result) for result in results] == [
        "a",
        "hangs: damaged: not read within 4 s",
        "b",
        "crashes: damaged: the decoder crashed on it",
        "c",
        "swells: damaged: it asks for more memory than there is",
        "bad: bad",
        "d",
    ]
    assert sum(isinstance(result, InputError) for result in results) == 4


def test_work_that_is_dropped_ends_at_once() -> None:
    results = each_file(work, [Path("a"), *[Path("hangs")] * 20], workers=1, seconds=30.0, what="test")
    assert next(results) == "a"
    start = time.perf_counter()
    results.close()
    assert time.perf_counter() - start < 15
