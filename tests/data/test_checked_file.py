from __future__ import annotations

from pathlib import Path

import pytest

from vdes.data.checked_file import read_checked, write_checked
from vdes.errors import InputError


@pytest.mark.parametrize("content", [b"", b"some content"])
def test_what_is_written_is_read_and_damage_is_not(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "entry"
    write_checked(file, b"older")
    write_checked(file, content)
    assert read_checked(file) == content and [file] == list(tmp_path.iterdir())
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole + b"x", b"\x00" + whole[1:] if whole[0] else b"\x01" + whole[1:], b""):
        file.write_bytes(damaged)
        assert read_checked(file) is None


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent: cannot be read \(No such file or directory\)"):
        read_checked(tmp_path / "absent")
    with pytest.raises(InputError, match="entry: cannot be written"):
        write_checked(tmp_path / "nowhere" / "entry", b"content")
