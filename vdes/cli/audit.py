"""``vdes audit``."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

app = App(
    name="audit",
    help_epilogue=(
        "exit status: 0 no shared patients, 1 shared patients, 2 bad input\n\nexample: vdes audit train.txt test.txt"
    ),
)


@app.default
def audit(
    file: list[Path],
    /,
    *,
    patient_pattern: str | None = None,
) -> int:
    """Find patients that splits share.

    The splits of a datalist are its sections; a csv, tsv or txt list of image names is one split, named by its stem.
    Name all files that an experiment uses in one command; splits with the same name are merged.

    Args:
        file: datalist (.json) or split list (.csv .tsv .txt); one or more.
        patient_pattern: regular expression with one group that finds the patient in an image name, including its
            folders separated by / (default: P and digits at the start of the file name).
    """
    from vdes.data.audit import PATIENT_PATTERN, overlaps, read_splits

    splits = read_splits(file, patient_pattern or PATIENT_PATTERN)
    for name, patients in splits.items():
        print(f"{name}: {len(patients)} patients")
    leaks = [overlap for overlap in overlaps(splits) if overlap.patients]
    for leak in leaks:
        print(
            f"{leak.first} and {leak.second} share {len(leak.patients)} patients, {100 * leak.share:.1f} % of those in "
            f"{leak.smaller}: {', '.join(leak.patients)}"
        )
    if not leaks:
        print("no patient is in two splits")
    return 1 if leaks else 0
