import json
from pathlib import Path

import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.experiments.card import filled, main
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


def test_the_command_reports_a_missing_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["model_card.py", str(tmp_path)])
    assert main() == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("bundle", sorted(path.parent.parent for path in BUNDLES.glob("*/docs/README.md")))
def test_a_shipped_card_says_what_its_results_files_say(bundle: Path) -> None:
    card = (bundle / "docs" / "README.md").read_text(encoding="utf-8")
    assert filled(card, bundle) == card
