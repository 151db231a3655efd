"""Whether the copy of vdes that a packed bundle carries is found from any folder."""

from __future__ import annotations

from collections.abc import Iterator

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.line import Line


def check_search_path(bundle: Bundle) -> Iterator[Line]:
    """Tell which configs need the bundle's own code before it can be imported.

    MONAI puts the bundle's folder on Python's search path in ``run()``, after ``initialize()``. A config that imports
    vdes must therefore do in ``run`` what it would do in ``initialize``; else it runs in the bundle's folder alone.
    """
    for config in bundle.configs:
        content = bundle.content(config)
        imports = str(content.get("imports", ""))
        if content.get("initialize") and "vdes" in imports:
            yield Line(config, "initialize: comes before a packed vdes is found; expected its steps first in run")
