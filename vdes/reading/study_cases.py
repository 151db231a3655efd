"""The images of a finished study that readers can read: low energy, real DES and the virtual DES of one generator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vdes.bundle.job_folder import SETTINGS_FILE
from vdes.data.datalist import Datalist
from vdes.data.json_file import read_json
from vdes.errors import InputError
from vdes.study.study import PARTS
from vdes.study.study_metrics import METRICS_FILE


@dataclass(frozen=True)
class StudyCases:
    """What a study offers to readers.

    Attributes:
        folder: of the study.
        name: of its data.
        phantom: the datalist's record of the phantoms; None for images of patients.
        generator: whose virtual DES images they are.
        datalists: of the real pairs, one per part.
        ranges: by modality (low_energy, real, virtual), the intensities that become 0 and 1.
        aligned: whether real DES is aligned with low energy and needs no registration.
        items: of the test sections, with absolute paths; ``virtual`` is the virtual DES image.
    """

    folder: Path
    name: str
    phantom: Any
    generator: str
    datalists: list[Path]
    ranges: dict[str, tuple[float, float]]
    aligned: bool
    items: list[dict[str, Any]]


def read_study_cases(folder: Path, generator: str | None = None) -> StudyCases:
    """Read what a study's folder offers to readers.

    Args:
        folder: of a finished ``vdes study``.
        generator: whose virtual DES images to read; None for that of the study's question.

    Raises:
        InputError: the folder is not a finished study or lacks this generator, a test case has no virtual DES image, or
            the parts differ in intensity range.
    """
    if not (folder / METRICS_FILE).is_file() or not (folder / SETTINGS_FILE).is_file():
        raise InputError(
            f"{folder}: no {METRICS_FILE} and {SETTINGS_FILE}; expected the folder of a finished `vdes study`"
        )
    settings = read_json(folder / SETTINGS_FILE)
    generators = [name for name in settings.get("models", {}) if name != "classifier"]
    if generator is None:
        arm = str(settings.get("question", {}).get("arm", ""))
        named = [name for name in generators if arm.removesuffix("-retrained").endswith(f"virtual_des-{name}")]
        generator = max(named, key=len) if named else (generators[0] if generators else "")
    if generator not in generators:
        raise InputError(
            f"{folder}: generator: {generator!r} is not one of its generators; expected "
            f"{', '.join(generators) or 'one'}"
        )
    parts = sorted(path for path in (folder / PARTS).glob("*") if (path / "datalists").is_dir())
    if not parts:
        raise InputError(f"{folder / PARTS}: no part with datalists; expected the folder of a finished `vdes study`")
    items: list[dict[str, Any]] = []
    heads = []
    for part in parts:
        real = part / "datalists" / "real_all.json"
        made = [part / "datalists" / f"virtual-{generator}_{sections}.json" for sections in ("judged", "all")]
        virtual = next((path for path in made if path.is_file()), None)
        if virtual is None:
            raise InputError(f"{made[0]}: no such file; expected the virtual DES images of generator {generator}")
        pairs, images = Datalist.read(real), Datalist.read(virtual)
        ranges = {
            "low_energy": pairs.intensity_range("low_energy"),
            "real": pairs.intensity_range("des"),
            "virtual": images.intensity_range("des"),
        }
        heads.append((ranges, pairs.aligned))
        by_case = {item["case"]: item["des"] for item in images.items("test")}
        for item in pairs.items("test"):
            if item["low_energy"] is None or item["des"] is None:
                continue  # useless to a reader who compares the two
            if by_case.get(item["case"]) is None:
                raise InputError(f"{virtual}: test: case {item['case']} has no virtual DES image; expected one")
            items.append({**item, "virtual": by_case[item["case"]]})
    if any(head != heads[0] for head in heads):
        raise InputError(f"{folder / PARTS}: intensity_range, aligned: differ between parts; expected the same in all")
    if not items:
        raise InputError(f"{folder}: no test case has both a low-energy and a DES image; expected such pairs")
    return StudyCases(
        folder=folder,
        name=pairs.name,
        phantom=pairs.fields.get("phantom"),
        generator=generator,
        datalists=[part / "datalists" / "real_all.json" for part in parts],
        ranges=heads[0][0],
        aligned=heads[0][1],
        items=items,
    )
