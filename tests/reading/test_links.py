from __future__ import annotations

import base64

import pytest

from vdes.errors import InputError
from vdes.reading.links import make_links, secret_hash
from vdes.reading.settings import Links
from vdes.reading.store import Store


def test_links_have_128_bits_and_are_stored_hashed(reading):
    file = make_links(reading, Links(url="https://reading.example.org/"))
    assert file == reading / "links.txt" and file.stat().st_mode & 0o777 == 0o600
    links = dict(line.split("\t") for line in file.read_text().splitlines())
    assert set(links) == {"R1", "R2"} and all(
        link.startswith("https://reading.example.org/r/") for link in links.values()
    )
    secrets = {reader: link.rpartition("/")[2] for reader, link in links.items()}
    assert all(len(base64.urlsafe_b64decode(secret + "==")) == 16 for secret in secrets.values())
    with Store(reading) as store:
        assert store.links() == {secret_hash(secret): reader for reader, secret in secrets.items()}


def test_a_new_link_ends_the_old_one(reading, tmp_path):
    make_links(reading, Links())
    with pytest.raises(InputError, match=r"links\.txt: exists already"):
        make_links(reading, Links())
    with Store(reading) as store:
        before = {reader: hashed for hashed, reader in store.links().items()}
    make_links(reading, Links(reader=("R2",), output=tmp_path / "new.txt"))
    with Store(reading) as store:
        after = {reader: hashed for hashed, reader in store.links().items()}
    assert before["R1"] == after["R1"] and before["R2"] != after["R2"]


@pytest.mark.parametrize("url", ["reading.example.org", "ftp://a", "https://", "https://a/path", "http://a?b"])
def test_bad_addresses_are_refused(reading, url):
    with pytest.raises(InputError, match="url: "):
        make_links(reading, Links(url=url))


def test_an_unknown_reader_is_refused(reading):
    with pytest.raises(InputError, match="reader: 'R9' is not in the plan; expected R1, R2"):
        make_links(reading, Links(reader=("R9",)))
