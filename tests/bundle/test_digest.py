"""Tests for `vdes.bundle.digest`."""

from __future__ import annotations

from pathlib import Path

from vdes.bundle.digest import digest


def test_every_change_of_a_folder_changes_the_hash_and_its_place_does_not(tmp_path: Path) -> None:
    def written(place: str, files: dict[str, bytes]) -> Path:
        for name, content in files.items():
            (tmp_path / place / "arm" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place / "arm" / name).write_bytes(content)
        return tmp_path / place / "arm"

    whole = {"a.png": b"1", "sub/b.csv": b"2"}
    changes = [{"a.png": b"0", "sub/b.csv": b"2"}, {"a.png": b"1"}, {"a.png": b"1", "b.csv": b"2"}, {**whole, "c": b""}]
    first = digest([written("one", whole)])

    assert digest([written("another", whole)]) == first
    assert len({first, *(digest([written(f"change{i}", files)]) for i, files in enumerate(changes))}) == 5
    assert digest([tmp_path / "one" / "arm", tmp_path / "missing"]) not in (first, digest([tmp_path / "missing"]))
