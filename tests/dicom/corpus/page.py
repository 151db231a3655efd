"""Write docs/reference/dicom_circumstances.md: each circumstance of the corpus, and what vdes makes of it.

python tests/dicom/corpus/page.py
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydicom import Dataset

sys.path.insert(0, str(Path(__file__).parents[1]))
from corpus.studies import bases, studies_of
from corpus.variant import KINDS, Outcome, Variant, vdes_does, write_objects
from corpus.variants import VARIANTS
from vdes.dicom import read_mammogram

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "dicom_circumstances.md"
HEAD = """# What vdes does with odd DICOM

Mammograms come from archives in more forms than the standard allows. For each circumstance below, a phantom study was
changed and run through the datalist, reading, a network and writing; `le` and `de` are its low-energy and DES images of
one view. The tests hold vdes to this table, and compare each picture with dcmtk's. [DICOM](dicom.md) describes how vdes
decides.

This page is written by `python tests/dicom/corpus/page.py`.
"""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        phantoms = bases(folder)
        like = {}
        for maker, images in phantoms.items():
            images["le"].save_as(folder / maker, enforce_file_format=True)
            like[maker] = read_mammogram(folder / maker).pixels
        outcomes = {variant.name: outcome_of(variant, phantoms, folder, like[variant.maker]) for variant in VARIANTS}
    PAGE.write_text(page_text(outcomes), encoding="utf-8")
    print(f"wrote {PAGE}: {len(VARIANTS)} circumstances")


def outcome_of(variant: Variant, phantoms: Mapping[str, dict[str, Dataset]], folder: Path, like: np.ndarray) -> Outcome:
    """Write a variant into a folder of its own, and find out what vdes makes of it."""
    studies = studies_of(phantoms[variant.maker])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, about the values that are wrong on purpose
        variant.change(studies)
        studies.write(folder / variant.name)
    outcome = vdes_does(folder / variant.name, like)
    objects = folder / f"{variant.name}_objects"
    objects.mkdir()
    outcome.written = write_objects(folder / variant.name / "le", objects)
    return outcome


def page_text(outcomes: Mapping[str, Outcome]) -> str:
    """Return the page.

    Args:
        outcomes: of all variants, by their names.
    """
    parts = [HEAD]
    for kind, title in KINDS.items():
        parts.append(f"## {title}\n\n| circumstance | vdes |\n|---|---|")
        for variant in VARIANTS:
            if variant.kind == kind:
                parts.append(
                    f"| {variant.circumstance.replace('|', chr(92) + '|')} | {_does(variant, outcomes[variant.name])} |"
                )
        parts.append("")
    return "\n".join(parts)


def _does(variant: Variant, outcome: Outcome) -> str:
    states = []
    for keyword, value in variant.states.items():
        shown = "absent" if value is None else "empty" if value == "" else f"{value}"
        if keyword == "~refused":
            states.append(f"not written de-identified: {value}")
        else:
            states.append(
                f"{'de-identified' if keyword[0] == '~' else 'object'}: `{keyword.removeprefix('~')}` {shown}"
            )
    return "; ".join([outcome.words, *states]).replace("\n", " ")


if __name__ == "__main__":
    main()
