"""The readers' page in a headless Chromium."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vdes.reading.frames import read_frame
from vdes.reading.plan import read_plan
from vdes.reading.store import Store

READY = "return document.body.dataset.ready === '1' && Boolean(document.body.dataset.task)"


def wait(browser: Any, script: str, *arguments: Any, seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = browser.execute_script(script, *arguments)
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{script}: {browser.find_element('css selector', 'body').text}")


def shown_task(browser: Any, but: str | None = None) -> str:
    """Wait for a task, another than ``but``, to stand on the screen; '' at the end of a session."""
    script = """
      if (document.querySelector("#message:not([hidden])")) return ["", ""];
      const task = document.body.dataset.task;
      return task && task !== arguments[0] && document.body.dataset.ready ? [task] : null;
    """
    return str(wait(browser, script, but)[0])


def element(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def press_with(browser: Any, modifier: str, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser).key_down(modifier).send_keys(*keys).key_up(modifier).perform()


@pytest.fixture()
def opened(reading, served, secrets_of, browser):
    """The folder, its server, and the first reader's page with its start dialog closed."""
    return open_page(reading, served, secrets_of, browser)


def open_page(folder: Path, served: Any, secrets_of: Any, browser: Any) -> tuple[Path, Any, Any]:
    secrets = secrets_of(folder)
    server = served(folder)
    browser.delete_all_cookies()
    browser.get(f"{server.url}/r/{secrets['R1']}")
    wait(browser, READY)
    element(browser, "#start").click()
    return folder, server, browser


def plan_tasks(folder: Path) -> list[dict[str, Any]]:
    return read_plan(folder)["readers"][0]["tasks"]


def answer_by_mouse(browser: Any, task: dict[str, Any]) -> None:
    def choose(name: str, number: int) -> None:
        element(browser, f"#field-{name} label:nth-child({number})").click()

    if task["part"] == "choice":
        choose("chosen", 2)
    elif task["part"] == "quality":
        choose("quality", 4)
    else:
        if task["modality"] != "low_energy":
            choose("bpe", 2)
            choose("lesion_type", 2)
            choose("conspicuity", 3)
            choose("internal_enhancement", 3)
            choose("margin", 3)
            element(browser, "#field-invented label").click()
        choose("birads", 5)
        element(browser, "#field-malignancy input[type=number]").send_keys("37")
        choose("confidence", 4)
    element(browser, "#submit").click()


def answer_by_keyboard(browser: Any, task: dict[str, Any], keys: Any) -> None:
    if task["part"] == "choice":
        press(browser, "r", "2")
    elif task["part"] == "quality":
        press(browser, "q", "4")
    else:
        press(browser, "l", keys.ARROW_RIGHT, keys.ARROW_DOWN, keys.ENTER)
        if task["modality"] != "low_energy":
            press(browser, "g", "2", "t", "2", "y", "3", "e", "3", "n", "3", "v")
        press(browser, "b", "4", "p", "3", "7", "c", "4")
    press(browser, keys.ENTER)


EXPECTED = {
    "low_energy": {"birads": "4A", "malignancy": 37, "confidence": 4},
    "choice": {"chosen": "right"},
    "quality": {"quality": 4},
}
EXPECTED["des"] = EXPECTED["low_energy"] | {
    "bpe": "mild",
    "lesion_type": "mass",
    "conspicuity": "high",
    "internal_enhancement": "rim",
    "margin": "spiculated",
    "missing": 0,
    "distorted": 0,
    "invented": 1,
}


def expected(task: dict[str, Any]) -> dict[str, Any]:
    if task["part"] != "reading":
        return EXPECTED[task["part"]]
    return EXPECTED["low_energy" if task["modality"] == "low_energy" else "des"]


