"""A folder of DICOM studies -> a datalist."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vdes.data.datalist import write_datalist
from vdes.data.dicom_folder.folder import WORKERS, scan_folder
from vdes.data.dicom_folder.labels import StudyLabels, read_study_labels
from vdes.data.dicom_folder.pairs import Pair, pair_images
from vdes.data.splits import hold_out
from vdes.data.staging import staged
from vdes.dicom.image_facts import ImageFacts
from vdes.dicom.pixels import WHITE
from vdes.errors import InputError

NAME = "DICOM"


def write_dicom_datalist(
    folder: Path,
    output: Path,
    *,
    labels: Path | None = None,
    test_fraction: float = 0.2,
    validation_fraction: float = 0.1,
    seed: int = 0,
    include_unpaired: bool = False,
    workers: int = WORKERS,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Find and pair the mammograms of a folder, split them by patient and write the datalist.

    Every image that is listed was decoded once, so that a damaged one is reported here and not in the middle of a
    training run. Patients are numbered; no identifier of theirs is in the datalist, but the paths of the files are.

    Args:
        folder: of studies.
        output: the datalist to write, ending in .json.
        labels: table of labels, see `read_study_labels`; None leaves pathology, density and BI-RADS unknown.
        test_fraction: share of the patients.
        validation_fraction: share of the patients.
        seed: of the split.
        include_unpaired: keep images without a partner.
        workers: processes.
        overwrite: replace the datalist if it exists.

    Returns:
        The datalist; its ``report`` names the files that were left out, with the reason.

    Raises:
        InputError: see `scan_folder`, `read_study_labels`, `hold_out` and `write_datalist`; also when no image is left.
            Nothing is written.
    """
    if output.suffix.lower() != ".json":
        raise InputError(f"{output}: expected the name of a datalist to write, ending in .json")
    with staged([output], overwrite):  # refuse before the long part
        table = read_study_labels(labels)
    if workers < 1:
        raise InputError(f"workers: {workers}; expected 1 or more")
    scan = scan_folder(folder, workers, check_pixels=True)
    left_out = dict(scan.left_out)
    pairs = pair_images(scan.images)
    if not include_unpaired:
        for pair in pairs:
            if not pair.complete:
                other = "DES" if pair.des is None else "low-energy"
                left_out[pair.present.path] = f"no {other} image of the view in the study (--include-unpaired keeps it)"
    kept = [pair for pair in pairs if pair.complete or include_unpaired]
    if not kept:
        first = "; ".join(f"{entry['count']} {entry['what']}" for entry in _grouped(folder, left_out)[:3])
        raise InputError(f"{folder}: no image to list; expected low-energy and DES mammograms. Left out: {first}")
    items = _items(kept, table)
    datalist = {
        "name": NAME,
        "pixel_size_mm": None,  # each item has its own
        "intensity_range": {"low_energy": [0, int(WHITE)], "des": [0, int(WHITE)]},
        "split": {
            "method": "hold-out",
            "seed": seed,
            "grouped_by": "patient",
            "stratified_by": "worst pathology of the patient",
            "test_fraction": test_fraction,
            "validation_fraction": validation_fraction,
        },
        "report": {"left_out": _grouped(folder, left_out), "notes": _notes(kept, table)},
        **hold_out(items, test_fraction, validation_fraction, seed),
    }
    write_datalist(output, datalist, overwrite)
    return datalist


def _items(pairs: Iterable[Pair], labels: StudyLabels) -> list[dict[str, Any]]:
    patients: dict[str, int] = {}
    studies: dict[str, dict[str, int]] = defaultdict(dict)
    views: dict[str, int] = defaultdict(int)
    items = []
    # numbered in the order of their identifiers, so that the same folder gives the same numbers
    for pair in sorted(pairs, key=lambda pair: (_patient(pair.present), pair.present.study)):
        image = pair.present
        patient = f"P{patients.setdefault(_patient(image), len(patients) + 1)}"
        study = studies[patient].setdefault(image.study, len(studies[patient]) + 1)
        case = f"{patient}_S{study}_{image.laterality}_{image.view}"
        views[case] += 1
        items.append(
            {
                "case": case if views[case] == 1 else f"{case}_{views[case]}",
                "patient": patient,
                "examination": f"S{study}",
                "laterality": image.laterality,
                "view": image.view,
                **{
                    name: None if facts is None else str(facts.path.absolute())
                    for name, facts in (("low_energy", pair.low_energy), ("des", pair.des))
                },
                "lesion_mask": None,
                "des_lesion_mask": None,
                **labels.of(image),
                "pixel_size_mm": None if math.isnan(image.pixel_size_mm) else image.pixel_size_mm,
                "evidence": {
                    name: None if facts is None else facts.kind.evidence
                    for name, facts in (("low_energy", pair.low_energy), ("des", pair.des))
                },
            }
        )
    return items


def _patient(image: ImageFacts) -> str:
    # two studies without a patient's ID may be of two patients
    return image.patient or f"study {image.study}"


def _grouped(folder: Path, left_out: dict[Path, str]) -> list[dict[str, Any]]:
    """Return the reasons with the files that each holds for, the most frequent first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for file, why in sorted(left_out.items()):
        groups[why].append(file.relative_to(folder).as_posix())
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [{"what": why, "count": len(names), "names": names} for why, names in ordered]


def _notes(pairs: list[Pair], labels: StudyLabels) -> list[dict[str, Any]]:
    notes = []
    nameless = {pair.present.study for pair in pairs if not pair.present.patient}
    if nameless:
        what = "studies without PatientID, each taken for a patient of its own"
        notes.append({"what": what, "count": len(nameless), "names": []})  # a study's UID identifies it
    if labels.unused:
        notes.append({"what": "studies of the table without images here", "count": labels.unused, "names": []})
    return notes
