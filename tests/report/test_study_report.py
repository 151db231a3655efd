"""The report as a whole, and in a headless Chromium."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vdes.errors import InputError
from vdes.report.study_report import write_report

HOSTILE = "<img src=x onerror=hacked=1>"
VISIBLE = (
    "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()).map((e) => e.innerText)"
)


@pytest.mark.slow
def test_page_and_figures_are_written_whole_and_replaced(study_folder):
    before = {path.name for path in study_folder.iterdir()}
    path = write_report(study_folder)
    assert path == study_folder / "report.html"
    assert {path.name for path in study_folder.iterdir()} == before | {"report.html", "figures"}
    names = {file.name for file in (study_folder / "figures").iterdir()}
    assert {"forest.png", "roc_examination_1_unet.png", "calibration_image_2_cyclegan.png"} <= names
    for file in (study_folder / "figures").iterdir():
        with Image.open(file) as picture:
            assert picture.format == "PNG" and picture.width > 400
    first = path.read_bytes()
    (study_folder / "figures" / "stale.png").write_bytes(b"")
    write_report(study_folder)
    assert path.read_bytes() == first and len(first) < 5_000_000
    assert {file.name for file in (study_folder / "figures").iterdir()} == names


def test_bad_input_leaves_nothing_behind(study_folder):
    with pytest.raises(InputError, match=r"metrics\.json: no such file"):
        write_report(study_folder / "pictures")
    (study_folder / "pictures" / "P1_L_CC" / "des.png").write_text("no picture")
    before = {path.name for path in study_folder.iterdir()}
    with pytest.raises(InputError, match=r"P1_L_CC/des\.png: cannot be read as a picture"):
        write_report(study_folder)
    assert {path.name for path in study_folder.iterdir()} == before


@pytest.fixture(scope="session")
def _written(_study_folder: Path) -> Path:
    return write_report(_study_folder)


@pytest.fixture()
def page(browser: Any, _written: Path) -> Any:
    """The report in the browser."""
    browser.get(_written.as_uri())
    return browser


def resize(page: Any, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def element(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def choose(page: Any, selector: str, value: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(element(page, selector)).select_by_value(value)


def press(page: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(page).send_keys(*keys).perform()


def requests(page: Any) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    return [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]


def test_it_loads_without_errors_and_without_the_network(page, _written):
    assert page.get_log("browser") == []
    assert {url for url in requests(page) if not url.startswith("data:")} == {_written.as_uri()}
    broken = (
        "return [...document.images].filter((i) => i.getAttribute('src') && !(i.complete && i.naturalWidth)).length"
    )
    assert page.execute_script(broken) == 0
    assert page.title.startswith("Can virtual DES by unet replace real DES?")


def test_hostile_words_stay_words(browser, study_folder, edit_study):
    cases = json.loads((study_folder / "cases.json").read_text())
    for case in cases:
        case |= {"case": HOSTILE + case["case"], "findings": [HOSTILE], "tags": ["disagreement", HOSTILE]}
    (study_folder / "cases.json").write_text(json.dumps(cases))
    edit_study(
        arms=lambda arms: [{**arm, "label": HOSTILE + arm["label"]} for arm in arms],
        failed=[{"step": "x", "error": HOSTILE}],
    )
    browser.get(write_report(study_folder).as_uri())
    assert browser.execute_script("return window.hacked") is None
    assert browser.get_log("browser") == []
    assert HOSTILE in element(browser, "#case-details article:not([hidden]) h3").text


@pytest.mark.parametrize("width", [1280, 400])
def test_it_is_legible_and_does_not_scroll_sideways(page, width):
    resize(page, width)
    wide, seen = page.execute_script("const e = document.documentElement; return [e.scrollWidth, e.clientWidth]")
    assert wide == seen and width - 20 <= seen <= width  # a scroll bar is beside the page
    small, faint = page.execute_script("""
      const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const below = (e) => {
        for (; e; e = e.parentElement) {
          const colour = rgb(getComputedStyle(e).backgroundColor);
          if (colour.length === 3 || colour[3] > 0.7) return colour;
        }
        return [255, 255, 255];
      };
      const small = [], faint = [];
      for (const e of document.querySelectorAll("body *")) {
        const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !e.checkVisibility() || e.closest("script, style, noscript, :disabled")) continue;
        const style = getComputedStyle(e);
        if (parseFloat(style.fontSize) < 13) small.push(e.outerHTML.slice(0, 80));
        const [a, b] = [light(rgb(e.closest("svg") ? style.fill : style.color)), light(below(e))];
        if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) faint.push(e.outerHTML.slice(0, 80));
      }
      return [small, faint];
    """)
    assert small == [] and faint == []
    # figures: their smallest letters are 9 pt of a picture drawn at 150 dpi
    widths = page.execute_script("""
      return [...document.querySelectorAll(".curves img")].filter((i) => i.checkVisibility())
        .map((i) => [i.naturalWidth, i.getBoundingClientRect().width]);
    """)
    assert len(widths) >= 4
    assert all(9 * 150 / 72 * shown / natural >= 9.5 for natural, shown in widths)


def test_the_forest_shows_the_chosen_level_and_metric(page, _written):
    def captions() -> list[str]:
        return page.execute_script(VISIBLE, "#forest .forest > .caption")

    assert captions() == ["Difference in F1 from the reference, examination level; margin 0.05."]
    choose(page, "#forest-level", "image")
    choose(page, "#forest-metric", "auc")
    assert captions() == ["Difference in AUC from the reference, image level."]
    rows = json.loads((_written.parent / "metrics.json").read_text())["classification"]
    wanted = {
        f"{row['value']:+.3f}".replace("-", "−")
        for row in rows
        if (row["level"], row["metric"], row["statistic"]) == ("image", "auc", "difference") and round(row["value"], 3)
    }
    numbers = {text.split(" ")[0] for text in page.execute_script(VISIBLE, "#forest .numbers")}
    assert wanted <= numbers and len(page.execute_script(VISIBLE, "#forest li")) == 8


def test_cases_are_filtered(page):
    def shown() -> list[str]:
        return page.execute_script(VISIBLE, "#case-list label")

    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(page, 30).until(lambda _: len(shown()) == 60)  # a busy machine lays the page out after it is loaded
    assert element(page, "form[data-filters='case-list'] output").text == "60 of 60 shown"
    choose(page, "#case-pathology", "malignant")
    assert 0 < len(shown()) < 60 and all("malignant" in text for text in shown())
    choose(page, "#case-view", "MLO")
    assert all("_MLO" in text for text in shown())
    choose(page, "#case-wrong", "virtual_des-unet")
    left = shown()
    assert left and all("wrong" in text for text in left)
    element(page, "#case-name").send_keys("p1_l")
    assert all(text.startswith("P1_L") for text in shown())
    element(page, "#case-name").send_keys("nothing")
    assert shown() == []
    assert element(page, "form[data-filters='case-list'] output").text == "none of 60 fits"


def pixels(page: Any, selector: str) -> np.ndarray:
    # a picture that was just chosen is decoded after the script that chose it
    decode = "return Promise.all([...document.querySelectorAll('.stage img[src]')].map((i) => i.decode()))"
    page.execute_script(decode)
    picture = Image.open(io.BytesIO(element(page, selector).screenshot_as_png)).convert("RGB")
    return np.asarray(picture, dtype=float)


def move(page: Any, value: int) -> None:
    script = "const s = document.getElementById('wipe'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    page.execute_script(script, value)


def settled(page: Any, value: int) -> np.ndarray:
    """Return the stage with the slider at ``value``: a busy browser draws pictures coarsely first, then anew."""
    move(page, value)
    last = pixels(page, "#stage")
    for _ in range(50):
        time.sleep(0.3)
        page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        now = pixels(page, "#stage")
        if np.array_equal(now, last):
            return now
        last = now
    raise AssertionError("the stage does not come to rest")


def test_the_slider_wipes_from_one_picture_to_the_other(page):
    page.execute_script("for (const e of document.querySelectorAll('.tag, .line')) e.style.opacity = 0")
    element(page, "#wipe-outline").click()
    choose(page, "#wipe-left", "low_energy")
    choose(page, "#wipe-right", "des")
    left = settled(page, 100)
    right = settled(page, 0)
    assert np.abs(left - right).mean() > 5
    both = settled(page, 40)
    edge = round(0.4 * both.shape[1])
    assert np.abs(both - left)[:, : edge - 2].max() < 3
    assert np.abs(both - right)[:, edge + 2 :].max() < 3
    assert element(page, "#wipe").get_attribute("aria-valuetext") == "40 % low energy, 60 % real DES"


def test_pointer_outline_generator_and_difference(page):
    from selenium.webdriver import ActionChains

    assert element(page, "#difference-caption").text == "virtual DES by unet minus real DES"
    first = element(page, "#picture-difference").get_attribute("src")
    choose(page, "#wipe-right", "virtual_des-cyclegan")
    assert element(page, "#difference-caption").text == "virtual DES by cyclegan minus real DES"
    assert element(page, "#picture-difference").get_attribute("src") != first
    assert len(page.find_elements("css selector", "#stage .outline path")) == 2
    element(page, "#wipe-outline").click()
    assert page.find_elements("css selector", ".outline path") == []
    stage = element(page, "#stage")
    quarter = -stage.size["width"] // 4
    ActionChains(page).move_to_element(stage).click_and_hold().move_by_offset(quarter, 0).release().perform()
    assert float(element(page, "#wipe").get_attribute("value")) == pytest.approx(25, abs=2)


def test_the_outline_lies_on_the_lesion(page):
    page.execute_script("document.querySelector('#case-list input:checked').checked")
    box = page.execute_script("""
      const stage = document.getElementById("stage").getBoundingClientRect();
      const path = document.querySelector("#stage .outline path.drawn").getBoundingClientRect();
      return [(path.left - stage.left) / stage.width * 48, (path.right - stage.left) / stage.width * 48,
              (path.top - stage.top) / stage.height * 64, (path.bottom - stage.top) / stage.height * 64];
    """)
    # the lesion is a disc of radius 6 around the middle of pixel (17, 30)
    assert box == pytest.approx([17.5 - 5.5, 17.5 + 5.5, 30.5 - 5.5, 30.5 + 5.5], abs=0.6)


def test_a_disagreement_opens_its_case(page):
    from selenium.webdriver.support.ui import WebDriverWait

    element(page, "#case-name").send_keys("nothing")
    link = next(one for one in page.find_elements("css selector", "#disagreement-table a") if one.is_displayed())
    name = link.text
    assert page.execute_script(VISIBLE, "#case-details h3") != [name]
    link.click()
    # the browser tells of a new hash after the click is done
    WebDriverWait(page, 10).until(lambda page: page.execute_script(VISIBLE, "#case-details h3") == [name])
    assert len(page.execute_script(VISIBLE, "#case-list label")) == 60
    assert page.execute_script("return document.activeElement.type") == "radio"
    page.execute_script("document.querySelector('#case-list input').click()")
    link.click()  # the same link again
    assert page.execute_script(VISIBLE, "#case-details h3") == [name]


def test_everything_is_reached_and_worked_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    press(page, Keys.TAB)
    skip = page.execute_script("const e = document.activeElement; return [e.innerText, e.getBoundingClientRect().left]")
    assert skip[0] == "Skip to the answer" and skip[1] >= 0
    state = """
      const e = document.activeElement, style = getComputedStyle(e.type === "radio" ? e.closest("label") : e);
      const named = e.labels?.[0]?.innerText || e.getAttribute("aria-label") || e.innerText;
      return [e.id || e.name || e.tagName, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, named];
    """
    reached = {}
    for _ in range(80):
        press(page, Keys.TAB)
        name, visible, label = page.execute_script(state)
        if name == "BODY":
            break
        assert visible, f"{name}: no outline where the focus is"
        assert label, f"{name}: has no name"
        reached[name] = True
        if name == "case":
            before = page.execute_script(VISIBLE, "#case-details h3")
            press(page, Keys.ARROW_DOWN)
            assert page.execute_script(VISIBLE, "#case-details h3") != before
        if name == "wipe":
            press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
            assert element(page, "#wipe").get_attribute("value") == "52"
            assert element(page, "#picture-left").value_of_css_property("clip-path") == "inset(0px 48% 0px 0px)"
        if name == "wipe-outline":
            press(page, Keys.SPACE)
            press(page, Keys.SPACE)
        if name == "forest-metric":
            press(page, "AUC")
            assert "AUC" in page.execute_script(VISIBLE, "#forest .forest > .caption")[0]
    wanted = {
        "forest-level",
        "forest-metric",
        "curves-level",
        "curves-title",
        "case-pathology",
        "case-wrong",
        "case-name",
    }
    assert wanted | {"case", "wipe-left", "wipe-right", "wipe", "disagreement-arm"} <= reached.keys()


def test_narrow_pages_show_cases_too(page):
    resize(page, 400)
    box = element(page, "#stage").rect
    assert 330 <= box["width"] <= 400
    assert box["height"] / box["width"] == pytest.approx(64 / 48, rel=0.02)
    assert element(page, "#wipe").is_displayed()
