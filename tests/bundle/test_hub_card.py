"""The card as a hub reads it, and a bundle pushed to a stand-in of the hub and fetched from there, by MONAI."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from vdes.bundle.bundle import Bundle
from vdes.bundle.hub_card import hub_card

PROJECT = Path(__file__).resolve().parents[2]
BUNDLES = sorted(path.parent.parent.name for path in PROJECT.glob("bundles/*/configs/metadata.json"))
UNET = "breast_cesm_virtual_des_unet"


@pytest.mark.parametrize("name", BUNDLES)
def test_the_hub_s_own_reader_takes_the_metadata_and_the_results(name: str) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="no package huggingface_hub")
    bundle = Bundle(PROJECT / "bundles" / name)
    card = hub.ModelCard(hub_card(bundle))
    assert (card.data.license, card.data.library_name, card.data.model_name) == ("apache-2.0", "monai", name)
    assert {"monai", "medical"} <= set(card.data.tags)
    kinds = {(result.task_type, result.dataset_type) for result in card.data.eval_results}
    task = "image-to-image" if "virtual_des_" in name.removeprefix("breast_cesm_real_vs_") else "image-classification"
    assert kinds <= {(task, "cdd-cesm"), (task, "vdes-phantom")} and (task, "cdd-cesm") in kinds
    assert {result.metric_type for result in card.data.eval_results} == set(card.data.metrics)
    assert card.text.startswith(bundle.text("docs/README.md")[:200])


def test_figures_are_those_of_the_results_files() -> None:
    bundle = Bundle(PROJECT / "bundles" / UNET)
    head = yaml.safe_load(hub_card(bundle).split("---\n")[1])
    (result,) = head["model-index"][0]["results"]
    rows = json.loads(bundle.text("docs/results/fidelity_model.json"))["summary"]
    values = {r["metric"]: r["value"] for r in rows if (r["method"], r["statistic"]) == ("virtual_des", "mean")}
    assert [(figure["type"], figure["value"]) for figure in result["metrics"]] == [
        ("psnr", round(values["psnr_breast"], 4)),
        ("ssim", round(values["ssim_breast"], 4)),
    ]


@pytest.mark.parametrize("name", BUNDLES)
def test_links_lead_from_the_bundle_s_folder(name: str) -> None:
    bundle = Bundle(PROJECT / "bundles" / name)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", hub_card(bundle)) if not link.startswith(("http", "#"))]
    assert [link for link in links if not (bundle.root / link).exists()] == []


def test_a_bundle_without_results_has_a_card_without_an_index(good_bundle, tmp_path: Path) -> None:
    bundle = good_bundle(UNET, tmp_path)
    shutil.rmtree(bundle / "docs" / "results")
    (bundle / "LICENSE").write_text("of our own\n")
    head = yaml.safe_load(hub_card(Bundle(bundle)).split("---\n")[1])
    assert head["license"] == "other" and not {"metrics", "model-index"} & head.keys()


# ---- a stand-in of the hub -------------------------------------------------------------------------------------------


class Hub(http.server.BaseHTTPRequestHandler):
    """What a push and a download ask of the hub, for one repository; it keeps the files in memory."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def body(self) -> bytes:
        """Return what was sent."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def answer(self, content: Any, **headers: str) -> None:
        """Send JSON or bytes."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(200)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_POST(self) -> None:
        """Make the repository, take a commit or a tag, and say how files are sent."""
        server, sent = self.server, self.body()
        assert isinstance(server, Server)
        place = f"http://localhost:{server.server_port}"
        if self.path.endswith("/commit/main"):
            for line in map(json.loads, sent.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    server.files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    server.files[value["path"]] = server.large[value["oid"]]
            return self.answer({"commitUrl": f"{place}/somebody/unet/commit/{server.sha}", "commitOid": server.sha})
        asked = json.loads(sent)
        if self.path == "/api/repos/create":
            return self.answer({"url": f"{place}/{asked['organization']}/{asked['name']}"})
        if self.path == "/api/validate-yaml":
            server.validated.append(asked["content"])
            return self.answer({"errors": [], "warnings": []})
        if self.path.endswith("/preupload/main"):
            modes = {f["path"]: "lfs" if f["size"] > 1_000_000 else "regular" for f in asked["files"]}
            files = [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes.items()]
            return self.answer({"files": files})
        if self.path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{place}/large/{one['oid']}"}}} for one in asked["objects"]
            ]
            return self.answer({"transfer": "basic", "objects": objects})
        assert re.fullmatch(r"/api/models/.+/tag/main", self.path), self.path
        server.tags.append(asked["tag"])
        return self.answer({})

    def do_PUT(self) -> None:
        """Take a large file."""
        assert isinstance(self.server, Server)
        content = self.body()
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(content).hexdigest() == oid
        self.server.large[oid] = content
        self.answer(b"")

    def do_GET(self) -> None:
        """List the files, or send one."""
        server = self.server
        assert isinstance(server, Server)
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/") and path.endswith("/refs"):
            tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": server.sha} for tag in server.tags]
            return self.answer({"branches": [], "converts": [], "tags": tags})
        if "/tree/" in path:
            entries = {name: {"size": len(content), "oid": _oid(content)} for name, content in server.files.items()}
            return self.answer([{"type": "file", "path": name, **entry} for name, entry in entries.items()])
        if path.startswith("/api/models/"):
            siblings = [{"rfilename": name} for name in server.files]
            return self.answer({"id": "somebody/unet", "sha": server.sha, "siblings": siblings})
        content = server.files[path.partition("/resolve/")[2].partition("/")[2]]
        return self.answer(content, X_Repo_Commit=server.sha, ETag=f'"{_oid(content)}"')

    do_HEAD = do_GET


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """The stand-in, with what it was sent."""

    def __init__(self) -> None:
        """Listen on a free port of this machine."""
        super().__init__(("localhost", 0), Hub)
        self.sha = "c0ffee" + 34 * "0"
        self.files: dict[str, bytes] = {}
        self.large: dict[str, bytes] = {}
        self.tags: list[str] = []
        self.validated: list[str] = []


