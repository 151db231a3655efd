"""Python modules that run in forks of this process, which has imported MONAI: a run need not, for seconds each time."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import monai.bundle  # noqa: F401


class Forked:
    """A running module, with what `subprocess.Popen` has of it.

    Attributes:
        pid: its process, the first of a group of its own.
    """

    def __init__(self, module: str, arguments: Sequence[str], log: Path) -> None:
        """Run a module as ``python -m`` does.

        Args:
            module: its name, such as ``monai.bundle``.
            arguments: of the module.
            log: file to which its output is appended.
        """
        process = multiprocessing.get_context("fork").Process(target=_run, args=(module, list(arguments), log))
        process.start()
        self._process = process
        self.pid = int(process.pid or 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it did so itself, or has ended
            os.setpgid(self.pid, self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status when it has ended; the negative number of a signal that ended it.

        Raises:
            subprocess.TimeoutExpired: it runs for longer than so many seconds.
        """
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return status


def _run(module: str, arguments: Sequence[str], log: Path) -> None:
    os.setpgid(0, 0)
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except Exception:
        sys.excepthook(*sys.exc_info())  # which vdes replaces, and multiprocessing does not call
        raise SystemExit(1) from None
