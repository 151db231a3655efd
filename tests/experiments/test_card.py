import json
import re
from pathlib import Path

import pandas as pd
import pytest

from vdes.cli import main
from vdes.errors import InputError
from vdes.experiments.card import filled, pages
from vdes.experiments.card_tables import WRITERS
from vdes.statistics.fidelity_summary import summarise

PROJECT = Path(__file__).resolve().parents[2]
BUNDLES = PROJECT / "bundles"
SHIPPED = sorted(path.parent.parent for path in BUNDLES.glob("*/docs/README.md"))
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
    project = tmp_path / "clone"
    (project / "docs" / "results").mkdir(parents=True)
    page = project / "docs" / "results" / "any.md"
    empty = {
        target / "docs" / "README.md": "<!-- arms -->\n<!-- /arms -->\n",
        page: f"# All\n\n<!-- results of {shipped.name} -->\n<!-- study:phantom -->\n<!-- /study:phantom -->\n",
        project / "README.md": "<!-- answers -->\n<!-- /answers -->\n",
    }
    for file, text in empty.items():
        file.write_text(text)
    other = page.with_name("other.md")
    other.write_text(empty[page].replace(shipped.name, "another_bundle"))
    untouched = other.read_text()
    assert main(["experiment", "card", str(target), "--study", str(study), "--name", "phantom"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [Path(line.removeprefix("wrote ")).resolve() for line in printed] == [file.resolve() for file in empty]
    table = page.read_text().split("<!-- study:phantom -->")[1]
    assert table.strip() in (PROJECT / "docs" / "results" / "study.md").read_text()
    [row] = [line for line in (project / "README.md").read_text().splitlines() if line.startswith("| vdes phantom: ")]
    assert row in (PROJECT / "README.md").read_text().splitlines()
    written, whole = ((one / "docs" / "README.md").read_text().splitlines() for one in (target, shipped))
    arms = [line for line in written if line.startswith(("| real", "| low energy", "| virtual"))]
    assert len(arms) == 7 and all(any(line.startswith(arm) for line in whole) for arm in arms)  # whole has CDD-CESM too
    assert other.read_text() == untouched
    assert json.loads((target / "docs" / "results" / "study_phantom.json").read_text()) == kept | {"seconds": 1.5}


def test_a_study_that_is_not_finished_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "card", str(tmp_path / "bundle"), "--study", str(tmp_path / "study")]) == 2
    assert "metrics.json: no such file; expected the folder of a finished study" in capsys.readouterr().err
    assert main(["experiment", "card", str(tmp_path), "--study", "a", "--datalist", "b"]) == 2
    assert "expected at most one of them" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_performance_mark_takes_whichever_results_there_are(bundle: Path) -> None:
    text = filled("<!-- performance:model -->\n<!-- /performance:model -->", bundle)
    assert text.splitlines()[1] == "toy, test section (split: hold-out, seed 7); weights sha256 0123456789ab."
    assert "22.50 (20.50 to 24.50)" in text and "+2.00 (+2.00 to +2.00)" in text
    with pytest.raises(InputError, match=r"mark performance:x; expected fidelity_x.json or classification_x.json"):
        filled("<!-- performance:x -->\n<!-- /performance:x -->", bundle)
    with pytest.raises(InputError, match=r"results: no results of a study; expected study_NAME.json"):
        filled("<!-- answers -->\n<!-- /answers -->", bundle)


@pytest.mark.parametrize("bundle", SHIPPED, ids=lambda bundle: bundle.name)
def test_the_pages_of_a_shipped_bundle_say_what_its_results_files_say(bundle: Path) -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in pages(bundle)}
    assert any(page.parent == PROJECT / "docs" / "results" for page in texts)
    for page, text in texts.items():
        assert filled(text, bundle) == text, page
    own = [file for file in (bundle / "docs" / "results").glob("*.json") if not file.is_symlink()]
    for file in own:  # others stand on the pages of the bundle that they are linked from
        kind = next(kind for kind in WRITERS if file.stem.startswith(f"{kind}_"))
        assert any(f"<!-- {kind}:{file.stem.removeprefix(f'{kind}_')} -->" in text for text in texts.values()), file


@pytest.mark.parametrize("bundle", SHIPPED, ids=lambda bundle: bundle.name)
def test_a_shipped_card_is_short_and_begins_with_the_usage(bundle: Path) -> None:
    card = bundle / "docs" / "README.md"
    text = card.read_text(encoding="utf-8")
    assert card.stat().st_size < 9000
    title, usage, *_ = [line for line in text.splitlines() if line.startswith("#")]
    assert title.startswith("# ") and usage == "## Usage"
    assert "**Not for diagnosis.**" in text.split(usage)[0]
    assert all(heading in text for heading in ("## Performance", "## Limitations", "## References", "## License"))
    marks = re.findall(r"<!-- (performance:\w+|arms) -->\n(.*?)<!-- /", text, flags=re.DOTALL)
    assert len(marks) == 1
    assert 3 <= len([line for line in marks[0][1].splitlines() if line.startswith("| ")]) <= 14  # with heads and rules
