"""A folder of small arrays, each whole or absent."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vdes.data.checked_file import read_checked, write_checked
from vdes.errors import InputError

logger = logging.getLogger(__name__)


class FeatureStore:
    """Keep float32 arrays of one shape in files, by keys that name them.

    Args:
        folder: created if it is missing; it can be deleted at any time.

    Raises:
        InputError: the folder cannot be made.

    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be made a folder for features ({error.strerror})") from error

    def read(self, key: str) -> npt.NDArray[np.float32] | None:
        """Return the values of a key as a vector; None if there are none, or if its file is damaged, with one line.

        Raises:
            InputError: its file cannot be read.
        """
        file = self.file(key)
        if not file.exists():
            return None
        content = read_checked(file)
        if content is None:
            logger.warning("features: %s is damaged; it is made again", file)
            return None
        return np.frombuffer(content, dtype="<f4")

    def write(self, key: str, values: npt.NDArray[np.float32]) -> None:
        """Keep the values of a key.

        Raises:
            InputError: its file cannot be written.
        """
        write_checked(self.file(key), np.ascontiguousarray(values, dtype="<f4").tobytes())

    def file(self, key: str) -> Path:
        """Return the file of a key."""
        return self.folder / f"{key}.f32"
