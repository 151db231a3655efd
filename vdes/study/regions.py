"""The region study: malignant lesions against other regions of the same breasts, in real and in virtual DES.

With malignant pairs only, an image classifier cannot be evaluated, but regions can: lesions against regions of the same
size and shape elsewhere in the same breast. The classifier is a logistic regression on a few simple features, fitted on
the regions of training patients, with its threshold chosen on those of validation patients.

The trap: a generator has seen its training patients, so their virtual images are closer to the real ones than those of
test patients. A classifier retrained on virtual images of training patients learns from better images than those it is
tested on.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from skimage.morphology import isotropic_erosion
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.multitest import multipletests
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from vdes.data.datalist import SECTIONS, Datalist, PathLike
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.metrics.region_features import region_features
from vdes.statistics.classification_metrics import METRICS
from vdes.statistics.operating_threshold import best_f1_threshold
from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.statistics.paired_tests import PAIRED_TESTS
from vdes.study.aligned_images import VIRTUAL, AlignedImages
from vdes.study.arms import Arm, compared, study_arms
from vdes.study.contents import CONTENTS
from vdes.study.matched_regions import lesion_regions, matched_regions
from vdes.study.question import Question
from vdes.study.study_tables import records
from vdes.study.verdicts import verdicts

LEVEL = "region"
EDGE_PX = 2  # outermost pixels of the breast: blur mixes them with air, and a ring must not reveal how near the air is
COUNTS_FILE = "counts.json"
LABELS = ("case", "patient", "laterality", "malignant")
PREDICTION_COLUMNS = [
    "level", "case", "patient", "laterality", "malignant", "probability", "threshold", "prediction",
]  # fmt: skip

logger = logging.getLogger(__name__)

Row = dict[str, Any]


def region_arms(generators: Sequence[str]) -> list[Arm]:
    """Return the arms of the study of images that make sense for the features of a region."""
    arms = study_arms(generators, retrained=True)
    return [arm for arm in arms if arm.content is None or CONTENTS[arm.content].in_regions]


def region_table(
    datalist: PathLike | Datalist,
    virtual: Mapping[str, PathLike | Datalist],
    height: int,
    seed: int = 0,
    workers: int = 0,
) -> pd.DataFrame:
    """Return the features of all regions of malignant cases, in every image.

    Args:
        datalist: pairs, or their file, with training, validation and test sections.
        virtual: by generator, a datalist (or its file) of its virtual DES images of all three sections, as
            `vdes.data.virtual_datalist.write_virtual_datalist` makes it.
        height: rows of the grid that images are compared on; the columns are three quarters of it.
        seed: seed of the locations of matched regions, which do not depend on the order of cases.
        workers: additional processes.

    Returns:
        One row per region: ``case`` (the region's name, ``<case>/<lesion>`` or ``<case>/<lesion>/<match>``),
        ``patient``, ``laterality``, ``malignant``, ``section``, ``matches`` (of the lesion; 0 if none fits) and
        ``<image>:<feature>`` of `vdes.metrics.region_features` for low_energy, des and virtual_des-<g>. Regions in
        real DES are those drawn on it; in the other images they are those drawn on low energy. Pairs that could not be
        registered and lesions that were not drawn on both images are left out, and logged.

    Raises:
        InputError: as `AlignedImages`, or a section has no region.
    """
    listed = Datalist.of(datalist)
    made = {generator: Datalist.of(one) for generator, one in virtual.items()}
    rows: list[Row] = []
    for section in SECTIONS:
        pairs = _Regions(AlignedImages(listed, section, height, made), section, seed)
        loader = DataLoader(pairs, batch_size=None, num_workers=workers, collate_fn=_as_is)
        found = [row for case in tqdm(loader, desc=f"regions, {section}", unit="case") for row in case]
        if not any(row["matches"] for row in found):
            raise InputError(f"{datalist}: {section}: no malignant lesion drawn on both images with room for a match")
        rows += found
    return pd.DataFrame(rows)


def region_predictions(table: pd.DataFrame, generators: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Fit the classifiers on training patients, and predict the regions of test patients, for every arm.

    Each classifier is a logistic regression (scikit-learn's, L2 with C = 1, features standardised on training regions,
    balanced class weights); its threshold is the one with the best F1 on validation patients, in the images that it was
    trained on. Lesions without a match are left out.

    Args:
        table: table of `region_table`.
        generators: names of the generators.

    Returns:
        By arm of `region_arms` a table with ``level`` (region), ``case``, ``patient``, ``laterality``, ``malignant``,
        ``probability``, ``threshold`` and ``prediction``.
    """
    matched = table[table["matches"] > 0]
    parts = {section: matched[matched["section"] == section] for section in SECTIONS}
    fitted: dict[tuple[str, ...], tuple[Pipeline, float]] = {}
    predictions = {}
    for arm in region_arms(generators):
        learned, judged = _images(arm)
        if learned not in fitted:
            fitted[learned] = _fitted(parts, learned)
        model, threshold = fitted[learned]
        probability = model.predict_proba(_features(parts["test"], judged))[:, 1]
        predictions[arm.arm] = (
            parts["test"][list(LABELS)]
            .assign(
                level=LEVEL,
                probability=probability,
                threshold=threshold,
                prediction=(probability >= threshold).astype(int),
            )
            .reset_index(drop=True)[PREDICTION_COLUMNS]
        )
    return predictions


def region_study(
    datalist: PathLike | Datalist,
    virtual: Mapping[str, PathLike | Datalist],
    height: int,
    output: Path,
    seed: int = 0,
    workers: int = 0,
    overwrite: bool = False,
) -> Path:
    """Run the region study and write its predictions.

    Args:
        datalist: as in `region_table`.
        virtual: as in `region_table`.
        height: as in `region_table`.
        output: folder; created if it is missing.
        seed: as in `region_table`.
        workers: as in `region_table`.
        overwrite: replace existing ``regions``.

    Returns:
        ``<output>/regions``, written completely or not at all: ``<arm>.csv`` of `region_predictions`, and
        ``counts.json`` with the number of ``lesions``, ``matches``, ``cases`` and ``patients`` of each section, and of the lesions that
        were ``left_out`` because no region of their size and shape fits elsewhere.

    Raises:
        InputError: as `region_table`, or the folder exists and ``overwrite`` is False.
    """
    output.mkdir(parents=True, exist_ok=True)
    folder = output / "regions"
    with staged([folder], overwrite) as stages:
        table = region_table(datalist, virtual, height, seed, workers)
        stages[folder].mkdir()
        for arm, predictions in region_predictions(table, list(virtual)).items():
            predictions.to_csv(stages[folder] / f"{arm}.csv", index=False)
        text = json.dumps(_counts(table), indent=1)
        (stages[folder] / COUNTS_FILE).write_text(text + "\n", encoding="utf-8")
    return folder


def region_tables(folder: Path, generators: Sequence[str], question: Question) -> dict[str, list[Row]]:
    """Return the tables of the region study, with the statistics of the study of images.

    Args:
        folder: folder that `region_study` returned.
        generators: as there.
        question: its metric, margin, confidence, power, resamples and seed.

    Returns:
        ``classification``: values of all metrics, and differences to each arm's reference, with paired bootstrap
        intervals of whole patients; ``verdicts``: non-inferiority by the question's metric; ``tests``: McNemar's and
        DeLong's p-values with Holm's correction over the arms. The tests assume independent regions, but those of
        one patient are not independent: the p-values are too small, so rely on the intervals.

    Raises:
        InputError: a table is missing, or the arms' regions differ.
    """
    arms = region_arms(generators)
    tables = {arm.arm: _read(folder / f"{arm.arm}.csv") for arm in arms}
    found, judged = [], []
    for reference in dict.fromkeys(arm.reference or arm.arm for arm in arms):
        group = {reference: tables[reference]}
        group |= {arm.arm: tables[arm.arm] for arm in arms if arm.reference == reference}
        table = paired_bootstrap(
            group, reference, METRICS, question.n_resamples, question.seed, question.confidence
        ).assign(reference=reference)
        table.loc[table["statistic"] == "value", "reference"] = None
        found.append(table)
        judged += verdicts(table.assign(reference=reference), question)
    classification = pd.concat(found, ignore_index=True).drop_duplicates(["arm", "metric", "statistic"])
    return {"classification": records(classification), "verdicts": judged, "tests": _tests(arms, tables)}


class _Regions(Dataset):
    """The features of each case's regions."""

    def __init__(self, pairs: AlignedImages, section: str, seed: int) -> None:
        self.pairs = pairs
        self.malignant = [i for i, item in enumerate(pairs.items) if item["malignant"] == 1 and "lesion_mask" in item]
        self.section = section
        self.seed = seed

    def __len__(self) -> int:
        return len(self.malignant)

    def __getitem__(self, index: int) -> list[Row]:
        case = self.pairs[self.malignant[index]]
        name = case["case"]
        if not case["registered"]:
            logger.warning("%s: left out, not registered", name)
            return []
        breast, drawn, on_des = (case[k][0].numpy() > 0 for k in ("breast_mask", "lesion_mask", "des_lesion_mask"))
        breast = isotropic_erosion(breast, EDGE_PX)
        images = {key: case[key][0].numpy().astype(float) for key in self._keys()}
        rng = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
        lesions = lesion_regions(drawn, on_des, breast)
        if not lesions:
            logger.warning("%s: left out, no lesion was drawn on both images", name)
        rows = []
        for number, lesion in enumerate(lesions):
            matches = matched_regions(lesion, drawn | on_des, breast, rng)
            for place, region in enumerate([lesion, *matches]):
                labels = {
                    "case": f"{name}/{number}" + (f"/{place}" if place else ""),
                    "patient": case["patient"],
                    "laterality": case["laterality"],
                    "malignant": int(place == 0),
                    "section": self.section,
                    "matches": len(matches),
                }
                features = {
                    f"{key}:{feature}": value
                    for key, image in images.items()
                    for feature, value in region_features(
                        image, region.des if key == "des" else region.low_energy, breast
                    ).items()
                }
                rows.append(labels | features)
        return rows

    def _keys(self) -> tuple[str, ...]:
        return ("low_energy", "des", *(VIRTUAL + generator for generator in self.pairs.generators))


def _images(arm: Arm) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the images that an arm's classifier was trained on, and those that it is tested on."""
    if arm.inputs == "low_energy":
        return ("low_energy",), ("low_energy",)
    first = ("low_energy",) if arm.inputs == "both" else ()
    shown = VIRTUAL + arm.generator if arm.generator else "des"
    return (*first, shown if arm.classifier == "retrained" else "des"), (*first, shown)


def _features(table: pd.DataFrame, images: Sequence[str]) -> np.ndarray:
    columns = [column for image in images for column in table.columns if str(column).startswith(f"{image}:")]
    return table[columns].to_numpy()


def _fitted(parts: Mapping[str, pd.DataFrame], images: Sequence[str]) -> tuple[Pipeline, float]:
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    model.fit(_features(parts["training"], images), parts["training"]["malignant"])
    validation = model.predict_proba(_features(parts["validation"], images))[:, 1]
    return model, best_f1_threshold(validation, parts["validation"]["malignant"])


def _tests(arms: Sequence[Arm], tables: Mapping[str, pd.DataFrame]) -> list[Row]:
    rows: list[Row] = []
    for name, test in PAIRED_TESTS.items():
        pairs = list(compared(arms, tables))
        p_values = [
            test.p_value(tables[arm.arm].set_index("case"), tables[reference].set_index("case"))
            for arm, reference in pairs
        ]
        corrected = multipletests(p_values, method="holm")[1]
        rows += [
            {"arm": arm.arm, "reference": reference, "test": name, "p_value": p_value, "p_holm": float(p_holm)}
            for (arm, reference), p_value, p_holm in zip(pairs, p_values, corrected, strict=True)
        ]
    return rows


def _counts(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    counts = {}
    for section, rows in table.groupby("section", sort=False):
        part = rows[rows["matches"] > 0]
        lesions = part.loc[part["malignant"] == 1, "case"]
        counts[str(section)] = {
            "lesions": len(lesions),
            "matches": len(part) - len(lesions),
            "cases": int(lesions.str.rsplit("/", n=1).str[0].nunique()),
            "patients": int(part["patient"].nunique()),
            "left_out": len(rows) - len(part),
        }
    return counts


def _read(file: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(file, dtype={"case": str, "patient": str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as a table ({error}); run the region study first") from error


def _as_is(rows: list[Row]) -> list[Row]:
    return rows
