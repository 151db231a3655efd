from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdes.errors import InputError
from vdes.experiments import verdict_rates
from vdes.experiments.known_scores import KnownScores
from vdes.experiments.settings import VerdictRates
from vdes.experiments.verdict_page import page
from vdes.experiments.verdict_rates import Setting, grid, rates, write_rates

ROOT = Path(__file__).parents[2]
RESULTS = Path("docs") / "results" / "verdicts.json"


def test_verdicts_follow_the_truth() -> None:
    def found(metric: str, difference: float, patients: int) -> dict[str, int]:
        return rates(Setting(0, KnownScores("examination", metric, difference, 0.8), patients), 12, 100, 0)

    better, much_worse = found("auc", 0.05, 300), found("sensitivity", -0.4, 300)
    assert (better["non_inferior"], better["inferior"]) == (12, 0)
    assert (much_worse["non_inferior"], much_worse["inferior"]) == (0, 12)
    assert found("f1", 0.0, 20)["covered"] >= 7


def test_the_same_seed_gives_the_same_studies_and_another_seed_others() -> None:
    setting = Setting(3, KnownScores("image", "f1", 0.0, 0.4), 30)
    first = rates(setting, 12, 50, 0)
    assert first == rates(setting, 12, 50, 0)
    assert any(rates(setting, 12, 50, seed) != first for seed in (1, 2))


@pytest.mark.slow
def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = VerdictRates(tmp_path / "new" / "rates.json", studies=1, resamples=20, jobs=1)
    few = grid()[:3]
    monkeypatch.setattr(verdict_rates, "grid", lambda: few)
    whole = write_rates(settings)
    files = {file.name: file.read_bytes() for file in settings.output.parent.iterdir()}
    assert set(files) == {"rates.json", "rates.md", "rates.png"}
    assert json.loads(files["rates.json"]) == json.loads(json.dumps(whole))
    with pytest.raises(InputError, match=r"rates.json: exists already; pass --overwrite"):
        write_rates(settings)

    # parts of this run, one of them damaged and one of another seed
    parts = settings.output.with_name("rates.parts")
    parts.mkdir()
    marked = {**whole["rates"][0], "studies": 1, "undefined": 1}
    verdict_rates._keep(parts, 0, settings, marked)
    (parts / "1.json").write_text("{")
    other = VerdictRates(settings.output, studies=1, resamples=20, seed=1)
    verdict_rates._keep(parts, 2, other, marked)
    resumed = write_rates(settings, overwrite=True)
    assert resumed["rates"] == [marked, *whole["rates"][1:]]
    assert not parts.exists()


def test_the_page_is_that_of_the_results() -> None:
    found = json.loads((ROOT / RESULTS).read_text(encoding="utf-8"))
    assert page(found, RESULTS) == (ROOT / RESULTS).with_suffix(".md").read_text(encoding="utf-8")
    assert (ROOT / RESULTS).with_suffix(".png").is_file()
    wanted = [setting.record() for setting in grid()]
    assert [{name: row[name] for name in wanted[0]} for row in found["rates"]] == wanted


def test_the_results_are_what_is_computed_today() -> None:
    found = json.loads((ROOT / RESULTS).read_text(encoding="utf-8"))
    setting = grid()[0]
    assert rates(setting, found["studies"], found["resamples"], found["seed"]) == found["rates"][0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"studies": 0}, "--studies: expected 1 or more, got 0"),
        ({"resamples": 1}, "--resamples: expected 2 or more, got 1"),
        ({"seed": -1}, "--seed: expected 0 or more, got -1"),
        ({"jobs": 0}, "--jobs: expected 1 or more, got 0"),
    ],
)
def test_bad_numbers_are_named(tmp_path: Path, wrong: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        VerdictRates(tmp_path / "rates.json", **wrong)


def test_bad_outputs_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--output: expected a name that ends in .json, got rates.md"):
        VerdictRates(Path("rates.md"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        write_rates(VerdictRates(tmp_path / "file" / "rates.json", studies=1))
