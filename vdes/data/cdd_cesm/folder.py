"""CDD-CESM's official folder -> items of a datalist, with a report of what was left out and why.

Source: Khaled et al., CDD-CESM, The Cancer Imaging Archive (2021), doi 10.7937/29kw-ae92.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vdes.data.cdd_cesm.annotations import Annotation, read_annotations
from vdes.data.cdd_cesm.names import FOLDERS, NAME_FORM, CaseKey, parse_name
from vdes.data.cdd_cesm.via import DrawnImage, Shape, check_size, points, read_via_csv, scaled
from vdes.data.image_header import ImageHeader, common_dtype, image_stem, image_suffix, read_image_header
from vdes.data.vocabulary import MODALITIES
from vdes.errors import InputError

ANNOTATIONS_PATTERN = "Radiology*annotations*"
SEGMENTATIONS_PATTERN = "Radiology*segmentations*.csv"
LISTED = 20  # names that a report lists of each kind

ImageKey = tuple[CaseKey, str]


@dataclass(frozen=True)
class Outline:
    """The shapes to render for one image, and the image's size in pixels."""

    case: str
    modality: str
    shapes: tuple[Shape, ...]
    height: int
    width: int


@dataclass(frozen=True)
class CddCesm:
    """The cases of a CDD-CESM folder.

    Attributes:
        items: datalist items with absolute image paths, by patient number; their masks are null as yet.
        outlines: what the masks are to be rendered from.
        intensity_range: of each modality, from the files' bit depth.
        report: the files read, what was left out and what was found: lists of ``what``, ``count`` and ``names``.
    """

    items: list[dict[str, Any]]
    outlines: list[Outline]
    intensity_range: dict[str, list[float]]
    report: dict[str, Any]


