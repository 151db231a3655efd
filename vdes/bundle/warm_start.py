"""Run Python modules in processes that need not import MONAI, which takes several seconds of a processor each time."""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from vdes.bundle.warm_server import HEADER


def run_module(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, out: int, err: int
) -> int:
    """Run a module as ``python -m`` does, in a process of its own, and return its exit status.

    The first call starts a process that imports MONAI; it forks for each run and ends with this process. Elsewhere than
    on Linux, whose libraries bear a fork, each run is a new program. Several threads may call it at once.

    Args:
        module: its name, such as ``monai.bundle``.
        arguments: of the module.
        environment: all environment variables.
        folder: the working folder.
        out: file descriptor of its output.
        err: file descriptor of its errors.

    Returns:
        The exit status; the negative number of the signal that ended it, as `subprocess` has it.
    """
    if sys.platform != "linux":
        words = [sys.executable, "-m", module, *arguments]
        return subprocess.run(words, env=dict(environment), cwd=folder, stdout=out, stderr=err).returncode
    request = {"module": module, "arguments": list(arguments), "environment": dict(environment), "folder": str(folder)}
    return _server(os.getpid()).run(json.dumps(request).encode(), out, err)


class _Server:
    """The process that forks, and this end of the socket to it."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vdes.bundle.warm_server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # threads that exist when a process forks are lost to the fork, and so is CUDA once it was asked for
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"},
            )

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def run(self, request: bytes, out: int, err: int) -> int:
        ours, theirs = os.pipe()
        with os.fdopen(ours, "rb") as ended:
            try:
                with self._lock:
                    socket.send_fds(self._channel, [HEADER.pack(len(request))], [out, err, theirs])
                    self._channel.sendall(request)
            finally:
                os.close(theirs)
            # nothing is written if the process that waits for the run was killed
            return int(ended.read() or -9)


@functools.lru_cache(maxsize=1)
def _server(process: int) -> _Server:
    """Return the server of this process; the forks of a process don't share its server."""
    return _Server()
