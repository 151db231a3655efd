"""Write the datalists and lesion masks of CDD-CESM's official folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from vdes.data.cdd_cesm.folder import CddCesm, Outline, read_cdd_cesm
from vdes.data.cdd_cesm.settings import TEST_FRACTION, CddCesmSettings
from vdes.data.cdd_cesm.via import render
from vdes.data.datalist import Datalist
from vdes.data.further_columns import FIELD
from vdes.data.splits import hold_out, k_fold
from vdes.data.staging import staged
from vdes.data.vocabulary import DRAWN_ON
from vdes.errors import InputError

NAME = "CDD-CESM"
COLUMNS = ("age", "machine")  # by which a study shows subgroups


def write_cdd_cesm(
    folder: Path,
    output: Path,
    settings: CddCesmSettings = CddCesmSettings(),
    *,
    overwrite: bool = False,
) -> dict[Path, Datalist]:
    """Read CDD-CESM, split it by patient, render the lesion masks, and write everything or nothing.

    The masks (8-bit PNG, 0 and 255, of their image's size) go to ``<output stem>_masks/low_energy/<case>.png`` and
    ``.../des/<case>.png``.

    Args:
        folder: holds the two image folders, the annotation table and the segmentations.
        output: the datalist to write, ending in .json. With ``folds`` the files ``<stem>_fold0.json`` and up.
        settings: content of the datalist, and how its patients are split.
        overwrite: replace existing datalists and masks.

    Returns:
        The datalists that were written, by file.

    Raises:
        InputError: see `read_cdd_cesm`, `hold_out`, `k_fold` and `staged`. Nothing is written.
    """
    if output.suffix.lower() != ".json":
        raise InputError(f"{output}: expected the name of a datalist to write, ending in .json")
    folds, seed, validation_fraction = settings.folds, settings.seed, settings.validation_fraction
    settled = {} if settings.splits_of is None else Datalist.read(settings.splits_of).patients
    masks = output.with_name(f"{output.stem}_masks")
    outputs = [output] if folds is None else [output.with_name(f"{output.stem}_fold{k}.json") for k in range(folds)]
    with staged([*outputs, masks], overwrite) as stages:
        data = read_cdd_cesm(
            folder,
            label=settings.label,
            include_unpaired=settings.include_unpaired,
            annotations=settings.annotations,
            segmentations=settings.segmentations,
            drawn_on=settings.drawn_on,
        )
        common = {"seed": seed, "grouped_by": "patient", "stratified_by": "worst pathology of the patient"}
        if folds is None:
            test_fraction = TEST_FRACTION if settings.test_fraction is None else settings.test_fraction
            fractions = {"test_fraction": test_fraction, "validation_fraction": validation_fraction}
            splits = [hold_out(data.items, test_fraction, validation_fraction, seed, settled)]
            here = {item["patient"] for item in data.items}
            kept = (
                {}
                if settings.splits_of is None
                else {"patients_kept_from_another_datalist": len(here & settled.keys())}
            )
            methods = [{"method": "hold-out", **common, **fractions, **kept}]
        else:
            splits = k_fold(data.items, folds, validation_fraction, seed)
            methods = [
                {"method": "k-fold", **common, "folds": folds, "fold": fold, "validation_fraction": validation_fraction}
                for fold in range(folds)
            ]
        if data.outlines:
            _render_masks(data, stages[masks], masks)
        datalists = {
            path: Datalist.made(path, _content(data, split, method))
            for path, split, method in zip(outputs, splits, methods, strict=True)
        }
        for path, datalist in datalists.items():
            stages[path].write_bytes(datalist.data)
    return datalists


def _content(data: CddCesm, split: dict[str, list[dict[str, Any]]], method: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": NAME,
        "pixel_size_mm": None,  # the published JPEG files carry none
        "intensity_range": data.intensity_range,
        FIELD: [name for name in COLUMNS if any(item[name] is not None for item in data.items)],
        "split": method,
        "report": data.report,
        **split,
    }


def _render_masks(data: CddCesm, stage: Path, masks: Path) -> None:
    """Render the masks into the folder ``stage`` and enter them in the items as files of the folder ``masks``."""
    items = {item["case"]: item for item in data.items}
    for modality in DRAWN_ON:
        (stage / modality).mkdir(parents=True)

    def write(outline: Outline) -> Path | None:
        mask = render(outline.shapes, outline.height, outline.width)
        if mask is None:
            return None
        name = Path(outline.modality) / f"{outline.case}.png"
        Image.fromarray(mask > 0).save(stage / name, compress_level=1)  # one bit a pixel
        return masks / name

    with ThreadPoolExecutor() as pool:
        # disable=None: a bar on a terminal only
        paths = tqdm(
            pool.map(write, data.outlines),
            total=len(data.outlines),
            desc="lesion masks",
            unit="mask",
            disable=None,
            leave=False,
        )
        for outline, path in zip(data.outlines, paths, strict=True):
            if path is not None:
                items[outline.case][DRAWN_ON[outline.modality]] = str(path.absolute())
