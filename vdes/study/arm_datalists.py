"""The datalists of the study's controls: low energy, or another patient's DES, instead of DES."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vdes.data.datalist import SECTIONS, Datalist, PathLike
from vdes.errors import InputError

Item = dict[str, Any]


def write_real_datalist(source: PathLike | Datalist, output: Path) -> Datalist:
    """Write a datalist of the pairs of ``source``, because all arms of a study have the same cases.

    Raises:
        InputError: as `Datalist.items`, or no item of the test section has both images.
    """
    datalist = Datalist.of(source).content()
    for section in SECTIONS:
        datalist[section] = [item for item in datalist[section] if item["low_energy"] and item["des"]]
    if not datalist["test"]:
        raise InputError(f"{source}: test: no item has both low_energy and des; expected pairs")
    return Datalist.write(output, datalist, overwrite=True)


def write_low_energy_datalist(source: PathLike | Datalist, output: Path) -> Datalist:
    """Write a datalist with low energy as DES images too: the size of the network without the content of DES."""
    datalist = Datalist.of(source).content()
    datalist["name"] = f"{datalist['name']}, low energy twice"
    datalist["intensity_range"] = {**datalist["intensity_range"], "des": datalist["intensity_range"]["low_energy"]}
    for section in SECTIONS:
        datalist[section] = [
            {**item, "des": item["low_energy"], "des_lesion_mask": item["lesion_mask"]} for item in datalist[section]
        ]
    return Datalist.write(output, datalist, overwrite=True)


def write_shuffled_datalist(source: PathLike | Datalist, output: Path, seed: int = 0) -> Datalist:
    """Write a datalist in which each case has another patient's DES image, of the same section, laterality and view.

    Every DES image is used once, so the set of images is the same as in ``source``. Labels stay with the low-energy
    image.

    Raises:
        InputError: as `Datalist.items`, or a section and view has no other patient.
    """
    datalist = Datalist.of(source).content()
    random = np.random.default_rng(seed)
    datalist["name"] = f"{datalist['name']}, DES of other patients"
    for section in SECTIONS:
        views: dict[tuple[Any, Any], list[Item]] = {}
        for item in datalist[section]:
            views.setdefault((item["laterality"], item["view"]), []).append(item)
        swapped: dict[str, Item] = {}
        for view, items in views.items():
            others = _shifted(items, random, f"{source}: {section}: {' '.join(map(str, view))}")
            swapped |= {item["case"]: other for item, other in zip(items, others, strict=True)}
        datalist[section] = [
            {**item, "des": swapped[item["case"]]["des"], "des_lesion_mask": None} for item in datalist[section]
        ]
    return Datalist.write(output, datalist, overwrite=True)


def _shifted(items: list[Item], random: np.random.Generator, where: str) -> list[Item]:
    """Return for each item one of another patient, each once: a random ring of patients, shifted by the largest."""
    by_patient: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        by_patient.setdefault(item["patient"], []).append(index)
    ring = [index for patient in random.permutation(sorted(by_patient)).tolist() for index in by_patient[patient]]
    step = max(map(len, by_patient.values()))
    if 2 * step > len(items):
        raise InputError(f"{where}: {len(items)} images of {len(by_patient)} patients; expected others to swap with")
    target = dict(zip(ring, ring[step:] + ring[:step], strict=True))
    return [items[target[index]] for index in range(len(items))]
