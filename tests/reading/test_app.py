"""The server through real HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.reading.app import ATTEMPTS, MOST_BYTES, WINDOW, Attempts
from vdes.reading.plan import read_plan
from vdes.reading.serve import serve
from vdes.reading.settings import Server
from vdes.reading.store import Store


def said(state, answer, answer_id=None, seconds=3.5):
    return {"task": state["task"]["task"], "answer": answer, "answer_id": answer_id or str(uuid.uuid4())} | {
        "seconds": seconds
    }


@pytest.fixture()
def entered(reading, served, client, secrets_of):
    """The folder, its server, and a connection of each reader."""
    secrets = secrets_of(reading)
    server = served(reading)
    return reading, server, {reader: client(server.port, secret) for reader, secret in secrets.items()}


def test_a_reader_reads_to_the_end(entered, answer_to):
    folder, _, readers = entered
    one = readers["R1"]
    tasks = {task["task"]: task for reader in read_plan(folder)["readers"] for task in reader["tasks"]}
    state, total = one.state, one.state["total"]
    assert state["done"] == 0 and state["sessions"] == 3 and state["session_total"] == 20
    for number in range(total):
        assert state["done"] == number
        status, state = one.post(said(state, answer_to(tasks[state["task"]["task"]])))
        assert status == 200 and state["error"] is None
    assert state["task"] is None and state["done"] == total
    assert readers["R2"].get("/api/state")["done"] == 0


def test_an_answer_sent_twice_is_stored_once(entered, answer_to):
    folder, _, readers = entered
    one = readers["R1"]
    task = read_plan(folder)["readers"][0]["tasks"][0]
    first = said(one.state, answer_to(task))
    assert one.post(first)[0] == one.post(first)[0] == 200
    status, state = one.post({**first, "answer_id": str(uuid.uuid4())})
    assert status == 409 and state["done"] == 1 and "answer already" in state["error"]
    status, _ = one.post({**first, "answer": answer_to(task, malignancy=99)})
    assert status == 409
    skipped = read_plan(folder)["readers"][0]["tasks"][5]
    status, _ = one.post(
        {**first, "task": skipped["task"], "answer": answer_to(skipped), "answer_id": str(uuid.uuid4())}
    )
    assert status == 409
    with Store(folder) as store:
        assert [one["answer"]["malignancy"] for one in store.answers()] == [37]


def test_an_answer_that_does_not_fit_is_refused(entered, answer_to):
    folder, _, readers = entered
    one = readers["R1"]
    task = read_plan(folder)["readers"][0]["tasks"][0]
    for wrong in ({"malignancy": 101}, {"malignancy": True}, {"birads": "7"}, {"bpe": "mild"}, {"confidence": None}):
        status, found = one.post(said(one.state, answer_to(task, **wrong)))
        assert status == 422 and next(iter(wrong)) in found["error"]
    assert one.post(said(one.state, answer_to(task), seconds=-1))[0] == 422
    assert one.post(said(one.state, answer_to(task), answer_id="x' OR 1"))[0] == 400
    assert one.get("/api/state")["done"] == 0


def test_nobody_sees_or_answers_for_another(entered, answer_to):
    folder, _, readers = entered
    one, two = readers["R1"], readers["R2"]
    task = read_plan(folder)["readers"][0]["tasks"][0]
    assert two.post(said(one.state, answer_to(task)))[0] == 404
    image = one.state["task"]["panels"][0]["views"]["CC"]["image"]
    assert one.request("GET", f"/api/image/{image}", cookie=one.cookie)[0] == 200
    assert two.request("GET", f"/api/image/{image}", cookie=two.cookie)[0] == 404
    assert one.request("GET", f"/api/image/{image}")[0] == 404
    later = read_plan(folder)["cases"][0]["views"]["CC"]["images"]["virtual"]["file"]
    assert one.request("GET", f"/api/image/{later}", cookie=one.cookie)[0] == 404


def test_wrong_links_are_refused_and_slowed_down(entered):
    _, _, readers = entered
    one = readers["R1"]
    for number in range(ATTEMPTS):
        assert one.request("GET", f"/r/guess{number}")[0] == 404
    status, headers, _ = one.request("GET", "/r/guess")
    assert status == 429 and headers["retry-after"] == "60"
    # who is in reads on
    assert one.get("/api/state")["done"] == 0
    assert one.request("GET", "/api/state", cookie="vdes-reading=guess")[0] == 429
    clock = [0.0]
    attempts = Attempts(lambda: clock[0])
    for _ in range(ATTEMPTS):
        attempts.fail("a")
    assert attempts.exhausted("a") and not attempts.exhausted("b")
    clock[0] = WINDOW + 1
    assert not attempts.exhausted("a")


def test_forged_requests_are_refused(entered, answer_to):
    folder, server, readers = entered
    one = readers["R1"]
    body = said(one.state, answer_to(read_plan(folder)["readers"][0]["tasks"][0]))
    for foreign in (
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"x-vdes-reading": "wrong"},
        {"origin": "null"},
    ):
        assert one.post(body, **foreign)[0] == 403
    assert one.post(body, **{"content-type": "text/plain"})[0] == 415
    assert one.request("GET", "/api/state", cookie=one.cookie, host="evil.example")[0] == 400
    assert one.request("GET", "/api/answer", cookie=one.cookie)[0] == 405
    for path in (
        *("/page/../store.py", "/page/..%2Fstore.py", "/page/%2e%2e/%2e%2e/plan.json", "/plan.json", "/page/plan.json"),
        *("/readings.sqlite", "/api/image/..%2F..%2Fplan.json", "//etc/passwd", "/", "/api/image/"),
    ):
        status, _, content = one.request("GET", path, cookie=one.cookie)
        assert status == 404, path
        assert b"sha256" not in content
    large = one.request("POST", "/api/answer", b" " * (MOST_BYTES + 1), cookie=one.cookie, x_vdes_reading=one.token,
                        content_type="application/json")  # fmt: skip
    assert large[0] == 413
    one.connection.close()
    assert one.post(body, origin=server.url)[0] == 200


def test_every_answer_has_the_strict_headers(entered):
    _, _, readers = entered
    one = readers["R1"]
    for path, cookie in (("/reading", one.cookie), ("/page/main.js", ""), ("/api/state", one.cookie), ("/nothing", "")):
        _, headers, _ = one.request("GET", path, cookie=cookie)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "http" not in policy and "unsafe" not in policy
        assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer" and "server" not in headers
    _, headers, _ = one.request("GET", f"/r/{one.cookie.partition('=')[2]}")
    assert "HttpOnly" in headers["set-cookie"] and "samesite=strict" in headers["set-cookie"].lower()


def test_a_session_waits_for_its_wash_out(make_reading, served, client, secrets_of, answer_to):
    folder = make_reading(washout_days=7.0, choices=0, quality=0, repeat_share=0.0)
    with Store(folder) as store, store.batch():
        tasks = store.tasks["R1"]
        for task in tasks[:20]:
            store.add(task["task"], answer_to(task), 1)
    secrets = secrets_of(folder)
    one = client(served(folder).port, secrets["R1"])
    assert one.state["session"] == 2 and one.state["task"] is None and one.state["opens"] is not None
    early = {"task": tasks[20]["task"], "answer": answer_to(tasks[20]), "answer_id": str(uuid.uuid4()), "seconds": 1}
    status, state = one.post(early)
    assert status == 409 and "not open" in state["error"] and state["done"] == 20


def test_secrets_and_patients_are_nowhere(entered, answer_to):
    folder, _, readers = entered
    one = readers["R1"]
    one.post(said(one.state, answer_to(read_plan(folder)["readers"][0]["tasks"][0])))
    secret = one.cookie.partition("=")[2].encode()
    patients = [entry["study_patient"] for entry in json.loads((folder / "key.json").read_text()).values()]
    for file in folder.iterdir():
        if file.is_file() and file.name not in ("key.json", "links.txt"):
            content = file.read_bytes()
            assert secret not in content
            if file.name == "plan.json":
                assert not any(f'"{patient}"'.encode() in content for patient in patients)
        assert file.stat().st_mode & 0o077 == 0
    shown = json.dumps(one.get("/api/state"))
    for hidden in ("real", "virtual", 'malignant"', "pathology", read_plan(folder)["key"], "C0"):
        assert hidden not in shown.replace("Which of the two is the real DES image?", ""), hidden


def test_bad_input_is_one_line(reading, served, secrets_of, tmp_path):
    with pytest.raises(InputError, match="no reader has a link yet"):
        serve(reading, Server())
    secrets_of(reading)
    server = served(reading)
    with pytest.raises(InputError, match=f"port: {server.port} is in use"):
        serve(reading, Server(port=server.port))
    image = next(iter((reading / "images").glob("*[!g]")))
    content = image.read_bytes()
    image.write_bytes(content[:-2])
    with pytest.raises(InputError, match=r"image of C\d+ \w+: has \d+ bytes"):
        serve(reading, Server(port=0))
    image.write_bytes(content)
    with pytest.raises(InputError, match="cross the network without TLS"):
        Server(host="0.0.0.0")
    with pytest.raises(InputError, match="one of the two is missing"):
        Server(tls_key=tmp_path)
    with pytest.raises(InputError, match="behind_proxy"):
        Server(behind_proxy="http://reading.example.org")
    with pytest.raises(InputError, match="certificate"):
        serve(reading, Server(port=0, tls_certificate=tmp_path / "no.pem", tls_key=tmp_path / "no.key"))
    with Store(reading) as store:
        store.set_simulated()
    with pytest.raises(InputError, match="simulated readers"):
        serve(reading, Server())


def test_an_image_that_changed_is_not_shown(entered):
    folder, _, readers = entered
    one = readers["R1"]
    image = one.state["task"]["panels"][0]["views"]["CC"]["image"]
    case = read_plan(folder)["readers"][0]["tasks"][0]["case"]
    record = next(entry for entry in read_plan(folder)["cases"] if entry["case"] == case)
    file = folder / "images" / record["views"]["CC"]["images"]["low_energy"]["file"]
    file.write_bytes(bytes(len(file.read_bytes())))
    status, _, body = one.request("GET", f"/api/image/{image}", cookie=one.cookie)
    assert status == 500 and b"changed" in body


@pytest.mark.slow
def test_eight_readers_at_once_lose_nothing(make_reading, served, client, secrets_of, answer_to):
    """Each answers 200 tasks; half of the answers are sent twice, as after a lost acknowledgement.

    They think for 50 ms on average, a hundredth of what people do.
    """
    folder = make_reading(readers=8, choices=0, quality=0, repeat_share=0.0)
    per_reader = 200
    # the work list is repeated so that there are 200 tasks: many sittings with few images
    rewritten = _longer(folder, per_reader)
    secrets = secrets_of(folder)
    server = served(folder)
    tasks = {task["task"]: task for reader in rewritten["readers"] for task in reader["tasks"]}
    acknowledged: dict[str, str] = {}
    times: list[float] = []
    failures: list[str] = []

    def read(reader: str) -> None:
        one = client(server.port, secrets[reader])
        state = one.state
        random = np.random.default_rng(int(reader[1:]))
        while state["task"] is not None:
            body = said(state, answer_to(tasks[state["task"]["task"]], **_own(reader, state, tasks)))
            for _ in range(1 + int(random.random() < 0.5)):
                began = time.perf_counter()
                status, state = one.post(body)
                times.append(time.perf_counter() - began)
                if status != 200:
                    failures.append(f"{reader}: {status} {state}")
            acknowledged[body["answer_id"]] = body["task"]
            time.sleep(random.uniform(0, 0.1))

    threads = [threading.Thread(target=read, args=(reader,)) for reader in secrets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Store(folder) as store:
        answers = store.answers()
    assert len(answers) == 8 * per_reader
    assert {one["answer_id"]: one["task"] for one in answers} == acknowledged
    owner = {task["task"]: reader["code"] for reader in rewritten["readers"] for task in reader["tasks"]}
    assert all(owner[one["task"]] == one["reader"] for one in answers)
    assert all(one["answer"]["malignancy"] == int(one["reader"][1:]) for one in answers)
    p95 = float(np.quantile(times, 0.95))
    print(f"answers: {len(times)}, median {1000 * np.median(times):.1f} ms, p95 {1000 * p95:.1f} ms")
    # 50 ms is the aim for p95; the machines of the tests are shared. An answer whose body waits until TCP acknowledges
    # its headers takes 40 ms
    assert np.median(times) < 0.035 and p95 < 0.25


def _own(reader, state, tasks):
    return {"malignancy": int(reader[1:])} if tasks[state["task"]["task"]]["part"] == "reading" else {}


def _longer(folder: Path, length: int):
    """Give every reader's work list ``length`` tasks, and freeze the plan anew."""
    from vdes.reading.plan import blind_name, plan_digest

    plan = json.loads((folder / "plan.json").read_text())
    for reader in plan["readers"]:
        once = reader["tasks"]
        reader["tasks"] = []
        for number in range(length):
            name = blind_name(plan, "longer", reader["code"], number)
            reader["tasks"].append({**once[number % len(once)], "task": name, "session": 1, "position": number + 1})
    plan["sha256"] = plan_digest(plan)
    (folder / "plan.json").write_text(json.dumps(plan))
    return plan


