"""What configs/metadata.json says: by the schema, and beyond what a schema can say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.line import Line
from vdes.data.json_file import read_json
from vdes.errors import InputError

FILE = "configs/metadata.json"
SCHEMA = Path(__file__).with_name("schemas") / "bundle_metadata.json"
VERSION = r"\d+\.\d+\.\d+"
OWN_VERSIONS = ("monai_version", "pytorch_version", "numpy_version")


def check_metadata(bundle: Bundle) -> Iterator[Line]:
    """Tell what is wrong with the metadata."""
    if FILE not in bundle.files:
        return
    try:
        metadata = read_json(bundle.root / FILE, "the metadata of a bundle")
    except InputError as error:
        yield Line(FILE, str(error).removeprefix(f"{bundle.root / FILE}: "), stops=True)
        return
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    problems = list(jsonschema.Draft202012Validator(schema).iter_errors(metadata))
    for problem in problems:
        yield Line(FILE, f"{'#'.join(map(str, problem.absolute_path)) or 'top level'}: {problem.message}", stops=True)
    if problems:
        return
    version = metadata["version"]
    if not re.fullmatch(VERSION, version):
        yield Line(FILE, f"version: {version!r}; expected one like 0.1.0")
    if version not in metadata["changelog"]:
        listed = ", ".join(metadata["changelog"]) or "nothing"
        yield Line(FILE, f"version: {version} is not in the changelog, which has {listed}")
    versions = {name: metadata[name] for name in OWN_VERSIONS}
    versions |= {f"required_packages_version#{name}": v for name, v in metadata["required_packages_version"].items()}
    for name, value in versions.items():
        if not re.fullmatch(r"\d+(\.\d+)+[.\w+]*", str(value)):
            yield Line(FILE, f"{name}: {value!r}; expected a version")
    if metadata["monai_version"].endswith(".9"):
        yield Line(FILE, "monai_version: ends in .9, which the model zoo's requirement script cannot read")
    data = metadata["network_data_format"]
    for side, name in (("inputs", "image"), ("outputs", "pred")):
        if name not in data[side]:
            yield Line(FILE, f"network_data_format#{side}: no {name}, the name that MONAI's tools take", stops=True)
