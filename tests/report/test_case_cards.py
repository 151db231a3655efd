from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from vdes.errors import InputError
from vdes.report.case_cards import MAX_SIDE, case_cards, picture_uri
from vdes.report.study_files import read_study


@pytest.fixture()
def study(study_folder):
    return read_study(study_folder)


def opened(uri: str) -> Image.Image:
    head, content = uri.split(",", 1)
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_all_disagreements_come_before_the_rest(study):
    disagreed = {row["case"] for row in study.metrics["disagreements"]}
    some = case_cards(study, max_cases=5)
    assert {card.case["case"] for card in some} <= disagreed
    most = max(sum(row["case"] == name for row in study.metrics["disagreements"]) for name in disagreed)
    first = case_cards(study, max_cases=1)[0].case["case"]
    assert sum(row["case"] == first for row in study.metrics["disagreements"]) == most
    assert [card.number for card in some] == sorted(card.number for card in some)


def test_then_pathologies_take_turns_tagged_cases_first(study):
    study.metrics["disagreements"] = []
    for case in study.cases:
        case["tags"] = ["hallucination"] if case["case"] in ("P8_L_MLO", "P20_R_CC") else []
    cards = case_cards(study, max_cases=6)
    assert sorted(card.case["pathology"] for card in cards) == ["benign"] * 2 + ["malignant"] * 2 + ["normal"] * 2
    assert {"P8_L_MLO", "P20_R_CC"} <= {card.case["case"] for card in cards}
    assert len(case_cards(study, max_cases=99)) == 80


def test_pictures_are_bounded(study):
    whole = case_cards(study, max_cases=10)
    sizes = [sum(map(len, card.pictures.values())) for card in whole]
    assert len(case_cards(study, max_cases=10, max_bytes=sum(sizes) // 2)) in (4, 5, 6)
    assert case_cards(study, max_bytes=0) == []


def test_a_card_has_its_facts_arms_and_drawing(study):
    card = next(card for card in case_cards(study) if card.case["case"] == "P1_L_CC")
    assert card.facts["pathology"] == "malignant" and card.facts["laterality"] == "left"
    assert "findings" not in card.facts and "patient" not in card.facts
    row = study.predictions["des"].set_index(["level", "case"]).loc[("image", "P1_L_CC")]
    said = next(arm for arm in card.arms if arm["arm"] == "des")
    assert said["probability"] == pytest.approx(row["probability"]) and said["wrong"] == (row["prediction"] != 1)
    assert card.wrong == [arm["arm"] for arm in card.arms if arm["prediction"] == 0]
    assert card.drawing["shape"] == [64, 48] and len(card.drawing["outline"]) == 1
    assert set(card.pictures) == set(card.case["pictures"])


def test_a_case_of_unknown_truth_has_no_wrong_arm(study):
    study.cases[0]["malignant"] = None
    card = next(card for card in case_cards(study, max_cases=80) if card.number == 0)
    assert card.wrong == [] and {arm["wrong"] for arm in card.arms} == {None}


def test_a_picture_keeps_its_look_and_large_ones_shrink(tmp_path):
    y, x = np.mgrid[:1000, :500]
    grey = (127 + 100 * np.sin(x / 40) * np.cos(y / 60)).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    picture = opened(picture_uri(tmp_path / "grey.png"))
    assert picture.mode == "L" and picture.size == (MAX_SIDE // 2, MAX_SIDE)
    shrunk = np.asarray(Image.fromarray(grey).resize(picture.size, Image.Resampling.BICUBIC), dtype=float)
    assert np.abs(np.asarray(picture) - shrunk).mean() < 2
    palette = Image.fromarray(grey).convert("P")
    palette.putpalette([value for level in range(256) for value in (level, 0, 255 - level)])
    palette.save(tmp_path / "colour.png")
    assert opened(picture_uri(tmp_path / "colour.png")).mode == "RGB"
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=r"text\.png: cannot be read as a picture"):
        picture_uri(tmp_path / "text.png")
