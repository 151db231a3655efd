"""The server over TLS and behind a proxy."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import uuid
from pathlib import Path

import pytest

from vdes.reading.app import ATTEMPTS
from vdes.reading.plan import read_plan
from vdes.reading.settings import Server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True)
    return files


def test_readers_come_by_tls(reading, served, secrets_of, certificate):
    secrets = secrets_of(reading)
    server = served(reading, tls_certificate=certificate[0], tls_key=certificate[1])
    context = ssl.create_default_context(cafile=str(certificate[0]))
    connection = http.client.HTTPSConnection("localhost", server.port, context=context)
    connection.request("GET", f"/r/{secrets['R1']}")
    response = connection.getresponse()
    assert response.status == 200 and response.read()
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-vdes-reading=") and "Secure" in cookie
    assert response.headers["strict-transport-security"].startswith("max-age=")
    with pytest.raises((http.client.HTTPException, OSError)):
        plain = http.client.HTTPConnection("localhost", server.port, timeout=5)
        plain.request("GET", f"/r/{secrets['R1']}")
        plain.getresponse()


def test_a_proxy_is_known_by_its_address(reading, served, client, secrets_of, answer_to):
    secrets = secrets_of(reading)
    server = served(reading, behind_proxy="https://reading.example.org")

    def proxied(**headers):
        return {"host": "reading.example.org", "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https", **headers}

    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def ask(method, path, body=None, **headers):
        connection.request(method, path, body, proxied(**headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    status, headers, _ = ask("GET", f"/r/{secrets['R1']}")
    assert status == 200 and "Secure" in headers["set-cookie"]
    cookie = headers["set-cookie"].partition(";")[0]
    state = json.loads(ask("GET", "/api/state", cookie=cookie)[2])
    task = read_plan(reading)["readers"][0]["tasks"][0]
    body = json.dumps(
        {"task": task["task"], "answer": answer_to(task), "answer_id": str(uuid.uuid4()), "seconds": 2}
    ).encode()
    given = {"cookie": cookie, "x-vdes-reading": state["token"], "content-type": "application/json"}
    assert ask("POST", "/api/answer", body, **given, origin="http://127.0.0.1:8000")[0] == 403
    assert ask("POST", "/api/answer", body, **given, origin="https://reading.example.org")[0] == 200
    # wrong links are counted by the address that the proxy states
    for number in range(ATTEMPTS + 1):
        status, _, _ = ask("GET", f"/r/guess{number}", **{"x-forwarded-for": "192.0.2.7"})
    assert status == 429
    assert ask("GET", "/r/guess")[0] == 404
    assert ask("GET", "/reading", host="other.example.org", cookie=cookie)[0] == 400


def test_ctrl_c_ends_it_without_an_error(reading, served, secrets_of, client):
    secrets = secrets_of(reading)
    server = served(reading)
    one = client(server.port, secrets["R1"])
    one.connection.close()
    os.kill(server.process.pid, signal.SIGINT)
    server.process.join(20)
    assert server.process.exitcode == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.7"])
def test_this_machine_needs_no_tls(host):
    assert not Server(host=host).secure


@pytest.mark.parametrize("port", [-1, 70000])
def test_the_port_is_checked(port):
    from vdes.errors import InputError

    with pytest.raises(InputError, match="port"):
        Server(port=port)
