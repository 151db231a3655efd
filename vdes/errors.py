"""The one error that a user's mistake raises, and how a command line shows it."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

EXIT_STATUS = 2
ERROR = "error: "  # how the one line of an error begins
AGAIN = 0.1  # seconds after which an interrupt that was dropped is raised again
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # errors of a disk without room
FREE = "free space and run it again"
INTERRUPTED = 130  # what shells report for a process ended by Ctrl-C


class InputError(ValueError):
    """Bad input: the message names the file, the field and what was expected, in one line.

    Command lines print it as one line on standard error and end with exit status 2.
    """


class CaseError(InputError):
    """An error of one case, after which the others go on; the run fails at its end, by the errors of all such cases."""


def one_error(errors: Sequence[str], shown: int = 5) -> CaseError:
    """Return the errors of several cases as one, of which it names the first."""
    if len(errors) == 1:
        return CaseError(errors[0])
    more = f"; and {len(errors) - shown} more" if len(errors) > shown else ""
    return CaseError(f"{len(errors)} cases failed: {'; '.join(errors[:shown])}{more}")


_IN_A_TRACEBACK = re.compile(rf"^{re.escape(InputError.__module__)}\.{InputError.__qualname__}: (.+)$", re.MULTILINE)


def find_input_error(error: BaseException | None) -> InputError | None:
    """Return the `InputError` behind ``error``, through the exceptions that MONAI wraps around it, or None.

    A full disk is one, wherever it was noticed.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        # a worker process of a DataLoader sends its exception as the text of a traceback
        sent = _IN_A_TRACEBACK.search(str(error))
        if sent:
            return InputError(sent[1])
        if isinstance(error, InputError):
            return error
        if isinstance(error, OSError) and error.errno in FULL:
            return InputError(f"{error.filename or 'an output'}: cannot be written ({error.strerror}); {FREE}")
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def _is_no_traceback_of_bad_input(record: logging.LogRecord) -> bool:
    """Tell whether a log message is not the traceback of bad input or of Ctrl-C, from a worker or from an engine."""
    error = record.exc_info[1] if record.exc_info else None
    told_at_the_end = isinstance(error, KeyboardInterrupt) or find_input_error(error) is not None
    return not told_at_the_end and _IN_A_TRACEBACK.search(record.getMessage()) is None


class _InterruptKeeper:
    """A `sys.unraisablehook` that sends an interrupt again, and leaves all else to the hook before it."""

    def __init__(self) -> None:
        self._previous = sys.unraisablehook

    def __call__(self, unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            # later, from a thread: what is raised in here would be dropped as well
            again = threading.Timer(AGAIN, os.kill, (os.getpid(), signal.SIGINT))
            again.daemon = True
            again.start()
        else:
            self._previous(unraisable)


def keep_interrupts() -> None:
    """Make Ctrl-C end this process also where Python cannot raise it, such as in a ``__del__`` that happened to run.

    There Python would print the interrupt, drop it, and go on.
    """
    if not isinstance(sys.unraisablehook, _InterruptKeeper):
        sys.unraisablehook = _InterruptKeeper()


def report_input_errors() -> None:
    """Make an uncaught `InputError` end this process with its one line and exit status 2, without a traceback.

    Ctrl-C ends it with one line and exit status 130. For programs that vdes does not write, such as
    ``python -m monai.bundle run``: a bundle's ``run`` starts with it. Every other exception keeps its traceback and
    exit status.
    """
    keep_interrupts()
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            print(f"{ERROR}interrupted", file=sys.stderr)
            raise SystemExit(INTERRUPTED)
        found = find_input_error(error)
        if found is None:
            previous(kind, error, trace)
            return
        print(f"{ERROR}{found}", file=sys.stderr)
        raise SystemExit(EXIT_STATUS)

    sys.excepthook = hook
    # MONAI's engines log the exception that ends them, some with its traceback, by a handler of their own
    for handler in logging.root.handlers:
        handler.addFilter(_is_no_traceback_of_bad_input)
    if "monai" in sys.modules:
        from monai.apps.utils import get_logger

        # made by MONAI's own function: a logger that exists already would not get its output from it
        get_logger("monai.handlers.StatsHandler").addFilter(_is_no_traceback_of_bad_input)
