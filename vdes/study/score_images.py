"""Score all virtual DES images of a section, and make the pictures of its cases."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from vdes.data.datalist import Datalist, PathLike
from vdes.data.further_columns import FIELD
from vdes.data.staging import staged
from vdes.data.vocabulary import VIEWS
from vdes.errors import FREE, InputError
from vdes.metrics.constant_level import constant_level
from vdes.metrics.decollated import naming_case
from vdes.metrics.enhancement import enhancement_rows
from vdes.metrics.fidelity import case_rows, fidelity
from vdes.metrics.lesion_table import lesion_rows, lesion_table
from vdes.statistics.enhancement_summary import enhancement_summary
from vdes.statistics.fidelity_summary import summarise
from vdes.statistics.lesion_summary import summarise_lesions
from vdes.study.aligned_images import VIRTUAL, AlignedImages
from vdes.study.case_pictures import case_outline, case_pictures, picture_shape
from vdes.study.disagreement import DisagreementSums, disagreement

FIDELITY_FILE, ENHANCEMENT_FILE, LESIONS_FILE = "fidelity_per_case.csv", "enhancement_per_case.csv", "lesions.csv"
CASES_FILE, SCORING_FILE = "cases.json", "scoring.json"
_LABELS = (
    "case", "patient", "laterality", "view", "pathology", "malignant", "density", "background_enhancement",
    "lesion_type", "birads", "findings",
)  # fmt: skip

logger = logging.getLogger(__name__)

Row = dict[str, Any]


class _Scored(NamedTuple):
    fidelity: list[Row]
    enhancement: list[Row]
    lesions: list[Row]
    case: Row
    disagreement: dict[str, dict[str, np.ndarray]]  # by generator; empty if locations cannot be compared


def score_images(
    datalist: PathLike | Datalist,
    virtual: Mapping[str, PathLike | Datalist],
    section: str,
    height: int,
    output: Path,
    workers: int = 0,
    overwrite: bool = False,
) -> None:
    """Score the virtual DES images of every generator against the real ones.

    Writes into ``output``, completely or not at all:

    - ``images/fidelity_per_case.csv``: rows of `vdes.metrics.fidelity.case_rows` and the ``generator``;
    - ``images/enhancement_per_case.csv``: rows of `vdes.metrics.enhancement.enhancement_rows` and the ``generator``;
    - ``images/lesions.csv``: rows of `vdes.metrics.lesion_table.lesion_rows` and the ``generator``;
    - ``images/disagreement_map-<g>.npz``: `vdes.study.disagreement.DisagreementSums` of the registered cases;
    - ``images/cases.json``: a list with an entry per case: its labels and further columns, ``shape`` and
      ``pixel_size_mm`` of its pictures, ``outline`` of its lesions in them, ``pictures`` by kind (paths from
      ``output``) and ``tags`` (``missed enhancement`` and ``hallucination`` if any generator's image has one,
      ``unregistered``);
    - ``images/scoring.json``: the ``height``, the ``constant_level`` and its section;
    - ``pictures/<case>/<kind>.png``: see `vdes.study.case_pictures.case_pictures`.

    The level of the constant prediction comes from the training section or, if that has no pair, from the validation
    section. If neither has one, it has no rows, and the log and ``scoring.json`` say so.

    Args:
        datalist: the pairs, or their file.
        virtual: by generator, a datalist (or its file) of its virtual DES images with all of the section's cases, from
            `vdes.data.virtual_datalist.write_virtual_datalist`.
        section: training, validation or test.
        height: rows of the grid that all images are compared on.
        output: folder; created if it is missing.
        workers: additional processes.
        overwrite: replace existing ``images`` and ``pictures``.

    Raises:
        InputError: as `AlignedImages`; there is no generator, a metric refuses a case, or the results exist and
            ``overwrite`` is False.
    """
    if not virtual:
        raise InputError("virtual: no generator; expected one or more")
    listed = Datalist.of(datalist)
    pairs = AlignedImages(listed, section, height, virtual)
    output.mkdir(parents=True, exist_ok=True)
    pictures, images = output / "pictures", output / "images"  # in this order: images stands for a complete result
    with staged([pictures, images], overwrite) as stages:
        level, source = _constant_level(listed, height, workers)
        stages[pictures].mkdir()
        stages[images].mkdir()
        rows: list[Row] = []
        enhancement: list[Row] = []
        lesions: list[Row] = []
        cases: list[Row] = []
        sums = {generator: DisagreementSums() for generator in virtual}
        scores = _loaded(_Scores(pairs, stages[pictures], level, listed.fields.get(FIELD, ())), workers)
        for scored in tqdm(scores, desc="scoring images", total=len(pairs), unit="case"):
            rows += scored.fidelity
            enhancement += scored.enhancement
            lesions += scored.lesions
            cases.append(scored.case)
            for generator, maps in scored.disagreement.items():
                sums[generator].add(scored.case["view"], scored.case["patient"], maps)
        pd.DataFrame(rows).to_csv(stages[images] / FIDELITY_FILE, index=False)
        pd.DataFrame(enhancement).to_csv(stages[images] / ENHANCEMENT_FILE, index=False)
        lesion_table(lesions).to_csv(stages[images] / LESIONS_FILE, index=False)
        for generator in virtual:
            sums[generator].save(stages[images] / f"disagreement_map-{generator}.npz")
        scoring = {"height": height, "constant_level": level, "constant_level_from": source}
        for name, content in ((CASES_FILE, cases), (SCORING_FILE, scoring)):
            text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
            (stages[images] / name).write_text(text + "\n", encoding="utf-8")


def image_tables(folder: Path, n_resamples: int = 2000, seed: int = 0) -> dict[str, list[Row]]:
    """Summarise the results of `score_images`, with 95 % patient-bootstrap intervals.

    Args:
        folder: folder with ``images``.
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap.

    Returns:
        ``fidelity``: rows of `vdes.statistics.fidelity_summary.summarise`; ``enhancement``: rows of
        `vdes.statistics.enhancement_summary.enhancement_summary`; and ``lesions``: rows of
        `vdes.statistics.lesion_summary.summarise_lesions`; each with its ``generator``; None for NaN and infinity.
        The rows of the trivial methods are the same for every generator.

    Raises:
        InputError: a table is missing or not valid.
    """
    summaries = {
        "fidelity": (FIDELITY_FILE, summarise),
        "enhancement": (ENHANCEMENT_FILE, enhancement_summary),
        "lesions": (LESIONS_FILE, summarise_lesions),
    }
    tables: dict[str, list[Row]] = {}
    for name, (file, summary) in summaries.items():
        path = folder / "images" / file
        try:
            rows = pd.read_csv(path, dtype={"case": str, "patient": str, "generator": str})
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as a table ({error}); score the images first") from error
        tables[name] = [
            {"generator": generator, **{str(key): _finite(value) for key, value in row.items()}}
            for generator, table in (rows.groupby("generator", sort=False) if len(rows) else ())
            for row in summary(table.drop(columns="generator"), n_resamples, seed).to_dict("records")
        ]
    return tables


class _Scores(Dataset):
    """The scores of each case; writes its pictures too."""

    def __init__(self, pairs: AlignedImages, folder: Path, constant: float | None, columns: Sequence[str]) -> None:
        self.pairs = pairs
        self.folder = folder
        self.constant = constant
        self.columns = columns

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> _Scored:
        case = self.pairs[index]
        with naming_case(case):
            scored = self._fidelity(case)
            enhancement = self._enhancement(case)
            lesions = self._lesions(case)
        tags = [] if case["registered"] else ["unregistered"]
        virtual = [row for row in enhancement if row["method"] == "virtual_des"]
        if any(row["real_enhances"] == 1 and row["enhances"] == 0 for row in virtual):
            tags.append("missed enhancement")
        if any(row["hallucinations"] > 0 for row in virtual):
            tags.append("hallucination")
        placed = case["registered"] and case["view"] in VIEWS
        maps = {name: disagreement(case, VIRTUAL + name) for name in self.pairs.generators} if placed else {}
        return _Scored(scored, enhancement, lesions, self._entry(case, tags), maps)

    def _fidelity(self, case: Row) -> list[Row]:
        masks = {key: case[key] for key in ("breast_mask", "lesion_mask", "des_lesion_mask")}
        named = {"case": case["case"], "patient": case["patient"]}
        first, *others = self.pairs.generators
        rows = case_rows(
            **named,
            low_energy=case["low_energy"],
            des=case["des"],
            virtual_des=case[VIRTUAL + first],
            **masks,
            constant=self.constant,
        )
        scored = [{"generator": first, **row} for row in rows]
        trivial = rows[1:]  # the same for all
        for generator in others:
            found = fidelity(case[VIRTUAL + generator], case["des"], **masks)
            for row in ({**named, "method": "virtual_des", **found}, *trivial):
                scored.append({"generator": generator, **row})
        return scored

    def _enhancement(self, case: Row) -> list[Row]:
        predictions = {VIRTUAL + name: case[VIRTUAL + name] for name in self.pairs.generators}
        rows = enhancement_rows(
            case["case"],
            case["patient"],
            predictions | {"low_energy": case["low_energy"]},
            case["des"],
            case["breast_mask"],
            case["lesion_mask"],
            case["des_lesion_mask"],
            case["pixel_size_mm"],
            case["registered"],
        )
        virtual, trivial = rows[: len(predictions)], rows[len(predictions) :]
        return [
            {"generator": generator, **row}
            for generator, own in zip(self.pairs.generators, virtual, strict=True)
            for row in ({**own, "method": "virtual_des"}, *trivial)
        ]

    def _lesions(self, case: Row) -> list[Row]:
        masks = {key: case[key] for key in ("breast_mask", "lesion_mask", "des_lesion_mask")}
        rows = []
        for generator in self.pairs.generators:
            images = {"virtual_des": case[VIRTUAL + generator], "low_energy": case["low_energy"]}
            found = lesion_rows(case["case"], case["patient"], case["des"], images, **masks)
            rows += [{"generator": generator, **row} for row in found]
        return rows

    def _entry(self, case: Row, tags: list[str]) -> Row:
        folder = self.folder / case["case"]
        drawn = case_pictures(case)
        try:
            folder.mkdir()
            for kind, picture in drawn.items():
                picture.save(folder / f"{kind}.png")
        except OSError as error:  # torch sends it from a worker as text
            raise InputError(f"{folder}: cannot be written ({error.strerror or error}); {FREE}") from error
        shape = picture_shape(case)
        pixel_size = case["pixel_size_mm"]
        return {
            **{label: case.get(label) for label in (*_LABELS, *self.columns)},
            "shape": list(shape),
            "pixel_size_mm": None if pixel_size is None else pixel_size * case["content"][0] / shape[0],
            "outline": case_outline(case),
            "pictures": {kind: f"pictures/{case['case']}/{kind}.png" for kind in drawn},
            "tags": tags,
        }


def _constant_level(datalist: Datalist, height: int, workers: int) -> tuple[float | None, str | None]:
    """Return the level and its section."""
    for name in ("training", "validation"):
        if any(item["low_energy"] is not None and item["des"] is not None for item in datalist.items(name)):
            pairs = _loaded(AlignedImages(datalist, name, height), workers)
            return constant_level({**case, "label": case["des"]} for case in pairs), name
    logger.warning("%s: no training or validation pair: the constant prediction is left out", datalist)
    return None, None


def _loaded(dataset: Dataset, workers: int) -> Iterator[Any]:
    loader = DataLoader(dataset, batch_size=None, num_workers=workers, collate_fn=_as_is)
    with torch.random.fork_rng(devices=[]):  # a loader uses the random state
        yield from loader


def _as_is(case: Any) -> Any:
    return case


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
