from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vdes.data.known_files import KnownFiles, file_sha256
from vdes.errors import InputError


def test_a_file_keeps_the_hash_that_it_was_first_found_with(tmp_path: Path) -> None:
    file, known = tmp_path / "a.png", KnownFiles()
    file.write_bytes(b"old")
    old = hashlib.sha256(b"old").hexdigest()
    assert known.sha256(file) == known.sha256(str(file)) == old
    known.check(file)
    file.write_bytes(b"new")
    assert known.sha256(file) == old != file_sha256(file)
    with pytest.raises(InputError, match=r"a\.png: was changed while this run read it; run it again"):
        known.check(file)
    file.unlink()
    with pytest.raises(InputError, match=r"a\.png: cannot be read \(No such file or directory\)"):
        known.check(file)
    with pytest.raises(InputError, match=r"b\.png: cannot be read"):
        known.sha256(tmp_path / "b.png")
