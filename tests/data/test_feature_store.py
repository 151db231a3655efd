from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vdes.data.feature_store import FeatureStore
from vdes.errors import InputError

VALUES = np.array([0.1, -3.0, np.pi], dtype=np.float32)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "new" / "folder")
    assert store.read("a") is None
    store.write("a", VALUES)
    store.write("a", 2 * VALUES)
    store.write("b", VALUES)
    assert np.array_equal(FeatureStore(store.folder).read("a"), 2 * VALUES)
    assert np.array_equal(store.read("b"), VALUES)
    assert sorted(file.name for file in store.folder.iterdir()) == ["a.f32", "b.f32"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_entry_is_absent_with_a_line(damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = FeatureStore(tmp_path)
    store.write("a", VALUES)
    content = bytearray(store.file("a").read_bytes())
    content[-1] ^= 1
    store.file("a").write_bytes({"cut": content[:-4], "flipped": content, "empty": b""}[damage])
    assert store.read("a") is None
    [line] = caplog.messages
    assert line == f"features: {store.file('a')} is damaged; it is made again"


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(InputError, match=r"taken.*: cannot be made a folder for features"):
        FeatureStore(tmp_path / "taken" / "folder")
    store = FeatureStore(tmp_path)
    (tmp_path / "a.f32").mkdir()
    with pytest.raises(InputError, match=r"a\.f32: cannot be read"):
        store.read("a")
    with pytest.raises(InputError, match=r"a\.f32: is a folder"):
        store.write("a", VALUES)