@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
def test_a_whole_study_is_read(make_reading, served, secrets_of, browser, hand):
    from selenium.webdriver.common.keys import Keys

    folder, _, page = open_page(
        make_reading(cases=4, malignant_share=0.5, choices=1, quality=1), served, secrets_of, browser
    )
    tasks = plan_tasks(folder)
    task = ""
    for asked in tasks:
        task = shown_task(page, but=task)
        assert task == asked["task"]
        if hand == "mouse":
            answer_by_mouse(page, asked)
        else:
            answer_by_keyboard(page, asked, Keys)
    wait(page, "return document.querySelector('#message:not([hidden])') !== null")
    assert element(page, "#message-title").text == "All done"
    with Store(folder) as store:
        answers = store.answers()
    assert [one["task"] for one in answers] == [one["task"] for one in tasks]
    for one, asked in zip(answers, tasks, strict=True):
        marks = one["answer"].pop("marks", None)
        assert one["answer"] == expected(asked)
        assert 0 < one["seconds"] < 60
        if hand == "keyboard" and asked["part"] == "reading":
            assert all(mark["view"] == "CC" for mark in marks)
            if asked["modality"] == "low_energy":
                assert len(marks) == 1
            else:  # the sitting's mark is there already, so the same keys take it away
                assert marks == []
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []


