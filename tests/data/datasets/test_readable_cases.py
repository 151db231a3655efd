from __future__ import annotations

from typing import Any

import pytest
from monai.data import Dataset

from vdes.data.datasets.readable_cases import ReadableCases
from vdes.errors import InputError, find_input_error


def read(item: dict[str, Any]) -> dict[str, Any]:
    if item["case"] in "bdf":
        raise InputError(f"{item['case']}.png: cannot be read")
    if item["case"] == "x":
        raise ZeroDivisionError("a fault of the program")
    return item


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize(
    ("batch_size", "batches"),
    [(1, [["a"], ["c"], ["e"], ["g"]]), (2, [["a"], ["c"], ["e"], ["g"]]), (4, [["a", "c"], ["e", "g"]])],
)
def test_batches_are_of_the_cases_that_can_be_read(num_workers: int, batch_size: int, batches: list[list[str]]) -> None:
    loader = ReadableCases(
        Dataset([{"case": case} for case in "abcdefg"], read), batch_size=batch_size, num_workers=num_workers
    )
    for _ in range(2):
        assert [batch["case"] for batch in loader] == batches
        assert loader.failed == [({"case": case}, f"{case}.png: cannot be read") for case in "bdf"]


def test_other_errors_are_not_taken_for_bad_images() -> None:
    with pytest.raises(Exception) as caught:
        list(ReadableCases(Dataset([{"case": "a"}, {"case": "x"}], read)))
    assert find_input_error(caught.value) is None
