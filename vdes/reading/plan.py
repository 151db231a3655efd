"""The plan of a reader study as stored in its folder: frozen, and hashed so that changes are detected."""

from __future__ import annotations

import hashlib
import hmac
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from vdes.data.json_file import read_json
from vdes.errors import InputError

PLAN_FILE, KEY_FILE, IMAGES = "plan.json", "key.json", "images"
FORMAT = 1


def read_plan(folder: Path) -> dict[str, Any]:
    """Read a plan and check that it has not changed since it was frozen.

    Raises:
        InputError: there is no plan, it has changed, or another version of vdes wrote it in a different format.
    """
    file = folder / PLAN_FILE
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected a folder made by `vdes reading plan`")
    stat = file.stat()
    return _checked_plan(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)  # every table reads the plan
def _checked_plan(file: Path, modified: int, size: int) -> dict[str, Any]:
    plan = read_json(file)
    if plan.get("format") != FORMAT:
        raise InputError(f"{file}: format: {plan.get('format')!r}; expected {FORMAT}")
    if plan.get("sha256") != plan_digest(plan):
        raise InputError(
            f"{file}: sha256: the plan changed after it was frozen; restore the file that `vdes reading plan` wrote"
        )
    return plan


def plan_digest(plan: dict[str, Any]) -> str:
    """Return the SHA-256 of a plan's content, without the digest itself."""
    content = {key: value for key, value in plan.items() if key != "sha256"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def blind_name(plan: dict[str, Any], *parts: Any) -> str:
    """Return a name, 32 hexadecimal digits, that reveals nothing about its meaning without the plan's key."""
    message = json.dumps(parts, separators=(",", ":")).encode()
    return hmac.new(bytes.fromhex(plan["key"]), message, hashlib.sha256).hexdigest()[:32]
