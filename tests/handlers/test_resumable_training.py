from __future__ import annotations

from typing import Any

import pytest
import torch
from ignite.engine import Events

from vdes.data.checkpoint import sealed_state
from vdes.data.datalist import Datalist
from vdes.errors import InputError


def assert_same(one: Any, other: Any) -> None:
    """Compare nested states, bit for bit."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif not callable(one):
        assert one == other


@pytest.fixture
def whole(make_run):
    """Four epochs without an interruption."""
    return make_run("whole")()


@pytest.mark.parametrize("num_workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_two_epochs_and_two_more_are_four(make_run, num_workers):
    whole = make_run("whole", num_workers=num_workers)()
    make_run("parts", num_workers=num_workers)(stop_after=2)
    torch.rand(11)  # another process has drawn other numbers
    resumed = make_run("parts", num_workers=num_workers)()
    assert_same(resumed.state(), whole.state())
    assert (resumed.trainer.state.epoch, resumed.trainer.state.iteration) == (4, 12)
    for field in ("best_metric", "best_metric_epoch"):
        assert getattr(resumed.validator.state, field) == getattr(whole.validator.state, field)
    assert_same(torch.load(resumed.best_file), torch.load(whole.best_file))


def test_an_epoch_that_was_cut_short_is_done_again(make_run, whole):
    cut = make_run("cut")

    @cut.trainer.on(Events.ITERATION_COMPLETED(once=8))
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut()
    assert torch.load(cut.file)["progress"]["epoch"] == 2
    assert_same(make_run("cut")().state(), whole.state())


def test_the_seed_decides(make_run, whole):
    assert_same(make_run("again")().state(), whole.state())
    other = make_run("other", seed=4)()
    assert not torch.equal(other.network[0].weight, whole.network[0].weight)


def test_a_finished_run_is_loaded_and_not_trained_further(make_run, whole):
    again = make_run("whole")
    iterations = []
    again.trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: iterations.append(1))
    again()
    assert iterations == []
    assert_same(again.state(), whole.state())


def test_the_checkpoint_is_plain_data_and_written_in_one_step(whole):
    state = torch.load(whole.file, weights_only=True)
    assert state.keys() == {"network", "ema", "optimizer", "lr_scheduler", "run", "progress", "sha256"}
    progress = state["progress"]
    assert (progress["epoch"], progress["iteration"], state["run"]["seed"]) == (4, 12, 3)
    assert progress["best_metric"] == whole.validator.state.best_metric
    assert list(whole.file.parent.iterdir()) == [whole.file]


def test_a_checkpoint_is_not_touched_without_resume(make_run, whole):
    before = whole.file.read_bytes()
    with pytest.raises(InputError, match=r"last\.pt: exists already; pass --resume true to go on, or another"):
        make_run("whole", resume=False)
    assert whole.file.read_bytes() == before
    assert make_run("new", epochs=1, resume=False)().file.is_file()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": 4}, r"last\.pt: seed: the run was started with 3, now 4"),
        ({"epochs": 6}, r"last\.pt: epochs: the run was started with 4, now 6"),
        ({"width": 8}, r"last\.pt: network does not fit this run; was a setting changed since\?"),
        (
            {"settings": {"learning_rate": 0.02, "loss": {"_target_": "torch.nn.L1Loss"}}},
            r"last\.pt: loss: the run was started with nothing, now \{'_target_': 'torch.nn.L1Loss'\}; ",
        ),
        ({"settings": {"learning_rate": 0.5}}, r"last\.pt: learning_rate: the run was started with 0\.02, now 0\.5; "),
        ({"batch_size": 1}, r"last\.pt: batches in an epoch: the run was started with 3, now 5"),
    ],
)
def test_another_run_is_not_resumed(make_run, whole, settings, message):
    before = whole.file.read_bytes()
    with pytest.raises(InputError, match=message):
        make_run("whole", **settings)()
    assert whole.file.read_bytes() == before


@pytest.mark.parametrize("content", ["text", "weights", "cut"])
def test_what_is_no_checkpoint_is_named(make_run, content):
    run = make_run("bad")
    run.file.parent.mkdir()
    if content == "weights":
        torch.save(run.network.state_dict(), run.file)
    else:
        torch.save(run.state() | {"progress": {}}, run.file)
        run.file.write_bytes(b"text" if content == "text" else run.file.read_bytes()[:1000])
    before = run.file.read_bytes()
    with pytest.raises(InputError, match=r"last\.pt: not a checkpoint of an interrupted run; delete it"):
        run()
    assert run.file.read_bytes() == before


def test_a_checkpoint_without_one_of_the_objects_is_named(make_run, whole):
    state = torch.load(whole.file)
    del state["ema"], state["sha256"]
    torch.save(sealed_state(state), whole.file)
    with pytest.raises(InputError, match=r"last\.pt: ema does not fit this run"):
        make_run("whole")()


def test_other_data_are_refused_and_the_same_elsewhere_are_not(make_run, whole, small_datalist, tmp_path):
    before = whole.file.read_bytes()
    content = Datalist.read(small_datalist).content()
    other = Datalist.write(tmp_path / "other.json", {**content, "training": content["training"][:-1]})
    with pytest.raises(InputError, match=r"last\.pt: dataset_dir: not the training and validation data that the run"):
        make_run("whole", datalist=other)()
    assert whole.file.read_bytes() == before
    elsewhere = Datalist.write(tmp_path / "elsewhere.json", {**content, "test": []})
    assert_same(make_run("whole", datalist=elsewhere)().state(), whole.state())


def test_weights_to_start_from_are_compared_by_their_content(make_run, tmp_path):
    names = {"initial_weights": "one.pt"}
    for name, content in (("one", b"one"), ("same", b"one"), ("two", b"two")):
        (tmp_path / f"{name}.pt").write_bytes(content)
    make_run("run", start=tmp_path / "one.pt", settings=names, epochs=1)()
    make_run("run", start=tmp_path / "same.pt", settings={"initial_weights": "same.pt"}, epochs=1)()
    for start in (tmp_path / "two.pt", None):
        with pytest.raises(InputError, match=r"last\.pt: initial_weights: the run was started with [0-9a-f]{64}, now"):
            make_run("run", start=start, settings=names, epochs=1)()


@pytest.mark.parametrize(("field", "now"), [("processes", 1), ("device", "cpu")])
def test_another_number_of_processes_or_kind_of_device_is_refused(make_run, whole, field, now):
    state = torch.load(whole.file)
    state["run"][field] = "others"
    torch.save(state, whole.file)
    with pytest.raises(InputError, match=rf"last\.pt: {field}: the run was started with others, now {now}"):
        make_run("whole")()


def test_another_version_of_a_package_is_refused(make_run, whole):
    state = torch.load(whole.file)
    state["run"]["versions"]["torch"] = "1.0"
    torch.save(state, whole.file)
    with pytest.raises(InputError, match=r"last\.pt: torch: the run was started with 1\.0, now "):
        make_run("whole")()


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_checkpoint_of_which_a_bit_was_flipped_is_never_used(make_run, whole, share):
    weight = next(iter(torch.load(whole.file)["network"].values()))
    content = bytearray(whole.file.read_bytes())
    at = content.find(weight.numpy().tobytes())  # torch.load itself notices no change of these bytes
    assert at > 0
    content[at + int(share * weight.nbytes)] ^= 1
    whole.file.write_bytes(content)
    with pytest.raises(InputError, match=r"last\.pt: is damaged: .*; delete it to start again"):
        make_run("whole")()
