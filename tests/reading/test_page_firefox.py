"""The readers' page in a headless Firefox."""

from __future__ import annotations

import base64
import io
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vdes.reading.frames import read_frame
from vdes.reading.plan import read_plan
from vdes.reading.store import Store

pytestmark = pytest.mark.slow
WIDTH, HEIGHT = 1280, 900
WHITE = 65535
COMMANDS = {  # Selenium's and Firefox's names
    "newSession": "WebDriver:NewSession",
    "get": "WebDriver:Navigate",
    "refresh": "WebDriver:Refresh",
    "getCurrentUrl": "WebDriver:GetCurrentURL",
    "findElement": "WebDriver:FindElement",
    "clickElement": "WebDriver:ElementClick",
    "getElementText": "WebDriver:GetElementText",
    "w3cExecuteScript": "WebDriver:ExecuteScript",
    "w3cExecuteScriptAsync": "WebDriver:ExecuteAsyncScript",
    "actions": "WebDriver:PerformActions",
    "setWindowRect": "WebDriver:SetWindowRect",
    "screenshot": "WebDriver:TakeScreenshot",
    "setContext": "Marionette:SetContext",
    "quit": "Marionette:Quit",
}


class Marionette:
    """Selenium's commands, sent to Firefox in its own protocol, without geckodriver.

    See https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
    """

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.stream = self.socket.makefile("rb")
        self.sent = 0
        assert self.receive()["marionetteProtocol"] == 3

    def receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            byte = self.stream.read(1)
            assert byte, "Firefox has closed the connection"
            length += byte
        return json.loads(self.stream.read(int(length[:-1])))

    def execute(self, command: str, parameters: dict[str, Any]) -> dict[str, Any]:
        from selenium.common.exceptions import WebDriverException

        self.sent += 1
        message = json.dumps([0, self.sent, COMMANDS[command], parameters]).encode()
        self.socket.sendall(b"%d:%b" % (len(message), message))
        _, number, error, result = self.receive()
        assert number == self.sent
        if error:
            raise WebDriverException(f"{command}: {error['error']}: {error['message']}")
        return {"value": result if command == "newSession" else result.get("value")}

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


@pytest.fixture(scope="module")
def _firefox(firefox_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver

    profile = tmp_path_factory.mktemp("firefox")
    (profile / "user.js").write_text('user_pref("marionette.port", 0);')
    # system access: to read the console
    options = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", str(profile)]
    with (
        (profile / "log").open("w") as log,
        subprocess.Popen([firefox_program, *options], stdout=log, stderr=log) as process,
    ):
        try:
            found, end = profile / "MarionetteActivePort", time.monotonic() + 60
            while not (found.exists() and found.read_text()):
                assert process.poll() is None and time.monotonic() < end, (profile / "log").read_text()
                time.sleep(0.05)
            driver = webdriver.Remote(Marionette(int(found.read_text())), options=webdriver.FirefoxOptions())
            driver.set_window_size(WIDTH, HEIGHT)
            yield driver
            driver.quit()
            process.wait(20)
        finally:
            process.kill()


@pytest.fixture()
def page(_firefox: Any) -> Any:
    """A Firefox whose page is 1280 px wide; its console is empty."""
    _firefox.get("about:blank")
    console(_firefox, "Services.console.reset()")
    return _firefox


def console(page: Any, script: str) -> Any:
    """Run a script that has Firefox's own rights."""
    page.execute("setContext", {"value": "chrome"})
    try:
        return page.execute_script(script)
    finally:
        page.execute("setContext", {"value": "content"})


def complaints(page: Any, url: str) -> list[str]:
    """Return the errors and warnings of a server's pages, violations of the content security policy among them."""
    messages = console(
        page,
        """
        return Services.console.getMessageArray()
          .filter((one) => one instanceof Ci.nsIScriptError)
          .map((one) => [one.errorMessage, one.sourceName, one.category]);
        """,
    )
    return [" ".join(one) for one in messages if any(url in part for part in one)]


def wait(page: Any, script: str, *arguments: Any) -> Any:
    end = time.monotonic() + 20
    while not (found := page.execute_script(script, *arguments)):
        assert time.monotonic() < end, f"{script}: {element(page, 'body').text}"
        time.sleep(0.02)
    return found


def wait_for_task(page: Any, task: dict[str, Any]) -> None:
    script = "return document.body.dataset.ready === '1' && document.body.dataset.task === arguments[0]"
    wait(page, script, task["task"])


def element(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def press(page: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(page).send_keys(*keys).perform()


def drag(page: Any, right: int, down: int, button: str = "left") -> None:
    """Drag in the pane of the CC view, from its middle."""
    from selenium.webdriver.common.actions.action_builder import ActionBuilder
    from selenium.webdriver.common.actions.mouse_button import MouseButton

    actions = ActionBuilder(page)
    mouse = actions.pointer_action
    mouse.move_to(element(page, ".pane[data-view=CC]"))
    mouse.pointer_down(MouseButton.LEFT if button == "left" else MouseButton.RIGHT)
    mouse.move_by(right, down)
    mouse.pointer_up(MouseButton.LEFT if button == "left" else MouseButton.RIGHT)
    actions.perform()


def drawn(page: Any) -> tuple[np.ndarray, tuple[float, float, float], tuple[float, float]]:
    """Return the grey values of the CC view's canvas, the image's place in it, and the window and level."""
    page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    picture, place, words = page.execute_script("""
      const pane = document.querySelector(".pane[data-view=CC]");
      return [pane.querySelector("canvas").toDataURL(), pane.dataset.place, pane.querySelector(".window").textContent];
    """)
    with Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))) as png:
        red, green, blue = np.moveaxis(np.asarray(png.convert("RGB"), float), 2, 0)
    assert np.array_equal(red, green) and np.array_equal(red, blue)
    x0, y0, scale = map(float, place.split())
    _, window, _, level, *_ = words.split()
    return red, (x0, y0, scale), (float(window), float(level))


