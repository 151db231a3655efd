import numpy as np
import pytest
from scipy.stats import norm

from vdes.phantom.latents import BACKGROUND, Knobs, draw_patient

COUNT = 6000


@pytest.fixture(scope="module")
def patients():
    root = np.random.SeedSequence(0)
    knobs = Knobs(1.4, 1.4, 0.5)
    return [draw_patient(f"P{i}", knobs, np.random.default_rng(child)) for i, child in enumerate(root.spawn(COUNT))]


@pytest.fixture(scope="module")
def lesions(patients):
    return [patient.lesion for patient in patients if patient.lesion]


def _share(values, expected):
    values = list(values)
    # four standard errors of a proportion
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / len(values)))


def test_thickness_is_59_by_16(patients):
    thickness = np.array([patient.thickness_mm for patient in patients])
    assert thickness.mean() == pytest.approx(59, abs=4 * 16 / np.sqrt(COUNT))
    assert thickness.std() == pytest.approx(16, rel=0.04)


def test_glandular_fraction_has_the_published_mean_and_quantiles(patients):
    glandular = np.array([patient.glandular_fraction for patient in patients])
    assert glandular.mean() == pytest.approx(0.193, abs=4 * glandular.std() / np.sqrt(COUNT))
    _share(glandular < 0.27, 0.80)
    _share(glandular < 0.45, 0.95)


def test_density_classes(patients):
    for density, expected in zip("abcd", (0.1, 0.4, 0.4, 0.1), strict=True):
        _share((patient.density == density for patient in patients), expected)


def test_the_density_classes_asked_for_are_as_frequent_as_among_all():
    knobs = Knobs(1.4, 1.4, 0.5)
    rng = np.random.default_rng(0)
    drawn = [draw_patient("P", knobs, rng, "ad").density for _ in range(1000)]
    assert set(drawn) == {"a", "d"}
    _share((density == "a" for density in drawn), 0.5)


def test_background_classes(patients):
    for name, (expected, level) in BACKGROUND.items():
        _share((patient.background == name for patient in patients), expected)
        assert {p.background_mg_cm3 for p in patients if p.background == name} == {level}


def test_a_third_has_no_lesion_and_half_of_the_others_are_malignant(patients, lesions):
    _share((patient.lesion is None for patient in patients), 0.35)
    _share((lesion.malignant for lesion in lesions), 0.5)
    _share((lesion.laterality == "L" for lesion in lesions), 0.5)
    _share((lesion.non_mass for lesion in lesions), 0.25)


def test_what_malignant_and_benign_lesions_show(lesions):
    malignant = [lesion for lesion in lesions if lesion.malignant]
    benign = [lesion for lesion in lesions if not lesion.malignant]
    _share((not lesion.enhances for lesion in malignant), 0.08)
    _share((not lesion.enhances for lesion in benign), 0.5)
    _share((lesion.calcified for lesion in benign), 0.12)
    _share((lesion.rim for lesion in malignant), 0.35)
    assert 0.45 < np.mean([lesion.calcified for lesion in malignant]) < 0.65
    assert np.median([lesion.iodine_mg_cm2 for lesion in malignant]) == pytest.approx(1.0, rel=0.08)
    assert np.median([lesion.iodine_mg_cm2 for lesion in benign if lesion.enhances]) == pytest.approx(0.4, rel=0.08)
    assert max(lesion.iodine_mg_cm2 for lesion in lesions) <= 2.5


def test_scores_have_the_distance_and_coupling_asked_for():
    knobs = Knobs(2.0, 0.8, 0.7)
    rng = np.random.default_rng(0)
    drawn = [lesion for lesion in (draw_patient("P", knobs, rng).lesion for _ in range(COUNT)) if lesion]
    scores = np.array([[lesion.morphology_score, lesion.enhancement_score] for lesion in drawn])
    malignant = np.array([bool(lesion.malignant) for lesion in drawn])
    distance = scores[malignant].mean(axis=0) - scores[~malignant].mean(axis=0)
    assert distance == pytest.approx([2.0, 0.8], abs=0.13)
    assert np.corrcoef(scores[~malignant].T)[0, 1] == pytest.approx(0.7, abs=0.05)
    assert scores[malignant].std(axis=0) == pytest.approx([1, 1], abs=0.07)
    # the share that does not enhance follows from the distance
    assert np.mean([not lesion.enhances for lesion in drawn if lesion.malignant]) == pytest.approx(
        norm.cdf(-0.8), abs=0.04
    )


def test_the_class_enters_through_the_scores_alone(lesions):
    # everything else has the same distribution in both classes
    from scipy.stats import ks_2samp

    malignant = [lesion for lesion in lesions if lesion.malignant]
    benign = [lesion for lesion in lesions if not lesion.malignant]
    for name in ("diameter_mm", "behind_mm", "outward_mm", "up_mm", "non_mass"):
        p_value = ks_2samp(*([float(getattr(x, name)) for x in group] for group in (malignant, benign))).pvalue
        assert p_value > 0.001, name
