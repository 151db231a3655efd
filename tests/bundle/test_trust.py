from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from vdes.bundle.locate import find_bundle
from vdes.bundle.trust import check_trust
from vdes.errors import InputError

NAME = "breast_cesm_virtual_des_unet"


def test_vdes_s_own_bundles_are_trusted_and_copies_of_them_are_not(tmp_path: Path) -> None:
    own = find_bundle(NAME)
    check_trust(own, trusted=False)
    (tmp_path / "link").symlink_to(own)
    check_trust(tmp_path / "link", trusted=False)
    copy = tmp_path / "bundles" / NAME
    shutil.copytree(own / "configs", copy / "configs")
    with pytest.raises(InputError, match=r"is not one of vdes's own bundles.*pass --trust-bundle"):
        check_trust(copy, trusted=False)
    check_trust(copy, trusted=False, bundles=tmp_path / "bundles")  # which the user has named


def test_a_trusted_bundle_is_run_after_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    check_trust(tmp_path / "theirs", trusted=True)
    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line == f"{tmp_path / 'theirs'}: is not one of vdes's own bundles; its configs run with your rights"
