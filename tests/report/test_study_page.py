from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from vdes.report.case_cards import case_cards
from vdes.report.forest_plot import forests
from vdes.report.study_files import read_study
from vdes.report.study_page import study_page
from vdes.report.study_rows import comparison_rows

HOSTILE = "<script>window.hacked = 1</script>\"'&</title>"


class Outline(HTMLParser):
    """The elements of a page, its sections, the text of each section and what is not closed."""

    VOID = ("meta", "link", "input", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.section = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = dict(attributes)["id"] or ""

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text[self.section] = self.text.get(self.section, "") + data

    def words(self, section):
        return " ".join(self.text.get(section, "").split())


def page(folder, max_cases=4):
    study = read_study(folder)
    tables = (study.metrics[name] for name in ("verdicts", "tests", "calibration"))
    rows = comparison_rows(study.metrics["classification"], ["level"], *tables)
    return study_page(study, rows, forests(rows, study.metrics["arms"]), [], case_cards(study, max_cases))


def shown(value, sign=""):
    return f"{value:{sign}.3f}".replace("-", "−")


@pytest.fixture()
def metrics(study_folder):
    return json.loads((study_folder / "metrics.json").read_text())


def test_the_answer_comes_first_with_its_numbers(study_folder, metrics):
    outline = Outline(page(study_folder))
    sections = [attributes["id"] for tag, attributes in outline.elements if tag == "section"]
    assert sections == ["answer", "arms", "curves", "fidelity", "cases", "oracle", "failures", "methods"]
    assert outline.open == []
    text = outline.words("answer")
    answer = metrics["answer"]
    for term in ("What was asked", "What was found", "What it does not mean"):
        assert term in text
    asked = "whether malignant and other examinations are told apart with a loss of less than 0.05 in F1"
    assert asked in text and "nor does it say what would be found for real patients." in text
    assert text.startswith("Can virtual DES by unet replace real DES?")
    for row, sign in ((answer["arm"], ""), (answer["reference"], ""), (answer["difference"], "+")):
        assert f"{shown(row['value'], sign)} {shown(row['low'], sign)} to" in text
    assert "20 patients, 80 images; 10 of 20 examinations malignant. The margin of 0.05 was fixed" in text
    assert "These are simulated patients." in text and "Not for diagnosis." in text


def test_every_difference_and_verdict_is_in_the_page(study_folder, metrics):
    text = Outline(page(study_folder)).words("arms")
    differences = [row for row in metrics["classification"] if row["statistic"] == "difference"]
    assert len(differences) == 3 * 8 * 11
    for row in differences:
        value = shown(row["value"], "+") if round(row["value"], 3) else "0.000"
        assert value in text
    for row in metrics["verdicts"]:
        assert row["verdict"] in text
    assert "McNemar" in text and "DeLong" in text


def test_other_parts_have_their_numbers(study_folder, metrics):
    outline = Outline(page(study_folder))
    assert "images with hallucination" in outline.words("fidelity") and "0.710" in outline.words("fidelity")
    assert "low energy itself" in outline.words("fidelity") and "constant level" in outline.words("fidelity")
    assert "0.915" in outline.words("oracle") and "0.839" in outline.words("oracle")
    failures = outline.words("failures")
    subgroup = next(row for row in metrics["subgroups"] if row["statistic"] == "difference")
    assert f"density: {subgroup['group']}" in failures and shown(subgroup["value"], "+") in failures
    assert "only 3 malignant cases" in failures
    assert "densityvirtual DES (unet)F140.1370.274" in failures.replace("\n", "")
    assert "Too small to say anything: lesion type mass (7 images of 5 patients)." in failures
    assert "4 of 80 test images are shown" in outline.words("cases")
    methods = outline.words("methods")
    assert "ab" * 32 in methods and "5e" * 32 in methods and "phantoms of other patients" in methods
    assert "200 times" in methods and "2025-01-02" in methods


def test_the_page_fetches_nothing_and_runs_its_own_script_only(study_folder):
    text = page(study_folder)
    outline = Outline(text)
    for tag, attributes in outline.elements:
        assert not any(name.startswith("on") or name in ("style", "srcset", "action") for name in attributes), tag
        for name in ("src", "href"):
            assert re.match(r"#|data:", attributes.get(name) or "#"), (tag, attributes)
    policy = next(attributes["content"] for tag, attributes in outline.elements if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text


def test_patients_are_named_by_their_cases_only(study_folder):
    file = study_folder / "cases.json"
    cases = json.loads(file.read_text())
    for case in cases:
        case["patient"] = "Jane Doe 1970"
    file.write_text(json.dumps(cases))
    assert "Jane" not in page(study_folder)


def test_words_of_the_study_cannot_become_markup(study_folder, edit_study):
    file = study_folder / "cases.json"
    cases = json.loads(file.read_text())
    for case in cases:
        case |= {"pathology": HOSTILE, "findings": [HOSTILE], "tags": [HOSTILE], "view": HOSTILE, "density": HOSTILE}
    cases[0]["case"] = HOSTILE
    cases[0]["tags"] = ["disagreement"]
    file.write_text(json.dumps(cases))
    hostile = {"name": HOSTILE, "version": HOSTILE, "role": HOSTILE, "trained_on": HOSTILE, "weights_sha256": HOSTILE}
    edit_study(
        arms=lambda arms: [
            {**arm, "label": HOSTILE, "generator": arm["generator"] and HOSTILE + arm["generator"]} for arm in arms
        ],
        data=lambda data: {**data, "name": HOSTILE, "split": {HOSTILE: HOSTILE}},
        failed=[{"step": HOSTILE, "error": HOSTILE}],
        provenance=lambda one: {**one, "bundles": [hostile], "made": HOSTILE, "versions": {HOSTILE: HOSTILE}},
        disagreements=lambda rows: [{**row, "case": HOSTILE} for row in rows],
        subgroups=lambda rows: [{**row, "group": HOSTILE, "variable": HOSTILE} for row in rows],
        fidelity=lambda rows: [{**row, "generator": HOSTILE} for row in rows],
    )
    plain = page(study_folder)
    assert "<script>window" not in plain
    outline = Outline(plain)
    assert outline.open == []
    scripts = [attributes.get("type") for tag, attributes in outline.elements if tag == "script"]
    assert scripts.count(None) == 1 and set(scripts) == {None, "application/json"}
    for section in ("", "answer", "arms", "fidelity", "cases", "failures", "methods"):
        assert HOSTILE in outline.text[section], section


@pytest.mark.parametrize(
    ("part", "section", "words"),
    [
        ("oracle", "oracle", ""),
        ("fidelity", "fidelity", "No fidelity was measured."),
        ("enhancement", "fidelity", "Lesion enhancement was not measured"),
        ("subgroups", "failures", "No subgroups were analysed."),
        ("synthetic_share", "failures", "The share of virtual images was not varied."),
        ("disagreements", "failures", "No virtual arm classifies an image differently"),
        ("classification", "arms", "There are no classification results."),
        ("provenance", "methods", "No provenance was recorded."),
        ("answer", "answer", "No answer. One of the two arms has no result."),
        ("tests", "arms", "All figures"),
        ("verdicts", "arms", "All figures"),
        ("calibration", "arms", "All figures"),
    ],
)
@pytest.mark.parametrize("empty", [True, False])
def test_a_part_that_is_absent_or_empty_is_said_or_left_out(study_folder, edit_study, part, section, words, empty):
    edit_study(**{part: [] if empty else None})
    outline = Outline(page(study_folder, max_cases=1))
    assert outline.open == [] and words in outline.words(section)
    if not words:
        assert section not in [attributes["id"] for tag, attributes in outline.elements if tag == "section"]


def test_real_patients_and_failed_arms(study_folder, edit_study, metrics):
    gone = metrics["question"]["arm"]
    arm = next(arm for arm in metrics["arms"] if arm["arm"] == gone)
    edit_study(
        data=lambda data: {**data, "phantom": None},
        arms=lambda arms: [arm for arm in arms if arm["arm"] != gone],
        left_out=[{"arm": gone, "label": arm["label"]}],
        failed=[{"step": "virtual unet", "error": "weights do not fit"}],
        answer=None,
        classification=lambda rows: [row for row in rows if row["arm"] != gone],
    )
    (study_folder / "cases.json").unlink()
    outline = Outline(page(study_folder))
    text = outline.words("answer")
    assert text.startswith("Can “virtual DES (unet)” replace “real DES”? No answer.")
    failed = "1 step of the study failed. Results that depend on it are missing below. virtual unet: weights do not fit"
    assert failed in text
    assert "Arms without results: virtual DES (unet)." in text
    assert "simulated" not in text and "patients like those in this data set" in text
    assert "no pictures of cases" in outline.words("cases")


def test_the_region_study_has_a_section_where_there_is_one(study_folder, edit_study, metrics):
    rows = [row for row in metrics["classification"] if row["level"] == "image"]
    regions = {key: metrics[key] for key in ("verdicts", "tests")}
    renamed = {"virtual_des-cyclegan": "virtual_des-other"}  # an arm of the region study alone
    plain = [{key: renamed.get(value, value) for key, value in row.items() if key != "level"} for row in rows]
    arm = next(arm for arm in metrics["arms"] if arm["arm"] in renamed)
    arms = [{**arm, "arm": "virtual_des-other", "label": "other virtual DES", "classifier": "retrained"}]
    edit_study(regions={**regions, "classification": plain, "arms": arms})
    outline = Outline(page(study_folder))
    difference = next(row for row in rows if row["statistic"] == "difference" and round(row["value"], 3))
    assert shown(difference["value"], "+") in outline.words("regions")
    assert "outside any lesion" in outline.words("regions")
    retrained = outline.words("regions").split("The same, classifier retrained on such images")[1]
    assert "other virtual DES against real DES" in retrained.split("Other real images")[0]


def test_readers_join_the_page(study_folder):
    row = {"who": "readers", "reference": {"label": "real", "value": 0.9, "low": 0.85, "high": 0.95}}
    row |= {"arm": {"label": "virtual", "value": 0.88, "low": 0.8, "high": 0.93}}
    row |= {"difference": {"value": -0.02, "low": -0.06, "high": 0.02}}
    said = {"question": "Simulated readers: do they?", "short": "Undecided", "why": HOSTILE, "limits": "Little."}
    counts = {"simulated": True, "readers": 4, "cases": 30, "malignant": 12, "margin": 0.05, "confidence": 0.95}
    assert "readers" not in Outline(page(study_folder)).text
    (study_folder / "reader_study.json").write_text(
        json.dumps({**said, **counts, "rows": [row], "note": "One is missing."})
    )
    outline = Outline(page(study_folder))
    words = outline.words("readers")
    assert words.startswith("What the classifier lost, what the readers lost 4 simulated readers read 30 breasts")
    for text in ("Undecided", "Little.", shown(-0.02, "+"), "One is missing."):
        assert text in words
    assert ("a", {"href": "#readers"}) in outline.elements
