from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from vdes.bundle.locate import find_bundle
from vdes.bundle.trust import check_trust
from vdes.errors import InputError

NAME = "breast_cesm_virtual_des_unet"


def test_vdes_s_own_bundles_are_trusted_and_changed_copies_of_them_are_not(tmp_path: Path) -> None:
    own = find_bundle(NAME)
    check_trust(own, trusted=False)
    (tmp_path / "link").symlink_to(own)
    check_trust(tmp_path / "link", trusted=False)
    copy = tmp_path / "bundles" / NAME
    shutil.copytree(own / "configs", copy / "configs")
    check_trust(copy, trusted=False)
    for change in ("configs/inference.yaml", "configs/more.yaml", "scripts/code.py"):
        (tmp_path / "changed").mkdir()
        changed = shutil.copytree(copy, tmp_path / "changed" / NAME)
        (changed / change).parent.mkdir(exist_ok=True)
        with (changed / change).open("a") as stream:
            stream.write("\n# $1\n")
        with pytest.raises(InputError, match=r"is not one of vdes's own bundles.*pass --trust-bundle"):
            check_trust(changed, trusted=False)
        shutil.rmtree(tmp_path / "changed")
    (copy / "configs" / "inference.yaml").write_text("run: []")
    check_trust(copy, trusted=False, bundles=tmp_path / "bundles")  # which the user has named


def test_a_trusted_bundle_is_run_after_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "theirs" / "configs").mkdir(parents=True)
    check_trust(tmp_path / "theirs", trusted=True)
    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line == f"{tmp_path / 'theirs'}: is not one of vdes's own bundles; its configs run with your rights"


def test_where_no_bundle_is_another_error_says_so(tmp_path: Path) -> None:
    check_trust(tmp_path / "nowhere", trusted=False)
