"""The knobs of bundles, from configs and command lines."""

from __future__ import annotations

import ast
import contextlib
import difflib
import inspect
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import fire  # type: ignore[import-untyped]
import yaml
from monai.bundle import ConfigComponent, ConfigParser, ConfigWorkflow, create_workflow, run, update_kwargs
from monai.bundle.reference_resolver import ReferenceResolver
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS, ID_SEP_KEY
from monai.utils import ensure_tuple

from vdes.errors import InputError

Value = TypeVar("Value")
EXPRESSIONS = ("$", "@", "%")  # how expressions and references of MONAI's begin
ID_SEP_KEY_ALIAS = "#"  # which MONAI replaces by ID_SEP_KEY in every text
# how the names of knobs end that are 1 or more, of those above 0 and below 1, and of those that hold a file or a folder
COUNTS = ("height", "batch_size", "epochs", "channels", "val_interval", "blocks", "n_resamples", "classes")
SHARES = ("momentum",)
PLACES = ("_dir", "_path", "_root", "_cache", "_weights", "_bundle", "bundles")


def switch(name: str, value: bool | str) -> bool:
    """Return the state of a knob, from a config (a boolean) or a command line, where ``--overwrite true`` is a text.

    Raises:
        InputError: the value is neither a boolean nor the text true or false, in any case.
    """
    if isinstance(value, bool):
        return value
    if str(value).lower() not in ("true", "false"):
        raise InputError(f"{name}: {value!r}; expected true or false")
    return str(value).lower() == "true"


def choice(name: str, value: str, choices: Mapping[str, Value]) -> Value:
    """Return the value for a knob's text.

    Raises:
        InputError: the text is not one of the choices.
    """
    if value not in choices:
        raise InputError(f"{name}: {value!r}; expected {' or '.join(choices)}")
    return choices[value]


def takes(config: ConfigParser, name: str) -> bool:
    """Tell whether a config has an item, such as ``epochs`` or ``optimizer#lr``, or the component that takes it."""
    if name in config:
        return True
    component, separator, _ = ReferenceResolver.normalize_id(name).rpartition(ID_SEP_KEY)
    return bool(separator) and component in config and ConfigComponent.is_instantiable(config[component])


def refuse_unknown() -> None:
    """Refuse options of ``python -m monai.bundle run`` that nothing uses.

    MONAI accepts any option, so ``--epoch 5`` would train for the number of epochs in the configs. A bundle's ``run``
    calls this after `report_input_errors`. It reads the command line, so it does not check runs from Python.

    Where the configs have a number, other values are refused. MONAI also reads values as Python does: ``cohort#2`` is
    ``cohort`` for it, ``20241125`` a number and ``a,b`` two texts. Where the configs have a text or a place, such a
    value is refused too, with the way to write it.

    Raises:
        InputError: an option is not one of MONAI's, the configs have no item for it, and no other option refers to it
            (``--peak 0.01 --learning_rate @peak``, ``--run_id mine --mine "[...]"``); a number is none or one
            that the knob cannot have; a text was read as another value; or a place is empty.
    """
    words = _words_of_run()
    if words is None:
        return
    options: dict[str, Any] = {}
    fire.Fire(lambda *_, **given: options.update(given), command=words)  # as MONAI itself reads them
    options = update_kwargs(options.get("args_file"), **options)
    files = ensure_tuple(options["config_file"])
    config = ConfigParser(ConfigParser.load_config_files(files))
    known = {name for one in (run, create_workflow, ConfigWorkflow) for name in inspect.signature(one).parameters}
    if tracking := options.get("tracking"):
        settings = DEFAULT_EXP_MGMT_SETTINGS.get(str(tracking)) or ConfigParser.load_config_files(tracking)
        known |= settings["configs"].keys()
    known |= {str(options.get(step)) for step in ("init_id", "run_id", "final_id")}
    known |= set(re.findall(r"[@%](\w+)", " ".join(map(str, options.values()))))
    for name in options:
        if name not in known:
            _check_known(f"--{name}", name, config, files, "--")
    for name, value in options.items():
        if name in config:
            check_number(f"--{name}", name, config[name], value)
    for name, typed in _typed(words):
        if name in options and name in config and _is_text(name, config[name]):
            _check_text(name, typed, options[name])


def _words_of_run() -> list[str] | None:
    """Return the words after ``run`` on MONAI's command line; None if this process is another program.

    MONAI is run as a module, as its file ``monai/bundle/__main__.py``, or by ``python -m fire monai.bundle``.
    """
    program, *words = sys.argv
    if program.endswith(str(Path("fire", "__main__.py"))) and words[:1] in (["monai.bundle"], ["monai.bundle.scripts"]):
        return words[2:]
    return words[1:] if program.endswith(str(Path("monai", "bundle", "__main__.py"))) else None


