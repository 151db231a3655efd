"""A loader of cases that goes on after a case that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monai.data import DataLoader, Dataset, list_data_collate
from torch.utils.data import Dataset as TorchDataset

from vdes.errors import find_input_error

Item = dict[str, Any]


class ReadableCases(DataLoader):
    """MONAI's `DataLoader`, without the cases whose transforms fail by an `InputError`: an image that cannot be read.

    They are in ``failed`` when their turn has come, each item of the data set with its error. A batch is smaller by
    them, and is left out if nothing is left of it, so that there may be fewer batches than the length says. The
    handlers `vdes.handlers.write_behind.WriteBehind` and `vdes.handlers.predictions_handler.PredictionsHandler` end the
    epoch then, and let the run fail by them at its end.

    Args:
        dataset: a MONAI data set, whose items are dictionaries.
        options: as `torch.utils.data.DataLoader`, except ``collate_fn``.
    """

    def __init__(self, dataset: Dataset, **options: Any) -> None:
        super().__init__(_Attempts(dataset), collate_fn=_collated, **options)
        self.items = dataset.data
        self.failed: list[tuple[Item, str]] = []

    def __iter__(self) -> Iterator[Any]:
        """Return the batches of the cases that can be read."""
        self.failed = []
        for failed, batch in super().__iter__():
            self.failed += [(self.items[index], message) for index, message in failed]
            if batch is not None:
                yield batch


class _Attempts(TorchDataset):
    """The cases of a data set with None, or the number of the case with its error."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, tuple[int, str] | None]:
        try:
            return self.dataset[index], None
        except Exception as error:  # MONAI wraps the error of a transform
            found = find_input_error(error)
            if found is None:
                raise
            return None, (index, str(found))


def _collated(attempts: list[tuple[Any, tuple[int, str] | None]]) -> tuple[list[tuple[int, str]], Any]:
    cases = [case for case, failed in attempts if failed is None]
    return [failed for _, failed in attempts if failed is not None], list_data_collate(cases) if cases else None
