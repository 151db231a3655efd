import json
from pathlib import Path

import pandas as pd
import pytest

from vdes.cli import main
from vdes.errors import InputError
from vdes.experiments.card import filled
from vdes.statistics.fidelity_summary import summarise

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
CARD = "# Title\n<!-- fidelity:model -->\nstale text\n<!-- /fidelity:model -->\nend\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "results").mkdir(parents=True)
    rows = pd.DataFrame(
        [
            {"case": f"c{i}", "patient": f"p{i // 2}", "method": method, "psnr_breast": level + i, "mae_breast": 0.1}
            for i in range(6)
            for method, level in (("virtual_des", 20.0), ("constant", 18.0))
        ]
    )
    result = {
        "provenance": {
            "data": "toy",
            "section": "test",
            "split": {"method": "hold-out", "seed": 7},
            "weights_sha256": "0123456789abcdef",
        },
        "data_range": 1.0,
        "constant_level": 0.25,
        "summary": json.loads(summarise(rows).to_json(orient="records")),
    }
    (tmp_path / "docs" / "results" / "fidelity_model.json").write_text(json.dumps(result))
    return tmp_path


def test_a_mark_is_filled_from_its_results_file(bundle: Path) -> None:
    text = filled(CARD, bundle)
    assert "stale text" not in text
    assert text.startswith("# Title\n<!-- fidelity:model -->\nData: toy, section test (split: hold-out, seed 7)")
    assert "22.50 (20.50 to 24.50)" in text  # six cases 20 to 25 dB of three patients, by the closed form of the means
    assert "+2.00 (+2.00 to +2.00)" in text  # the gain is the same in every case
    assert text.endswith("<!-- /fidelity:model -->\nend\n")


def test_filling_twice_changes_nothing(bundle: Path) -> None:
    once = filled(CARD, bundle)
    assert filled(once, bundle) == once


def test_a_mark_without_results_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fidelity_model\.json: no such file"):
        filled(CARD, tmp_path)


def test_the_command_reports_a_missing_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "card", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'docs' / 'README.md'}: no such file")


def test_the_results_of_a_study_fill_the_card_and_the_readme(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study's own results, as a shipped results file has them, come out as the shipped card has them."""
    shipped = BUNDLES / "breast_cesm_real_vs_virtual_des"
    kept = json.loads((shipped / "docs" / "results" / "study_phantom.json").read_text())
    study, target = tmp_path / "study", tmp_path / "clone" / "bundles" / shipped.name
    (study / "steps").mkdir(parents=True)
    (study / "steps" / "one.json").write_text('{"seconds": 1.5}')
    (study / "metrics.json").write_text(json.dumps(kept))
    (target / "docs").mkdir(parents=True)
    marks = "<!-- study:phantom -->\n<!-- /study:phantom -->\n"
    pages = target / "docs" / "README.md", tmp_path / "clone" / "README.md"
    for page in pages:
        page.write_text(marks)
    assert main(["experiment", "card", str(target), "--study", str(study), "--name", "phantom"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [Path(line.removeprefix("wrote ")).resolve() for line in printed] == [page.resolve() for page in pages]
    for page in pages:
        assert page.read_text() in (shipped / "docs" / "README.md").read_text()
    assert json.loads((target / "docs" / "results" / "study_phantom.json").read_text()) == kept | {"seconds": 1.5}


def test_a_study_that_is_not_finished_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "card", str(tmp_path / "bundle"), "--study", str(tmp_path / "study")]) == 2
    assert "metrics.json: no such file; expected the folder of a finished study" in capsys.readouterr().err
    assert main(["experiment", "card", str(tmp_path), "--study", "a", "--datalist", "b"]) == 2
    assert "expected at most one of them" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bundle", sorted(path.parent.parent for path in BUNDLES.glob("*/docs/README.md")))
def test_a_shipped_card_says_what_its_results_files_say(bundle: Path) -> None:
    card = (bundle / "docs" / "README.md").read_text(encoding="utf-8")
    assert filled(card, bundle) == card
