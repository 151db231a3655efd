"""The program: its commands, imported on use, and how errors become messages and exit statuses."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module

from cyclopts import App, CycloptsError, Parameter

from vdes import __version__
from vdes.cli.parameters import shown_default
from vdes.errors import EXIT_STATUS, INTERRUPTED, InputError, find_input_error, keep_interrupts

HELP = {"--help", "-h"}
# For all parameters. If an option is given twice, the last one counts, so that a script's options can be overridden;
# options that take several values collect them.
DEFAULT = Parameter(negative=(), consume_multiple=1, allow_repeating=True, show_default=shown_default)
# in the order of `vdes --help`; each is the `app` of the module with its name in this package
COMMANDS = {
    "datalist": "List the images of a data set, with labels, lesion masks and splits.",
    "audit": "Find patients that splits share.",
    "phantom": "Simulate patients with known truth.",
    "infer": "Run the inference of a bundle: virtual DES images, or predictions.",
    "synthesize": "Make the virtual DES images of a study in an archive.",
    "study": "Ask whether virtual DES images can replace the real ones.",
    "reading": "Let radiologists compare real and virtual DES, and analyse what they read.",
    "train": "Train the weights that bundles ship.",
    "experiment": "Measure the results that a bundle's card reports, and fill in the card.",
    "bundle": "List, verify and pack bundles.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments without the program's name; None for those of the process.

    Returns:
        Exit status: 0 for success; 1 for shared patients in an audit, or findings in a bundle; 2 for bad input; 130
        if interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    keep_interrupts()
    # warnings look as they would without this; of less severe messages, only those on precision and engine are shown
    logging.basicConfig(format="%(message)s")
    for told in ("precision", "inference_engine"):
        logging.getLogger(f"vdes.engines.{told}").setLevel(logging.INFO)
    try:
        command, bound, _ = application(words[:1]).parse_args(words, exit_on_error=False, print_error=False)
        status = command(*bound.args, **bound.kwargs)
    except (CycloptsError, InputError) as error:
        print(f"error: {message(error)}", file=sys.stderr)
        return EXIT_STATUS
    except OSError as error:
        line = find_input_error(error) or f"{error.filename or 'file system'}: {error.strerror or error}"
        print(f"error: {line}", file=sys.stderr)
        return EXIT_STATUS
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED
    if command.__name__ == App.help_print.__name__ and not HELP & set(words):
        return EXIT_STATUS  # no command was named
    return status or 0


def application(commands: Sequence[str] = tuple(COMMANDS)) -> App:
    """Return the program with all commands; only the modules of ``commands`` are imported."""
    app = App(
        name="vdes",
        help="Virtual dual-energy subtracted (DES) images from low-energy mammograms.",
        help_epilogue="``vdes COMMAND --help`` explains a command and gives examples.",
        help_format="markdown",
        version=f"vdes {__version__}",
        default_parameter=DEFAULT,
    )
    for place, (name, summary) in enumerate(COMMANDS.items()):
        if name in commands:
            used = import_module(f"vdes.cli.{name}").app
            used.sort_key = place
            app.command(used)
        else:
            app.command(f"vdes.cli.{name}:app", name=name, help=summary, sort_key=place)
    return app


def complaint(words: Sequence[str]) -> str | None:
    """Return what is wrong with a command line, or None. Nothing is run.

    Args:
        words: arguments without the program's name.
    """
    try:
        application(words[:1]).parse_args(words, exit_on_error=False, print_error=False)
    except (CycloptsError, InputError) as error:
        return message(error)
    return None


def options() -> set[str]:
    """Return the options of all commands, such as ``--patients``."""
    return {name for command in commands(application()) for name in _names(command) if name.startswith("--")}


def commands(app: App) -> Iterator[App]:
    """Yield a program, its commands and their sub-commands."""
    yield app
    for name in app:
        if not name.startswith("-"):
            yield from commands(app[name])


def _names(command: App) -> Iterator[str]:
    if command.default_command is not None:
        for argument in command.assemble_argument_collection(default_parameter=DEFAULT):
            yield from argument.names


def message(error: CycloptsError | InputError) -> str:
    """Return an error in one line; for an error in the command line, it also says where the options are explained."""
    found = find_input_error(error)
    if found is not None:
        return str(found)
    command = " ".join(["vdes", *(getattr(error, "command_chain", None) or ())])
    return f"{' '.join(str(error).split())} See {command} --help"