@pytest.fixture
def hub() -> Iterator[Server]:
    """A hub on this machine."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


PUSH = """
import sys
from huggingface_hub import HfApi
from monai.bundle import download, push_to_hf_hub
folder, name = sys.argv[1:]
repo = "somebody/unet"
hub = HfApi(token="hf_none")
hub.create_repo(repo, private=True, exist_ok=True)
hub.upload_folder(repo_id=repo, folder_path=f"{folder}/{name}")
push_to_hf_hub(repo=repo, name=name, bundle_dir=folder, token="hf_none", version="0.2.0")
download(name, source="huggingface_hub", repo=repo, version="0.2.0", bundle_dir="fetched", progress=False)
"""


@pytest.mark.slow
def test_what_is_pushed_to_a_hub_comes_back(hub: Server, good_bundle, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="no package huggingface_hub")
    bundle = good_bundle(UNET, tmp_path / "pushed")
    card = hub_card(Bundle(bundle))
    (bundle / "README.md").write_text(card)  # as packing does
    environment = {**os.environ, "HF_ENDPOINT": f"http://localhost:{hub.server_port}", "HF_HOME": str(tmp_path / "hf")}
    environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-W", "ignore", "-c", PUSH, str(bundle.parent), UNET]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert hub.validated[0] == card and hub.validated[-1] != card
    assert hub.tags == ["0.2.0"]
    fetched = tmp_path / "fetched" / UNET
    names = set(Bundle(bundle).files)
    assert names <= hub.files.keys()
    assert [name for name in sorted(names) if (fetched / name).read_bytes() != (bundle / name).read_bytes()] == []
    # MONAI puts a short head of its own over docs/README.md
    head = yaml.safe_load((fetched / "README.md").read_text().split("---\n")[1])
    assert head == {"tags": ["monai", "medical"], "library_name": "monai", "license": "apache-2.0"}