@pytest.mark.slow
def test_a_server_that_is_killed_loses_nothing_that_it_acknowledged(reading, served, client, secrets_of, answer_to):
    """Fifty SIGKILLs at random moments, while a reader answers without a break."""
    plan = _longer(reading, 20_000)  # more than any machine answers in that time
    secrets = secrets_of(reading)
    tasks = {task["task"]: task for reader in plan["readers"] for task in reader["tasks"]}
    random = np.random.default_rng(0)
    acknowledged: list[str] = []
    pending = None
    for _ in range(50):
        server = served(reading)
        one = client(server.port, secrets["R1"])
        killer = threading.Timer(random.uniform(0.005, 0.4), server.process.kill)
        killer.start()
        try:
            while True:
                if pending is None:
                    pending = said(one.state, answer_to(tasks[one.state["task"]["task"]]))
                status, state = one.post(pending)
                assert status == 200
                acknowledged.append(pending["answer_id"])
                pending = said(state, answer_to(tasks[state["task"]["task"]]))
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the server is gone
        killer.join()
        server.kill()
    with Store(reading) as store:
        stored = [one["answer_id"] for one in store.answers()]
    assert len(acknowledged) > 100
    assert len(set(stored)) == len(stored)
    # the last one may be stored without its acknowledgement having come through
    assert stored[: len(acknowledged)] == acknowledged and len(stored) <= len(acknowledged) + 1
