from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import monai.bundle as monai_bundle
import pytest
import yaml
from monai.bundle import ConfigParser

from vdes.bundle.knobs import as_typed, choice, given_knobs, switch, takes
from vdes.bundle.warm_start import run_module
from vdes.errors import InputError

CONFIG = """\
imports:
  - $import vdes.errors as errors
  - $import vdes.bundle.knobs as knobs
epochs: 40
ema_momentum: 0.01
name: first
data_dir: $'here/' + @name
count: $2 * @epochs
optimizer:
  _target_: collections.OrderedDict
  lr: 0.001
train:
  handlers: [1, 2]
run:
  - $errors.report_input_errors()
  - $knobs.refuse_unknown()
  - $print('trained', @epochs, @optimizer, repr(@data_dir), repr(@name))
"""
KNOBS = """\
height: 512
rate: 0.001
ema_momentum: 0.01
overwrite: false
name: first
data_dir: $'here/' + @name
range: null
optimizer: {_target_: collections.OrderedDict, lr: 0.001}
"""
CONFIGS = sorted(Path(__file__).parents[2].glob("bundles/*/configs/*.yaml"))


@pytest.mark.parametrize(
    ("given", "state"), [(True, True), (False, False), ("true", True), ("false", False), ("False", False)]
)
def test_a_switch_is_a_boolean_or_its_text(given: bool | str, state: bool) -> None:
    assert switch("overwrite", given) is state


@pytest.mark.parametrize("given", ["no", "0", 0, None, ""])
def test_anything_else_is_an_error_that_names_the_knob(given: object) -> None:
    with pytest.raises(InputError, match=r"^overwrite: .*expected true or false$"):
        switch("overwrite", given)  # type: ignore[arg-type]


def test_a_choice_is_what_its_text_stands_for() -> None:
    assert choice("fruit", "pear", {"apple": 1, "pear": 2}) == 2
    with pytest.raises(InputError, match=r"^fruit: 'plum'; expected apple or pear$"):
        choice("fruit", "plum", {"apple": 1, "pear": 2})


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("epochs", True),
        ("epoch", False),
        ("optimizer#lr", True),
        ("optimizer::lr", True),
        ("optimizer#betas", True),  # an argument that the config leaves to the component
        ("train#epochs", False),
        ("train#handlers#1", True),
        ("train#handlers#2", False),
        ("nothing#lr", False),
    ],
)
def test_a_config_takes_its_items_and_arguments_of_its_components(tmp_path: Path, name: str, taken: bool) -> None:
    (tmp_path / "train.yaml").write_text(CONFIG)
    assert takes(ConfigParser(ConfigParser.load_config_files(tmp_path / "train.yaml")), name) is taken


def monai(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """``python -m monai.bundle run``, without the time that its import takes."""
    (folder / "train.yaml").write_text(CONFIG)
    words = ["run", *options]
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        status = run_module("monai.bundle", words, os.environ, folder, out.fileno(), err.fileno())
    texts = ((folder / name).read_text() for name in ("out", "err"))
    return subprocess.CompletedProcess(words, status, *texts)


def test_options_that_the_configs_have_are_taken(tmp_path: Path) -> None:
    (tmp_path / "args.yaml").write_text("config_file: train.yaml\nepochs: 7\n")
    done = monai(tmp_path, "--args_file", "args.yaml", "--optimizer#lr", "0.5", "--meta_file", "None")
    assert done.returncode == 0, done.stderr
    assert "trained 7" in done.stdout and "0.5" in done.stdout


@pytest.mark.parametrize(
    "program", [(str(Path(monai_bundle.__file__).with_name("__main__.py")),), ("-m", "fire", "monai.bundle")]
)
def test_monai_run_by_its_file_or_by_fire_refuses_the_same(tmp_path: Path, program: tuple[str, ...]) -> None:
    (tmp_path / "train.yaml").write_text(CONFIG)
    (tmp_path / "args.json").write_text('{"config_file": "train.yaml", "epochs": 7}')
    command = [sys.executable, *program, "run", "--args_file", "args.json", "--epoch", "5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "error: --epoch: no knob of train.yaml" in done.stderr


def test_options_that_other_options_refer_to_are_taken(tmp_path: Path) -> None:
    done = monai(tmp_path, "--config_file", "train.yaml", "--peak", "0.5", "--optimizer#lr", "@peak")
    assert done.returncode == 0 and "0.5" in done.stdout, done.stderr
    steps = "['$knobs.refuse_unknown()', '$print(42)']"
    done = monai(tmp_path, "--config_file", "train.yaml", "--run_id", "mine", "--mine", steps)
    assert done.returncode == 0 and "42" in done.stdout, done.stderr


def test_options_of_experiment_tracking_are_taken_where_it_is_on(tmp_path: Path) -> None:
    (tmp_path / "board.yaml").write_text("handlers_id: {}\nconfigs: {board: a, save_execute_config: false}\n")
    tracked = ["--config_file", "train.yaml", "--tracking", "board.yaml"]
    done = monai(tmp_path, *tracked, "--board", "b")
    assert done.returncode == 0 and "trained 40" in done.stdout, done.stderr
    done = monai(tmp_path, *tracked, "--bord", "b")
    assert done.returncode == 2 and "error: --bord: no knob of train.yaml" in done.stderr
    done = monai(tmp_path, "--config_file", "train.yaml", "--board", "b")
    assert done.returncode == 2 and "error: --board: no knob of train.yaml" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epoch", "5"], "--epoch: no knob of train.yaml; did you mean --epochs?"),
        (["--epoch=5"], "--epoch: no knob of train.yaml; did you mean --epochs?"),
        (["--freeze", "true"], "--freeze: no knob of train.yaml; the knobs stand at the top of train.yaml"),
    ],
)
def test_an_option_that_no_config_has_is_one_line_and_status_2(
    tmp_path: Path, options: list[str], message: str
) -> None:
    done = monai(tmp_path, "--config_file", "train.yaml", *options)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"error: {message}"
    assert "trained" not in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "cohort#2"], "--name: cohort#2 would be read as another value; write it as --name "),
        (["--data_dir=run#2"], "--data_dir: run#2 would be read as another value; write it as --data_dir "),
        (["--data_dir", "a b#c"], "--data_dir: a b#c would be read as another value; write it as --data_dir "),
        (["--data_dir", "'run#2'"], "--data_dir: run#2 would be read as another value; write it as --data_dir "),
        (["--name", "20241125"], "--name: 20241125 would be read as another value; write it as --name \"'20241125'\""),
        (["--data_dir", "a,b"], "--data_dir: a,b would be read as another value; write it as --data_dir \"'a,b'\""),
        (["--epochs", "0"], "--epochs: 0; expected a whole number, 1 or more"),
        (["--epochs", "1.5"], "--epochs: 1.5; expected a whole number, 1 or more"),
        (["--epochs", "many"], "--epochs: 'many'; expected a whole number, 1 or more"),
        (["--epochs", ""], "--epochs: ''; expected a whole number, 1 or more"),
        (["--epochs", "[3]"], "--epochs: [3]; expected a whole number, 1 or more"),
        (["--optimizer#lr", "-0.1"], "--optimizer#lr: -0.1; expected a number, 0 or more"),
        (["--optimizer#lr", "fast"], "--optimizer#lr: 'fast'; expected a number, 0 or more"),
        (["--ema_momentum", "1"], "--ema_momentum: 1; expected a number above 0 and below 1"),
        (["--data_dir", ""], "--data_dir: is empty; expected a file or a folder"),
        (["--data_dir="], "--data_dir: is empty; expected a file or a folder"),
    ],
)
def test_a_value_of_another_kind_is_refused(tmp_path: Path, options: list[str], message: str) -> None:
    done = monai(tmp_path, "--config_file", "train.yaml", *options)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"error: {message}")
    assert "trained" not in done.stdout