def read_cdd_cesm(
    folder: Path,
    *,
    label: str = "des",
    include_unpaired: bool = False,
    annotations: Path | None = None,
    segmentations: Path | None = None,
    drawn_on: Path | None = None,
) -> CddCesm:
    """Read the official folder: the two image folders, the annotation table and the segmentations.

    An item takes its pathology, BI-RADS, findings and tags from the row of ``label``'s image, because in 83 of the 1003
    pairs the two rows carry different labels (never malignant against another). The default is the DES row: it holds
    the reading with contrast agent, which settles what the low-energy image left open (79 of the 83 go from benign to
    normal). Density is read on the low-energy image and taken from its row first.

    Args:
        folder: holds ``Low energy images of CDD-CESM`` and ``Subtracted images of CDD-CESM``.
        label: ``low_energy`` or ``des``, the row that the labels come from where an item has both.
        include_unpaired: keep images without a partner; the item's other image is null.
        annotations: xlsx or csv; without it the folder's ``Radiology*annotations*`` (csv before xlsx).
        segmentations: VIA csv; without it the folder's ``Radiology*segmentations*.csv``, or none.
        drawn_on: folder of the same layout with the images that the shapes were drawn on, where those of ``folder`` are
            of another size; its segmentations are the default then. Shapes of images that it lacks are left out.

    Returns:
        The cases and the report.

    Raises:
        InputError: a file is missing, unreadable, truncated or contradicts another.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected the folder that holds '{FOLDERS['low_energy']}'")
    table_path = annotations or _find(folder, ANNOTATIONS_PATTERN, (".csv", ".xlsx"))
    if table_path is None:
        raise InputError(f"{folder}: no '{ANNOTATIONS_PATTERN}' csv or xlsx file in it; pass --annotations FILE")
    drawing_path = segmentations or _find(drawn_on or folder, SEGMENTATIONS_PATTERN, (".csv",))
    left_out: list[dict[str, Any]] = []
    rows = {(row.key, row.modality): row for row in read_annotations(table_path)}
    images = _annotated_images(folder, rows, left_out)
    cases = _cases(folder, images, include_unpaired, left_out)
    kept = {(key, modality): path for key, paths in cases.items() for modality, path in paths.items()}
    headers = {image: read_image_header(path) for image, path in kept.items()}
    drawings = _drawings(drawing_path) if drawing_path else {}
    if drawn_on is not None:
        if drawing_path is None:
            raise InputError(f"{drawn_on}: no '{SEGMENTATIONS_PATTERN}' in it; pass --segmentations FILE")
        drawings = _moved(drawings, drawing_path, drawn_on, headers, left_out)
    for image in kept.keys() & drawings.keys():
        assert drawing_path is not None
        check_size(drawings[image][1].shapes, headers[image], drawing_path, kept[image])
    _note(left_out, "shapes of images that are not used", (drawings[i][0] for i in drawings if i not in kept))
    return CddCesm(
        items=[_item(key, paths, rows, label, headers, drawings) for key, paths in cases.items()],
        outlines=[
            Outline(key.case, modality, tuple(drawings[key, modality][1].shapes), header.height, header.width)
            for (key, modality), header in headers.items()
            if (key, modality) in drawings
        ],
        intensity_range=_intensity_range(kept, headers),
        report={
            "annotations": table_path.name,
            "segmentations": drawing_path.name if drawing_path else None,
            "label": label,
            "left_out": left_out,
            "notes": _notes(cases, rows, label, kept, drawings),
        },
    )


def _find(folder: Path, pattern: str, suffixes: Sequence[str]) -> Path | None:
    for suffix in suffixes:
        found = [file for file in sorted(folder.glob(pattern)) if file.suffix.lower() == suffix]
        if len(found) > 1:
            raise InputError(
                f"{folder}: both {found[0].name} and {found[1].name} match '{pattern}'; "
                "pass the right one as --annotations FILE or --segmentations FILE"
            )
        if found:
            return found[0]
    return None


def _annotated_images(
    folder: Path, rows: dict[ImageKey, Annotation], left_out: list[dict[str, Any]]
) -> dict[ImageKey, Path]:
    """Return the image files that have an annotation row."""
    images: dict[ImageKey, Path] = {}
    misnamed: list[str] = []
    misplaced: list[str] = []
    for modality in MODALITIES:
        for file in _image_files(folder / FOLDERS[modality]):
            parsed = parse_name(image_stem(file))
            if parsed is None:
                misnamed.append(file.name)
            elif parsed[1] != modality:
                misplaced.append(file.name)
            elif parsed in images:
                raise InputError(
                    f"{file}: shows the same view as {images[parsed].name} beside it; expected one file a view"
                )
            else:
                images[parsed] = file
    _note(left_out, f"image files whose name is not {NAME_FORM}", misnamed)
    _note(left_out, "image files in the folder of the other modality", misplaced)
    _note(left_out, "images without an annotation row", (images[image].name for image in images if image not in rows))
    _note(
        left_out,
        "annotation rows without an image",
        (rows[image].name.strip() for image in rows if image not in images),
    )
    return {image: path for image, path in images.items() if image in rows}


def _image_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [file for file in sorted(folder.iterdir()) if image_suffix(file) and not file.name.startswith(".")]


def _cases(
    folder: Path, images: dict[ImageKey, Path], include_unpaired: bool, left_out: list[dict[str, Any]]
) -> dict[CaseKey, dict[str, Path]]:
    cases: dict[CaseKey, dict[str, Path]] = {}
    for key, modality in sorted(images):
        cases.setdefault(key, {})[modality] = images[key, modality]
    if not cases:
        raise InputError(
            f"{folder}: no annotated image in '{FOLDERS['low_energy']}' or '{FOLDERS['des']}'; "
            "expected the folder layout and file names of CDD-CESM"
        )
    if include_unpaired:
        return cases
    single = {key: paths for key, paths in cases.items() if len(paths) < len(MODALITIES)}
    names = [path.name for paths in single.values() for path in paths.values()]
    _note(left_out, "images without a partner in the other folder (--include-unpaired keeps them)", names)
    if len(single) == len(cases):
        raise InputError(
            f"{folder}: none of the {len(cases)} images has a partner in the other folder; "
            "expected low-energy and subtracted images, or pass --include-unpaired to list single images"
        )
    return {key: paths for key, paths in cases.items() if key not in single}


def _drawings(path: Path) -> dict[ImageKey, tuple[str, DrawnImage]]:
    drawings: dict[ImageKey, tuple[str, DrawnImage]] = {}
    for name, drawn in read_via_csv(path).items():
        parsed = parse_name(image_stem(name))
        if parsed is None:
            raise InputError(f"{path}: #filename: '{name}'; expected {NAME_FORM}, and an image suffix")
        if parsed in drawings:
            raise InputError(f"{path}: #filename: '{name}' and '{drawings[parsed][0]}' are one view; expected one name")
        drawings[parsed] = name, drawn
    return drawings


def _moved(
    drawings: dict[ImageKey, tuple[str, DrawnImage]],
    path: Path,
    drawn_on: Path,
    headers: dict[ImageKey, ImageHeader],
    left_out: list[dict[str, Any]],
) -> dict[ImageKey, tuple[str, DrawnImage]]:
    """Return the drawings of the images in ``headers``, brought to their size from that of the images in a folder."""
    files = {parse_name(image_stem(file)): file for m in MODALITIES for file in _image_files(drawn_on / FOLDERS[m])}
    missing = [name for image, (name, _) in drawings.items() if image in headers and image not in files]
    _note(left_out, "shapes of images that are not in the folder that they were drawn on", missing)
    moved = {}
    for image in drawings.keys() & headers.keys() & files.keys():
        name, drawn = drawings[image]
        own, other = headers[image], read_image_header(files[image])
        check_size(drawn.shapes, other, path, files[image])
        shapes = [scaled(shape, own.width / other.width, own.height / other.height) for shape in drawn.shapes]
        moved[image] = name, DrawnImage(-1, shapes)  # drawn on another file: its size in bytes tells nothing
    if not moved:
        raise InputError(f"{drawn_on}: none of the images is in it; expected those that the shapes were drawn on")
    return moved


def _item(
    key: CaseKey,
    paths: dict[str, Path],
    rows: dict[ImageKey, Annotation],
    label: str,
    headers: dict[ImageKey, ImageHeader],
    drawings: dict[ImageKey, tuple[str, DrawnImage]],
) -> dict[str, Any]:
    by_modality = {modality: rows[key, modality] for modality in paths}
    labelled = by_modality.get(label) or next(iter(by_modality.values()))
    densities = [by_modality[modality].density for modality in MODALITIES if modality in by_modality]

    def drawn_points(modality: str) -> list[list[int]]:
        if modality not in paths or (key, modality) not in drawings:
            return []
        header = headers[key, modality]
        return points(drawings[key, modality][1].shapes, header.height, header.width)

    return {
        "case": key.case,
        "patient": key.patient,
        "laterality": key.laterality,
        "view": key.view,
        "low_energy": str(paths["low_energy"].absolute()) if "low_energy" in paths else None,
        "des": str(paths["des"].absolute()) if "des" in paths else None,
        "lesion_mask": None,
        "des_lesion_mask": None,
        "lesion_points": drawn_points("low_energy"),
        "des_lesion_points": drawn_points("des"),
        "pathology": labelled.pathology,
        "malignant": int(labelled.pathology == "malignant"),
        "density": next((density for density in densities if density), None),
        "birads": labelled.birads,
        "age": labelled.age,
        "findings": labelled.findings,
        "tags": labelled.tags,
        "machine": labelled.machine,
    }


def _intensity_range(kept: dict[ImageKey, Path], headers: dict[ImageKey, ImageHeader]) -> dict[str, list[float]]:
    ranges: dict[str, list[float]] = {}
    for modality in MODALITIES:
        of_modality = [(kept[image], header) for image, header in headers.items() if image[1] == modality]
        if not of_modality:
            continue
        common_dtype(of_modality)
        path, header = of_modality[0]
        if header.integer_range is None:
            raise InputError(f"{path}: pixel type {header.dtype}; expected 8-bit or 16-bit images, as in CDD-CESM")
        ranges[modality] = list(header.integer_range)
    # a datalist states both ranges; a modality without images takes the other's
    present = next(iter(ranges.values()))
    return {modality: ranges.get(modality, list(present)) for modality in MODALITIES}


def _notes(
    cases: dict[CaseKey, dict[str, Path]],
    rows: dict[ImageKey, Annotation],
    label: str,
    kept: dict[ImageKey, Path],
    drawings: dict[ImageKey, tuple[str, DrawnImage]],
) -> list[dict[str, Any]]:
    differ = [
        key.case for key, paths in cases.items() if len({rows[key, modality].pathology for modality in paths}) > 1
    ]
    drawn = {image for image, (_, image_drawn) in drawings.items() if image_drawn.shapes}
    normal = {image for image in kept if rows[image].pathology == "normal"}
    changed = [
        kept[image].name
        for image in kept.keys() & drawings.keys()
        if drawings[image][1].file_size not in (-1, kept[image].stat().st_size)
    ]
    notes: list[dict[str, Any]] = []
    _note(notes, f"cases whose two rows differ in pathology; the {label} row's is used (--label)", differ)
    if drawings:
        undrawn = (kept[image].name for image in kept if image not in normal and image not in drawn)
        _note(notes, "images labelled benign or malignant without a drawn lesion", undrawn)
        _note(notes, "images labelled normal with a drawn lesion", (kept[i].name for i in kept if i in normal & drawn))
    _note(notes, "images of another file size than those that the lesions were drawn on", sorted(changed))
    return notes


def _note(notes: list[dict[str, Any]], what: str, names: Iterable[str]) -> None:
    listed = list(names)
    if listed:
        notes.append({"what": what, "count": len(listed), "names": listed[:LISTED]})
