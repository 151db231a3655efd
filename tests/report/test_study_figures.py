from __future__ import annotations

import pytest
from sklearn.metrics import roc_auc_score

from vdes.report.forest_plot import forests
from vdes.report.study_figures import MOST, arm_groups, study_figures
from vdes.report.study_files import read_study
from vdes.report.study_rows import comparison_rows
from vdes.study.arms import study_arms


@pytest.fixture()
def study(study_folder):
    return read_study(study_folder)


def test_a_group_has_a_generator_with_its_references():
    arms = [arm.record() for arm in study_arms(["unet", "gan"], retrained=True)]
    groups = arm_groups(arms)
    assert list(groups) == ["unet", "gan", "real images and controls"]
    assert groups["gan"] == [
        "des",
        "low_energy+des",
        "virtual_des-gan",
        "low_energy+virtual_des-gan",
        "virtual_des-gan-retrained",
        "low_energy+virtual_des-gan-retrained",
    ]
    assert set.union(*map(set, groups.values())) == {arm["arm"] for arm in arms}
    many = [{**arms[0], "arm": f"arm {i}", "label": f"arm {i}"} for i in range(8)]
    assert {title: len(names) for title, names in arm_groups(many).items()} == {
        "real images and controls (1)": MOST,
        "real images and controls (2)": 2,
    }


def test_every_figure_has_its_own_file_and_words(study):
    rows = comparison_rows(study.metrics["classification"], ["level"])
    figures = list(study_figures(study, forests(rows, study.metrics["arms"])[0]))
    assert len({figure.file for figure in figures}) == len(figures)
    kinds = [(figure.kind, figure.level) for figure in figures]
    assert kinds.count(("forest", "image")) == 1
    for level in ("examination", "image"):
        assert kinds.count(("roc", level)) == kinds.count(("calibration", level)) == 3
    assert kinds.count(("share", "examination")) == 2 and kinds.count(("disagreement", "image")) == 1
    assert all(figure.title and figure.text for figure in figures)


def test_curves_are_those_of_the_predictions(study):
    figure = next(figure for figure in study_figures(study, None) if figure.file == "roc_image_1_unet.png")
    texts = [" ".join(text.get_text().split()) for text in figure.figure.legends[0].get_texts()]
    for arm in ("des", "virtual_des-unet", "low_energy+virtual_des-unet"):
        table = study.predictions[arm]
        table = table[table["level"] == "image"]
        area = f"{study.labels[arm]}: AUC {roc_auc_score(table['malignant'], table['probability']):.3f} ("
        assert any(text.startswith(area) for text in texts)


def test_what_is_missing_or_of_one_class_is_left_out(study):
    study.metrics["synthetic_share"] = []
    (study.folder / "images" / "disagreement_map-unet.npz").unlink()
    for arm in list(study.predictions):
        table = study.predictions[arm]
        study.predictions[arm] = table[(table["level"] != "examination") | (table["malignant"] == 1)]
    found = {(figure.kind, figure.level) for figure in study_figures(study, None)}
    assert found == {("roc", "image"), ("calibration", "image")}
    study.predictions.clear()
    assert list(study_figures(study, None)) == []