def given_knobs(texts: Sequence[str], config: ConfigParser, file: str) -> dict[str, Any]:
    """Return knobs from texts such as ``height=256``, for the configs of a bundle.

    A text or a place, by its name or its default, is taken as it is typed; other values are read as YAML.

    Args:
        texts: each a name and a value.
        config: the content of the config.
        file: its file, for messages.

    Raises:
        InputError: a text has another form, the config has no such knob, or the value is none for it.
    """
    knobs: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InputError(f"--knob: {text!r}; expected a name and a value, such as height=256")
        _check_known(f"--knob {text}", name, config, [file])
        default = config.get(name)
        if _is_text(name, default):
            if name.endswith(PLACES) and not value.strip():
                raise InputError(f"--knob {text}: is empty; expected a file or a folder")
            knobs[name] = value
            continue
        try:
            knobs[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"--knob {text}: cannot be read as YAML; expected a value such as {default}") from error
        if isinstance(default, bool):
            knobs[name] = switch(name, knobs[name])
        elif isinstance(default, int | float) and isinstance(knobs[name], str):
            with contextlib.suppress(ValueError):
                knobs[name] = float(value)  # YAML reads 1e-3 as a text
        check_number(f"--knob {name}", name, default, knobs[name])
    return knobs


def _check_known(option: str, name: str, config: ConfigParser, files: Sequence[Any], dashes: str = "") -> None:
    """Refuse the name of a knob that configs do not have."""
    if not takes(config, name):
        near = difflib.get_close_matches(name, config.get(), n=1)
        expected = f"did you mean {dashes}{near[0]}?" if near else f"the knobs stand at the top of {files[0]}"
        raise InputError(f"{option}: no knob of {', '.join(map(str, files))}; {expected}")


def check_number(option: str, name: str, default: Any, value: Any) -> None:
    """Refuse another kind of value where the configs have a number, and one that such a knob cannot have.

    Args:
        option: what the user gave, for the message.
        name: the knob's name, whose end tells what it can be.
        default: the configs' value; unless it is a number, anything passes.
        value: the value to check; expressions of MONAI's pass.

    Raises:
        InputError: the value is none for this knob.
    """
    if (
        isinstance(default, bool)
        or not isinstance(default, int | float)
        or (isinstance(value, str) and value.startswith(EXPRESSIONS))
    ):
        return
    least = 1 if name.endswith(COUNTS) or name == "size" else 0
    whole = isinstance(default, int)
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or (whole and value != int(value)) or (default >= 0 and value < least):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{option}: {value!r}; expected {kind}, {least} or more")
    if name.endswith(SHARES) and not 0 < value < 1:
        raise InputError(f"{option}: {value!r}; expected a number above 0 and below 1")


def _typed(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return the options of a command line, with their values as they were typed."""
    for word, following in zip(words, (*words[1:], "--"), strict=True):
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and (equals or not following.startswith("--")):
            yield name, value if equals else following


def _is_text(name: str, default: Any) -> bool:
    """Tell whether a knob holds a text: by its default, or for an expression by its name, which is that of a place."""
    if name.endswith(PLACES):
        return True
    return isinstance(default, str) and not default.startswith(EXPRESSIONS)


def _check_text(name: str, typed: str, read: Any) -> None:
    """Refuse a text that was read as something else."""
    if name.endswith(PLACES) and not typed.strip():
        raise InputError(f"--{name}: is empty; expected a file or a folder")
    if typed in ("None", "True", "False") or typed.startswith(EXPRESSIONS):
        return
    text = typed
    with contextlib.suppress(ValueError, SyntaxError):
        text = ast.literal_eval(typed) if typed[:1] in ("'", '"') else typed
    if text != read or ID_SEP_KEY_ALIAS in text:
        raise InputError(f'--{name}: {text} would be read as another value; write it as --{name} "{as_typed(text)}"')


def as_typed(text: str) -> str:
    """Return how a text is typed on the command line of MONAI, which reads values as Python does.

    It is quoted, or else ``cohort#2`` would be ``cohort``, and ``20241125`` a number. In a quoted text MONAI replaces
    the ``#`` too, so a text with one, or one that could be a reference, is written as an expression.
    """
    if ID_SEP_KEY_ALIAS not in text and not text.startswith(EXPRESSIONS):
        return repr(text)
    return as_expression(text)


def as_expression(text: str) -> str:
    """Return the expression of MONAI's that stands for a text, whatever signs it has."""
    return "$" + "".join(f"\\x{ord(sign):02x}" if sign in "#@%$" else sign for sign in repr(text))