def seen_of(page: Any, selector: str) -> np.ndarray:
    """Return the grey values of an element on the screen."""
    box = page.execute_script(
        """
        const { left, top, right, bottom } = document.querySelector(arguments[0]).getBoundingClientRect();
        return [left, top, right, bottom].map(Math.round);
        """,
        selector,
    )
    with Image.open(io.BytesIO(page.get_screenshot_as_png())) as png:
        return np.asarray(png.convert("L").crop(box))


def hanging(folder: Path, task: dict[str, Any]) -> np.ndarray:
    """Return a task's low-energy image of the CC view, as it hangs."""
    case = next(one for one in read_plan(folder)["cases"] if one["case"] == task["case"])
    view = case["views"]["CC"]
    file = folder / "images" / view["images"]["low_energy"]["file"]
    pixels = read_frame(file, view["rows"], view["columns"]).astype(float)
    return pixels[:, ::-1] if view["chest_wall"] != {"R": "right", "L": "left"}[case["laterality"]] else pixels


def check_drawn(page: Any, pixels: np.ndarray) -> tuple[float, float]:
    """Compare the canvas, at one to one, with the image under the page's window and level, which are returned."""
    shown, (x0, y0, scale), (window, level) = drawn(page)
    assert scale == 1 and x0 == int(x0) <= 0 and y0 == int(y0) <= 0
    wanted = np.zeros_like(shown)
    inside = np.s_[-int(y0) : pixels.shape[0] - int(y0), -int(x0) : pixels.shape[1] - int(x0)]
    wanted[inside] = ((pixels - (level - window / 2)) / window * 255).clip(0, 255)
    assert shown[inside].std() > 10
    # the words round window and level
    assert np.abs(shown - wanted).max() <= 0.51 + 255 / window
    return window, level


def open_page(folder: Path, served: Any, secrets_of: Any, page: Any) -> Any:
    secret = secrets_of(folder)["R1"]
    server = served(folder)
    page.get(f"{server.url}/r/{secret}")
    return server


