"""Process files that may be damaged in separate processes, so that a damaged file crashes only its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool
from tqdm import tqdm

from vdes.errors import InputError

Result = TypeVar("Result")
MEMORY = 6 << 30  # bytes of address space for a process, several times what the largest mammogram takes


def each_file(
    function: Callable[[Path], Result], files: Sequence[Path], workers: int, seconds: float, what: str
) -> Iterator[Result | InputError]:
    """Yield the result of ``function`` for each file, in order, or the `InputError` that explains why there is none.

    Args:
        function: importable; an `InputError` that it raises is yielded, any other exception is raised.
        files: its arguments.
        workers: number of processes. A process that crashes or exceeds its time or memory is replaced for the next
            file.
        seconds: time limit for one file.
        what: name of the progress bar, which is shown on a terminal only.
    """
    with ProcessPool(workers, context=get_context("spawn"), initializer=_limit_memory) as pool:
        try:
            results = pool.map(function, files, timeout=seconds).result()
            for file in tqdm(files, desc=what, unit="file", disable=None, leave=False):
                yield _next(results, file, seconds)
        except BaseException:  # an interrupt too: do not finish the files that wait
            pool.stop()
            raise


def _next(results: Iterator[Result], file: Path, seconds: float) -> Result | InputError:
    try:
        return next(results)
    except InputError as error:
        return error
    except TimeoutError:
        return InputError(f"{file}: damaged: not read within {seconds:g} s")
    except MemoryError:
        return InputError(f"{file}: damaged: it asks for more memory than there is")
    except ProcessExpired:
        return InputError(f"{file}: damaged: the decoder crashed on it")


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError):  # not on Windows, nor above a limit that is set already
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
