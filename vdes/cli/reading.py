"""``vdes reading``: the reader study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App

from vdes.cli.parameters import FIELDS
from vdes.reading.settings import AnalysisSettings, Links, ReadingPlan, Server, SimulatedReaders

app = App(
    name="reading",
    help="Let radiologists compare real and virtual DES, and analyse what they read.",
    help_epilogue="vdes reading COMMAND --help explains a command and gives an example.",
)


@app.command(
    help_epilogue=(
        "example: vdes reading plan --study study --output reading --readers 4 --cases 80\n\n"
        "example: vdes reading plan --study study --output reading --design crossover --washout-days 42 --margin 0.03"
    )
)
def plan(*, settings: Annotated[ReadingPlan, FIELDS], overwrite: bool = False) -> None:
    """Draw the cases of a reader study, make each reader's blinded work list, and freeze the plan.

    Cases are breasts of a study's test patients, one per patient, in both views: malignant, benign and without a lesion
    in the requested proportions. Real and virtual DES are aligned with the low-energy image and encoded in the same
    way. Writes OUTPUT/plan.json with its hash, OUTPUT/key.json, which only you can read, and OUTPUT/images. After the
    first answer the plan cannot be replaced.

    Args:
        overwrite: replace a plan that has no answers yet.
    """
    from vdes.reading.make_plan import plan_words, write_plan

    print(plan_words(write_plan(settings, overwrite), settings))


@app.command(
    help_epilogue=(
        "example: vdes reading links reading\n\n"
        "example: vdes reading links reading --url https://reading.example.org --reader R2 --output r2.txt"
    )
)
def links(reading: Path, /, *, settings: Annotated[Links, FIELDS] = Links(), overwrite: bool = False) -> None:
    """Make the readers' personal links, each with a secret of 128 bits.

    Writes them to READING/links.txt, which only you can read; the store contains only hashes of the secrets. Send each
    reader their link privately: anyone who has it can read in that reader's name. A new link invalidates the old one.

    Args:
        reading: folder of the reader study.
        overwrite: replace the file of links.
    """
    from vdes.reading.links import make_links

    print(f"wrote {make_links(reading, settings, overwrite)}")


@app.command(
    help_epilogue=(
        "example: vdes reading serve reading\n\n"
        "example: vdes reading serve reading --host 0.0.0.0 --tls-certificate cert.pem --tls-key key.pem\n\n"
        "example: vdes reading serve reading --behind-proxy https://reading.example.org"
    )
)
def serve(reading: Path, /, *, settings: Annotated[Server, FIELDS] = Server()) -> None:
    """Serve a reader study to browsers until Ctrl-C.

    The page needs no other server, and every answer is saved to disk before the next case appears: server and browser
    may stop at any time, and readers continue where they were. Without TLS it listens on this machine only.

    Args:
        reading: folder of the reader study.
    """
    from vdes.reading.serve import serve as run

    run(reading, settings)


@app.command(help_epilogue="example: vdes reading simulate reading --virtual-noise 0.5")
def simulate(reading: Path, /, *, settings: Annotated[SimulatedReaders, FIELDS] = SimulatedReaders()) -> None:
    """Let simulated readers answer a reader study of phantoms, to try the whole study without people.

    A simulated reader is the phantom's ideal observer with added noise. It sees scores, not pixels, so its results say
    nothing about people; the store, the tables and the report state that readers were simulated. Writes the answers to
    READING/readings.sqlite and the simulation's settings to READING/simulated.json.

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
    """Analyse the readings: accuracy, agreement, marks, forced choice, quality, and the conclusion.

    Obuchowski and Rockette's analysis with Hillis's degrees of freedom gives AUC, sensitivity and specificity of each
    modality, their differences with intervals, and whether virtual DES is non-inferior to real DES by the margin in the
    plan. Writes metrics.json and one csv per table to READING/analysis, and the readings in the formats of iMRMC and
    MRMCaov. Files in these formats can be analysed too, with --output, --arm and --reference.

    Args:
        reading: folder of a reader study, or a file of readings in the format of iMRMC or MRMCaov.
        overwrite: replace the analysis.
    """
    from vdes.reading.analyse import analyse as run

    print(f"wrote {run(reading, settings, overwrite)}")


@app.command(help_epilogue="example: vdes reading report reading --join")
def report(reading: Path, /, *, join: bool = False, overwrite: bool = False) -> None:
    """Write the report of an analysed reader study: one HTML page that works offline.

    Args:
        reading: folder of a reader study, or of the analysis of a file of readings.
        join: also add the readers' results to the report of the study whose images were read, and rewrite that report.
        overwrite: replace the report.
    """
    from vdes.reading.report import write_reading_report

    print(f"wrote {write_reading_report(reading, join, overwrite)}")
