"""The documentation is built without a warning, and its links lead somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import PROJECT, pages

import vdes

KINDS = ("tutorials", "how-to", "reference", "explanation", "results")


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    # without the measurement of coverage: a build imports all and runs little, in three times the time
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = ["bash", str(PROJECT / "tools" / "docs.sh"), str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stderr == ""
    return out


def test_a_page_is_of_one_of_five_kinds() -> None:
    inside = [page.relative_to(PROJECT / "docs") for page in pages() if page.is_relative_to(PROJECT / "docs")]
    assert {path.parts[0] for path in inside if len(path.parts) > 1} == set(KINDS)
    assert {path.name for path in inside if len(path.parts) == 1} == {"index.md"}


@pytest.mark.slow
def test_all_pages_and_all_modules_are_in_it(site: Path) -> None:
    for page in pages():
        assert (site / page.relative_to(PROJECT)).with_suffix(".html").is_file(), page
    package = Path(vdes.__file__).parent
    for module in package.rglob("*.py"):
        parts = module.relative_to(package.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if not any(part.startswith("_") for part in name.split(".")) and parts[1:2] != ("cli",):
            assert (site / "docs" / "reference" / "api" / f"{name}.html").is_file(), name


@pytest.mark.slow
def test_units_errors_and_sources_of_docstrings_are_in_it(site: Path) -> None:
    text = (site / "docs" / "reference" / "api" / "vdes.phantom.exposure.html").read_text(encoding="utf-8")
    assert "Return the entrance air kerma in mGy." in text and "compressed thickness, skin included" in text
    text = (site / "docs" / "reference" / "api" / "vdes.statistics.non_inferiority.html").read_text(encoding="utf-8")
    assert "Raises" in text and "InputError" in text and "JAMA 308(24), 2012" in text
    assert "--enhancement-dprime" in (site / "docs" / "reference" / "commands.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_link_leads_somewhere(site: Path) -> None:
    """Within the site to a file and an anchor that are there; outside it the form alone is looked at."""
    found = {os.path.normpath(file): Page(file) for file in site.rglob("*.html")}
    there = {os.path.normpath(path) for path in site.rglob("*")}
    broken = []
    for file, page in found.items():
        name, folder = Path(file).relative_to(site), os.path.dirname(file)  # noqa: PTH120 (of 100,000 links)
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme == "data":
                continue
            if parts.scheme or parts.netloc:
                if parts.scheme not in ("http", "https", "mailto") or not (parts.netloc or parts.path) or " " in link:
                    broken.append(f"{name}: {link}")
                continue
            target = os.path.normpath(os.path.join(folder, unquote(parts.path))) if parts.path else file  # noqa: PTH118
            anchors = found[target].anchors if target in found else set()
            if target not in there or (parts.fragment and target in found and unquote(parts.fragment) not in anchors):
                broken.append(f"{name}: {link}")
    assert len(found) > 100
    assert broken == []
