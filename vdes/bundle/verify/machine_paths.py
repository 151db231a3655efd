"""Paths that hold on one machine alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.line import Line

TEXTS = (".yaml", ".yml", ".json", ".conf", ".md", ".txt")
# a path that starts a value, a text in quotes or a word
ABSOLUTE = re.compile(r"""(?:^|(?<=[\s'"=(\[,]))(?:~?/[A-Za-z_][\w./~-]*|[A-Za-z]:[\\/][^\s'"]*)""")
# folders of users and machines, wherever in a text
HOME = re.compile(r"(?<![\w.-])(?:/(?:home|root|Users|mnt|media|work|workspace|tmp)/|[A-Za-z]:\\)[^\s'\")]*")


def check_machine_paths(bundle: Bundle) -> Iterator[Line]:
    """Tell which texts name a place on somebody's machine; in configs every absolute path is one."""
    for name in bundle.files:
        if not name.endswith(TEXTS):
            continue
        for number, text in enumerate(bundle.text(name).splitlines(), start=1):
            found = HOME.search(text)
            path = found[0] if found else None
            if path is None and name.startswith("configs/"):
                path = absolute_path(text)
            if path is not None:
                yield Line(f"{name}:{number}", f"{path}: a path of one machine; expected one below bundle_root")


def absolute_path(text: str) -> str | None:
    """Return the first absolute path of a line of a config, or None."""
    for match in ABSOLUTE.finditer(text):
        # one that is added to another ("@bundle_root + '/models'") is none
        before = text[: match.start()].rstrip("'\"").rstrip()
        if not before.endswith("+"):
            return match[0]
    return None
