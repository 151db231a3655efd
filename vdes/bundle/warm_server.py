"""A process that has imported MONAI, which takes seconds, and forks to run Python modules: see `warm_start`.

It is run as a program, with the number of a socket from which it reads requests, and ends when its client has.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import Any

# the length of what follows, sent with the file descriptors of stdout, stderr and for the exit status
HEADER = struct.Struct("!Q")
PR_SET_PDEATHSIG = 1  # of prctl(2)
GRACE = 5.0  # seconds in which an interrupted run tidies up


def main() -> None:
    """Import MONAI; then run each requested module in a fork, as ``python -m`` would, and send its exit status."""
    import monai.bundle  # noqa: F401

    gc.freeze()  # forks share what the garbage collector does not touch
    channel = socket.socket(fileno=int(sys.argv[1]))
    # an interrupt is for the runs, which handle it as they would without this; nobody waits for the forks that do
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = os.getpid()
    for request, descriptors in _requests(channel):
        if os.fork() == 0:
            _end_with(server)
            channel.close()
            if _is_run(descriptors.pop()):
                signal.signal(signal.SIGINT, interrupt)
                return _run(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _requests(channel: socket.socket) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Read requests and their file descriptors until the client closes its end."""
    while True:
        header, descriptors, _, _ = socket.recv_fds(channel, HEADER.size, 3)
        if len(header) < HEADER.size:
            return
        (length,) = HEADER.unpack(header)
        yield json.loads(channel.recv(length, socket.MSG_WAITALL)), list(descriptors)


def _is_run(status: int) -> bool:
    """Return in a fork, to be the run; here, wait for its end and send its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    waiting = os.getpid()
    run = os.fork()
    if run == 0:
        _end_with(waiting)
        os.close(status)
        return True
    signal.signal(signal.SIGTERM, lambda *_: _give_up(run))
    _, ended = os.waitpid(run, 0)
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        os.write(status, str(os.waitstatus_to_exitcode(ended)).encode())
    os._exit(0)


def _give_up(run: int) -> None:
    """Terminate a run whose client has ended, unless it ends by itself, as it does after an interrupt."""
    ends = time.monotonic() + GRACE
    while time.monotonic() < ends:
        if os.waitpid(run, os.WNOHANG)[0]:
            os._exit(0)
        time.sleep(0.05)
    os.kill(run, signal.SIGTERM)
    os._exit(0)


def _end_with(parent: int) -> None:
    """Have this process terminated when ``parent``, which forked it, ends: a killed study leaves no training behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


def _run(request: dict[str, Any], out: int, err: int) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    sys.argv[1:] = request["arguments"]
    # the module that is run may bring its own copy
    for name in [name for name in sys.modules if name.partition(".")[0] == "vdes"]:
        del sys.modules[name]
    import torch

    # read from the environment when torch was imported
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
