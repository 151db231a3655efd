"""What the browser receives does not tell real from virtual DES, apart from the picture itself."""

from __future__ import annotations

import json
import uuid

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vdes.reading.plan import read_plan


def bits(text: bytes, count: int) -> list[float]:
    return [float(bit) for bit in np.unpackbits(np.frombuffer(text, np.uint8))[:count]]


def encoding(data: bytes) -> list[float]:
    """Describe how an image is encoded: its size and its low bits, where no picture is."""
    values = np.frombuffer(data, "<u2")
    inside = values[(values > 0) & (values < 65535)]
    low = np.bincount(inside & 15, minlength=16) / inside.size
    folded = np.bincount(inside % 257, minlength=257) / inside.size  # 8 bits scaled to 16 are multiples of 257
    return [
        len(data),
        np.unique(inside).size / inside.size,
        float(np.gcd.reduce(inside)),
        folded.max(),
        folded[0],
        float((np.diff(np.sort(inside)) == 0).mean()),
        *low,
    ]


def told_apart(rows: list[list[float]], labels: list[int], cases: list[str]) -> float:
    """Return the share of images that a classifier, which has never seen their case, tells right."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=0.1))
    said = cross_val_predict(model, np.array(rows), labels, groups=cases, cv=GroupKFold(5))
    return float(np.mean(said == np.array(labels)))


def test_a_classifier_of_what_the_browser_receives_only_guesses(
    make_reading, served, client, secrets_of, answer_to, reading_study
):
    folder = make_reading(cases=12, design="sequential", choices=0, quality=12, repeat_share=0.0)
    secrets = secrets_of(folder)
    one = client(served(folder).port, secrets["R1"])
    tasks = {task["task"]: task for task in read_plan(folder)["readers"][0]["tasks"]}
    rows, labels, cases = [], [], []
    state = one.state
    while state["task"] is not None:
        shown = state["task"]
        task = tasks[shown["task"]]
        if task["modality"] != "low_energy":
            panel = shown["panels"][1]
            for view, image in panel["views"].items():
                _, headers, data = one.request("GET", f"/api/image/{image['image']}", cookie=one.cookie)
                headers.pop("date")  # the time of day
                about = json.dumps([headers, panel["label"], sorted(image), list(panel["views"])]).encode()
                names = bits(bytes.fromhex(image["image"] + shown["task"]), 64)
                place = [state["session"], state["session_done"], len(about), sum(about) % 251, view == "CC"]
                rows.append([*place, *names, *encoding(data)])
                labels.append(int(task["modality"] == "real"))
                cases.append(task["case"])
        said = {"task": shown["task"], "answer": answer_to(task), "answer_id": str(uuid.uuid4()), "seconds": 1}
        status, state = one.post(said)
        assert status == 200
    assert len(labels) == 96 and sum(labels) == 48
    # by chance: 48 of 96, and more than 65 once in 4,000 times
    assert told_apart(rows, labels, cases) < 0.68
    # the same classifier on what the files of the study hold, without the equal encoding
    raw, kinds, breasts = [], [], []
    listed = [
        json.loads((reading_study / "parts" / "split" / "datalists" / f"{name}.json").read_text())["test"]
        for name in ("real_all", "virtual-unet_judged")
    ]
    from PIL import Image

    for kind, items in enumerate(listed):
        for item in items:
            with Image.open((reading_study / "parts" / "split" / "datalists" / item["des"]).resolve()) as image:
                pixels = np.asarray(image).astype(np.uint32)
            scaled = pixels * 257 if kind == 0 else pixels
            raw.append(encoding(scaled.astype("<u2").tobytes()))
            kinds.append(kind)
            breasts.append(item["patient"])
    assert told_apart(raw, kinds, breasts) > 0.95


def test_file_names_and_order_tell_nothing(reading):
    plan = read_plan(reading)
    names = {kind: [] for kind in ("low_energy", "real", "virtual")}
    for case in plan["cases"]:
        for record in case["views"].values():
            for kind, image in record["images"].items():
                names[kind].append(image["file"])
    everything = [name for kind in names for name in names[kind]]
    assert len(set(everything)) == len(everything) and all(len(name) == 32 for name in everything)
    ranks = {name: rank for rank, name in enumerate(sorted(everything))}
    means = [np.mean([ranks[name] for name in names[kind]]) for kind in names]
    assert max(means) - min(means) < 25  # of 60: an order by kind would make it 40
