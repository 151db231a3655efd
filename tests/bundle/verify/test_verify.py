"""Good bundles pass and bad ones are refused with the reason; the checks that run nothing of a bundle."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.checks import verify
from vdes.bundle.verify.machine_paths import absolute_path
from vdes.cli import main
from vdes.cli.program import program

Change = Callable[[Path], None]
NAME = "breast_cesm_virtual_des_unet"


@pytest.fixture(scope="module")
def original(good_bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return good_bundle(NAME, tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / NAME)


def findings(bundle: Path) -> list[str]:
    return [str(line) for line in verify(Bundle(bundle), program(), static=True) if not line.good]


def replaced(file: str, old: str, new: str) -> Change:
    def change(bundle: Path) -> None:
        text = (bundle / file).read_text()
        assert old in text, old
        (bundle / file).write_text(text.replace(old, new, 1))

    return change


def without(file: str) -> Change:
    return lambda bundle: (bundle / file).unlink()


def with_metadata(**values: object) -> Change:
    def change(bundle: Path) -> None:
        file = bundle / "configs" / "metadata.json"
        metadata = json.loads(file.read_text()) | values
        file.write_text(json.dumps({name: value for name, value in metadata.items() if value is not None}))

    return change


def with_package(name: str, version: str | None) -> Change:
    def change(bundle: Path) -> None:
        required = json.loads((bundle / "configs" / "metadata.json").read_text())["required_packages_version"]
        required |= {name: version}
        with_metadata(required_packages_version={name: v for name, v in required.items() if v})(bundle)

    return change


def with_command(command: str) -> Change:
    return lambda bundle: (bundle / "docs" / "README.md").open("a").write(f"\n```\n{command}\n```\n") and None


def with_text(text: str) -> Change:
    return lambda bundle: (bundle / "docs" / "README.md").open("a").write(f"\n{text}\n") and None


RUN = "python -m monai.bundle run --config_file configs/inference.yaml --bundle_root ."
BAD = {
    "no licence": (without("LICENSE"), "LICENSE: missing"),
    "no licence of the data": (without("docs/data_license.txt"), "docs/data_license.txt: missing"),
    "no weights": (without("models/model_phantom.pt"), "models: missing weights: model_phantom.pt"),
    "no weights at all": (without("models/model.pt"), "models: missing weights: model.pt"),
    "no metadata": (without("configs/metadata.json"), "configs/metadata.json: missing"),
    "an empty file": (lambda b: (b / "LICENSE").write_text("\n") and None, "LICENSE: empty"),
    "version": (
        with_metadata(version="9.9.9"),
        r"metadata.json: version: 9.9.9 is not in the changelog, which has 0\.2",
    ),
    "no version": (with_metadata(version="next", changelog={"next": "x"}), "version: 'next'; expected one like 0.1.0"),
    "no task": (with_metadata(task=None), "configs/metadata.json: top level: 'task' is a required property"),
    "old key": (with_metadata(optional_packages_version={}), "metadata.json: optional_packages_version: "),
    "package": (with_package("itk", "any"), "required_packages_version#itk: 'any'; expected a version"),
    "a package twice": (
        replaced("configs/metadata.json", '"pandas": ', '"pandas": "3.1.0",\n        "pandas": '),
        "metadata.json: 'pandas' is there 2 times",
    ),
    "no package": (with_package("pandas", None), "required_packages_version: without pandas, which vdes.* imports"),
    "monai": (with_metadata(monai_version="1.6.9"), r"monai_version: ends in \.9"),
    "no image": (
        with_metadata(network_data_format={"inputs": {"mask": 1}, "outputs": {"pred": 1}}),
        "network_data_format#inputs: no image",
    ),
    "no JSON": (lambda b: (b / "configs" / "metadata.json").write_text("{") and None, "column 2: not valid JSON"),
    "absolute path": (
        replaced("configs/train.yaml", "$@bundle_root + '/datalist.json'", "/data/cesm/datalist.json"),
        r"configs/train.yaml:\d+: /data/cesm/datalist.json: a path of one machine",
    ),
    "absolute path in a text": (
        replaced("configs/train.yaml", "$@output_dir + '/cache'", "$'/scratch/cache' + @output_dir"),
        r"configs/train.yaml:\d+: /scratch/cache: a path",
    ),
    "home folder": (with_text("See /home/somebody/runs."), r"docs/README.md:\d+: /home/somebody/runs.: a path of one"),
    "initialize": (
        replaced("configs/inference.yaml", "\nrun:\n", "\ninitialize:\n  - $errors.report_input_errors()\nrun:\n"),
        "configs/inference.yaml: initialize: comes before a packed vdes is found",
    ),
    "no record": (
        lambda b: [file.unlink() for file in (b / "docs" / "results").glob("*_model.json")] and None,
        r"models/model.pt: no docs/results/\*_model.json records its sha256",
    ),
    "config": (
        with_command(RUN.replace("inference", "infer")),
        r"README.md:\d+: --config_file: configs/infer.yaml: no",
    ),
    "knob": (with_command(f"{RUN} --hight 96"), r"README.md:\d+: --hight: no knob of configs/inference.yaml"),
    "command of MONAI": (with_command("python -m monai.bundle verify"), "monai.bundle verify: no such command"),
    "command of vdes": (with_command("vdes datalist cdd_cesm DIR"), r'README.md:\d+: Unknown command "cdd_cesm"'),
    "script": (with_command("python tools/none.py"), "tools/none.py: no such script"),
    "option": (
        with_command("python tools/make_notebooks.py --speed 1"),
        "--speed: no option of tools/make_notebooks.py",
    ),
    "program": (with_command("rm -rf runs"), "rm: expected python, torchrun or vdes"),
    "quotation": (with_command("python 'tools"), r"README.md:\d+: python 'tools: No closing quotation"),
    "knob in the text": (with_text("Try `--hight 96`."), r"README.md:\d+: --hight: no knob of any config"),
    "command of a config": (
        replaced("configs/inference.yaml", "--output_dir", "--output_folder"),
        "configs/inference.yaml:2: --output_folder: no knob",
    ),
    "picture": (with_text("![A sheet](sheet.png)"), r"README.md:\d+: sheet.png: no such file"),
    "table": (with_text("<!-- runs:x -->\n<!-- /runs:x -->"), r"README.md:\d+: runs:x: the table is empty"),
    "file name": (lambda b: (b / "docs" / "a b.txt").write_text("x") and None, "docs/a b.txt: the name has other"),
}


def test_a_good_bundle_has_no_findings(bundle: Path) -> None:
    assert findings(bundle) == []


@pytest.mark.parametrize("change, reason", BAD.values(), ids=BAD)
def test_a_bad_bundle_is_refused_with_the_one_reason(bundle: Path, change: Change, reason: str) -> None:
    change(bundle)
    found = findings(bundle)
    assert len(found) == 1 and "\n" not in found[0]
    assert re.search(reason, found[0]), found[0]


def test_a_bundle_without_inference_is_refused(bundle: Path) -> None:
    without("configs/inference.yaml")(bundle)
    assert "configs: no inference; the model zoo requires it, in YAML or JSON" in findings(bundle)


def test_tampered_weights_are_not_those_that_were_measured(bundle: Path) -> None:
    file = bundle / "models" / "model.pt"
    state = torch.load(file, weights_only=True)
    next(iter(state.values()))[..., 0] += 1
    torch.save(state, file)
    found, of_record = findings(bundle)
    assert of_record.startswith(
        "models/model.json: model.json is the record of other weights; expected the record that"
    )
    assert re.match(
        r"models/model.pt: sha256 [0-9a-f]{12}; docs/results/\*_model.json was measured on [0-9a-f]{12}", found
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without("models/model.json"), "no record beside them"),
        (lambda bundle: edited(bundle / "models" / "model.json"), "model.json was edited"),
    ],
    ids=["missing", "edited"],
)
def test_weights_have_the_whole_record_of_their_training(bundle: Path, change, reason: str) -> None:
    change(bundle)
    (found,) = findings(bundle)
    assert found.startswith(f"models/model.json: {reason}; expected the record that the training of model.pt wrote")


def edited(record: Path) -> None:
    """Take an image out of a record."""
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "images": content["images"][1:]}))


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_that_wants_to_run_code_is_named_and_does_not(bundle: Path, tmp_path: Path, record) -> None:
    file = bundle / "models" / "model.pt"
    torch.save({"weight": Evil(tmp_path / "ran")}, file)
    record(file)
    (found,) = findings(bundle)
    assert found == "models/model.pt: refused by torch.load(weights_only=True): it wants to run posix.mkdir"
    assert not (tmp_path / "ran").exists()


def test_a_finding_that_is_no_danger_keeps_nothing_from_being_run(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_metadata(version="9.9.9")(bundle)
    ran = []
    for check in ("network.check_in_out", "network.check_fit", "exports.check_exports", "workflows.check_workflows"):
        monkeypatch.setattr(f"vdes.bundle.verify.{check}", lambda bundle, check=check: iter(ran.append(check) or ()))
    assert len(verify(Bundle(bundle), program())) == 1 and len(ran) == 4


def test_nothing_of_a_bundle_with_refused_weights_is_run(bundle: Path, tmp_path: Path) -> None:
    (bundle / "models" / "model.pt").write_bytes(b"no weights")
    config = bundle / "configs" / "inference.yaml"
    config.write_text(
        config.read_text().replace("network_def:\n", f"network_def:\n  _mode_: $open('{tmp_path}/ran', 'w')\n")
    )
    lines = [str(line) for line in verify(Bundle(bundle), program())]
    assert lines[-1] == ".: nothing of it was run, because of models/model.pt"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "state, reason",
    [
        ({"weight": torch.tensor([1.0, torch.nan])}, "weight: has values that are not finite"),
        ({"weight": "text"}, "a dict of more than tensors; expected a state dict"),
        ([torch.zeros(1)], "a list of more than tensors; expected a state dict"),
    ],
)
def test_weights_are_a_state_dict_of_finite_values(bundle: Path, record, state: object, reason: str) -> None:
    torch.save(state, bundle / "models" / "model.pt")
    record(bundle / "models" / "model.pt")
    assert findings(bundle) == [f"models/model.pt: {reason}"]


def test_a_large_file_is_listed_or_refused(bundle: Path) -> None:
    (bundle / "models" / "large.bin").write_bytes(bytes(26_000_000))
    assert findings(bundle) == ["models/large.bin: 26.0 MB; expected 25 MB or less, or an entry of large_files.yml"]
    listed = "large_files:\n  - path: models/large.bin\n    url: https://example.org/large.bin\n"
    (bundle / "large_files.yml").write_text(listed)
    assert findings(bundle) == []


def test_listed_weights_may_be_elsewhere_and_have_the_listed_hash(bundle: Path) -> None:
    weights = bundle / "models" / "model.pt"
    listed = "large_files:\n  - path: models/model.pt\n    url: https://example.org/model.pt\n    hash_type: sha256\n"
    (bundle / "large_files.yml").write_text(f"{listed}    hash_val: '0000'\n")
    (found,) = findings(bundle)
    assert re.match(r"models/model.pt: sha256 [0-9a-f]{64}; large_files.yml lists 0000$", found)
    weights.unlink()
    assert findings(bundle) == []


def test_a_folder_has_a_bundles_name(bundle: Path) -> None:
    other = bundle.rename(bundle.with_name("My-Bundle"))
    assert findings(other) == [".: the folder's name 'My-Bundle'; expected region_modality_task in lower case"]


@pytest.mark.parametrize(
    "text, path",
    [
        ("dataset_dir: /data/cesm", "/data/cesm"),
        ("dataset_dir: '/data/cesm'", "/data/cesm"),
        ("  - ~/cesm", "~/cesm"),
        (r"dataset_dir: C:\cesm", r"C:\cesm"),
        ("a: $f('/data', 2)", "/data"),
        ("a: $@bundle_root + '/models/model.pt'", None),
        ("a: $max(3, @height * 3 // 4) / 2", None),
        ('"schema": "https://example.org/schema.json"', None),
        ("a: 0  # low energy/DES, and/or", None),
    ],
)
def test_absolute_paths_of_a_config(text: str, path: str | None) -> None:
    assert absolute_path(text) == path


@pytest.mark.parametrize("folder, reason", [("none", "no such folder"), (".", "holds no folder configs")])
def test_no_bundle_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, reason: str) -> None:
    assert main(["bundle", "verify", str(tmp_path / folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and reason in error and error.count("\n") == 1


def test_the_command_prints_a_line_for_each_finding(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bundle", "verify", "--static", str(bundle)]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{NAME}: no findings, but its code was neither run nor judged\n"
    (bundle / "LICENSE").unlink()
    assert main(command) == 1
    assert capsys.readouterr().out == f"{NAME}: LICENSE: missing; the model zoo requires it\n{NAME}: 1 findings\n"
