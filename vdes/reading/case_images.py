"""Write the images of the selected cases as readers see them."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from vdes.reading.draw import LESION_FREE, Breast
from vdes.reading.frames import KINDS, WHITE, digest, encode, levels_of
from vdes.reading.render import Renderer, lesions_of
from vdes.reading.study_cases import StudyCases

DES_KINDS = ("real", "virtual")


def write_images(drawn: Sequence[Breast], study: StudyCases, folder: Path, progress: bool) -> list[dict[str, Any]]:
    """Write the images of all cases under random names, and return the cases for the plan.

    Args:
        drawn: the breasts.
        study: their source.
        folder: to create.
        progress: show a progress bar.

    Raises:
        InputError: as `vdes.reading.render.Renderer`.
    """
    folder.mkdir(mode=0o700)  # the masks of lesions are the truth
    render = Renderer(study.ranges, study.aligned)
    # must not be guessable, see `vdes.reading.frames.encode`
    random = np.random.default_rng(secrets.randbits(128))
    levels = float(WHITE)
    cases = []
    with (
        tempfile.TemporaryDirectory(prefix=".rendered.", dir=folder.parent) as rendered,
        tqdm(total=2 * len(drawn), desc="images", unit="view", disable=not progress) as bar,
    ):
        waiting = []
        for number, breast in enumerate(drawn, 1):
            case = _case(number, breast)
            for view, item in breast.items.items():
                shown = render(item)
                rows, columns = shown.lesion_mask.shape
                record: dict[str, Any] = {
                    "rows": int(rows),
                    "columns": int(columns),
                    "pixel_size_mm": shown.pixel_size_mm,
                    "chest_wall": shown.chest_wall,
                    "lesion_mask": None,
                    "lesions": lesions_of(shown.lesion_mask),
                    "images": dict.fromkeys(KINDS),
                }
                if record["lesions"]:
                    record["lesion_mask"] = f"{secrets.token_hex(16)}.png"
                    mask = Image.fromarray(shown.lesion_mask.astype(np.uint8) * 255)
                    mask.save(folder / record["lesion_mask"])
                low_energy = encode(shown.images["low_energy"], WHITE, random)
                record["images"]["low_energy"] = _written(folder, low_energy)
                # DES waits until the quantisation of all images is known
                for kind in DES_KINDS:
                    image = shown.images[kind]
                    levels = min(levels, levels_of(image))
                    file = Path(rendered) / f"{number}_{view}_{kind}.npy"
                    np.save(file, np.rint(image * WHITE).astype(np.uint16))
                    waiting.append((file, record["images"], kind))
                case["views"][view] = record
                bar.update()
            cases.append(case)
        for file, images, kind in waiting:
            images[kind] = _written(folder, encode(np.load(file) / WHITE, levels, random))
            file.unlink()
    return cases


def _written(folder: Path, data: bytes) -> dict[str, str]:
    name = secrets.token_hex(16)
    (folder / name).write_bytes(data)
    return {"file": name, "sha256": digest(data)}


def _case(number: int, breast: Breast) -> dict[str, Any]:
    first = next(iter(breast.items.values()))
    types = [item.get("lesion_type") for item in breast.items.values() if item.get("lesion_type")]
    return {
        "case": f"C{number:03d}",
        "patient": f"P{number:03d}",
        "laterality": breast.laterality,
        "pathology": breast.pathology,
        "malignant": int(breast.pathology == "malignant"),
        "class": breast.drawn_as,
        "lesion_type": types[0] if types and breast.drawn_as != LESION_FREE else None,
        "density": first["density"],
        "views": {},
    }
