"""Tests for `vdes.data.datasets.shared_sampler`."""

from __future__ import annotations

import pytest
from monai.data import Dataset

from vdes.data.datasets.shared_sampler import SharedSampler
from vdes.errors import InputError


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_each_case_is_one_process_s(processes: int) -> None:
    cases = Dataset(list(range(5)))
    shares = [list(SharedSampler(cases, False, False, processes, rank)) for rank in range(processes)]
    assert sorted(case for share in shares for case in share) == list(range(5)) and all(shares)


@pytest.mark.parametrize("even_divisible", [True, False])
@pytest.mark.parametrize("cases", [0, 1, 2])
def test_more_processes_than_cases_are_one_line(cases: int, even_divisible: bool) -> None:
    message = (
        rf"^dataset_dir: {cases} images for 3 processes; expected no more processes than images, so at most "
        rf"--nproc_per_node={max(1, cases)}$"
    )
    with pytest.raises(InputError, match=message):
        SharedSampler(Dataset(list(range(cases))), even_divisible, num_replicas=3, rank=0)
