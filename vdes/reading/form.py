"""The questions to readers, in one place: the page builds its form from them, and answers are checked against them.

The terms are those of the ACR's lexicon for contrast-enhanced mammography (Lee C, et al. Contrast Enhanced Mammography
(CEM): a supplement to ACR BI-RADS Mammography 2013. American College of Radiology, 2022). It has definitions and
figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vdes.data.vocabulary import VIEWS
from vdes.errors import InputError

LOW_ENERGY, DES, CHOICE, QUALITY = "low_energy", "des", "choice", "quality"  # the forms
LESION_TYPES = ("none", "mass", "non-mass", "asymmetry")
LEFT, RIGHT = "left", "right"
MAX_MARKS = 10


@dataclass(frozen=True)
class Field:
    """One question.

    Attributes:
        name: of the answer.
        label: what the reader sees.
        kind: choice (one of ``options``), number (a whole number from ``options[0]`` to ``options[1]``), flag (0 or 1)
            or marks (places in the images).
        options: values of a choice, or the limits of a number.
        words: what the reader sees for each option; the options themselves where empty.
        key: the letter that selects the field.
        only_if: another field and the values for which this one is asked.
    """

    name: str
    label: str
    kind: Literal["choice", "number", "flag", "marks"]
    options: tuple[Any, ...] = ()
    words: tuple[str, ...] = ()
    key: str = ""
    only_if: tuple[str, tuple[str, ...]] | None = None


_MARKS = Field("marks", "Lesions: click each on the images", "marks", key="l")
_RATING = (
    Field(
        "birads",
        "BI-RADS category",
        "choice",
        ("0", "1", "2", "3", "4A", "4B", "4C", "5", "6"),
        key="b",
    ),
    Field("malignancy", "Probability of malignancy, 0 to 100 %", "number", (0, 100), key="p"),
    Field(
        "confidence",
        "Confidence in your answer",
        "choice",
        (1, 2, 3, 4, 5),
        ("1 very low", "2 low", "3 fair", "4 high", "5 very high"),
        key="c",
    ),
)
_ENHANCING = ("lesion_type", LESION_TYPES[1:])
_FINDINGS = (
    Field(
        "bpe",
        "Background parenchymal enhancement",
        "choice",
        ("minimal", "mild", "moderate", "marked"),
        key="g",
    ),
    Field(
        "lesion_type",
        "Most suspicious enhancing lesion",
        "choice",
        LESION_TYPES,
        ("none", "mass", "non-mass enhancement", "enhancing asymmetry"),
        key="t",
    ),
    Field(
        "conspicuity",
        "Lesion conspicuity",
        "choice",
        ("low", "moderate", "high"),
        key="y",
        only_if=_ENHANCING,
    ),
    Field(
        "internal_enhancement",
        "Internal enhancement",
        "choice",
        ("homogeneous", "heterogeneous", "rim", "clumped"),
        key="e",
        only_if=_ENHANCING,
    ),
    Field(
        "margin",
        "Margin",
        "choice",
        ("circumscribed", "irregular", "spiculated"),
        key="n",
        only_if=("lesion_type", ("mass",)),
    ),
)
# asked about every DES image: asking only about virtual ones would give them away
_FAITHFULNESS = (
    Field("missing", "The DES image lacks something that the low-energy image leads you to expect", "flag", key="m"),
    Field("distorted", "The DES image shows something in another shape or place", "flag", key="d"),
    Field("invented", "The DES image shows something that you take for an artefact", "flag", key="v"),
)
FORMS: dict[str, tuple[Field, ...]] = {
    LOW_ENERGY: (_MARKS, *_RATING),
    DES: (_MARKS, *_FINDINGS, *_RATING, *_FAITHFULNESS),
    CHOICE: (Field("chosen", "Which of the two is the real DES image?", "choice", (LEFT, RIGHT), key="r"),),
    QUALITY: (
        Field(
            "quality",
            "Quality of the DES image",
            "choice",
            (1, 2, 3, 4, 5),
            ("1 not diagnostic", "2 poor", "3 acceptable", "4 good", "5 excellent"),
            key="q",
        ),
    ),
}


def form_record(form: str) -> list[dict[str, Any]]:
    """Return a form for JSON, one dictionary per field."""
    return [asdict(field) for field in FORMS[form]]


def check_answer(form: str, answer: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Check an answer and return it without the fields that do not apply.

    Args:
        form: of `FORMS`.
        answer: a value for each field that applies.
        shapes: (rows, columns) of the images by view, which marks must lie in.

    Raises:
        InputError: a field is missing, unknown or has a value that the form does not allow; the message names it.
    """
    if not isinstance(answer, Mapping):
        raise InputError(f"answer: {answer!r}; expected an object with the fields of the form")
    fields = {field.name: field for field in FORMS[form]}
    unknown = [name for name in answer if name not in fields]
    if unknown:
        raise InputError(f"answer: {unknown[0]}: is not a field of this form; expected {', '.join(fields)}")
    checked: dict[str, Any] = {}
    for name, field in fields.items():
        if field.only_if is not None and checked.get(field.only_if[0]) not in field.only_if[1]:
            if answer.get(name) is not None:
                raise InputError(
                    f"answer: {name}: is asked only for {field.only_if[0]} {' or '.join(field.only_if[1])}"
                )
            continue
        value = answer.get(name)
        if field.kind == "marks":
            checked[name] = _checked_marks([] if value is None else value, shapes)
            continue
        known = {"flag": (0, 1), "number": None}.get(field.kind, field.options)
        if known is None:
            low, high = field.options
            # bool is an int, and 50.0 equals 50
            if type(value) is not int or not low <= value <= high:
                raise InputError(f"answer: {name}: {value!r}; expected a whole number from {low} to {high}")
        elif not any(type(value) is type(one) and value == one for one in known):
            raise InputError(f"answer: {name}: {value!r}; expected one of {', '.join(map(str, known))}")
        checked[name] = value
    return checked


def _checked_marks(marks: Any, shapes: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    if not isinstance(marks, Sequence) or isinstance(marks, str) or len(marks) > MAX_MARKS:
        raise InputError(f"answer: marks: expected a list of at most {MAX_MARKS} places")
    checked = []
    for mark in marks:
        if not isinstance(mark, Mapping) or set(mark) != {"view", "x", "y"}:
            raise InputError(f"answer: marks: {mark!r}; expected view, x and y")
        if mark["view"] not in VIEWS or mark["view"] not in shapes:
            raise InputError(f"answer: marks: view {mark['view']!r}; expected one of {', '.join(shapes)}")
        rows, columns = shapes[mark["view"]]
        place = {"view": mark["view"]}
        for name, length in (("x", columns), ("y", rows)):
            value = mark[name]
            if type(value) not in (int, float) or not math.isfinite(value) or not -0.5 <= value <= length - 0.5:
                raise InputError(f"answer: marks: {name} {value!r}; expected a pixel from 0 to {length - 1}")
            place[name] = round(float(value), 1)
        checked.append(place)
    return checked
