"""Image, breast, examination: what a prediction is about, and the labels of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vdes.data.datalist import Datalist, PathLike
from vdes.data.vocabulary import DRAWN_ON, MODALITIES, PATHOLOGIES
from vdes.errors import InputError

Item = dict[str, Any]

# what classification keeps of an item beside its images
LEVEL_FIELDS = ("case", "patient", "laterality", "breast", "examination", "pathology_index", "malignant")


def with_levels(item: Item) -> Item:
    """Return a datalist item with `LEVEL_FIELDS`; to collate, unknown texts are empty and unknown numbers NaN.

    ``breast`` and ``examination`` are names that are unique in the datalist. An item's own ``examination`` tells the
    examinations of a patient apart; without it a patient has one. A breast is one of an examination. An image without a
    laterality is a breast of its own; one without a patient is an examination of its own too.
    """
    patient, laterality, own = (item.get(field) or "" for field in ("patient", "laterality", "examination"))
    alone = f"case {item['case']}"
    examination = (f"{patient}_{own}" if own else patient) if patient else alone
    pathology = item.get("pathology")
    return {
        **item,
        "patient": patient,
        "laterality": laterality,
        "examination": examination,
        "breast": f"{examination}_{laterality or alone}",
        "pathology_index": float(PATHOLOGIES.index(pathology)) if pathology else float("nan"),
        "malignant": float(pathology == "malignant") if pathology else float("nan"),
    }


def labelled_items(
    source: PathLike | Datalist, name: str, inputs: Sequence[str] = MODALITIES, paired: bool = False
) -> list[Item]:
    """Return the items of a datalist section whose pathology is known and that have an image of ``inputs``.

    With ``paired`` they have all of ``inputs``.

    Each has `LEVEL_FIELDS`: ``pathology_index`` is 0.0 normal, 1.0 benign, 2.0 malignant; ``malignant`` 0.0 or 1.0.

    Raises:
        InputError: see `vdes.data.datalist.Datalist.section`; also when no item has one of the inputs, or all items are
            malignant or none is.

    """
    listed = Datalist.of(source)
    labelled = listed.section(name, ["pathology", *(inputs if paired else ())])
    items = [item for item in labelled if any(field in item for field in inputs)]
    if not items:
        raise InputError(f"{listed}: {name}: no item with a pathology has {' or '.join(inputs)}; expected at least one")
    classes = {item["pathology"] == "malignant" for item in items}
    if len(classes) == 1:
        found = "all" if classes == {True} else "none"
        raise InputError(
            f"{listed}: {name}: {found} of {len(items)} items are malignant; expected malignant and other images"
        )
    return [with_levels(item) for item in items]


def lesions_drawn(items: Sequence[Item], inputs: Sequence[str] = MODALITIES) -> bool:
    """Return whether a malignant item has a lesion mask of one of ``inputs``."""
    fields = [DRAWN_ON[name] for name in inputs]
    return any(item["pathology"] == "malignant" and item.get(field) for item in items for field in fields)