def test_texts_are_taken_as_they_are_to_be_written(tmp_path: Path) -> None:
    given = ["--data_dir", as_typed("cohort#2"), "--name", '"20241125"', "--epochs", "3", "--count", "5"]
    done = monai(tmp_path, "--config_file", "train.yaml", *given)
    assert done.returncode == 0, done.stderr
    assert "trained 3" in done.stdout and "'cohort#2' '20241125'" in done.stdout
    done = monai(tmp_path, "--config_file", "train.yaml", "--data_dir", "a b/c-1.2", "--name", "@count")
    assert done.returncode == 0 and "'a b/c-1.2' 80" in done.stdout, done.stderr


def test_an_option_from_a_file_of_options_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "args.yaml").write_text("config_file: train.yaml\nepoch: 7\n")
    done = monai(tmp_path, "--args_file", "args.yaml")
    assert done.returncode == 2 and "error: --epoch: no knob" in done.stderr


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_run_of_a_bundle_refuses_unknown_options_first(path: Path) -> None:
    steps = ConfigParser.load_config_file(path).get("run")
    if steps is not None:
        at = steps.index("$knobs.refuse_unknown()")
        assert steps[at - 1] == "$errors.report_input_errors()"
        assert all("errors." in step or "dist." in step for step in steps[:at])


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("height=256", "height", 256),
        ("rate=1e-3", "rate", 0.001),
        ("overwrite=true", "overwrite", True),
        ("name=20241125", "name", "20241125"),
        ("name=a,b", "name", "a,b"),
        ("name=x=y", "name", "x=y"),
        ("data_dir=cohort#2", "data_dir", "cohort#2"),
        ("range=[0, 4095]", "range", [0, 4095]),
        ("range=null", "range", None),
        ("optimizer#lr=0.5", "optimizer#lr", 0.5),
    ],
)
def test_given_knobs_keep_the_type_of_the_config(text: str, name: str, value: object) -> None:
    config = ConfigParser(yaml.safe_load(KNOBS))
    found = given_knobs([text], config, "inference.yaml")
    assert found == {name: value} and type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("height", "--knob: 'height'; expected a name and a value, such as height=256"),
        ("=3", "--knob: '=3'; expected a name and a value, such as height=256"),
        ("heigth=3", "--knob heigth=3: no knob of inference.yaml; did you mean height?"),
        ("zzz=3", "--knob zzz=3: no knob of inference.yaml; the knobs stand at the top of inference.yaml"),
        ("height=0", "--knob height: 0; expected a whole number, 1 or more"),
        ("height=tall", "--knob height: 'tall'; expected a whole number, 1 or more"),
        ("rate=.nan", "--knob rate: nan; expected a number, 0 or more"),
        ("ema_momentum=0", "--knob ema_momentum: 0; expected a number above 0 and below 1"),
        ("overwrite=maybe", "overwrite: 'maybe'; expected true or false"),
        ("data_dir=", "--knob data_dir=: is empty; expected a file or a folder"),
        ("range=[0", "--knob range=[0: cannot be read as YAML; expected a value such as None"),
    ],
)
def test_what_is_no_knob_or_no_value_of_it_is_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        given_knobs([text], ConfigParser(yaml.safe_load(KNOBS)), "inference.yaml")
    assert str(error.value) == message
