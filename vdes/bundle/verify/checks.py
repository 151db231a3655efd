"""All checks, in the order in which they make sense."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.card import check_commands, check_pictures
from vdes.bundle.verify.commands import Program
from vdes.bundle.verify.line import Line
from vdes.bundle.verify.machine_paths import check_machine_paths
from vdes.bundle.verify.metadata import check_metadata
from vdes.bundle.verify.packages import check_packages
from vdes.bundle.verify.required_files import check_files, check_names, check_sizes
from vdes.bundle.verify.search_path import check_search_path
from vdes.bundle.verify.weights import check_weights

Check = Callable[[Bundle], Iterator[Line]]
# these execute nothing of the bundle
STATIC: tuple[Check, ...] = (
    check_files,
    check_names,
    check_sizes,
    check_metadata,
    check_packages,
    check_machine_paths,
    check_search_path,
    check_weights,
    check_pictures,
)


def verify(bundle: Bundle, program: Program, static: bool = False, run_commands: bool = False) -> list[Line]:
    """Return what the checks have to say of a bundle.

    Args:
        bundle: the bundle.
        program: ``vdes``, whose commands the card gives.
        static: run nothing of it, neither its configs nor its network.
        run_commands: run the commands of its card on phantoms too.
    """
    lines = [line for check in STATIC for line in check(bundle)]
    lines += check_commands(bundle, program)
    if static:
        return lines
    blocked = [line.where for line in lines if line.stops]
    if blocked or not bundle.metadata or not bundle.configs:
        why = ", ".join(dict.fromkeys(blocked)) or "its files"
        return [*lines, Line(".", f"nothing of it was run, because of {why}")]
    # onnxruntime and the phantoms are not needed before
    from vdes.bundle.verify.exports import check_exports
    from vdes.bundle.verify.network import check_fit, check_in_out
    from vdes.bundle.verify.run_commands import check_runs
    from vdes.bundle.verify.workflows import check_workflows

    dynamic: list[Check] = [check_in_out, check_fit, check_exports, check_workflows]
    if run_commands:
        dynamic.append(check_runs)
    with _quiet():
        return [*lines, *(line for check in dynamic for line in check(bundle))]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what MONAI logs, and progress bars, from between the findings."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
