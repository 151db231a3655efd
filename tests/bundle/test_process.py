from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vdes.bundle.process import run_workflow
from vdes.errors import InputError

CONFIG = """\
text: none
number: 0
switch: true
nothing: null
imports:
  - $import json
  - $from pathlib import Path
run:
  - $Path(@output_dir).mkdir()
  - "$Path(@output_dir, 'given.json').write_text(json.dumps([@dataset_dir, @text, @number, @switch, @nothing]))"
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "bundle" / "configs").mkdir(parents=True)
    (tmp_path / "bundle" / "configs" / "inference.yaml").write_text(CONFIG)
    return tmp_path / "bundle"


@pytest.mark.parametrize(
    "text",
    ["cohort#2", "20241125", "a,b", "it's", 'a "b"', "[1, 2]", "None", "1e3", "a\\b", " a ", "a@x", "a$1%", "é#€"],
)
def test_values_keep_their_type_on_the_way(bundle: Path, tmp_path: Path, text: str) -> None:
    output, datalist = tmp_path / "run#1, again", tmp_path / "list#2.json"
    settings = {"text": text, "number": 0.5, "switch": False, "nothing": None}
    run_workflow(bundle, ["inference"], datalist, output, settings)
    assert json.loads((output / "given.json").read_text()) == [str(datalist), text, 0.5, False, None]


def test_a_failed_run_names_its_log(bundle: Path, tmp_path: Path) -> None:
    settings = {"text": "$1 / 0", "number": 1, "switch": True, "nothing": None}
    with pytest.raises(InputError, match=r"run\.log: the run ended with exit status 1; its last lines say why"):
        run_workflow(bundle, ["inference"], tmp_path / "list.json", tmp_path / "run", settings)
    assert "ZeroDivisionError" in (tmp_path / "run.log").read_text()


def test_the_one_line_of_a_failed_run_is_told(bundle: Path, tmp_path: Path) -> None:
    errors = "$__import__('vdes.errors', fromlist=['errors'])"
    config = CONFIG.replace("run:\n", f"run:\n  - {errors}.report_input_errors()\n")
    full = f"{errors[1:]}.os.write(__import__('os').open('/dev/full', 1), b'x')"
    (bundle / "configs" / "inference.yaml").write_text(config)
    for _ in range(2):  # the log of the second run begins with that of the first
        settings = {"text": f"${full}", "number": 1, "switch": True, "nothing": None}
        with pytest.raises(InputError) as caught:
            run_workflow(bundle, ["inference"], tmp_path / "list.json", tmp_path / "run", settings)
        told = "an output: cannot be written (No space left on device); free space and run it again"
        assert str(caught.value) == f"{told} ({tmp_path / 'run.log'} has the whole output)"
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
    assert "Traceback" not in (tmp_path / "run.log").read_text()
