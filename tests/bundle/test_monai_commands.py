"""The commands of `python -m monai.bundle` on the bundles, as their users type them."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from monai.bundle import init_bundle, load, update_kwargs
from monai.data import load_net_with_metadata

import vdes.bundle.verify
from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.network import accepted_channels, build, example
from vdes.bundle.warm_start import run_module

PROJECT = Path(__file__).resolve().parents[2]
BUNDLES = sorted(path.parent.parent.name for path in PROJECT.glob("bundles/*/configs/metadata.json"))
SCHEMA = Path(vdes.bundle.verify.__file__).parent / "schemas" / "bundle_metadata.json"
UNET = "breast_cesm_virtual_des_unet"

Monai = Callable[..., str]


@pytest.fixture
def monai(tmp_path: Path) -> Monai:
    """Run a command of `monai.bundle` in the test's folder; returns what it printed, and fails unless it ended well."""

    def run(*words: object, status: int = 0) -> str:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with tempfile.TemporaryFile("w+") as printed:
            file = printed.fileno()
            ended = run_module("monai.bundle", [str(word) for word in words], environment, tmp_path, file, file)
            printed.seek(0)
            text = printed.read()
        assert ended == status, text[-2000:]
        return text

    return run


def in_file(folder: Path, suffix: str, **arguments: Any) -> Path:
    """Write a file of arguments, in JSON or YAML."""
    file = folder / f"arguments{suffix}"
    texts = {name: str(value) if isinstance(value, Path) else value for name, value in arguments.items()}
    file.write_text(json.dumps(texts) if suffix == ".json" else yaml.safe_dump(texts))
    return file


@pytest.mark.parametrize("name", BUNDLES)
def test_metadata_fit_their_schema(monai: Monai, name: str, tmp_path: Path) -> None:
    meta = PROJECT / "bundles" / name / "configs" / "metadata.json"
    schema = shutil.copy(SCHEMA, tmp_path / "schema.json")  # where it is there, it is not downloaded
    assert "metadata is verified with no error" in monai("verify_metadata", "--meta_file", meta, "--filepath", schema)


def test_metadata_that_do_not_fit_are_refused(monai: Monai, tmp_path: Path) -> None:
    content = json.loads((PROJECT / "bundles" / UNET / "configs" / "metadata.json").read_text())
    del content["task"]
    (tmp_path / "metadata.json").write_text(json.dumps(content))
    arguments = in_file(tmp_path, ".yaml", meta_file="metadata.json", filepath=shutil.copy(SCHEMA, tmp_path / "s.json"))
    assert "'task' is a required property" in monai("verify_metadata", "--args_file", arguments, status=1)


@pytest.mark.parametrize("name", BUNDLES)
def test_network_inputs_and_outputs_are_as_stated(monai: Monai, name: str) -> None:
    configs = PROJECT / "bundles" / name / "configs"
    files = ("--meta_file", configs / "metadata.json", "--config_file", configs / "inference.yaml")
    printed = monai("verify_net_in_out", "network_def", *files, "--device", "cpu", "--p", 1, "--n", 2, "--any", 64)
    assert "data shape of network is verified with no error" in printed


@pytest.mark.parametrize(("name", "suffix"), zip(BUNDLES, (".json", ".yaml") * 2, strict=True))
def test_a_network_is_exported_by_a_file_of_arguments(monai: Monai, tmp_path: Path, name: str, suffix: str) -> None:
    bundle = Bundle(PROJECT / "bundles" / name)
    arguments = {"net_id": "network_def", "filepath": "other.ts", "ckpt_file": bundle.root / "models" / "model.pt"}
    arguments |= {"meta_file": bundle.root / "configs" / "metadata.json"}
    arguments |= {"config_file": bundle.root / "configs" / "inference.yaml"}
    # what the command line gives overrides the file
    monai("ckpt_export", "--args_file", in_file(tmp_path, suffix, **arguments), "--filepath", "model.ts")
    assert not (tmp_path / "other.ts").exists()
    exported, metadata, _ = load_net_with_metadata(str(tmp_path / "model.ts"))
    assert metadata["version"] == bundle.version
    network = build(bundle, "models/model.pt")
    image = example(bundle, 1, 2, accepted_channels(bundle, network))
    with torch.no_grad():
        torch.testing.assert_close(exported(image), network(image), rtol=0, atol=1e-5)


