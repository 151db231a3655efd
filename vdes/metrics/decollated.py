"""The cases of one evaluator iteration, as handlers and metrics read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ignite.engine import Engine

from vdes.errors import InputError


def decollated_cases(engine: Engine) -> list[dict[str, Any]]:
    """Return one dictionary per case of the current iteration, with the engine's batch and output joined.

    MONAI keeps ``pred`` in ``engine.state.output``, and fields that the network does not see, such as masks and case
    names, in ``engine.state.batch``; an output transform sees only the first.

    Raises:
        InputError: the engine was built with ``decollate: false``.
    """
    batch, output = engine.state.batch, engine.state.output
    if not isinstance(batch, list) or not isinstance(output, list):
        raise InputError("decollate: expected an evaluator that decollates its batches, write `decollate: true`")
    return [{**before, **after} for before, after in zip(batch, output, strict=True)]


def case_values(case: Mapping[str, Any], keys: Sequence[str]) -> list[Any]:
    """Return the case's values of ``keys``.

    Raises:
        InputError: a key is missing.
    """
    for key in keys:
        if key not in case:
            raise InputError(f"no key `{key}`, only {', '.join(sorted(case))}")
    return [case[key] for key in keys]


@contextmanager
def naming_case(case: Mapping[str, Any]) -> Iterator[None]:
    """Prefix an `InputError` raised inside with the name of the case."""
    try:
        yield
    except InputError as error:
        raise InputError(f"case {case.get('case', '(no key `case`)')}: {error}") from error
