"""The outputs of a bundle's inference as numbers, and how far two of them are apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from vdes.errors import InputError

# images and probabilities lie in [0, 1]; one step of an image of 16 bits is 1.5e-5
TOLERANCE = 1e-3
FULL = 65535


def outputs(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Return the images (16-bit PNG) in a folder, scaled to [0, 1], and the columns of numbers of its tables (CSV)."""
    found: dict[str, NDArray[np.float64]] = {}
    for file in sorted(folder.rglob("*.png")):
        with Image.open(file) as image:
            found[file.relative_to(folder).as_posix()] = np.asarray(image, dtype=np.float64) / FULL
    for file in sorted(folder.rglob("*.csv")):
        for name, column in pd.read_csv(file).select_dtypes("number").items():
            found[f"{file.relative_to(folder).as_posix()}#{name}"] = column.to_numpy(dtype=np.float64)
    return found


def difference(made: Path, expected: Path) -> float:
    """Return the largest absolute difference between two folders' `outputs`.

    Raises:
        InputError: they hold other files, columns or shapes, nothing at all, or a number where the other has none.
    """
    one, other = outputs(made), outputs(expected)
    if not other:
        raise InputError(f"{expected}: no outputs; expected 16-bit PNG or CSV")
    if one.keys() != other.keys():
        odd = sorted(one.keys() ^ other.keys())[0]
        raise InputError(f"{made}: {odd} is in one of the outputs only; expected the files and columns of {expected}")
    largest = 0.0
    for name, values in one.items():
        if values.shape != other[name].shape or (np.isnan(values) != np.isnan(other[name])).any():
            raise InputError(f"{made}: {name}: another shape or other empty values than in {expected}")
        largest = max(largest, float(np.nanmax(np.abs(values - other[name]), initial=0.0)))
    return largest
