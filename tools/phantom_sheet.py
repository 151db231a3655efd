"""Draw a sheet of phantoms, each low-energy image next to its DES; ``--real`` adds real pairs for comparison.

    python tools/phantom_sheet.py docs/images/phantom_sheet.png
    python tools/phantom_sheet.py ../compare.png --patients 8 --real path/to/cdd_cesm/pairs

A sheet with real images must not be passed on, so it is refused inside a git working tree.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from vdes.data.cdd_cesm.names import FOLDERS
from vdes.data.staging import staged
from vdes.errors import EXIT_STATUS, InputError
from vdes.phantom.latents import Knobs
from vdes.phantom.patient import VIEWS, build_patient
from vdes.phantom.view import Acquisition, simulate_view

Tile = npt.NDArray[np.uint8]
GAP = 4


def phantom_tiles(patients: int, seed: int, height: int, acquisition: Acquisition) -> list[Tile]:
    """Return one tile per view of one breast of each patient; if a breast has a lesion, it is that one."""
    tiles = []
    for index in range(patients):
        patient = build_patient(f"P{index + 1}", index, seed, Knobs(1.4, 1.4, 0.5))
        lesion = patient.latents.lesion
        side = lesion.laterality if lesion else "L"
        for view in VIEWS:
            present = (lesion, patient.lesion) if lesion and patient.lesion else None
            images = simulate_view(
                patient.latents,
                patient.outlines[side, view],
                present,
                acquisition,
                (height, height * 3 // 4),
                np.random.default_rng(patient.seeds[side, view]),
            )
            pair = [(pixels >> 4).astype(np.uint8) for pixels in (images.low_energy, images.des)]
            # cropped to the breast, as in the data sets
            rows, columns = (np.flatnonzero(images.breast_mask.any(axis=axis)) for axis in (1, 0))
            pair = [pixels[rows[0] : rows[-1] + 1, : columns[-1] + 6] for pixels in pair]
            if side == "R":
                pair = [pixels[:, ::-1] for pixels in pair]
            tiles.append(join([fit(pixels, height) for pixels in pair]))
    return tiles


def real_tiles(folder: Path, count: int, seed: int, height: int) -> list[Tile]:
    """Return tiles of real pairs, chosen at random, from a folder in CDD-CESM's layout."""
    low_folder, des_folder = folder / FOLDERS["low_energy"], folder / FOLDERS["des"]
    names = sorted(path.name for path in low_folder.glob("*_DM_*.jpg"))
    if not names:
        raise InputError(f"{low_folder}: contains no low-energy images; expected a folder in CDD-CESM's layout")
    chosen = np.random.default_rng(seed).choice(names, min(count, len(names)), replace=False)
    tiles = []
    for name in chosen:
        paths = low_folder / name, des_folder / str(name).replace("_DM_", "_CM_")
        tiles.append(join([fit(np.asarray(Image.open(path).convert("L")), height) for path in paths]))
    return tiles


def fit(pixels: Tile, height: int) -> Tile:
    """Return an image scaled to that height, with the same aspect ratio."""
    width = max(1, round(pixels.shape[1] * height / pixels.shape[0]))
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), Image.Resampling.LANCZOS))


def join(tiles: list[Tile]) -> Tile:
    """Return tiles of the same height side by side."""
    gap = np.zeros((tiles[0].shape[0], GAP), np.uint8)
    return np.hstack([part for tile in tiles for part in (tile, gap)])


def sheet(tiles: list[Tile], columns: int) -> Tile:
    """Return the tiles in rows of ``columns``."""
    rows = [join(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, GAP), (0, width - row.shape[1]))) for row in rows]
    return np.vstack(rows)


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the PNG to write")
    parser.add_argument("--patients", type=int, default=6, help="phantom patients, with two views each (default: 6)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the phantoms and of the choice of real pairs")
    parser.add_argument("--height", type=int, default=512, help="rows of an image, a multiple of 4 (default: 512)")
    parser.add_argument("--columns", type=int, default=4, help="pairs in a row (default: 4)")
    parser.add_argument("--real", type=Path, help="folder of CDD-CESM pairs; as many real pairs are added")
    arguments = parser.parse_args()
    try:
        if arguments.real and any((parent / ".git").exists() for parent in arguments.out.resolve().parents):
            raise InputError(f"{arguments.out}: is in a git working tree; write a sheet with real images elsewhere")
        tiles = phantom_tiles(arguments.patients, arguments.seed, arguments.height, Acquisition("rh-ag", 1.0, "post"))
        if arguments.real:
            tiles += real_tiles(arguments.real, len(tiles), arguments.seed, arguments.height)
        with staged([arguments.out], overwrite=True) as stages:
            Image.fromarray(sheet(tiles, arguments.columns)).save(stages[arguments.out])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_STATUS) from error


if __name__ == "__main__":
    main()
