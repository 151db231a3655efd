from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vdes.experiments.verdict_figure import verdict_figure
from vdes.experiments.verdict_page import page
from vdes.experiments.verdict_rates import MARGIN, PATIENTS, grid

OUTPUT = Path("docs") / "results" / "verdicts.json"


def found(**counts: int) -> dict[str, Any]:
    """Return results of 1,000 studies a setting at nominal rates; but F1 by image of 360 patients has ``counts``."""
    rows = []
    for setting in grid():
        row = {**setting.record(), "studies": 1000, "non_inferior": 20, "inferior": 25, "covered": 955, "undefined": 0}
        if (row["level"], row["metric"], row["patients"]) == ("image", "f1", 360):
            row.update(counts)
        rows.append(row)
    return {"seed": 4, "studies": 1000, "resamples": 500, "margin": MARGIN, "rates": rows}


def test_nothing_is_missed_at_nominal_rates() -> None:
    text = page(found(), OUTPUT)
    assert "Over all settings, 0 of 3 rates miss their nominal value." in text
    assert "| all metrics and levels | 0.020 (" in text
    assert "Over all numbers of patients, 0 of 18 rates miss their nominal value." in text
    assert "By number of patients, 0 of 54 rates miss their nominal value." in text
    assert "| **0" not in text
    assert f"Here {1000 * len(grid()):,} studies were simulated" in text
    assert "--output docs/results/verdicts.json --studies 1000 --resamples 500 --seed 4" in text
    assert "![Errors, coverage and power by number of patients](verdicts.png)" in text
    # (1 + .025 * 499) / 501
    assert "raise an error rate of 2.5 % to about 2.69 %" in text


def test_what_is_missed_is_said_with_its_place_and_rate() -> None:
    text = page(found(non_inferior=90), OUTPUT)
    # 90 of 1000 with 360 patients and 20 of 1000 otherwise, with two correlations each
    assert "Over all numbers of patients, 1 of 18 rates miss their nominal value:" in text
    assert "- F1 by image: “non-inferior”, worse by the margin: 0.043 (" in text
    assert "- F1 by image, 360 patients: “non-inferior”, worse by the margin: 0.090 (" in text
    assert text.count("| **0.043 (") == 1


def test_a_small_miss_of_every_setting_shows_in_the_pooled_row_alone() -> None:
    results = found()
    for row in results["rates"]:
        row.update(covered=948)
    text = page(results, OUTPUT)
    assert "Over all settings, 1 of 3 rates miss their nominal value:" in text
    assert "- all metrics and levels: interval holds the truth: 0.948 (0.947 to 0.949), nominal 0.95" in text
    assert "By number of patients, 0 of 54" in text
    assert text.count("| **0.948 (") == 1


def test_every_setting_has_its_shares() -> None:
    (line,) = (
        line
        for line in page(found(inferior=333), OUTPUT).splitlines()
        if line.startswith("| F1 by image | 0.8 | 360 |")
    )
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[3:] == ["2.0"] * 3 + ["33.3"] * 3 + ["95.5"] * 3


def test_the_figure_has_a_line_for_each_metric_and_correlation() -> None:
    figure = verdict_figure(found(non_inferior=500)["rates"], MARGIN)
    errors, coverage, power = np.array(figure.axes).reshape(3, 2)
    for row, usual in ((errors, 0.02), (coverage, 0.955), (power, 0.02)):
        for axis in row:
            lines = [line for line in axis.lines if len(line.get_xdata()) == len(PATIENTS)]
            assert len(lines) == 6
            assert all(line.get_ydata()[0] == usual for line in lines)
    by_image = [line.get_ydata()[-1] for line in errors[1].lines if len(line.get_xdata()) == len(PATIENTS)]
    assert by_image == [0.5, 0.5, 0.02, 0.02, 0.02, 0.02]
