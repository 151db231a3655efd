"""The published schema, by a validator of others and by reading: what one refuses, so does the other."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from vdes.data.datalist import PATH_FIELDS, Datalist
from vdes.data.datalist_schema import schema
from vdes.data.vocabulary import BIRADS, DENSITIES, LATERALITIES, MODALITIES, PATHOLOGIES, SECTIONS, VIEWS
from vdes.errors import InputError
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "datalist.md"
ITEM = {
    "case": "P1_L_CC", "patient": "P1", "laterality": "L", "view": "CC", "low_energy": "le.png", "des": "des.png",
    "lesion_mask": None, "des_lesion_mask": None, "pathology": "malignant", "density": "c", "birads": 5,
}  # fmt: skip
GOOD = {
    "name": "one",
    "pixel_size_mm": 0.1,
    "intensity_range": {"low_energy": [0, 4095], "des": [-1.5, 1]},
    "training": [],
    "validation": [],
    "test": [ITEM],
}
# more of them in test_ids.py
IDS = [
    "../x", "a/b", "a\\b", "/etc/x", "..", ".hidden", "C:x", "a\x00b", "a\n", "\x1b[31mred", "a\x7f", " P1", "P1 ",
    "=cmd", "+1", "-o", "@x", "x" * 129,
]  # fmt: skip

Content = dict[str, Any]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def changed(change: Callable[[Content], Any]) -> Content:
    content = copy.deepcopy(GOOD)
    change(content)
    return content


def test_what_it_lists_is_what_the_code_knows() -> None:
    fields = schema()["$defs"]["fields"]["properties"]
    labels = {"laterality": LATERALITIES, "view": VIEWS, "pathology": PATHOLOGIES, "density": DENSITIES}
    for field, words in {**labels, "birads": BIRADS}.items():
        assert fields[field]["enum"] == [*words, None]
    assert [name for name in schema()["properties"] if name in SECTIONS] == list(SECTIONS)
    assert tuple(schema()["properties"]["intensity_range"]["required"]) == MODALITIES
    assert [name for name, field in fields.items() if field.get("$ref") == "#/$defs/file"] == list(PATH_FIELDS)
    assert all("description" in field for field in schema()["properties"].values() if "$ref" not in field)


def test_phantoms_and_the_example_of_the_docs_are_valid(validator, small_datalist: Path, tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    phantoms = generate(tmp_path / "set", Settings(3, 0, 64))
    for text in (example[1], phantoms.read_text(), small_datalist.read_text()):
        validator.validate(json.loads(text))
        (tmp_path / "a.json").write_text(text)
        Datalist.read(tmp_path / "a.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(pixel_size_mm=None, aligned=True, split=None, report={}, phantom={}, oracle=[], more=1),
        lambda d: d["test"][0].update(laterality=None, view=None, pathology=None, density=None, birads=None),
        lambda d: d["test"][0].update(des=None, pixel_size_mm=None, examination=None, malignant=1),
        lambda d: d["test"][0].update(low_energy=None, pixel_size_mm=2, examination="", malignant=None),
        lambda d: d["test"][0].update(examination="S1", malignant=0, pathology="benign", findings=["mass"]),
        lambda d: d["test"][0].update(malignant=0, pathology=None, birads=4.0),
    ],
)
def test_what_may_be_is_taken_by_both(validator, change, tmp_path: Path) -> None:
    content = changed(change)
    validator.validate(content)
    [item] = Datalist.made(tmp_path / "d.json", content).fields["test"]
    assert item == content["test"][0]


BAD: dict[str, Callable[[Content], Any]] = {
    **{f"{name} missing": lambda d, name=name: d.pop(name) for name in schema()["required"]},
    **{
        f"item without {name}": lambda d, name=name: d["test"][0].pop(name)
        for name in schema()["$defs"]["fields"]["required"]
    },
    **{
        f"{field}: {value!r}": lambda d, field=field, value=value: d.update({field: value})
        for field, values in {
            "name": (None, "", 1),
            "pixel_size_mm": (0, -0.1, "0.1", True),
            "intensity_range": (None, {}, [0, 1], {"low_energy": [0, 1], "des": [0, "1"]}),
            "aligned": ("yes", 1, None),
            "report": ([], "all"),
            "phantom": (True,),
            "oracle": ({},),
            "physical_scales": ([],),
            "test": (None, {}, "P1"),
            "training": ([1], [None], ["P1"], [[]]),
        }.items()
        for value in values
    },
    **{
        f"item {field}: {value!r}": lambda d, field=field, value=value: d["test"][0].update({field: value})
        for field, values in {
            "case": (None, "", 7),
            "patient": (None, "", ["P1"]),
            "examination": (1, "a/b"),
            "laterality": ("left", "", 0),
            "view": ("ML", ["CC"]),
            "pathology": ("Malignant", {}),
            "density": ("C", 3),
            "birads": (7, -1, 2.5, "4", True),
            "low_energy": (3, "", {}, ["a.png"]),
            "lesion_mask": (0, ""),
            "malignant": (0, 2, "1", True),
            "pixel_size_mm": (0, -1, "0.1", False),
        }.items()
        for value in values
    },
    **{f"id {text!r}": lambda d, text=text: d["test"][0].update(case=text) for text in IDS},
    **{f"patient {text!r}": lambda d, text=text: d["test"][0].update(patient=text) for text in IDS},
    "no image": lambda d: d["test"][0].update(low_energy=None, des=None),
    "number and null for images": lambda d: d["test"][0].update(low_energy=3, des=None),
    "three limits": lambda d: d["intensity_range"].update(des=[0, 1, 2]),
}


@pytest.mark.parametrize("change", BAD.values(), ids=list(BAD))
def test_what_is_bad_is_refused_by_both(validator, change, tmp_path: Path) -> None:
    content = changed(change)
    assert not validator.is_valid(content)
    (tmp_path / "d.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"d\.json: .*(expected|is missing; write null|contradicts)") as caught:
        Datalist.read(tmp_path / "d.json")
    assert str(caught.value).isprintable()
    assert caught.value.__cause__ is None  # in the project's words alone
