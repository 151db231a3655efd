"""The readers' page with images of a real size, and its picture for the documentation."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.reading.make_plan import write_plan
from vdes.reading.plan import plan_digest, read_plan
from vdes.reading.settings import ReadingPlan

pytestmark = pytest.mark.slow
ROWS, COLUMNS = 3328, 2560
SCREENSHOT = Path(__file__).parents[2] / "docs" / "images" / "reader_study.png"


def wait(browser: Any, script: str, *arguments: Any) -> None:
    end = time.monotonic() + 60
    while not browser.execute_script(script, *arguments):
        assert time.monotonic() < end, script
        time.sleep(0.05)


def enlarged(folder: Path) -> None:
    """Give a plan images of a mammograph's size: all cases share six files, whose content is noise."""
    plan = json.loads((folder / "plan.json").read_text())
    random = np.random.default_rng(0)
    shutil.rmtree(folder / "images")
    (folder / "images").mkdir()
    files = {}
    for view in ("CC", "MLO"):
        for kind in ("low_energy", "real", "virtual"):
            data = random.integers(0, 65536, (ROWS, COLUMNS), dtype=np.uint16).tobytes()
            (folder / "images" / f"{view}_{kind}").write_bytes(data)
            files[view, kind] = {"file": f"{view}_{kind}", "sha256": hashlib.sha256(data).hexdigest()}
    for case in plan["cases"]:
        for view, record in case["views"].items():
            record |= {"rows": ROWS, "columns": COLUMNS, "images": {k: files[view, k] for k in record["images"]}}
    plan["sha256"] = plan_digest(plan)
    (folder / "plan.json").write_text(json.dumps(plan))


def test_the_next_case_is_there_at_once(make_reading, served, secrets_of, browser):
    """From the acknowledgement of an answer to the next case on the screen, with four images of 17 MB each."""
    folder = make_reading(design="crossover", choices=0, quality=0, repeat_share=0.0)
    enlarged(folder)
    secrets = secrets_of(folder)
    server = served(folder)
    browser.get(f"{server.url}/r/{secrets['R1']}")
    wait(browser, "return document.body.dataset.ready === '1'")
    browser.find_element("css selector", "#start").click()
    tasks = read_plan(folder)["readers"][0]["tasks"]
    for task in tasks[:5]:
        wait(browser, "return document.body.dataset.task === arguments[0]", task["task"])
        time.sleep(2.5)  # a reader takes longer; the next case is fetched meanwhile
        fields = ["birads", "confidence"]
        if task["modality"] != "low_energy":
            fields += ["bpe", "lesion_type"]
        for field in fields:
            browser.execute_script(f"document.querySelector('#field-{field} input').click()")
        browser.find_element("css selector", "#field-malignancy input[type=number]").send_keys("5")
        browser.find_element("css selector", "#submit").click()
    wait(browser, "return performance.getEntriesByName('shown').length === 5")
    times = browser.execute_script("return performance.getEntriesByName('shown').map((one) => one.duration)")
    panels = [4 if task["modality"] != "low_energy" else 2 for task in tasks[1:6]]
    print("next case after", [f"{one:.0f} ms ({n} images)" for one, n in zip(times, panels, strict=True)])
    assert 4 in panels
    assert np.median(times) < 300


def test_screenshot(tmp_path, write_study, served, secrets_of, browser, pytestconfig):
    source = generate(
        tmp_path / "phantoms", Settings(8, 3, 512, test_fraction=0.75, validation_fraction=0.1, enhancement_dprime=3.0)
    )
    folder = tmp_path / "reading"
    settings = ReadingPlan(
        write_study(source, tmp_path / "study"),
        folder,
        2,
        4,
        malignant_share=0.5,
        benign_share=0.0,
        choices=0,
        quality=0,
    )
    write_plan(settings, progress=False)
    secrets = secrets_of(folder)
    server = served(folder)
    plan = read_plan(folder)
    malignant = {case["case"] for case in plan["cases"] if case["malignant"]}
    tasks = plan["readers"][0]["tasks"]
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    browser.get(f"{server.url}/r/{secrets['R1']}")
    wait(browser, "return document.body.dataset.ready === '1'")
    browser.find_element("css selector", "#start").click()

    def fill(name: str, number: int) -> None:
        browser.find_element("css selector", f"#field-{name} label:nth-child({number})").click()

    for task in tasks:
        wait(browser, "return document.body.dataset.task === arguments[0]", task["task"])
        if task["modality"] != "low_energy" and task["case"] in malignant:
            break
        if task["modality"] != "low_energy":
            fill("bpe", 1)
            fill("lesion_type", 1)
        fill("birads", 2)
        browser.find_element("css selector", "#field-malignancy input[type=number]").send_keys("4")
        fill("confidence", 4)
        browser.find_element("css selector", "#submit").click()
    fill("bpe", 2)
    fill("lesion_type", 2)
    fill("conspicuity", 3)
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    taken = browser.get_screenshot_as_png()
    with Image.open(io.BytesIO(taken)) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape == (900, 1440) and pixels[:, :1000].std() > 20
    if pytestconfig.getoption("--write-screenshots"):
        with Image.open(io.BytesIO(taken)) as picture:
            picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(SCREENSHOT, optimize=True)
    with Image.open(SCREENSHOT) as kept:
        assert kept.size == (1440, 900)  # of this page, as --write-screenshots keeps it
