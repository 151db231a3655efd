from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vdes.data.levels import with_levels
from vdes.metrics.level_predictions import COLUMNS, case_row, level_predictions, with_probabilities
from vdes.networks.lesion_classifier import malignancy_logit
from vdes.networks.view_pooling import pooled_logits

# case, patient, laterality, pathology, inputs
VIEWS = [
    ("a", "P2", "R", "malignant", (0, 1)),
    ("b", "P1", "L", "benign", (0,)),
    ("c", "P2", "L", "normal", (0, 1)),
    ("d", "P2", "R", "normal", (1,)),
    ("e", "P1", "L", None, (0,)),
    ("f", "P1", "R", "normal", (1,)),
]


def row(case: str, patient: Any, laterality: Any, pathology: Any, inputs: tuple[int, ...], pred: torch.Tensor) -> dict:
    image = torch.full((2, 4, 3), torch.nan)
    image[list(inputs)] = 0.0
    item = with_levels({"case": case, "patient": patient, "laterality": laterality, "pathology": pathology})
    return case_row({**item, "image": image, "pred": pred})


def rows(classes: int = 1, views: list = VIEWS) -> list[dict]:
    pred = torch.randn(len(views), classes + 2, generator=torch.Generator().manual_seed(0))
    return [row(*view, pred[i]) for i, view in enumerate(views)]


def test_every_image_breast_and_examination_has_a_row_with_its_labels_and_inputs():
    table = level_predictions(rows())
    assert table.columns.tolist() == COLUMNS
    found = table.drop(columns="logit").replace({np.nan: None}).to_numpy().tolist()
    assert found == [
        ["image", "a", "P2", "R", 1, "low_energy+des"],
        ["image", "b", "P1", "L", 0, "low_energy"],
        ["image", "c", "P2", "L", 0, "low_energy+des"],
        ["image", "d", "P2", "R", 0, "des"],
        ["image", "e", "P1", "L", None, "low_energy"],
        ["image", "f", "P1", "R", 0, "des"],
        ["breast", "P2_R", "P2", "R", 1, "low_energy+des"],  # one view is malignant
        ["breast", "P1_L", "P1", "L", None, "low_energy"],  # one view is not known: it might be
        ["breast", "P2_L", "P2", "L", 0, "low_energy+des"],
        ["breast", "P1_R", "P1", "R", 0, "des"],
        ["examination", "P2", "P2", "", 1, "low_energy+des"],
        ["examination", "P1", "P1", "", None, "low_energy+des"],
    ]


@pytest.mark.parametrize("classes", [1, 3])
def test_logits_are_those_of_the_pooled_outputs(classes):
    made = rows(classes)
    table = level_predictions(made)
    output = torch.stack([each["pred"] for each in made])
    pooled = pooled_logits(output, torch.tensor([0, 1, 2, 0, 1, 3]), torch.tensor([0, 1, 0, 0, 1, 1]))
    for level, logits in pooled.items():
        expected = malignancy_logit(logits).double().numpy()
        np.testing.assert_allclose(table.loc[table["level"] == level, "logit"], expected, rtol=1e-6)
    if classes == 3:  # the odds of malignant against both others
        probability = output[:, :3].softmax(dim=1)[:, 2]
        np.testing.assert_allclose(table["logit"][:6], torch.logit(probability), rtol=1e-4)


def test_the_order_of_cases_does_not_matter():
    made = rows()
    names = ["level", "case"]
    first = level_predictions(made).set_index(names).sort_index()
    second = level_predictions(made[::-1]).set_index(names).sort_index()
    pd.testing.assert_frame_equal(first, second)


def test_a_malignant_view_makes_a_breast_malignant_whatever_else_is_unknown():
    views = [("a", "P1", "L", None, (0,)), ("b", "P1", "L", "malignant", (0,)), ("c", "P1", "R", "normal", (0,))]
    table = level_predictions(rows(views=views)).set_index("case")
    assert (table.loc["P1_L", "malignant"], table.loc["P1", "malignant"]) == (1.0, 1.0)


def test_without_a_patient_or_a_laterality_there_is_no_row_of_what_is_not_known():
    views = [
        ("a", None, None, None, (1,)),
        ("b", None, "L", None, (1,)),
        ("c", "P1", None, "benign", (0,)),
        ("d", "P1", "L", "benign", (0, 1)),
    ]
    made = rows(views=views)
    table = level_predictions(made)
    assert table.groupby("level", sort=False)["case"].agg(list).to_dict() == {
        "image": ["a", "b", "c", "d"],
        "breast": ["P1_L"],
        "examination": ["P1"],
    }
    # the breast that nobody named counts in its examination all the same
    output = torch.stack([each["pred"] for each in made[2:]])
    pooled = pooled_logits(output, torch.tensor([0, 1]), torch.tensor([0, 0]))["examination"]
    assert table["logit"].iloc[-1] == pytest.approx(float(pooled))
    alone = level_predictions(made[:1])
    assert alone["level"].tolist() == ["image"] and alone["patient"].tolist() == [""]


def test_another_key_of_the_output_may_be_read():
    image, pred = torch.zeros(1, 4, 3), torch.tensor([0.5, 0.0, 0.0], dtype=torch.bfloat16)
    case = {**with_levels({"case": "a"}), "image": image, "joint": pred}
    made = case_row(case, "joint")
    assert made["pred"].dtype == torch.float32 and made["pred"].tolist() == [0.5, 0.0, 0.0]
    assert made["inputs"] == ["low_energy"]


def test_probabilities_and_decisions_are_those_of_each_levels_temperature_and_threshold():
    table = pd.DataFrame({"level": ["examination", "image", "breast", "image"], "logit": [2.0, 2.0, 2.0, -800.0]})
    found = with_probabilities(table, [1.0, 2.0, 0.5], [0.9, 1 / (1 + np.exp(-1.0)), 0.99])
    assert found["probability"].tolist() == pytest.approx([1 / (1 + np.exp(-z)) for z in (4.0, 2.0, 1.0)] + [0.0])
    assert found["threshold"].tolist() == pytest.approx([0.99, 0.9, 1 / (1 + np.exp(-1.0)), 0.9])
    assert found["prediction"].tolist() == [0, 0, 1, 0]  # at the threshold it is positive
    assert table.columns.tolist() == ["level", "logit"]
