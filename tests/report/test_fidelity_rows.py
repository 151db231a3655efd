from __future__ import annotations

from vdes.report.fidelity_rows import enhancement_table, fidelity_tables, lesion_table


def row(generator, method, metric, value, statistic="mean", cases=10, patients=4):
    one = {"generator": generator, "method": method, "metric": metric, "statistic": statistic, "value": value}
    return {**one, "low": value - 0.1, "high": value + 0.1, "cases": cases, "patients": patients}


def both(method, metric, value):
    return [row(generator, method, metric, value) for generator in ("b", "a")]


ROWS = [
    *both("constant", "psnr_breast", 21.0),
    *both("low_energy", "psnr_breast", 19.0),
    row("b", "virtual_des", "psnr_breast", 25.0),
    row("a", "virtual_des", "psnr_breast", 26.0),
    row("a", "virtual_des", "psnr_breast", 5.0, "difference_to_constant"),
    row("a", "virtual_des", "ssim_breast", 0.9),
    *both("real_des", "lesion_cnr", 2.0),
]


def test_generators_come_first_and_trivial_rows_once():
    breast, lesion = fidelity_tables(ROWS, ["a", "b"])
    assert breast.caption == "Fidelity inside the breast"
    assert breast.columns == ["breast PSNR (dB)", "breast SSIM"]
    assert breast.rows == [
        ("virtual DES by a", True, ["26.00 (25.90 to 26.10)", "0.900 (0.800 to 1.000)"]),
        ("virtual DES by b", True, ["25.00 (24.90 to 25.10)", "–"]),
        ("low energy itself", False, ["19.00 (18.90 to 19.10)", "–"]),
        ("constant level", False, ["21.00 (20.90 to 21.10)", "–"]),
    ]
    assert breast.note == "10 cases of 4 patients"
    assert lesion.rows == [("real DES", False, ["2.00 (1.90 to 2.10)"])]
    assert fidelity_tables([], ["a"]) == []


def test_trivial_rows_that_differ_name_their_generator():
    rows = [row("a", "constant", "psnr_breast", 21.0), row("b", "constant", "psnr_breast", 22.0)]
    (table,) = fidelity_tables(rows, ["a", "b"])
    assert [name for name, *_ in table.rows] == ["constant level (cases of a)", "constant level (cases of b)"]


def test_enhancement_says_how_many_cases_each_column_has():
    rows = [
        row("a", "low_energy", "enhancement_recall", 0.4, cases=6, patients=3),
        row("a", "virtual_des", "enhancement_recall", 0.7, cases=6, patients=3),
        row("a", "virtual_des", "hallucinations_per_image", 0.2),
    ]
    table = enhancement_table(rows, ["a"])
    assert table.columns == ["enhancement recall", "hallucinations per image"]
    assert [name for name, *_ in table.rows] == ["virtual DES by a", "low energy itself"]
    assert table.note == "enhancement recall: 6 cases of 3 patients; hallucinations per image: 10 cases of 4 patients"
    assert enhancement_table([], ["a"]) is None


def test_lesions_are_compared_with_low_energy():
    rows = [
        *both("low_energy", "follows", 0.3),
        row("a", "virtual_des", "follows", 0.5, cases=12),
        row("a", "virtual_des", "follows", 0.2, "difference_to_low_energy", cases=12),
        *both("real_des", "lesion_contrast", 1.0),
    ]
    table = lesion_table(rows, ["a", "b"])
    assert table.columns == ["contrast", "follows real DES"]
    assert table.rows == [
        ("virtual DES by a", True, ["–", "0.500 (0.400 to 0.600)"]),
        ("low energy itself", False, ["–", "0.300 (0.200 to 0.400)"]),
        ("real DES", False, ["1.000 (0.900 to 1.100)", "–"]),
        ("virtual DES by a minus low energy", True, ["–", "0.200 (0.100 to 0.300)"]),
    ]
    assert table.note == "contrast: 10 places of 4 patients; follows real DES: 12 places of 4 patients"
    assert lesion_table([], ["a"]) is None
