"""The DICOMweb client, on a real archive, and on servers that fail as networks do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from vdes.dicom import Model, virtual_des_object
from vdes.dicom.archive import ATTEMPTS, Archive
from vdes.dicom.virtual_des_object import COMPRESSIONS
from vdes.errors import InputError

STUDY = "2.25.4711"


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_objects_come_back_as_they_were_stored(orthanc, write_mammogram, tmp_path: Path, compression: str) -> None:
    study = generate_uid()
    values = np.random.default_rng(0).random((80, 60))
    low_energy = write_mammogram(tmp_path / "le.dcm", values, study=study)
    made = virtual_des_object(low_energy, values, Model("bundle", "0.1.0", "ab" * 32), compression)
    made.save_as(tmp_path / "v.dcm", enforce_file_format=True)
    archive = Archive(orthanc.url)
    assert archive.store(low_energy) == pydicom.dcmread(low_energy).SOPInstanceUID
    assert archive.store(tmp_path / "v.dcm") == made.SOPInstanceUID
    archive.store(tmp_path / "v.dcm")  # once more changes nothing
    found = {header.SOPInstanceUID: header for header in archive.headers(study)}
    assert found.keys() == {made.SOPInstanceUID, pydicom.dcmread(low_energy).SOPInstanceUID}
    archive.fetch(found[made.SOPInstanceUID], tmp_path / "back.dcm")
    back = pydicom.dcmread(tmp_path / "back.dcm")
    assert back.file_meta.TransferSyntaxUID == made.file_meta.TransferSyntaxUID
    np.testing.assert_array_equal(back.pixel_array, np.round(values * 4095))
    assert back.SyntheticData == "YES" and back.StudyInstanceUID == study


def test_an_unknown_study_and_a_wrong_user_are_told(orthanc, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"study {STUDY}: (not found|refused with HTTP status 404)"):
        Archive(orthanc.url).headers(STUDY)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(InputError, match="refused with HTTP status 401; expected user and password for this host"):
        Archive(orthanc.url).headers(STUDY)


@pytest.mark.parametrize(
    "url", ["pacs.example.org", "ftp://pacs.example.org", "http://", "http://me:secret@localhost/"]
)
def test_a_url_that_will_not_do_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(InputError, match="DICOMweb: ") as error:
        Archive(url)
    assert "secret" not in str(error.value)


def test_a_study_that_is_no_uid_is_refused_before_the_network() -> None:
    with pytest.raises(InputError, match=r"study: '\.\./x' is not a UID"):
        Archive("http://localhost:1/dicom-web").headers("../x")


@contextmanager
def server(failures: int) -> Iterator[tuple[str, list[str]]]:
    """Answer the first requests with 503 and the next ones with one header; yield the URL and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            failed = len(asked) <= failures
            body = b"" if failed else json.dumps([{"00080018": {"vr": "UI", "Value": ["2.25.9"]}}]).encode()
            self.send_response(503 if failed else 200)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("localhost", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://localhost:{httpd.server_port}/dicom-web", asked
        httpd.shutdown()


def test_a_busy_archive_is_asked_again() -> None:
    with server(failures=2) as (url, asked):
        [header] = Archive(url).headers(STUDY)
    assert header.SOPInstanceUID == "2.25.9" and len(asked) == 3


def test_an_archive_that_stays_busy_or_silent_is_given_up() -> None:
    with (
        server(failures=99) as (url, asked),
        pytest.raises(InputError, match="busy, 4 attempts failed; try again later"),
    ):
        Archive(url).headers(STUDY)
    assert len(asked) == ATTEMPTS
    with pytest.raises(InputError, match=r"no answer after 4 attempts \(ConnectionError\)"):
        Archive(url).headers(STUDY)
