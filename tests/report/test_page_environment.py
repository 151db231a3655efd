from __future__ import annotations

import base64
import hashlib

from vdes.report.page_environment import content_policy, flat, page_environment, png_uri, source


def test_a_package_has_the_macros_of_all_pages_and_its_own_templates():
    environment = page_environment("vdes.reading")
    assert "macro bar(" in source(environment, "macros.html")
    assert "reader" in source(environment, "reading.html")
    text = environment.from_string("{{ name }}, {{ 0.5|number }}, {{ count(2, 'case') }}").render(name="<b>")
    assert text == "&lt;b&gt;, 0.500, 2 cases"


def test_nested_values_are_laid_out_flat():
    assert flat({"a": 1, "b": {"c": [1, 2]}, "d": None}, "x") == [("x: a", 1), ("x: b: c", "1, 2")]
    assert flat("y", "x") == [("x", "y")] and flat(None, "x") == []


def test_the_policy_allows_the_page_itself():
    policy = content_policy("p {}", "run()")
    for text in ("p {}", "run()"):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'")
    assert png_uri(b"x") == "data:image/png;base64,eA=="
