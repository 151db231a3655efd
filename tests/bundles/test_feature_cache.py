"""The lesion classifier with stored features, against itself without."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vdes.data.datalist import Datalist
from vdes.errors import find_input_error

CASES = 3


@pytest.fixture(scope="module")
def bundle(bundles: Path) -> Path:
    return bundles / "breast_cesm_lesion_classification"


@pytest.fixture(scope="module")
def knobs(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    converted = str(tmp_path_factory.mktemp("converted"))
    return {"ckpt_path": str(bundle / "models" / "model_phantom.pt"), "engine_cache": converted}


@pytest.fixture(scope="module")
def few(labelled: Path) -> Path:
    """Three cases, whose DES images may be replaced."""
    return written(labelled, "three.json", lambda items: items)


def written(source: Path, name: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Path:
    content = Datalist.read(source).content()
    items = change(content["test"][:CASES])
    target = source.with_name(name)
    Datalist.write(target, {**content, "training": [], "validation": [], "test": items}, overwrite=True)
    return target


@pytest.fixture
def predicted(run, few: Path, tmp_path: Path) -> Callable[..., str]:
    """Return the table of predictions of a run."""

    def predicted(datalist: Path = few, **own: Any) -> str:
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        run("inference", workflow_type="infer", dataset_dir=str(datalist), output_dir=str(folder), **own)
        return (folder / "predictions.csv").read_text()

    return predicted


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_stored_features_change_no_digit(engine: str, predicted, few: Path, tmp_path: Path) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino", reason="no package openvino")
    cache = tmp_path / "features"

    def absent(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**items[0], "des": None}, *items[1:]]

    counts = []
    for datalist, inputs in ((few, "des"), (few, "both"), (written(few, "absent.json", absent), "both")):
        own = {"datalist": datalist, "inputs": inputs, "engine": engine, "batch_size": 2}
        made = predicted(**own, feature_cache=str(cache))
        assert made == predicted(**own)
        counts.append(len(list(cache.iterdir())))
    assert counts == [CASES, 2 * CASES, 2 * CASES]  # the arms share the features


def test_only_what_is_new_is_encoded(predicted, few: Path, tmp_path: Path, caplog) -> None:
    cache = tmp_path / "features"

    def des_of_the_next(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**item, "des": items[(i + 1) % CASES]["des"]} for i, item in enumerate(items)]

    def low_energy_twice(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**item, "des": item["low_energy"]} for item in items]

    own = {"feature_cache": str(cache), "engine": "torch"}
    first = predicted(**own)
    times = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    predicted(written(few, "next.json", des_of_the_next), **own)
    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == times  # nothing is new
    twice = written(few, "twice.json", low_energy_twice)
    assert predicted(twice, **own) == predicted(twice, engine="torch")
    assert len(list(cache.iterdir())) == 3 * CASES
    [damaged, missing] = sorted(times)[:2]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    missing.unlink()
    with caplog.at_level(logging.WARNING):
        assert predicted(**own) == first
    assert [line for line in caplog.messages if "damaged" in line] == [
        f"features: {damaged} is damaged; it is made again"
    ]
    assert missing.is_file()


@pytest.mark.slow
def test_two_processes_encode_each_image_once(run, program, few: Path, tmp_path: Path) -> None:
    cache, two, one = (tmp_path / name for name in ("features", "two", "one"))
    own = {"dataset_dir": str(few), "engine": "torch", "inputs": "des", "batch_size": 1}
    done = program(
        "inference", "multi_gpu_inference", processes=2, **own, output_dir=str(two), feature_cache=str(cache)
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list(cache.iterdir())) == CASES
    run("inference", workflow_type="infer", **own, output_dir=str(one))
    assert (two / "predictions.csv").read_text() == (one / "predictions.csv").read_text()


def test_another_working_size_is_refused_with_stored_features_too(predicted, tmp_path: Path) -> None:
    for own in ({}, {"feature_cache": str(tmp_path / "features")}):
        with pytest.raises(Exception) as caught:
            predicted(inputs="des", size=128, engine="torch", **own)
        assert "working size of the weights" in str(find_input_error(caught.value))
    assert not list((tmp_path / "features").iterdir())
