from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from vdes.bundle.locate import find_bundle
from vdes.bundle.trust import check_trust, code_sha256
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


def test_a_recorded_hash_trusts_a_bundle_until_its_configs_or_code_change(tmp_path: Path) -> None:
    bundle = tmp_path / "theirs"
    for name in ("configs/inference.yaml", "scripts/net.py", "models/model.pt", "docs/README.md"):
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_text(name)
    with pytest.raises(InputError, match=r"or --trust-sha256 [0-9a-f]{64} to run it as long as") as refused:
        check_trust(bundle, trusted=False)
    recorded = str(refused.value).partition("--trust-sha256 ")[2].split()[0]
    check_trust(bundle, trusted=False, hashes=["0" * 64, recorded])
    check_trust(shutil.copytree(bundle, tmp_path / "moved"), trusted=False, hashes=[recorded.upper()])
    (bundle / "models" / "model.pt").write_text("other weights")
    (bundle / "scripts" / "__pycache__").mkdir()
    (bundle / "scripts" / "__pycache__" / "net.cpython-311.pyc").write_text("cached")
    check_trust(bundle, trusted=False, hashes=[recorded])
    for change in ("configs/inference.yaml", "configs/more.json", "scripts/net.py", "configs/sub/x.txt", "fast.so"):
        changed = shutil.copytree(bundle, tmp_path / "changed")
        (changed / change).parent.mkdir(exist_ok=True)
        with (changed / change).open("a") as stream:
            stream.write("$1")
        with pytest.raises(InputError, match="is not one of vdes's own bundles"):
            check_trust(changed, trusted=False, hashes=[recorded])
        shutil.rmtree(changed)
    (bundle / "scripts" / "net.py").rename(bundle / "net.py")
    with pytest.raises(InputError, match="is not one of vdes's own bundles"):
        check_trust(bundle, trusted=False, hashes=[recorded])


def test_configs_behind_a_link_count_and_a_circle_of_links_ends(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"configs_{name}").mkdir()
        (tmp_path / f"configs_{name}" / "inference.yaml").write_text(name)
        (tmp_path / name).mkdir()
        (tmp_path / name / "configs").symlink_to(tmp_path / f"configs_{name}")
    first = code_sha256(tmp_path / "one")
    assert first != code_sha256(tmp_path / "two")
    (tmp_path / "configs_one" / "again").symlink_to(tmp_path / "configs_one")
    assert code_sha256(tmp_path / "one") == first


@pytest.mark.parametrize("text", ["", "abc", "g" * 64])
def test_what_is_no_hash_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"--trust-sha256: .*; expected the 64 digits"):
        check_trust(tmp_path, trusted=False, hashes=[text])


def test_a_trusted_bundle_is_run_after_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "theirs" / "configs").mkdir(parents=True)
    check_trust(tmp_path / "theirs", trusted=True)
    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line == f"{tmp_path / 'theirs'}: is not one of vdes's own bundles; its configs run with your rights"


def test_where_no_bundle_is_another_error_says_so(tmp_path: Path) -> None:
    check_trust(tmp_path / "nowhere", trusted=False)
