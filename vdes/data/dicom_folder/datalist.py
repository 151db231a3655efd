"""Make a datalist from a folder of DICOM studies."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vdes.data.datalist import Datalist
from vdes.data.dicom_folder.explanation import check_explanation, name_in, write_explanation
from vdes.data.dicom_folder.folder import Scan, scan_folder
from vdes.data.dicom_folder.labels import StudyLabels, read_study_labels
from vdes.data.dicom_folder.pairs import Pair, pair_images
from vdes.data.dicom_folder.persons import Persons, persons_of
from vdes.data.dicom_folder.settings import DicomFolderSettings
from vdes.data.further_columns import FIELD, check_columns
from vdes.data.splits import hold_out
from vdes.data.staging import staged
from vdes.dicom.pixels import WHITE
from vdes.dicom.times import Gap
from vdes.errors import InputError

NAME = "DICOM"


def write_dicom_datalist(
    folder: Path,
    output: Path,
    settings: DicomFolderSettings = DicomFolderSettings(),
    *,
    explain: Path | None = None,
    overwrite: bool = False,
) -> Datalist:
    """Find and pair the mammograms of a folder, split them by patient and write the datalist.

    Every listed image was decoded once, so that damaged images are reported here and not in the middle of a training
    run. Patients are numbered: the datalist contains none of their identifiers, but it does contain the file paths.

    Args:
        folder: folder of studies.
        output: the datalist to write, ending in .json.
        settings: what it holds, and how its patients are split. For the labels see `read_study_labels`.
        explain: file to write that explains, for each file, what decided and what contradicted it, see
            `vdes.data.dicom_folder.explanation`; also written if there is no image to list.
        overwrite: replace the datalist if it exists.

    Returns:
        The datalist; its ``report`` names the files that were left out, with the reason.

    Raises:
        InputError: see `scan_folder`, `read_study_labels`, `check_columns`, `hold_out` and `Datalist.write`; also if no
            image is left. Then no datalist is written.
    """
    if output.suffix.lower() != ".json":
        raise InputError(f"{output}: expected the name of a datalist to write, ending in .json")
    if explain is not None:
        check_explanation(explain)
    with staged([output, *([explain] if explain else [])], overwrite):  # refuse before the slow part
        table = read_study_labels(settings.labels, settings.columns)
    if settings.workers < 1:
        raise InputError(f"workers: {settings.workers}; expected 1 or more")
    scan = scan_folder(folder, settings.workers, check_pixels=True)
    pairs = pair_images(scan.images)
    kept = [pair for pair in pairs if pair.complete or settings.include_unpaired]
    persons = persons_of(pair.present for pair in kept)
    items = list_items(kept, persons, table)
    if explain is not None:
        write_explanation(explain, folder, scan, pairs, items, overwrite)
    left_out = dict(scan.left_out)
    if not settings.include_unpaired:
        left_out |= {pair.present.path: pair.evidence for pair in pairs if not pair.complete}
    if not kept:
        first = "; ".join(f"{entry['count']} {entry['what']}" for entry in _grouped(folder, left_out)[:3])
        raise InputError(f"{folder}: no image to list; expected low-energy and DES mammograms. Left out: {first}")
    check_columns(settings.columns, items, str(settings.labels))
    content = {
        "name": NAME,
        "pixel_size_mm": None,  # each item has its own
        "intensity_range": {"low_energy": [0, int(WHITE)], "des": [0, int(WHITE)]},
        **({FIELD: list(settings.columns)} if settings.columns else {}),
        "split": {
            "method": "hold-out",
            "seed": settings.seed,
            "grouped_by": "patient",
            "stratified_by": "worst pathology of the patient",
            "test_fraction": settings.test_fraction,
            "validation_fraction": settings.validation_fraction,
        },
        "report": {"left_out": _grouped(folder, left_out), "notes": _notes(folder, scan, kept, persons, table)},
        **hold_out(items, settings.test_fraction, settings.validation_fraction, settings.seed),
    }
    return Datalist.write(output, content, overwrite)


def list_items(pairs: Iterable[Pair], persons: Persons, labels: StudyLabels) -> list[dict[str, Any]]:
    """Return the datalist's items for pairs, with names that reveal no identity.

    Patients and their studies are numbered in the order of their identifiers, so the same folder always gives the same
    numbers.
    """
    patients: dict[str, int] = {}
    studies: dict[str, dict[str, int]] = defaultdict(dict)
    views: dict[str, int] = defaultdict(int)
    items = []
    for pair in sorted(pairs, key=lambda pair: (persons.key_of(pair.present), pair.present.study)):
        image = pair.present
        person = persons.key_of(image)
        patient = f"P{patients.setdefault(person, len(patients) + 1)}"
        study = studies[patient].setdefault(image.study, len(studies[patient]) + 1)
        case = f"{patient}_S{study}_{image.laterality}_{image.view}"
        views[case] += 1
        files = {"low_energy": pair.low_energy, "des": pair.des}
        items.append(
            {
                "case": case if views[case] == 1 else f"{case}_{views[case]}",
                "patient": patient,
                "examination": f"S{study}",
                "laterality": image.laterality,
                "view": image.view,
                **{name: None if facts is None else str(facts.path.absolute()) for name, facts in files.items()},
                "lesion_mask": None,
                "des_lesion_mask": None,
                **labels.of(image),
                "pixel_size_mm": None if math.isnan(image.pixel_size_mm) else image.pixel_size_mm,
                "evidence": {name: None if facts is None else facts.kind.evidence for name, facts in files.items()},
                "pairing": {
                    "evidence": pair.evidence,
                    "seconds_apart": _seconds(pair.gap),
                    "contradicted": list(pair.contradicted),
                },
            }
        )
    return items


def _seconds(gap: Gap | None) -> float | list[float] | None:
    """Return the gap in seconds, or its least and most if the times are imprecise."""
    if gap is None:
        return None
    return gap.least if gap.least == gap.most else [gap.least, gap.most]


def _grouped(folder: Path, files: Mapping[Path, str]) -> list[dict[str, Any]]:
    """Return the reasons with the files to which each applies, the most frequent first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for file, why in sorted(files.items()):
        groups[why].append(name_in(folder, file))
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [{"what": why, "count": len(names), "names": names} for why, names in ordered]


def _notes(folder: Path, scan: Scan, pairs: list[Pair], persons: Persons, labels: StudyLabels) -> list[dict[str, Any]]:
    notes = []
    nameless = {pair.present.study for pair in pairs if not pair.present.identity.patient}
    if nameless:
        what = "studies without PatientID, each counted as a separate patient unless name and birth date match"
        notes.append({"what": what, "count": len(nameless), "names": []})  # a study's UID identifies it
    for why in sorted({why for reasons in persons.reasons.values() for why in reasons}):
        count = sum(why in reasons for reasons in persons.reasons.values())
        what = f"patients with several identities that could be one person, so that no split separates them: {why}"
        notes.append({"what": what, "count": count, "names": []})
    for what, files in sorted(scan.notes.items()):
        notes.append({"what": what, "count": len(files), "names": [name_in(folder, file) for file in files]})
    for what in labels.notes():
        notes.append({"what": what, "count": len({study for study, _ in labels.rows}), "names": []})
    if labels.unused:
        notes.append({"what": "studies of the table without images here", "count": labels.unused, "names": []})
    return notes