def pane_pixels(page: Any, view: str = "CC", panel: int = 0) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Return the grey values of a pane's canvas, and the image's place in it."""
    selector = f".pane[data-view={view}][data-panel='{panel}']"
    script = """
      const pane = document.querySelector(arguments[0]), canvas = pane.querySelector("canvas");
      const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const grey = [];
      for (let i = 0; i < data.length; i += 4) grey.push(data[i]);
      return [grey, height, width, pane.dataset.place];
    """
    page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    grey, height, width, place = page.execute_script(script, selector)
    return np.array(grey).reshape(height, width), tuple(map(float, place.split()))  # type: ignore[return-value]


def frame(folder: Path, task: dict[str, Any], view: str, kind: str) -> tuple[np.ndarray, bool]:
    """Return an image as it hangs, and whether it was mirrored for that."""
    case = next(one for one in read_plan(folder)["cases"] if one["case"] == task["case"])
    record = case["views"][view]
    file = folder / "images" / record["images"][kind]["file"]
    pixels = read_frame(file, record["rows"], record["columns"]).astype(float)
    mirrored = record["chest_wall"] != {"R": "right", "L": "left"}[case["laterality"]]
    return (pixels[:, ::-1] if mirrored else pixels), mirrored


def window(page: Any, view: str = "CC") -> tuple[float, float]:
    words = element(page, f".pane[data-view={view}] .window").text.split()
    return float(words[1]), float(words[3])


def test_window_and_level_change_pixels_as_computed(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    folder, _, page = opened
    pixels, _ = frame(folder, plan_tasks(folder)[0], "CC", "low_energy")
    press(page, "o")
    rows, columns = pixels.shape

    def check(width: float, level: float, inverted: bool = False) -> np.ndarray:
        shown, (x0, y0, scale) = pane_pixels(page)
        assert scale == 1 and x0 == int(x0) and y0 == int(y0)
        part = shown[-int(y0) : rows - int(y0), -int(x0) : columns - int(x0)]
        grey = ((pixels - (level - width / 2)) / width * 255).clip(0, 255)
        wanted = 255 - grey if inverted else grey
        # the words round window and level
        assert np.abs(part - wanted).max() <= 0.51 + 255 / width
        outside = np.ones_like(shown, bool)
        outside[-int(y0) : rows - int(y0), -int(x0) : columns - int(x0)] = False
        assert outside.any() and not shown[outside].any()
        return part

    whole = check(65535, 32767.5)
    pane = element(page, ".pane[data-view=CC]")
    ActionChains(page).move_to_element(pane).click_and_hold().move_by_offset(-120, 0).move_by_offset(
        0, -60
    ).release().perform()
    page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    width, level = window(page)
    assert 40_000 < width < 60_000 and 22_000 < level < 32_000
    assert np.abs(check(width, level) - whole).max() > 20
    assert window(page, "MLO") == (width, level)
    assert element(page, "#marks").text == "none marked"  # a drag is no click
    press(page, "l")
    press_with(page, Keys.SHIFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_UP)
    page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    narrower, lower = window(page)
    assert width - narrower == pytest.approx(2048, abs=2) and level - lower == pytest.approx(1024, abs=2)
    press(page, "i")
    check(narrower, lower, inverted=True)
    press(page, "x")
    shown, (_, _, scale) = pane_pixels(page)
    assert scale > 1 and shown.max() > 200
    # the same by mouse
    element(page, "[data-tool=o]").click()
    element(page, "[data-tool=i]").click()
    check(65535, 32767.5, inverted=True)
    element(page, "[data-tool=x]").click()
    assert pane_pixels(page)[1][2] == scale


def test_zoom_and_pan_are_linked_and_clicks_mark_lesions(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    folder, _, page = opened
    tasks = plan_tasks(folder)
    press(page, "+")
    pane = element(page, ".pane[data-view=MLO]")
    box = pane.rect
    _, (x0, y0, scale) = pane_pixels(page, "MLO")
    pixels, mirrored = frame(folder, tasks[0], "MLO", "low_energy")
    # into the middle of the image; offsets are from the middle of the pane
    right, down = (
        round((length / 2 - start) * scale) for length, start in zip(pixels.shape[::-1], (x0, y0), strict=True)
    )
    offset = right - round(box["width"] / 2), down - round(box["height"] / 2)
    ActionChains(page).move_to_element_with_offset(pane, *offset).click().perform()
    x, y = x0 + right / scale, y0 + down / scale
    wanted = (pixels.shape[1] - x if mirrored else x) - 0.5, y - 0.5
    assert element(page, "#marks").text == "1 marked: MLO"
    answer_by_mouse(page, tasks[0])
    shown_task(page, but=tasks[0]["task"])
    with Store(folder) as store:
        mark = store.answers()[0]["answer"]["marks"][0]
    assert (mark["x"], mark["y"]) == pytest.approx(wanted, abs=1.5 / scale + 0.1)
    # the DES image stands beside the low-energy image of the same case, at the same place
    assert element(page, "#marks").text == "1 marked: MLO"
    assert len(page.find_elements("css selector", ".pane")) == 4
    places = [pane_pixels(page, "MLO", panel)[1] for panel in (0, 1)]
    assert places[0] == places[1] and places[0][2] == pytest.approx(scale)
    for panel in (0, 1):
        second = element(page, f".pane[data-view=MLO][data-panel='{panel}']")
        ActionChains(page).move_to_element(second).perform()
        press(page, "+")
    page.execute_script("document.querySelector('.pane[data-view=MLO]').focus()")
    press_with(page, Keys.CONTROL, Keys.ARROW_LEFT)
    moved = [pane_pixels(page, "MLO", panel)[1] for panel in (0, 1)]
    assert moved[0] == moved[1] and moved[0] != places[0]
    # a click on a mark takes it away
    page.execute_script("document.querySelector('.pane[data-view=MLO]').focus()")
    press(page, Keys.DELETE)
    assert element(page, "#marks").text == "none marked"


def test_breasts_hang_back_to_back(opened):
    folder, _, page = opened
    task = plan_tasks(folder)[0]
    case = next(one for one in read_plan(folder)["cases"] if one["case"] == task["case"])
    shown, _ = pane_pixels(page)
    lit = np.flatnonzero((shown > 12).any(axis=0))
    if case["laterality"] == "R":
        assert lit[-1] >= shown.shape[1] - 3
    else:
        assert lit[0] <= 2
    order = page.execute_script("return [...document.querySelectorAll('.pane')].map((p) => p.dataset.view)")
    assert order == ["CC", "MLO"]
    boxes = [one.rect for one in page.find_elements("css selector", ".pane")]
    assert boxes[0]["y"] < boxes[1]["y"] and boxes[0]["x"] == boxes[1]["x"]


def test_incomplete_answers_stay_and_say_what_is_missing(opened):
    folder, _, page = opened
    task = plan_tasks(folder)[0]
    element(page, "#submit").click()
    assert element(page, "#missing").text == "Still to answer: BI-RADS category"
    assert page.execute_script("return document.activeElement.name") == "birads"
    element(page, "#field-malignancy input[type=number]").send_keys("137")
    element(page, "#field-birads label").click()
    element(page, "#submit").click()
    assert "Probability of malignancy" in element(page, "#missing").text
    assert page.execute_script("return document.body.dataset.task") == task["task"]
    with Store(folder) as store:
        assert store.answers() == []


def test_what_was_entered_survives_a_crash_of_the_browser(opened):
    _, server, page = opened
    element(page, "#field-birads label:nth-child(3)").click()
    element(page, "#field-malignancy input[type=number]").send_keys("12")
    page.get("about:blank")
    page.get(f"{server.url}/reading")
    wait(page, READY)
    assert element(page, "#start").text == "Start"
    element(page, "#start").click()
    assert page.execute_script("return document.querySelector('#field-birads input:checked').value") == "2"
    assert element(page, "#field-malignancy input[type=number]").get_attribute("value") == "12"
    assert "/r/" not in page.current_url


def test_an_answer_outlives_a_crash_of_the_server(opened, served):
    folder, server, page = opened
    tasks = plan_tasks(folder)
    server.kill()
    answer_by_mouse(page, tasks[0])
    wait(page, "return document.querySelector('#notice:not([hidden])') !== null")
    assert page.execute_script("return document.body.dataset.task") == tasks[0]["task"]
    served(folder, server.port)
    assert shown_task(page, but=tasks[0]["task"]) == tasks[1]["task"]
    assert not element(page, "#notice").is_displayed()
    # stored, but the acknowledgement and the page were lost: sent again, with the same id
    with Store(folder) as store:
        [answer] = store.answers()
    pending = {name: answer[name] for name in ("reader", "task", "answer_id", "answer", "seconds")}
    page.execute_script("localStorage.setItem('vdes-reading-pending', arguments[0])", json.dumps(pending))
    page.refresh()
    wait(page, READY)
    assert page.execute_script("return localStorage.getItem('vdes-reading-pending')") is None
    with Store(folder) as store:
        assert len(store.answers()) == 1


def test_the_clock_stands_still_in_a_pause(opened):
    folder, _, page = opened
    press(page, "u")
    assert element(page, "#pause-dialog").is_displayed()
    time.sleep(1.2)
    press(page, "b", "4")  # nothing is answered behind the pause
    element(page, "#resume").click()
    began = time.monotonic()
    answer_by_mouse(page, plan_tasks(folder)[0])
    shown_task(page, but=plan_tasks(folder)[0]["task"])
    with Store(folder) as store:
        seconds = store.answers()[0]["seconds"]
    assert seconds < time.monotonic() - began + 1.0


def test_it_uses_no_other_origin_and_leaves_no_errors(opened):
    _, server, page = opened
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert urls and all(url.startswith((server.url, "data:", "about:")) for url in urls)
    assert page.get_log("browser") == []


def test_axe_finds_nothing_serious(opened):
    import axe_core_python

    script = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
    folder, _, page = opened

    def serious() -> list[str]:
        # by the debugger: the page's own policy lets no script in
        page.execute_cdp_cmd("Runtime.evaluate", {"expression": script})
        run = """
          axe.run().then((found) => JSON.stringify(
            found.violations.map((one) => [one.impact, one.id, one.nodes.map((node) => node.html)])))
        """
        found = page.execute_cdp_cmd("Runtime.evaluate", {"expression": run, "awaitPromise": True})
        violations = json.loads(found["result"]["value"])
        return [one for one in violations if one[0] in ("serious", "critical")]

    assert serious() == []
    task = plan_tasks(folder)[0]
    answer_by_mouse(page, task)
    shown_task(page, but=task["task"])
    element(page, "#field-lesion_type label:nth-child(2)").click()
    assert serious() == []
    press(page, "?")
    assert element(page, "#help-dialog").is_displayed()
    assert serious() == []


def test_everything_is_reached_by_tab(opened):
    from selenium.webdriver.common.keys import Keys

    _, _, page = opened
    reached = set()
    for _ in range(30):
        press(page, Keys.TAB)
        name, outlined = page.execute_script("""
          const e = document.activeElement, style = getComputedStyle(e);
          return [e.id || e.name || e.className || "",
            style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
        """)
        assert outlined or name in ("", "BODY"), name
        reached.add(name.split()[0] if name else "")
    assert {"pane", "birads", "malignancy", "confidence", "submit", "pause", "help"} <= reached


@pytest.mark.parametrize("width", [1280, 2560])
def test_it_fits_the_screen(opened, width):
    _, _, page = opened
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    wide, seen, high, shown = page.execute_script(
        "const e = document.documentElement; return [e.scrollWidth, e.clientWidth, e.scrollHeight, e.clientHeight]"
    )
    assert wide == seen == width and high == shown
    background = Image.open(io.BytesIO(page.get_screenshot_as_png())).convert("L")
    assert np.asarray(background).mean() < 60  # a dark room
