"""What every page of a report is made with: its templates, words, policy and pictures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from vdes.report import study_words

REPORT = "vdes.report"  # whose macros, style and filters all pages share


def page_environment(package: str) -> Environment:
    """Return an environment that finds a package's templates, and then those of `REPORT`.

    All text that is put into a template is escaped. The filters are those of `vdes.report.study_words`.

    Args:
        package: with a folder ``templates``.
    """
    packages = dict.fromkeys((package, REPORT))
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name, "templates") for name in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("number", "interval", "p_value", "metric_label", "words"):
        environment.filters[name] = getattr(study_words, name)
    for helper in (study_words.count, flat):
        environment.globals[helper.__name__] = helper
    return environment


def source(environment: Environment, name: str) -> str:
    """Return the text of a template as it stands, such as a style or a script."""
    assert environment.loader is not None  # page_environment gives one
    return environment.loader.get_source(environment, name)[0]


def flat(value: Any, name: str) -> list[tuple[str, Any]]:
    """Return names and values of a value or of a nested dictionary, without unknown ones."""
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in flat(inner, f"{name}: {key}")]
    return [] if value is None else [(name, ", ".join(map(str, value)) if isinstance(value, list) else value)]


def content_policy(style: str, script: str) -> str:
    """Return a content security policy that allows only the page's own content."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def png_uri(content: bytes) -> str:
    """Return a PNG picture as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
