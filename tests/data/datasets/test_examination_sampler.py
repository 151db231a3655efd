from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from vdes.data.datasets.examination_sampler import ExaminationBatchSampler

# seven examinations of one to three images, interleaved
EXAMINATIONS = ["a", "b", "a", "c", "d", "b", "e", "a", "f", "g", "g", "c"]
IMAGES = {name: [i for i, other in enumerate(EXAMINATIONS) if other == name] for name in "abcdefg"}


def names(batch: list[int]) -> list[str]:
    return list(dict.fromkeys(EXAMINATIONS[i] for i in batch))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 10])
def test_every_examination_comes_once_an_epoch_and_whole(batch_size):
    sampler = ExaminationBatchSampler(EXAMINATIONS, batch_size)
    for _ in range(3):
        batches = list(sampler)
        assert len(batches) == len(sampler) == -(-7 // batch_size)
        assert [len(names(batch)) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
        for batch in batches:
            assert batch == [i for name in names(batch) for i in IMAGES[name]]
        assert sorted(i for batch in batches for i in batch) == list(range(12))


def test_the_order_comes_from_torchs_random_state():
    sampler = ExaminationBatchSampler(EXAMINATIONS, 2)
    drawn = []
    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        drawn.append(list(sampler))
    assert drawn[0] == drawn[2] != drawn[1]
    torch.manual_seed(0)
    assert [list(sampler), list(sampler)][1] != drawn[0]


def test_a_loader_collates_whole_examinations():
    from monai.data import DataLoader, Dataset  # here: the two processes below do without

    items = [{"number": i, "examination": name} for i, name in enumerate(EXAMINATIONS)]
    sampler = ExaminationBatchSampler.of(items, 3)
    loader = DataLoader(Dataset(items), batch_sampler=sampler)
    assert len(loader) == 3
    seen = []
    for batch in loader:
        assert batch["examination"] == [EXAMINATIONS[i] for i in batch["number"]]
        assert len(set(batch["examination"])) <= 3
        seen += batch["number"].tolist()
    assert sorted(seen) == list(range(12))


def share(rank: int, folder: str) -> None:
    """Draw two epochs of seven and of six examinations in one of two processes, whose random states differ."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    torch.manual_seed(rank)
    drawn = {}
    for left_out in ("", "d"):
        examinations = [name for name in EXAMINATIONS if name != left_out]
        sampler = ExaminationBatchSampler(examinations, 2)
        epochs = [[[examinations[i] for i in batch] for batch in sampler] for _ in range(2)]
        drawn[left_out] = {"len": len(sampler), "epochs": epochs}
    Path(folder, f"{rank}.json").write_text(json.dumps(drawn))
    dist.destroy_process_group()


def test_two_processes_share_an_epoch_without_loss_or_doubling(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(share, (str(tmp_path),), nprocs=2)
    drawn = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    for left_out in ("", "d"):
        first, second = (process[left_out] for process in drawn)
        assert first["len"] == second["len"] == 2
        for ours, theirs in zip(first["epochs"], second["epochs"], strict=True):
            # as many steps in both, or one would wait for the other for ever
            assert len(ours) == len(theirs) == 2
            shares = [[name for batch in part for name in dict.fromkeys(batch)] for part in (ours, theirs)]
            assert len(shares[0]) == len(shares[1]) == 3
            assert len(set(shares[0] + shares[1])) == 6  # of seven one is left out, another one in each epoch
            for batch in ours + theirs:
                assert batch == [name for name in dict.fromkeys(batch) for _ in IMAGES[name]]
        assert first["epochs"][0] != first["epochs"][1]
