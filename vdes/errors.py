"""The one error that a user's mistake raises, and how a command line shows it."""

from __future__ import annotations

import logging
import re
import sys
from types import TracebackType

EXIT_STATUS = 2


class InputError(ValueError):
    """Bad input: the message names the file, the field and what was expected, in one line.

    Command lines print it as one line on standard error and end with exit status 2.
    """


_IN_A_TRACEBACK = re.compile(rf"^{re.escape(InputError.__module__)}\.{InputError.__qualname__}: (.+)$", re.MULTILINE)


def find_input_error(error: BaseException | None) -> InputError | None:
    """Return the `InputError` behind ``error``, through the exceptions that MONAI wraps around it, or None."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        # a worker process of a DataLoader sends its exception as the text of a traceback
        sent = _IN_A_TRACEBACK.search(str(error))
        if sent:
            return InputError(sent[1])
        if isinstance(error, InputError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def _is_no_traceback_of_bad_input(record: logging.LogRecord) -> bool:
    return _IN_A_TRACEBACK.search(record.getMessage()) is None


def report_input_errors() -> None:
    """Make an uncaught `InputError` end this process with its one line and exit status 2, without a traceback.

    For programs that vdes does not write, such as ``python -m monai.bundle run``: a bundle's ``run`` starts with it.
    Every other exception keeps its traceback and exit status.
    """
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        found = find_input_error(error)
        if found is None:
            previous(kind, error, trace)
            return
        print(f"error: {found}", file=sys.stderr)
        raise SystemExit(EXIT_STATUS)

    sys.excepthook = hook
    # MONAI's engines log the exception that ends them, which from a worker process is a traceback
    for handler in logging.root.handlers:
        handler.addFilter(_is_no_traceback_of_bad_input)
