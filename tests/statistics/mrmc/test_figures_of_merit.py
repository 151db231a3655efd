from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vdes.errors import InputError
from vdes.statistics.delong import delong_covariance
from vdes.statistics.mrmc.figures_of_merit import auc_merits, located_auc_merits, share_merits


def ratings(rng, cases=30):
    labels = np.repeat([1, 0], cases // 2)
    return labels, np.round(2 * labels + 2 * rng.standard_normal((2, 3, cases)))


def test_the_jackknife_leaves_each_case_out_once():
    labels, scores = ratings(np.random.default_rng(0))
    merits = auc_merits(labels, scores)
    assert merits.values.ravel() == pytest.approx([roc_auc_score(labels, row) for row in scores.reshape(6, -1)])
    without = np.array(
        [
            [roc_auc_score(np.delete(labels, k), np.delete(row, k)) for k in range(labels.size)]
            for row in scores.reshape(6, -1)
        ]
    )
    assert merits.covariance == pytest.approx(np.cov(without, ddof=0) * (labels.size - 1))


def test_delong_is_delong():
    labels, scores = ratings(np.random.default_rng(1))
    areas, covariance = delong_covariance(labels, scores.reshape(6, -1))
    merits = auc_merits(labels, scores, "delong")
    assert merits.values.ravel() == pytest.approx(areas)
    assert merits.covariance == pytest.approx(covariance)
    assert merits.covariance == pytest.approx(auc_merits(labels, scores).covariance, rel=0.1, abs=2e-4)


def test_a_lesion_that_was_not_marked_is_not_found():
    labels, scores = ratings(np.random.default_rng(2))
    located = np.random.default_rng(3).random(scores.shape) < 0.7
    merits = located_auc_merits(labels, scores, located)
    malignant, others = scores[..., labels == 1], scores[..., labels == 0]
    pairs = (malignant[..., None] > others[:, :, None]) + 0.5 * (malignant[..., None] == others[:, :, None])
    assert merits.values == pytest.approx((pairs * located[..., labels == 1, None]).mean(axis=(2, 3)))
    assert located_auc_merits(labels, scores, labels * np.ones_like(scores)).values == pytest.approx(
        auc_merits(labels, scores).values
    )
    assert located_auc_merits(labels, scores, np.zeros_like(scores)).values == pytest.approx(0)


def test_shares_vary_as_means_do():
    answers = np.random.default_rng(4).integers(0, 2, (2, 2, 40))
    merits = share_merits(answers)
    assert merits.values == pytest.approx(answers.mean(axis=2))
    share = answers[0, 0].mean()
    assert merits.covariance[0, 0] == pytest.approx(share * (1 - share) / 39)
    assert merits.covariance[0, 3] == pytest.approx(np.cov(answers[0, 0], answers[1, 1])[0, 1] / 40)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: auc_merits([0, 0, 1, 1], np.zeros((2, 4))), r"expected \(modalities, readers, cases\)"),
        (lambda: auc_merits([0, 0, 1, 1], np.zeros((1, 1, 4)), "bootstrap"), "expected one of jackknife, delong"),
        (lambda: auc_merits([0, 1, 1], np.zeros((1, 1, 3))), "two or more of each class"),
        (lambda: located_auc_merits([0, 0, 1, 1], np.zeros((1, 1, 4)), [[1]]), "located: expected the ratings' shape"),
        (lambda: share_merits([[[0, 2]]]), "answers: expected 0 or 1"),
        (lambda: share_merits([[[0]]]), "answers: expected two or more cases, got 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