def test_a_session_is_read(reading, served, secrets_of, page):
    from selenium.webdriver.common.keys import Keys

    server = open_page(reading, served, secrets_of, page)
    first, second, third, *_ = read_plan(reading)["readers"][0]["tasks"]
    wait_for_task(page, first)
    assert page.current_url == f"{server.url}/reading"
    assert element(page, "#start").text == "Start"
    press(page, Keys.ENTER)

    # images: one to one under the first window, then dragged to another
    pixels = hanging(reading, first)
    press(page, "o")
    assert check_drawn(page, pixels) == (WHITE, 32768)
    drag(page, -120, -60)
    window, level = check_drawn(page, pixels)
    assert 40_000 < window < 60_000 and 22_000 < level < 32_000
    _, before, _ = drawn(page)
    drag(page, 30, 10, "right")
    _, after, _ = drawn(page)
    # the first pixels of a drag are those of a click
    assert 26 <= before[0] - after[0] <= 30 and 6 <= before[1] - after[1] <= 10
    check_drawn(page, pixels)
    press(page, "x")
    assert drawn(page)[1][2] > 1

    # an answer by keyboard
    press(page, "l", Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ENTER)
    assert element(page, "#marks").text == "1 marked: CC"
    press(page, "b", "4", "p", "3", "7", "c", "4", Keys.ENTER)
    wait_for_task(page, second)
    with Store(reading) as store:
        [answer] = store.answers()
    assert answer["task"] == first["task"] and answer["seconds"] > 0
    [mark] = answer["answer"].pop("marks")
    assert mark["view"] == "CC"
    assert answer["answer"] == {"birads": "4A", "malignancy": 37, "confidence": 4}

    # a reload: the same case, and what was entered for it
    press(page, "g", "2", "b", "2")
    page.refresh()
    wait_for_task(page, second)
    assert element(page, "#start").text == "Continue"
    assert element(page, "#start-text").text.startswith("You have answered 1 of ")
    press(page, Keys.ENTER)
    kept = "return ['bpe', 'birads'].map((name) => document.querySelector(`#field-${name} input:checked`)?.value)"
    assert page.execute_script(kept) == ["1", "2"]
    assert element(page, "#marks").text == "1 marked: CC"

    # low energy beside DES: an answer by mouse
    panes = "return [...document.querySelectorAll('.pane')].map((one) => one.getAttribute('aria-label'))"
    assert len(page.execute_script(panes)) == 4
    bar = page.execute_script(
        "const form = document.querySelector('#form'); return form.offsetWidth - form.clientWidth"
    )
    assert bar > 5 and seen_of(page, "#form")[:, -bar:].max() < 150  # the form's scroll bar
    element(page, ".pane[data-view=CC]").click()
    assert element(page, "#marks").text == "2 marked: CC, CC"
    choices = {"bpe": 2, "lesion_type": 2, "conspicuity": 3, "internal_enhancement": 3, "margin": 3}
    for name, number in (choices | {"birads": 5, "confidence": 4}).items():
        element(page, f"#field-{name} label:nth-child({number})").click()
    element(page, "#field-malignancy input[type=number]").click()
    press(page, "2", "1")
    element(page, "#submit").click()
    wait_for_task(page, third)
    with Store(reading) as store:
        _, answer = store.answers()
    assert answer["task"] == second["task"] and len(answer["answer"].pop("marks")) == 2
    assert answer["answer"] == {
        "birads": "4A",
        "malignancy": 21,
        "confidence": 4,
        "bpe": "mild",
        "lesion_type": "mass",
        "conspicuity": "high",
        "internal_enhancement": "rim",
        "margin": "spiculated",
        "missing": 0,
        "distorted": 0,
        "invented": 0,
    }

    assert complaints(page, server.url) == []


def test_it_fits_the_screen_of_a_dark_room(reading, served, secrets_of, page):
    open_page(reading, served, secrets_of, page)
    wait_for_task(page, read_plan(reading)["readers"][0]["tasks"][0])
    element(page, "#start").click()
    wide, seen, high, shown = page.execute_script(
        "const e = document.documentElement; return [e.scrollWidth, e.clientWidth, e.scrollHeight, e.clientHeight]"
    )
    assert wide == seen == WIDTH and high == shown
    picture = seen_of(page, "html")
    assert picture.shape == (high, wide) and picture.mean() < 60
    # nothing is answered: the bar is there, empty, and the slider has no white track
    assert 40 < seen_of(page, "#progress").max() < 100
    assert 100 < seen_of(page, "input[type=range]").max() < 200


def test_complaints_are_seen(reading, served, secrets_of, page):
    """An error in a script, and violations of the content security policy, would fail the test of a session."""
    server = open_page(reading, served, secrets_of, page)
    wait_for_task(page, read_plan(reading)["readers"][0]["tasks"][0])
    page.execute_script("""
      setTimeout("1", 0);
      new Image().src = "http://127.0.0.1:1/";
      document.querySelector(".pane").dispatchEvent(new PointerEvent("pointerdown", { pointerId: 999 }));
    """)
    end = time.monotonic() + 10
    while len(found := complaints(page, server.url)) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    for one in ("Invalid pointer id", "script-src", "img-src"):
        assert any(one in complaint for complaint in found), (one, found)
