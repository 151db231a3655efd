"""The settings of the repository: hooks before a commit, and forms for issues and pull requests."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[1]
FORMS = sorted(file for file in (PROJECT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if file.stem != "config")
KINDS = {"markdown", "input", "textarea", "dropdown", "checkboxes"}


def test_the_hooks_run_what_the_test_command_runs_and_fetch_nothing() -> None:
    repositories = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {repository["repo"] for repository in repositories} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    command = (PROJECT / "tools" / "test.sh").read_text()
    programs = [hook["entry"].removesuffix(" --force-exclude") for hook in hooks]
    assert programs == ["ruff check", "ruff format", "mypy"]
    assert [program for program in programs if f"\n{program}" not in command] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_an_issue_form_asks_for_the_kind_of_data_and_for_no_patients(form: Path) -> None:
    content = yaml.safe_load(form.read_text())
    assert content.keys() >= {"name", "description", "body"}  # what a forge requires
    assert {part["type"] for part in content["body"]} <= KINDS
    fields = [part for part in content["body"] if part["type"] != "markdown"]
    assert all(part["id"] and part["attributes"]["label"] for part in fields)
    assert len({part["id"] for part in fields}) == len(fields)
    assert "Never attach patient data" in content["body"][0]["attributes"]["value"]
    (data,) = [part for part in fields if part["id"] == "data"]
    assert "phantoms" in data["attributes"]["options"]


def test_a_pull_request_is_asked_for_figures_and_kind_of_data() -> None:
    text = (PROJECT / ".github" / "PULL_REQUEST_TEMPLATE.md").read_text()
    for asked in ("Never patient data", "Which figures change?", "On which data", "bash tools/test.sh", "CHANGELOG.md"):
        assert asked in text


def test_the_addresses_of_the_package_are_those_of_its_citation() -> None:
    settings = ConfigParser()
    settings.read(PROJECT / "setup.cfg")
    urls = [line.partition(" = ")[2] for line in settings["metadata"]["project_urls"].strip().splitlines()]
    citation = (PROJECT / "CITATION.cff").read_text()
    assert urls and [url for url in urls if url.removeprefix("https://doi.org/") not in citation] == []
