"""The report of a study: one page, and its figures as pictures."""

from __future__ import annotations

from pathlib import Path

from vdes.data.staging import staged
from vdes.report.case_cards import case_cards
from vdes.report.forest_plot import forests
from vdes.report.study_figures import study_figures
from vdes.report.study_files import read_study
from vdes.report.study_page import study_page
from vdes.report.study_rows import comparison_rows

PAGE, FIGURES = "report.html", "figures"


def write_report(study: Path) -> Path:
    """Write ``report.html`` and ``figures`` into a study's folder, from its other files.

    The page is one file that needs no network connection. Both are written completely or not at all, and replace those
    of an earlier call.

    Args:
        study: folder made by ``vdes study``, with ``metrics.json`` and, if there are any, ``cases.json``,
            ``arms/<arm>/predictions.csv`` and ``pictures``.

    Returns:
        Path of the page.

    Raises:
        InputError: ``metrics.json`` is missing or incomplete, or a file named in it or in ``cases.json`` is missing or
            cannot be read.

    """
    files = read_study(Path(study))
    metrics, question = files.metrics, files.metrics["question"]
    comparisons = comparison_rows(
        metrics["classification"], ["level"], metrics["verdicts"], metrics["tests"], metrics["calibration"]
    )
    plots = forests(comparisons, metrics["arms"])
    asked = next((plot for plot in plots if (plot.level, plot.metric) == (question["level"], question["metric"])), None)
    page, folder = files.folder / PAGE, files.folder / FIGURES
    with staged([folder, page], overwrite=True) as stages:
        stages[folder].mkdir()
        figures = []
        for figure in study_figures(files, asked):
            figure.figure.savefig(stages[folder] / figure.file)
            figures.append((figure, (stages[folder] / figure.file).read_bytes()))
        text = study_page(files, comparisons, plots, figures, case_cards(files))
        stages[page].write_text(text, encoding="utf-8")
    return page
