"""Check the files that the model zoo requires of a bundle, their sizes and names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.card import weights_named
from vdes.bundle.verify.line import Line

REQUIRED = (
    "LICENSE",
    "configs/metadata.json",
    "configs/logging.conf",
    "docs/README.md",
    "docs/data_license.txt",
)
LARGEST_MB = 25


def check_files(bundle: Bundle) -> Iterator[Line]:
    """Report required files that are missing or empty."""
    for name in REQUIRED:
        if name not in bundle.files:
            yield Line(name, "missing; the model zoo requires it")
        elif not bundle.text(name).strip():
            yield Line(name, "empty")
    if bundle.config("inference") is None:
        yield Line("configs", "no inference; the model zoo requires it, in YAML or JSON")
    wanted = ["models/model.pt", *weights_named(bundle)]
    missing = [name for name in dict.fromkeys(wanted) if name not in bundle.files and name not in bundle.large_files]
    if missing:
        yield Line("models", f"missing weights: {', '.join(name.removeprefix('models/') for name in missing)}")


def check_sizes(bundle: Bundle) -> Iterator[Line]:
    """Report files that are too large for a bundle."""
    for name in bundle.files:
        size = (bundle.root / name).stat().st_size / 1e6
        if size > LARGEST_MB and name not in bundle.large_files:
            yield Line(name, f"{size:.1f} MB; expected {LARGEST_MB} MB or less, or an entry of large_files.yml")


def check_names(bundle: Bundle) -> Iterator[Line]:
    """Report names that break the model zoo's rule: lower case with underscores, region_modality_task."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+){2,}", bundle.name):
        yield Line(".", f"the folder's name {bundle.name!r}; expected region_modality_task in lower case")
    for name in bundle.files:
        if not re.fullmatch(r"[A-Za-z0-9_./-]+", name):
            yield Line(name, "the name has other characters than letters, digits, dots, dashes and underscores")
