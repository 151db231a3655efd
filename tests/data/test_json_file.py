from __future__ import annotations

from pathlib import Path

import pytest

from vdes.data import json_file
from vdes.data.json_file import parsed_json, read_json
from vdes.errors import InputError


def test_what_json_has_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b'\xef\xbb\xbf{"a": [1, -2.5, 999999999999999999, 1e300, null, true], "b": {"a": "\xc3\xa9"}}')
    assert read_json(file) == {"a": [1, -2.5, 999999999999999999, 1e300, None, True], "b": {"a": "é"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"test": [], "test": []}', r"'test' is there 2 times; expected each field once"),
        ('{"t": [{"case": "P1", "view": "CC", "view": "MLO"}]}', "'view' is there 2 times in case 'P1'"),
        (
            '{"t": [{}, {"case": "P1", "pixel_size_mm": NaN}]}',
            r"t\[1\] \('P1'\): pixel_size_mm: NaN; expected a finite number",
        ),
        ('{"r": {"des": [0, Infinity]}}', r"r: des\[1\]: Infinity; expected a finite number"),
        ('{"r": -Infinity}', r"r: -Infinity; expected a finite"),
        ('{"r": 1e999}', r"r: 1e999; expected a finite"),
        (f'{{"r": {"9" * 400}}}', r"r: an integer of 400 digits; expected a finite number of at most 18 digits"),
        (f'{{"r": -{"9" * 5000}}}', r"r: an integer of 5000 digits"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep; expected at most 32 levels"),
        ('{"a": ' * 100 + "1" + "}" * 100, "nested too deep"),
        ('{"a": ' + "[" * 100_000, "nested too deep|not valid JSON"),
        ("[]", "holds a JSON list; expected an object"),
    ],
)
def test_what_is_refused_is_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"^a\.json: .*({message})") as caught:
        parsed_json("a.json", text.encode())
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_as_deep_as_allowed_is_read() -> None:
    assert parsed_json("a.json", b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}")["a"]


def test_a_file_without_end_is_not_read_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_file, "MAX_BYTES", 1 << 20)
    (tmp_path / "a.json").write_bytes(b'{"a": 1}' + b" " * (1 << 20))
    with pytest.raises(InputError, match="has more than 1 MB; expected a datalist of that size at most"):
        read_json(tmp_path / "a.json")
