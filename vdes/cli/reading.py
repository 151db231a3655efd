"""``vdes reading``: the reader study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App

from vdes.cli.parameters import FIELDS
from vdes.reading.settings import AnalysisSettings, SimulatedReaders

app = App(
    name="reading",
    help="Let radiologists compare real and virtual DES, and analyse what they read.",
    help_epilogue="vdes reading COMMAND --help explains a command and gives an example.",
)


@app.command(help_epilogue="example: vdes reading simulate reading --virtual-noise 0.5")
def simulate(reading: Path, /, *, settings: Annotated[SimulatedReaders, FIELDS] = SimulatedReaders()) -> None:
    """Let simulated readers answer a reader study of phantoms, to try all of it with no person.

    A simulated reader is the phantom's ideal observer with noise of its own. It sees scores, not pixels, and says
    nothing about people: the store, the tables and the report say that readers were simulated. Writes the answers to
    READING/readings.sqlite and what was simulated to READING/simulated.json.

    Args:
        reading: folder of a reader study of phantoms that nobody has read.
    """
    from vdes.reading.simulate import simulate as run

    print(f"wrote {run(reading, settings)}")


@app.command(
    help_epilogue=(
        "example: vdes reading analyse reading\n\n"
        "example: vdes reading analyse readings.imrmc --output analysis --arm cine --reference spin_echo"
    )
)
def analyse(
    reading: Path, /, *, settings: Annotated[AnalysisSettings, FIELDS] = AnalysisSettings(), overwrite: bool = False
) -> None:
    """Analyse the readings: accuracy, agreement, marks, forced choice, quality, and the verdict.

    Obuchowski and Rockette's analysis with Hillis's degrees of freedom gives AUC, sensitivity and specificity of each
    modality, their differences with intervals, and whether virtual DES is non-inferior to real DES by the margin in the
    plan. Writes metrics.json and a csv a table to READING/analysis, and the readings as iMRMC and MRMCaov read them.
    Files of these programs are analysed too, with --output, --arm and --reference.

    Args:
        reading: folder of a reader study, or a file of readings of iMRMC or MRMCaov.
        overwrite: replace the analysis.
    """
    from vdes.reading.analyse import analyse as run

    print(f"wrote {run(reading, settings, overwrite)}")


@app.command(help_epilogue="example: vdes reading report reading --join")
def report(reading: Path, /, *, join: bool = False, overwrite: bool = False) -> None:
    """Write the report of an analysed reader study: one HTML page that needs no network.

    Args:
        reading: folder of a reader study, or of the analysis of a file of readings.
        join: also add the readers' part to the report of the study whose images were read, and write that report anew.
        overwrite: replace the report.
    """
    from vdes.reading.report import write_reading_report

    print(f"wrote {write_reading_report(reading, join, overwrite)}")
