"""A folder of small arrays, each whole or absent."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vdes.data.staging import staged
from vdes.errors import InputError

logger = logging.getLogger(__name__)

HASH = hashlib.sha256().digest_size


class FeatureStore:
    """Keep float32 arrays of one shape in files, by keys that name them.

    A file is the hash of its content and the content, so that a damaged one is recognised.

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
        """Return the values of a key as a vector; None if there are none, or if its file is damaged, with one line."""
        file = self.file(key)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{file}: cannot be read ({error.strerror})") from error
        values = content[HASH:]
        if not values or hashlib.sha256(values).digest() != content[:HASH]:
            logger.warning("features: %s is damaged; it is made again", file)
            return None
        return np.frombuffer(values, dtype="<f4")

    def write(self, key: str, values: npt.NDArray[np.float32]) -> None:
        """Keep the values of a key.

        Raises:
            InputError: its file cannot be written.
        """
        content = np.ascontiguousarray(values, dtype="<f4").tobytes()
        file = self.file(key)
        try:
            with staged([file], overwrite=True) as stages:
                stages[file].write_bytes(hashlib.sha256(content).digest() + content)
        except OSError as error:
            raise InputError(f"{file}: cannot be written ({error.strerror})") from error

    def file(self, key: str) -> Path:
        """Return the file of a key."""
        return self.folder / f"{key}.f32"
