"""Knobs of bundles, as configs and command lines give them."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Mapping
from typing import Any, TypeVar

import fire  # type: ignore[import-untyped]
from monai.bundle import ConfigComponent, ConfigParser, ConfigWorkflow, create_workflow, run, update_kwargs
from monai.bundle.reference_resolver import ReferenceResolver
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS, ID_SEP_KEY
from monai.utils import ensure_tuple

from vdes.errors import InputError

Value = TypeVar("Value")


def switch(name: str, value: bool | str) -> bool:
    """Return the state of a knob, from a config (a boolean) or a command line, where ``--overwrite true`` is a text.

    Raises:
        InputError: the value is neither a boolean nor the text true or false, in whatever case.
    """
    if isinstance(value, bool):
        return value
    if str(value).lower() not in ("true", "false"):
        raise InputError(f"{name}: {value!r}; expected true or false")
    return str(value).lower() == "true"


def choice(name: str, value: str, choices: Mapping[str, Value]) -> Value:
    """Return what a knob's text stands for.

    Raises:
        InputError: the text is none of the choices.
    """
    if value not in choices:
        raise InputError(f"{name}: {value!r}; expected {' or '.join(choices)}")
    return choices[value]


def takes(config: ConfigParser, name: str) -> bool:
    """Tell whether a config has an item, such as ``epochs`` or ``optimizer#lr``, or the component to give it to."""
    if name in config:
        return True
    component, separator, _ = ReferenceResolver.normalize_id(name).rpartition(ID_SEP_KEY)
    return bool(separator) and component in config and ConfigComponent.is_instantiable(config[component])


def refuse_unknown() -> None:
    """Refuse options of ``python -m monai.bundle run`` that nothing uses.

    MONAI takes whatever it is given, so ``--epoch 5`` would train for as long as the configs say. A bundle's ``run``
    has it behind `report_input_errors`. It reads the command line, so it asks nothing of runs from Python.

    Raises:
        InputError: an option is none of MONAI's own, the configs have no item for it, and no other option refers to it
            (``--peak 0.01 --learning_rate @peak``, ``--run_id mine --mine "[...]"``).
    """
    if getattr(sys.modules["__main__"].__spec__, "name", None) != "monai.bundle.__main__":
        return
    options: dict[str, Any] = {}
    fire.Fire(lambda *_, **given: options.update(given), command=sys.argv[2:])  # as MONAI itself reads them
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
        if name not in known and not takes(config, name):
            near = difflib.get_close_matches(name, config.get(), n=1)
            expected = f"did you mean --{near[0]}?" if near else f"the knobs stand at the top of {files[0]}"
            raise InputError(f"--{name}: no knob of {', '.join(map(str, files))}; {expected}")
