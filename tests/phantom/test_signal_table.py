import numpy as np
import pytest

from vdes.phantom.beams import PRESETS
from vdes.phantom.signal_table import load_tables


@pytest.mark.parametrize("preset", PRESETS)
def test_table_equals_the_spectrum_summed(preset):
    rng = np.random.default_rng(0)
    rays = [rng.uniform(0, high, 5000).astype(np.float32) for high in (8, 5, 3)]
    skin = np.full(5000, 0.3, np.float32)
    for table in load_tables(preset):
        exact = table.beam.log_signal(*rays, skin)
        found = table.log_signal(*rays, skin, np.zeros(5000, np.float32))
        assert np.abs(found - exact).max() < 0.002
        assert np.abs(found - exact).mean() < 0.0003


def test_calcium_attenuates_by_its_effective_coefficient():
    low, high = load_tables("rh-ag")
    ray = [np.array([value], np.float32) for value in (3.7, 1.0, 0.0, 0.3)]
    for table in (low, high):
        without, behind = (table.log_signal(*ray, np.array([cm], np.float32)) for cm in (0.0, 0.02))
        beam = table.beam
        spectrum = beam.transmitted(3.7, 1.0, 0.0, 0.3) * beam.fluence * beam.detected
        exact = np.log((spectrum * np.exp(-0.02 * beam.calcium)).sum() / spectrum.sum())
        assert float((behind - without)[0]) == pytest.approx(exact, rel=0.1)


def test_quantum_lies_among_the_energies_of_its_beam():
    low, high = load_tables("rh-ag")
    assert 17 < low.energy_per_quantum() < 24 < 32 < high.energy_per_quantum() < 42
