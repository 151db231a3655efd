import numpy as np
import pytest

from vdes.phantom.beams import load_preset
from vdes.phantom.signal_table import load_tables
from vdes.phantom.subtraction import equalised, hardening, local_weight, subtract


def _des(thickness_cm, gland_share, iodine, modelled_cm=None, calibrated=False):
    shape = (1, len(gland_share))
    preset, tables = load_preset("rh-ag"), load_tables("rh-ag")
    inner = np.float32(thickness_cm - 0.3)
    share = np.asarray(gland_share, np.float32)[None]
    skin, none = np.full(shape, 0.3, np.float32), np.zeros(shape, np.float32)
    modelled = np.full(shape, modelled_cm or thickness_cm, np.float32)
    low, high = (
        equalised(
            table.log_signal(inner * (1 - share), inner * share, none + np.float32(iodine), skin, none), table, modelled
        )
        for table in tables
    )
    des = subtract(low, high, local_weight(preset, modelled))
    return (des + hardening(preset, modelled, low) if calibrated else des)[0]


@pytest.mark.parametrize("thickness", [3.0, 5.0, 8.0])
def test_fat_and_gland_are_black_and_iodine_is_not(thickness):
    assert _des(thickness, [0.0, 1.0], 0.0) == pytest.approx([0, 0], abs=0.0015)
    assert _des(thickness, [0.2], 1.0) - _des(thickness, [0.2], 0.0) == pytest.approx(0.0155, abs=0.001)


def test_a_millimetre_of_thickness_error_is_worth_seven_tenths_of_a_milligram():
    error = _des(5.0, [0.2], 0.0, 5.0)[0] - _des(5.0, [0.2], 0.0, 5.1)[0]
    assert error / 0.0162 == pytest.approx(0.7, abs=0.15)


def test_weight_follows_the_thickness():
    preset = load_preset("rh-ag")
    found = local_weight(preset, np.array([[3.0, 5.0, 8.0]], np.float32))
    assert found[0] == pytest.approx([preset.weight(t) for t in (3.0, 5.0, 8.0)], abs=5e-4)


@pytest.mark.parametrize("thickness", [3.0, 5.0, 8.0])
def test_calibration_takes_out_most_of_what_hardening_leaves(thickness):
    share = np.linspace(0, 1, 21)
    plain, calibrated = (np.ptp(_des(thickness, share, 0.0, calibrated=on)) / 0.0155 for on in (False, True))
    assert calibrated < 0.4 * plain
    assert calibrated < 0.3


@pytest.mark.parametrize("thickness", [3.0, 5.0, 8.0])
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_calibration_keeps_the_signal_of_iodine_and_its_linearity(thickness, share):
    none, one, two = (_des(thickness, [share], iodine, calibrated=True)[0] for iodine in (0.0, 1.0, 2.0))
    assert 0.0145 <= one - none <= 0.0165
    assert two - none == pytest.approx(2 * (one - none), rel=0.01)