def test_a_new_bundle_starts_from_ours(tmp_path: Path) -> None:
    ours = Bundle(PROJECT / "bundles" / UNET)
    init_bundle(
        tmp_path / "breast_cesm_mine",
        ckpt_file=ours.root / "models" / "model.pt",
        metadata_str={**ours.metadata, "name": "mine"},
        inference_str=ours.content("configs/inference.yaml"),
    )
    network = load("breast_cesm_mine", bundle_dir=tmp_path, workflow_type="inference", device="cpu")
    expected = build(ours, "models/model.pt").state_dict()
    assert network.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in network.state_dict().items())
    assert Bundle(tmp_path / "breast_cesm_mine").metadata["name"] == "mine"
    with pytest.raises(ValueError, match="already exists"):
        init_bundle(tmp_path / "breast_cesm_mine")


def test_a_new_bundle_starts_from_our_weights_on_the_command_line(monai: Monai, tmp_path: Path) -> None:
    weights = PROJECT / "bundles" / UNET / "models" / "model.pt"
    monai("init_bundle", "breast_cesm_mine", weights)
    assert (tmp_path / "breast_cesm_mine" / "models" / "model.pt").read_bytes() == weights.read_bytes()
    metadata = json.loads((tmp_path / "breast_cesm_mine" / "configs" / "metadata.json").read_text())
    assert metadata["version"] == "0.0.1"


def test_files_of_arguments_are_read_and_overridden(tmp_path: Path) -> None:
    given = {"height": 256, "network_def": {"in_channels": 1, "out_channels": 1}}
    for suffix in (".json", ".yaml"):
        file = str(in_file(tmp_path, suffix, **given))
        merged = update_kwargs(file, height=128, network_def={"out_channels": 2}, precision="float32", engine=None)
        assert merged == {
            "height": 128,
            "network_def": {"in_channels": 1, "out_channels": 2},
            "precision": "float32",
        }


# ---- from a server ---------------------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; of ``cut.zip`` it sends half of what it announces."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file."""
        content = source.read()
        outputfile.write(content[: len(content) // 2] if self.path == "/cut.zip" else content)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An address on this machine, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}", folder
        server.shutdown()
        thread.join()


def small_archive(file: Path, *further: str) -> None:
    """Write an archive of a bundle that holds metadata alone, and further members."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(PROJECT / "bundles" / UNET / "configs" / "metadata.json", f"{UNET}/configs/metadata.json")
        for name in further:
            archive.writestr(name, "x" * 10_000)


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_an_archive_is_downloaded_from_a_server(
    monai: Monai, served: tuple[str, Path], tmp_path: Path, suffix: str
) -> None:
    url, folder = served
    small_archive(folder / "unet.zip")
    arguments = in_file(tmp_path, suffix, name=UNET, url=f"{url}/unet.zip", bundle_dir="elsewhere")
    monai("download", "--args_file", arguments, "--bundle_dir", "downloaded")
    assert Bundle(tmp_path / "downloaded" / UNET).version == Bundle(PROJECT / "bundles" / UNET).version
    assert not (tmp_path / "elsewhere").exists()


def test_an_interrupted_download_leaves_nothing_behind(monai: Monai, served: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = served
    small_archive(folder / "cut.zip", f"{UNET}/large.bin")
    command = ("download", "--name", UNET, "--url", f"{url}/cut.zip", "--bundle_dir", "downloaded")
    assert "ContentTooShortError" in monai(*command, status=1)
    assert not (tmp_path / "downloaded").exists()


def test_members_outside_of_an_archive_s_folder_are_refused(
    monai: Monai, served: tuple[str, Path], tmp_path: Path
) -> None:
    url, folder = served
    small_archive(folder / "bad.zip", "../escaped.txt")
    command = ("download", "--name", UNET, "--url", f"{url}/bad.zip", "--bundle_dir", "downloaded")
    assert "Unsafe path detected in archive: ../escaped.txt" in monai(*command, status=1)
    assert not (tmp_path / "escaped.txt").exists()
