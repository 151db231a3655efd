"""A finished study of phantoms, as `vdes study` leaves it, and reader studies of it."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vdes.reading.form import CHOICE, LOW_ENERGY, QUALITY
from vdes.reading.links import make_links
from vdes.reading.make_plan import write_plan
from vdes.reading.serve import serve
from vdes.reading.settings import Links, ReadingPlan, Server
from vdes.reading.store import Store, form_of

Answer = dict[str, Any]


@pytest.fixture(scope="session")
def make_reading(reading_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Plan a reader study of two readers and ten cases; arguments change it."""

    def make(**changes: Any) -> Path:
        folder = tmp_path_factory.mktemp("reading") / "reading"
        settings = {"readers": 2, "cases": 10, "choices": 4, "quality": 2, "repeat_share": 0.2, "washout_days": 0.0}
        write_plan(ReadingPlan(reading_study, folder, **{**settings, **changes}), progress=False)
        return folder

    return make


@pytest.fixture(scope="session")
def _planned(make_reading: Callable[..., Path]) -> Path:
    return make_reading()


@pytest.fixture()
def reading(_planned: Path, tmp_path: Path) -> Path:
    """A sequential reader study by which nothing was read yet."""
    return shutil.copytree(_planned, tmp_path / "reading")


@pytest.fixture(scope="session")
def answer_to() -> Callable[..., Answer]:
    """Return an answer that fits a task's form; arguments change it."""

    def answer(task: dict[str, Any], **changes: Any) -> Answer:
        form = form_of(task)
        if form == CHOICE:
            return {"chosen": "left", **changes}
        if form == QUALITY:
            return {"quality": 3, **changes}
        said: Answer = {"birads": "4A", "malignancy": 37, "confidence": 4, "marks": [{"view": "CC", "x": 10, "y": 20}]}
        if form != LOW_ENERGY:
            said |= {"bpe": "mild", "lesion_type": "mass", "conspicuity": "high", "margin": "spiculated"}
            said |= {"internal_enhancement": "rim", "missing": 0, "distorted": 0, "invented": 1}
        return {**said, **changes}

    return answer


@pytest.fixture(scope="session")
def read_all(answer_to: Callable[..., Answer]) -> Callable[[Path], None]:
    """Answer every task of every reader."""

    def read(folder: Path) -> None:
        with Store(folder) as store, store.batch():
            for tasks in store.tasks.values():
                for task in tasks:
                    store.add(task["task"], answer_to(task), 12.5)

    return read


class Served:
    """A running server of a reader study: a process of its own, so that a test can kill it."""

    def __init__(self, folder: Path, port: int = 0, **settings: Any) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["vdes.reading.serve"])
        here, there = context.Pipe(duplex=False)
        self.process = context.Process(
            target=serve, args=(folder, Server(port=port, **settings), there.send), daemon=True
        )
        self.process.start()
        there.close()
        found = re.search(r"https?://127\.0\.0\.1:(\d+)", here.recv())
        assert found
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


class Client:
    """A reader's browser, without a page: one connection that is kept."""

    def __init__(self, port: int, secret: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        status, headers, _ = self.request("GET", f"/r/{secret}")
        assert status == 200
        self.cookie = headers["set-cookie"].partition(";")[0]
        self.state = self.get("/api/state")
        self.token = self.state["token"]

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, given)
        response = self.connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()

    def get(self, path: str) -> Any:
        status, _, body = self.request("GET", path, cookie=self.cookie)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def post(self, said: dict[str, Any], **headers: str) -> tuple[int, Any]:
        given = {"cookie": self.cookie, "x-vdes-reading": self.token, "content-type": "application/json", **headers}
        status, _, body = self.request("POST", "/api/answer", json.dumps(said).encode(), **given)
        return status, json.loads(body)


@pytest.fixture()
def served(request: pytest.FixtureRequest) -> Callable[..., Served]:
    """Start servers that end with the test."""

    def start(folder: Path, port: int = 0, **settings: Any) -> Served:
        server = Served(folder, port, **settings)
        request.addfinalizer(server.kill)
        return server

    return start


@pytest.fixture(scope="session")
def client() -> type[Client]:
    """The class of a reader's connection: ``client(port, secret)``."""
    return Client


@pytest.fixture(scope="session")
def secrets_of() -> Callable[[Path], dict[str, str]]:
    """Make links and return the secret of each reader."""

    def make(folder: Path) -> dict[str, str]:
        lines = make_links(folder, Links(), overwrite=True).read_text().splitlines()
        return {reader: link.rpartition("/")[2] for reader, link in (line.split("\t") for line in lines)}

    return make


@pytest.fixture(scope="session")
def van_dyke() -> tuple[np.ndarray, np.ndarray]:
    """Labels (114,) and ratings (2, 5, 114) of the data set of Van Dyke, see ``tests/statistics/mrmc/conftest.py``."""
    table = np.genfromtxt(Path(__file__).parents[1] / "statistics" / "mrmc" / "van_dyke.csv", delimiter=",", names=True)
    ratings = [[table[f"R{reader}_{name}"] for reader in range(1, 6)] for name in ("spin_echo", "cine")]
    return table["malignant"].astype(int), np.array(ratings)
