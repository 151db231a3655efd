import numpy as np
import pytest

from vdes.phantom.exposure import expose, exposure_mgy, scatter
from vdes.phantom.signal_table import load_tables

PIXEL = 0.1


def _flat(table, size=256):
    return np.full((size, size), table.scalar(3.76, 0.94), np.float32)


def _take(table, kerma, seed=0, electronic=0.0, scatter_ratio=0.0, residual=0.0):
    log_primary = _flat(table)
    breast = np.ones(log_primary.shape, bool)
    rng = np.random.default_rng(seed)
    return expose(log_primary, breast, table, kerma, scatter_ratio, residual, 0.0, electronic, PIXEL, rng)


@pytest.mark.parametrize("which", [0, 1])
def test_noise_variance_is_poisson_in_dose(which):
    table = load_tables("rh-ag")[which]
    kerma = table.beam.kerma_mgy
    variance = {dose: _take(table, dose * kerma).var() for dose in (0.5, 1.0, 4.0)}
    # 65536 pixels: the variance of a variance is 2/n, so 2 % is more than three sigma
    assert variance[0.5] / variance[1.0] == pytest.approx(2.0, rel=0.025)
    assert variance[1.0] / variance[4.0] == pytest.approx(4.0, rel=0.025)


@pytest.mark.parametrize("which", [0, 1])
def test_noise_equals_that_of_the_counted_quanta(which):
    table = load_tables("rh-ag")[which]
    beam = table.beam
    # sum of Poisson counts in every energy bin, each worth its energy
    counts = (
        beam.transmitted(3.76, 0.94, 0.0, 0.3)
        * beam.fluence
        * (beam.detected / beam.energy)
        * beam.kerma_mgy
        * PIXEL**2
    )
    rng = np.random.default_rng(1)
    energy = (rng.poisson(counts, (20000, len(counts))) * beam.energy).sum(axis=1)
    expected = energy.std() / energy.mean()
    assert _take(table, beam.kerma_mgy).std() == pytest.approx(expected, rel=0.03)


def test_noise_at_clinical_dose_is_that_of_the_reference():
    low, high = load_tables("rh-ag")
    assert _take(low, low.beam.kerma_mgy).std() == pytest.approx(0.011, abs=0.002)
    assert _take(high, high.beam.kerma_mgy).std() == pytest.approx(0.006, abs=0.002)


def test_electronic_noise_adds_variance():
    low, _ = load_tables("rh-ag")
    quiet, loud = (_take(low, low.beam.kerma_mgy, electronic=value).var() for value in (0.0, 60.0))
    mean_quanta = np.exp(low.scalar(3.76, 0.94)) * low.beam.kerma_mgy * PIXEL**2 / 20.0
    assert loud - quiet == pytest.approx((60.0 / mean_quanta) ** 2, rel=0.15)


def test_exposure_control_keeps_the_detector_signal():
    low, _ = load_tables("rh-ag")
    assert exposure_mgy(low, 5.0, 1.0) == pytest.approx(5.0)
    signal = [exposure_mgy(low, t, 2.0) * np.exp(low.scalar(0.8 * (t - 0.3), 0.2 * (t - 0.3))) for t in (3.0, 5.0, 8.0)]
    assert signal == pytest.approx([signal[0]] * 3, rel=1e-6)


def test_corrected_scatter_leaves_its_residual_only():
    low, _ = load_tables("rh-ag")
    high_dose = 1e6  # no noise to speak of
    clean = _take(low, high_dose)
    corrected = _take(low, high_dose, scatter_ratio=0.2, residual=0.0)
    left = _take(low, high_dose, scatter_ratio=0.2, residual=0.1)
    assert corrected.mean() == pytest.approx(clean.mean(), abs=1e-4)
    assert left.mean() - clean.mean() == pytest.approx(np.log(1.02), rel=0.02)


def test_open_field_does_not_scatter():
    primary = np.full((256, 192), 1000.0, np.float32)  # far brighter than the breast, as an open field is
    breast = np.zeros(primary.shape, bool)
    breast[64:192, :96] = True
    primary[breast] = 1.0
    scattered = scatter(primary, breast, 0.2, 1.0)
    assert scattered.max() <= 0.2 + 1e-5
    middle, rim = scattered[128, 20], scattered[128, 95]
    assert rim < 0.6 * middle
