"""Talk to an archive over DICOMweb (PS3.18): find, fetch and store.

User, password and certificates are read where `requests` looks for them (``~/.netrc``, ``REQUESTS_CA_BUNDLE``), never
from the command line, which other users of the machine can read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pydicom
from pydicom import Dataset

from vdes.dicom.extra import need
from vdes.dicom.files import damage_as_input_error
from vdes.dicom.values import is_uid
from vdes.errors import InputError

need("DICOMweb", "dicomweb_client")

import requests  # noqa: E402 - after the check, which says what to install
from dicomweb_client import DICOMwebClient  # noqa: E402
from retrying import RetryError  # noqa: E402

ATTEMPTS, FIRST_WAIT_MS, TIMEOUT_S = 4, 250, 60
_UNAUTHORISED = (401, 403)


class Archive:
    """An archive behind a DICOMweb URL; after a network failure a request is retried, up to four attempts in all.

    Args:
        url: base URL of its services, such as ``https://pacs.example.org/dicom-web``.

    Raises:
        InputError: the URL is not an http or https URL, or contains a user or password.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("DICOMweb: not a URL; expected one such as https://pacs.example.org/dicom-web")
        if parts.username or parts.password:
            raise InputError("DICOMweb: the URL contains a user or password; expected them in ~/.netrc instead")
        self.url = url.rstrip("/")
        self._client = DICOMwebClient(self.url, session=requests.Session(), timeout=TIMEOUT_S)
        self._client.set_http_retry_params(max_attempts=ATTEMPTS, wait_exponential_multiplier=FIRST_WAIT_MS)

    def headers(self, study: str) -> list[Dataset]:
        """Return the headers of all instances of a study.

        Raises:
            InputError: the UID is invalid, or the archive does not answer, refuses, or does not have the study.
        """
        if not is_uid(study):
            raise InputError(f"study: {study!r} is not a UID; expected a StudyInstanceUID")
        with self._failures_as_input_errors(f"study {study}"):
            found = self._client.retrieve_study_metadata(study)
        if not found:
            raise InputError(f"{self.url}: study {study}: not found")
        with damage_as_input_error(Path(study)):
            return [Dataset.from_json(header, lambda tag, vr, uri: None) for header in found]

    def fetch(self, header: Dataset, file: Path) -> None:
        """Write one instance to a file, in the transfer syntax in which the archive stores it.

        Args:
            header: one of `headers`.
            file: to write.

        Raises:
            InputError: the archive does not answer or refuses.
        """
        with self._failures_as_input_errors(f"instance {header.SOPInstanceUID}"):
            image = self._client.retrieve_instance(
                header.StudyInstanceUID,
                header.SeriesInstanceUID,
                header.SOPInstanceUID,
                media_types=(("application/dicom", "*"),),
            )
        image.save_as(file, enforce_file_format=True)

    def store(self, file: Path) -> str:
        """Store a file, and return its SOPInstanceUID.

        Raises:
            InputError: the archive does not answer, refuses, or reports that it did not store the object.
        """
        image = pydicom.dcmread(file)
        with self._failures_as_input_errors(f"storing {image.SOPInstanceUID}"):
            answer = self._client.store_instances([image])
        failed = answer.get("FailedSOPSequence") or ()
        if failed:
            raise InputError(
                f"{self.url}: {image.SOPInstanceUID}: not stored (reason {failed[0].get('FailureReason')})"
            )
        return str(image.SOPInstanceUID)

    @contextmanager
    def _failures_as_input_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except requests.HTTPError as error:
            status = 0 if error.response is None else error.response.status_code
            hint = "; expected user and password for this host in ~/.netrc" if status in _UNAUTHORISED else ""
            raise InputError(f"{self.url}: {what}: refused with HTTP status {status}{hint}") from error
        except requests.exceptions.SSLError as error:
            raise InputError(f"{self.url}: {what}: certificate not trusted; set REQUESTS_CA_BUNDLE") from error
        except RetryError as error:
            raise InputError(f"{self.url}: {what}: busy, {ATTEMPTS} attempts failed; try again later") from error
        except requests.RequestException as error:
            kind = type(error).__name__
            raise InputError(f"{self.url}: {what}: no answer after {ATTEMPTS} attempts ({kind})") from error
