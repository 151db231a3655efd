from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from vdes.errors import InputError
from vdes.reading import tables
from vdes.reading.accuracy import POSITIVE
from vdes.reading.analyse import analyse
from vdes.reading.case_browser import MAX_HEIGHT, read_cases
from vdes.reading.exchange import mrmcaov_table
from vdes.reading.report import write_reading_report
from vdes.reading.settings import AnalysisSettings
from vdes.reading.simulate import simulate
from vdes.report.study_words import number


class Page(HTMLParser):
    """Text by section, and the attributes that fetch something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.section, self.text, self.sources, self.skip = "", {}, [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.sources += [found[name] for name in ("src", "href") if found.get(name)]
        self.skip = tag in ("script", "style")
        if tag == "section":
            self.section = found["id"]

    def handle_endtag(self, tag):
        self.skip = False

    def handle_data(self, data):
        if not self.skip:
            self.text[self.section] = f"{self.text.get(self.section, '')} {' '.join(data.split())}"


@pytest.fixture(scope="module")
def reported(make_reading) -> Path:
    folder = make_reading(cases=12)
    simulate(folder, progress=False)
    analyse(folder, AnalysisSettings(n_resamples=50))
    write_reading_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(reported) -> Page:
    return Page((reported / "report.html").read_text())


def test_the_answer_comes_first_and_says_that_readers_are_simulated(reported, page):
    metrics = json.loads((reported / "analysis" / "metrics.json").read_text())
    answer = page.text["answer"]
    assert answer.strip().startswith("Simulated readers: do readers do as well with virtual DES as with real DES?")
    assert "The readers are simulated" in answer
    for part in ("arm", "reference"):
        assert number(metrics["answer"][part]["value"]) in answer
    assert number(metrics["answer"]["difference"]["value"], sign=True) in answer
    assert "simulated" in page.text["methods"]
    assert set(page.text) >= {"accuracy", "curves", "localisation", "agreement", "impressions", "study", "cases"}


def test_the_page_holds_all_it_needs(reported, page):
    assert all(source.startswith(("data:", "#")) for source in page.sources)
    text = (reported / "report.html").read_text()
    assert re.search(r'Content-Security-Policy" content="default-src &#39;none&#39;', text)
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)


def test_no_place_and_no_patient_of_the_study_is_in_it(reported, page):
    text = (reported / "report.html").read_text()
    assert str(reported.parent) not in text
    patients = set(tables.study_key(reported)["study_patient"])
    assert not patients & set(re.findall(r"\bP\d+\b", " ".join(page.text.values())))


def test_the_cases_have_pictures_marks_and_what_was_said(reported):
    readings = pd.read_csv(reported / "analysis" / "readings.csv", dtype={"birads": str}, keep_default_na=False)
    readings = readings.assign(**{name: readings[name].map(json.loads) for name in ("marks", "hits")})
    cases = read_cases(reported, readings, POSITIVE)
    assert len(cases) == 12
    assert [case.split for case in cases] == sorted((case.split for case in cases), reverse=True)
    truth = tables.truth_table(reported).set_index("case")
    for case in cases:
        assert set(case.views) == {"CC", "MLO"}
        lesions = truth.loc[case.truth["case"], "lesions"]
        for view, shown in case.views.items():
            content = base64.b64decode(shown["pictures"]["virtual"].partition(",")[2])
            with Image.open(io.BytesIO(content)) as picture:
                assert list(picture.size[::-1]) == shown["shape"]
                assert picture.height <= MAX_HEIGHT
            own = readings[readings["case"] == case.truth["case"]]
            marks = [mark for marks in own["marks"] for mark in marks if mark["view"] == view]
            assert len(shown["marks"]) == len(marks)
            assert bool(shown["outlines"]) == any(lesion["view"] == view for lesion in lesions)
            for lesion in (lesion for lesion in lesions if lesion["view"] == view):
                x = [place[0] for ring in shown["outlines"] for place in ring]
                assert min(x) <= lesion["x"] <= max(x)  # 64 pixels high: not scaled
        assert len(case.readings) == 6


def test_a_file_of_readings_has_a_report_too(tmp_path):
    rows = [
        (f"R{reader}", modality, f"C{case}", 10 * (case % 2) + (7 * case + 3 * reader + len(modality)) % 13)
        for reader in range(3)
        for modality in ("old", "newer")
        for case in range(20)
    ]
    readings = pd.DataFrame(rows, columns=["reader", "modality", "case", "malignancy"])
    truth = pd.DataFrame({"case": [f"C{case}" for case in range(20)], "malignant": [case % 2 for case in range(20)]})
    mrmcaov_table(readings, truth).to_csv(tmp_path / "mine.csv", index=False)
    folder = analyse(tmp_path / "mine.csv", AnalysisSettings(tmp_path / "out", "newer", "old"))
    page = Page(write_reading_report(folder).read_text())
    assert "Do readers do as well with newer as with old?" in page.text["answer"]
    assert {"cases", "study", "impressions"} & set(page.text) == set()


def test_bad_input_is_named(reading, reported, tmp_path):
    with pytest.raises(InputError, match=r"metrics.json: no such file; run `vdes reading analyse` first"):
        write_reading_report(reading)
    with pytest.raises(InputError, match=r"report.html: exists already; pass --overwrite"):
        write_reading_report(reported)
    simulate(reading, progress=False)
    analyse(reading, AnalysisSettings(n_resamples=10))
    file = reading / "analysis" / "metrics.json"
    metrics = json.loads(file.read_text())
    metrics["provenance"]["plan_sha256"] = "0" * 64
    file.write_text(json.dumps(metrics))
    with pytest.raises(InputError, match="plan_sha256: belongs to another plan; analyse the readings again"):
        write_reading_report(reading)
    with pytest.raises(InputError, match="names no study of a classifier"):
        metrics = json.loads((reported / "analysis" / "metrics.json").read_text())
        other = tmp_path / "alone"
        other.mkdir()
        (other / "metrics.json").write_text(json.dumps(metrics))
        (other / "readings.csv").write_bytes((reported / "analysis" / "readings.csv").read_bytes())
        write_reading_report(other, join=True)
    assert not (tmp_path / "alone" / "report.html").exists()


@pytest.mark.slow
def test_the_cases_are_drawn_by_keyboard_and_nothing_is_fetched(reported, browser):
    from selenium.webdriver import ActionChains, Keys

    browser.get((reported / "report.html").as_uri())

    def drawn():
        return browser.execute_script(
            """
            const chosen = document.querySelector('#read-list input:checked').value;
            const views = JSON.parse(document.querySelector(`#read-${chosen} [data-read]`).textContent);
            const modality = document.getElementById('read-modality').value;
            return {
              chosen,
              article: [...document.querySelectorAll('#read-details article:not([hidden])')].map((one) => one.id),
              expected: Object.values(views).map(
                (view) => view.marks.filter((mark) => mark.modality === modality).length),
              marks: [...document.querySelectorAll('#read-panels svg')].map(
                (svg) => svg.querySelectorAll('.read-mark').length),
              outlines: document.querySelectorAll('#read-panels .drawn').length,
              loaded: [...document.querySelectorAll('#read-panels img')].map(
                (image) => image.complete && image.naturalWidth),
            };
            """
        )

    first = drawn()
    assert first["article"] == [f"read-{first['chosen']}"]
    assert first["marks"] == first["expected"]
    assert sum(first["marks"]) > 0
    browser.find_element("css selector", "#read-list input:checked").send_keys(Keys.ARROW_DOWN)
    second = drawn()
    assert second["chosen"] != first["chosen"]
    assert second["article"] == [f"read-{second['chosen']}"]
    assert second["marks"] == second["expected"]
    for name, count in (("low_energy", None), ("", [0, 0])):
        browser.execute_script(
            "const m = document.getElementById('read-modality'); m.value = arguments[0];"
            "m.dispatchEvent(new Event('change'))",
            name,
        )
        assert drawn()["marks"] == (drawn()["expected"] if count is None else count)
    ActionChains(browser).pause(0.2).perform()
    assert all(drawn()["loaded"])
    lesions = browser.find_elements("css selector", "#read-panels .drawn")
    browser.find_element("id", "read-outline").click()
    assert not browser.find_elements("css selector", "#read-panels .drawn")
    assert drawn()["outlines"] == 0 <= len(lesions)
    # a filter of the table that all pages share
    browser.execute_script(
        "const m = document.getElementById('differences-metric'); m.value = 'sensitivity';"
        "m.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    shown = browser.find_elements("css selector", "#differences [data-row]:not([hidden])")
    assert [one.get_attribute("data-metric") for one in shown] == ["sensitivity"]
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    requests = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if 'Network.requestWillBeSent"' in entry["message"]
    ]
    assert all(url.startswith(("file:", "data:")) for url in requests)
