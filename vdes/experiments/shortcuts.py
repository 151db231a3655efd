"""Ask whether anything but the breast's picture gives the class away: a control for the lesion classifier.

Learners that never see the breast are trained to tell malignant from normal and benign, fold by fold as the classifier
is. Their out-of-fold AUC stands beside that of the same learners on labels that were shuffled between patients. The
feature groups have three scopes:

- file: what can be read from the file, its frame and the air in it. The classifier never sees it.
- kept: what outlives the classifier's preprocessing (chest wall left, crop to the breast, stretch to a square, air set
  to 0) and is no picture of the breast. A learner above chance here has found a shortcut that is open to the
  classifier.
- content: how many bytes that square takes as a JPEG, which grows with the breast's texture. That is no control: it is
  there because the bytes of the file may tell the class for this reason alone.

"encoding" holds the bytes of the file beyond those of its picture, decoded and encoded again in the same way: what the
size of the file tells beside the picture. Of whole examinations, what their number of images and of breasts tells is
listed too: pooling sees that. Writes a JSON file and prints its tables as Markdown.

    vdes experiment shortcuts --datalists fold0.json fold1.json fold2.json --output shortcut_control.json
"""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, JpegImagePlugin
from scipy.ndimage import distance_transform_edt
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vdes import __version__
from vdes.data.datalist import Datalist, Item, PathLike
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.experiments.settings import ShortcutControl
from vdes.statistics.bootstrap import cluster_bootstrap_weights, percentile_interval
from vdes.statistics.classification_metrics import classification_metrics
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table
from vdes.transforms.breast_mask import BreastMask, chest_wall_is_left
from vdes.transforms.classifier_preprocessing import classifier_preprocessing
from vdes.transforms.preprocessing import AIR, air_threshold, image_preprocessing
from vdes.transforms.read_mammogram import ReadMammogram

# a group's scope, and the prefixes of its features
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "geometry": ("file", ("geometry",)),
    "file": ("file", ("bytes", "jpeg")),
    "encoding": ("file", ("excess", "jpeg")),
    "border": ("file", ("border",)),
    "cropped air": ("file", ("cropped",)),
    "orientation": ("file", ("orientation",)),
    "all of file": ("file", ("geometry", "bytes", "jpeg", "border", "cropped", "orientation")),
    "all of file but bytes": ("file", ("geometry", "excess", "jpeg", "border", "cropped", "orientation")),
    "view": ("kept", ("view",)),
    "air": ("kept", ("air",)),
    "outline": ("kept", ("outline",)),
    "crop": ("kept", ("crop",)),
    "all kept": ("kept", ("view", "air", "outline", "crop")),
    "content": ("content", ("content",)),
}
FILLED = SimpleImputer(strategy="median", keep_empty_features=True)  # that a feature is missing must tell nothing
LEARNERS = {
    "logistic": make_pipeline(FILLED, StandardScaler(), LogisticRegression(max_iter=1000)),
    "boosting": make_pipeline(
        FILLED,
        HistGradientBoostingClassifier(
            max_iter=100, learning_rate=0.05, max_leaf_nodes=8, early_stopping=False, random_state=0
        ),
    ),
}
# the outermost pixels, once the chest wall is at the left
SIDES: dict[str, Any] = {"chest": np.s_[:, 0], "nipple": np.s_[:, -1], "top": np.s_[0], "bottom": np.s_[-1]}
ZERO = 1 / 512  # of the intensity range: less than half a grey level of 8 bits
MARGIN = 8  # pixels around the breast that are not taken for air: a JPEG block, in which the edge of the skin rings
QUALITY = 90  # of the JPEG that measures texture
PACKAGES = ("torch", "monai", "numpy", "scipy", "scikit-learn", "pandas", "pillow")


def write_control(settings: ShortcutControl, overwrite: bool = False) -> dict[str, Any]:
    """Run the control and write its results as JSON.

    Args:
        settings: the folds, and what is drawn.
        overwrite: replace the JSON file.

    Returns:
        What was written, see `control`.

    Raises:
        InputError: as `control`, or the file exists already.
    """
    settings.output.parent.mkdir(parents=True, exist_ok=True)
    with staged([settings.output], overwrite) as stages:
        result = control(settings)
        stages[settings.output].write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return result


def control(settings: ShortcutControl) -> dict[str, Any]:
    """Return the results: provenance, one row a group and learner, and the AUC of each feature by itself.

    Raises:
        InputError: see `cases_of_folds`; also when an image cannot be read.
    """
    datalists = [Datalist.read(path) for path in settings.datalists]
    cases = cases_of_folds(datalists, settings.modality)
    limits = datalists[0].intensity_range(settings.modality)
    features = Features(settings.modality, limits, settings.size)
    table = pd.DataFrame([features(case) for case in cases])
    labels = pd.DataFrame(cases, columns=["case", "patient", "laterality", "view", "fold", "malignant"])
    return {
        "provenance": provenance(settings, datalists, labels),
        "learners": {name: " ".join(repr(learner).split()) for name, learner in LEARNERS.items()},
        "shuffles": settings.shuffles,
        "resamples": settings.resamples,
        "seed": settings.seed,
        "groups": group_rows(table, labels, settings.shuffles, settings.resamples, settings.seed),
        "features": feature_rows(table, labels),
        "examinations": examination_rows(labels, settings.resamples, settings.seed),
    }


def cases_of_folds(folds: Sequence[PathLike | Datalist], modality: str) -> list[Item]:
    """Return the items of all test sections, with the number of their ``fold``.

    Items without an image of the modality or a pathology are left out.

    Raises:
        InputError: fewer than two datalists, one that is none, or datalists that are not the folds of one data set:
            each must list the same cases, and each case must be tested once.
    """
    if len(folds) < 2:
        raise InputError(f"--datalists: expected the datalists of at least two folds, got {len(folds)}")
    datalists = [Datalist.of(fold) for fold in folds]
    names = [{item["case"] for item in datalist.items()} for datalist in datalists]
    tested: dict[str, Datalist] = {}
    for datalist, cases in zip(datalists, names, strict=True):
        if cases != names[0]:
            odd = min(cases ^ names[0])
            raise InputError(
                f"{datalist}: case {odd} is not in both this and {datalists[0]}; expected folds of one data set"
            )
        for item in datalist.items("test"):
            if item["case"] in tested:
                raise InputError(f"{datalist}: test: case {item['case']} is tested by {tested[item['case']]} already")
            tested[item["case"]] = datalist
    left = names[0] - tested.keys()
    if left:
        raise InputError(f"--datalists: case {min(left)} is in no test section; pass the datalists of all folds")
    return [
        {**item, "fold": fold}
        for fold, datalist in enumerate(datalists)
        for item in datalist.section("test", (modality, "pathology"))
    ]


def provenance(settings: ShortcutControl, datalists: Sequence[Datalist], labels: pd.DataFrame) -> dict[str, Any]:
    """Return what the result rests on: data, split, counts, hashes and versions; no path of the machine."""
    split = {key: value for key, value in (datalists[0].split or {}).items() if key != "fold"}
    return {
        "data": datalists[0].name,
        "modality": settings.modality,
        "section": "test of each fold",
        "split": split or None,
        "images": len(labels),
        "patients": int(labels["patient"].nunique()),
        "malignant_images": int(labels["malignant"].sum()),
        "square": settings.size,
        "datalists_sha256": [datalist.sha256 for datalist in datalists],
        "versions": {"vdes": __version__, "python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
    }


class Features:
    """Return the features of one image, a datalist's item, under the names ``<prefix>.<feature>``.

    One number a feature; NaN where the image has no such pixels, and for what only JPEG files have.

    Args:
        modality: the item's field with the file, ``low_energy`` or ``des``.
        limits: the intensities that become 0 and 1.
        size: side of the classifier's square.

    Raises:
        InputError: the file cannot be read, or shows no breast.
    """

    def __init__(self, modality: str, limits: tuple[float, float], size: int) -> None:
        self.modality = modality
        self.limits = limits
        self.read = ReadMammogram()
        self.mask = BreastMask(air_threshold(limits))
        self.square = image_preprocessing(modality, "image", size, size, limits, stretch=True)
        self.seen = classifier_preprocessing(size, limits, limits, (modality,))

    def __call__(self, item: Item) -> dict[str, float]:
        """Return the features of ``item``; of its labels, ``laterality`` and ``view`` count."""
        file = item[self.modality]
        image = self.read(file)
        low, high = self.limits
        pixels = ((image[0].numpy() - low) / (high - low)).clip(0, 1)
        mask = self.mask(image)[0].numpy() > 0
        left = chest_wall_is_left(mask)
        if not left:
            pixels, mask = pixels[:, ::-1], mask[:, ::-1]
        height, width = pixels.shape
        tall, wide = (float(np.ptp(np.flatnonzero(mask.any(axis=axis))) + 1) for axis in (1, 0))

        square = self.square({self.modality: file})
        cropped, breast = square["image"][0].numpy(), square["breast_mask"][0].numpy() > 0
        seen = self.seen({self.modality: file})[self.modality][0].numpy()
        n_bytes = Path(file).stat().st_size
        jpeg, recoded = jpeg_features(file)
        found: dict[str, dict[str, float]] = {
            "geometry": {"width": width, "height": height, "aspect": width / height},
            "bytes": {"all": n_bytes, "per_pixel": n_bytes / (width * height)},
            "jpeg": jpeg,
            "excess": {"bytes": n_bytes - recoded},
            "border": {**empty_lines(pixels), **air_features(pixels, mask)},
            "orientation": {"left": item["laterality"] == "L", "chest_wall_left": left},
            "cropped": air_features(cropped, breast),
            "view": {"cc": item["view"] == "CC"},
            "air": air_features(seen, breast),
            "outline": {
                "breast": breast.mean(),
                **{f"{side}_breast": breast[line].mean() for side, line in SIDES.items()},
            },
            "crop": {"height": tall / height, "width": wide / width, "aspect": wide / tall},
            "content": {"bytes": jpeg_bytes(seen)},
        }
        return {f"{prefix}.{name}": float(value) for prefix, values in found.items() for name, value in values.items()}


def jpeg_features(file: str) -> tuple[dict[str, float], float]:
    """Return what a JPEG file says of its encoding, and its bytes when decoded and encoded again in the same way.

    What the file has beyond those bytes it holds beside its picture, such as comments. All is NaN for other files.
    """
    names = ("quantisation_mean", "quantisation_tables", "subsampling", "progressive", "components", "segments")
    if Path(file).suffix.lower() not in (".jpg", ".jpeg"):
        return dict.fromkeys(names, np.nan), np.nan
    with Image.open(file) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile):
            return dict.fromkeys(names, np.nan), np.nan
        tables = list(image.quantization.values())
        progressive = "progressive" in image.info
        facts = (
            float(np.mean(tables)),
            len(tables),
            JpegImagePlugin.get_sampling(image),
            progressive,
            image.layers,
            len(image.applist),  # JFIF is one; EXIF, colour profiles and comments are more
        )
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality="keep", progressive=progressive, comment="")
    return dict(zip(names, facts, strict=True)), buffer.tell()


def jpeg_bytes(pixels: np.ndarray) -> int:
    """Return the bytes of an image (H, W) in [0, 1] as an 8-bit JPEG of quality `QUALITY`."""
    buffer = io.BytesIO()
    Image.fromarray(np.rint(pixels * 255).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=QUALITY)
    return buffer.tell()


def empty_lines(pixels: np.ndarray) -> dict[str, float]:
    """Return the shares of rows or columns, counted from each side inwards, that are all zero or all dark (air)."""
    brightest = {"top": pixels.max(axis=1), "chest": pixels.max(axis=0)}
    brightest |= {"bottom": brightest["top"][::-1], "nipple": brightest["chest"][::-1]}
    return {
        f"{side}_{name}": float(np.logical_and.accumulate(lines <= limit).mean())
        for side, lines in brightest.items()
        for name, limit in (("zero", ZERO), ("dark", AIR))
    }


def air_features(pixels: np.ndarray, breast: np.ndarray) -> dict[str, float]:
    """Return level and noise of the air around a breast, and of the air among the outermost pixels of each side.

    Args:
        pixels: image (H, W) in [0, 1].
        breast: its breast mask (H, W).

    Returns:
        ``mean``, ``sd``, ``max``, the shares ``zero`` and ``lit`` (above the level of air: text and markers), ``noise``
        (standard deviation of what is not lit), and ``<side>_mean`` and ``<side>_sd``; NaN without such pixels.
    """
    outside = distance_transform_edt(~breast) > MARGIN
    found = dict.fromkeys(("mean", "sd", "max", "zero", "lit", "noise"), np.nan)
    values = pixels[outside]
    if values.size:
        found |= {"mean": values.mean(), "sd": values.std(), "max": values.max()}
        found |= {"zero": (values <= ZERO).mean(), "lit": (values > AIR).mean()}
        if (values <= AIR).any():
            found["noise"] = values[values <= AIR].std()
    for side, line in SIDES.items():
        edge = pixels[line][outside[line]]
        found |= {
            f"{side}_mean": edge.mean() if edge.size else np.nan,
            f"{side}_sd": edge.std() if edge.size else np.nan,
        }
    return found


def group_rows(
    table: pd.DataFrame, labels: pd.DataFrame, shuffles: int, resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Return one row a feature group and learner.

    Args:
        table: features, one row an image.
        labels: ``case``, ``patient``, ``fold`` and ``malignant`` of the same images.
        shuffles: number of label shuffles.
        resamples: number of bootstrap samples.
        seed: of both.

    Returns:
        Rows of ``group``, ``scope``, ``learner``; the out-of-fold ``auc`` with its 95 % patient-cluster bootstrap
        interval ``low`` to ``high``; ``shuffled``, the mean and the 2.5 % and 97.5 % quantiles of the AUC on shuffled
        labels; and ``p``, the share of shuffles, the true labels counted as one, with an AUC as high.
    """
    folds, truth = labels["fold"].to_numpy(), labels["malignant"].to_numpy(dtype=int)
    rng = np.random.default_rng(seed)
    null_labels = [shuffled_labels(labels, rng) for _ in range(shuffles)]
    weights = np.concatenate(list(cluster_bootstrap_weights(labels["patient"], resamples, seed)))
    rows = []
    for group, (scope, prefixes) in GROUPS.items():
        chosen = table.loc[:, [str(name).split(".")[0] in prefixes for name in table]].to_numpy()
        for name, learner in LEARNERS.items():
            scores = out_of_fold(learner, chosen, truth, folds)
            auc = float(roc_auc_score(truth, scores))
            drawn = classification_metrics(truth, scores, weights=weights, metrics=["auc"])["auc"]
            interval = percentile_interval(auc, drawn)
            null = np.array([roc_auc_score(y, out_of_fold(learner, chosen, y, folds)) for y in null_labels])
            least, most = np.quantile(null, [0.025, 0.975])
            rows.append(
                {
                    "group": group,
                    "scope": scope,
                    "learner": name,
                    **{"auc": auc, "low": interval.low, "high": interval.high},
                    "shuffled": {"mean": float(null.mean()), "low": float(least), "high": float(most)},
                    "p": float((1 + (null >= auc).sum()) / (1 + shuffles)),
                }
            )
    return rows


def out_of_fold(learner: Any, features: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return each image's rank, in (0, 1), among the scores of its fold by a learner trained on the other folds.

    Scores themselves cannot be pooled: where a fold has few malignant images the others have more, and so the learner's
    prior is higher, which pulls the AUC of worthless features below 0.5 (Parker et al., "Stratification bias in low
    signal microarray studies", BMC Bioinformatics 8:326, 2007).
    """
    ranks = np.empty(len(labels))
    for fold in np.unique(folds):
        tested = folds == fold
        fitted = clone(learner).fit(features[~tested], labels[~tested])
        scores = fitted.predict_proba(features[tested])[:, 1]
        ranks[tested] = (rankdata(scores) - 0.5) / len(scores)
    return ranks


def shuffled_labels(labels: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return labels (N,) dealt to other patients: each gets those of one with as many images, in either order.

    So the views of a breast stay alike, which a shuffle of images would break, and left and right change places.

    Args:
        labels: ``case``, ``patient`` and ``malignant`` of each image.
        rng: the source of chance.
    """
    truth = labels["malignant"].to_numpy(dtype=int)
    dealt = truth.copy()
    ordered = labels.reset_index(drop=True).sort_values("case")
    blocks = [block.index.to_numpy() for _, block in ordered.groupby("patient")]
    for size in sorted({len(block) for block in blocks}):
        alike = [block for block in blocks if len(block) == size]
        for block, source in zip(alike, rng.permutation(len(alike)), strict=True):
            dealt[block] = truth[alike[source]][:: rng.choice((-1, 1))]
    return dealt


def feature_rows(table: pd.DataFrame, labels: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row a feature: what it tells by itself, without a learner.

    Args:
        table: features, one row an image.
        labels: ``case``, ``patient``, ``view`` and ``malignant`` of the same images.

    Returns:
        Rows of ``feature``; the ``images`` that have it; its ``auc`` and its medians; and ``auc_within``, the chance
        that it is higher in a patient's malignant breast than in the same view of the other breast, over ``pairs``.
        Patient, machine and day are the same there, so what tells these apart comes from the breast, while a trait of
        whole patients is at 0.5. An AUC is None where only one class has the feature or there is no pair.
    """
    rows = []
    truth = labels["malignant"].astype(int)
    for name, values in table.items():
        known = values.notna()
        both = truth[known].nunique() == 2
        medians = {key: values[truth == label].median() for key, label in (("malignant", 1), ("others", 0))}
        pairs = labels.assign(value=values).pivot_table("value", ["patient", "view"], "malignant").dropna()
        gain = pairs[1] - pairs[0] if len(pairs.columns) == 2 else pd.Series(dtype=float)
        rows.append(
            {
                "feature": name,
                "images": int(known.sum()),
                "auc": float(roc_auc_score(truth[known], values[known])) if both else None,
                "median": {key: None if np.isnan(median) else float(median) for key, median in medians.items()},
                "pairs": len(gain),
                "auc_within": float(((gain > 0) + (gain == 0) / 2).mean()) if len(gain) else None,
            }
        )
    return rows


def examination_rows(labels: pd.DataFrame, resamples: int, seed: int) -> list[dict[str, Any]]:
    """Return what the number of images, and of breasts, tells of a patient's examination.

    Args:
        labels: ``patient``, ``laterality`` and ``malignant`` of each image.
        resamples: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        Rows of ``count`` (images or breasts); its ``auc`` for a malignant image in the examination, with the 95 %
        bootstrap interval ``low`` to ``high``; its mean among ``malignant`` and ``others``; and the ``examinations``.
        None where all examinations are malignant.
    """
    patients = labels.groupby("patient")
    truth = patients["malignant"].max().astype(int)
    rows: list[dict[str, Any]] = []
    if truth.all():
        return rows
    for name, count in (("images", patients.size()), ("breasts", patients["laterality"].nunique())):
        auc = float(roc_auc_score(truth, count))
        weights = np.concatenate(list(cluster_bootstrap_weights(truth.index, resamples, seed)))
        # counts stand for probabilities, of which the AUC takes the order alone
        drawn = classification_metrics(truth, count / count.max(), weights=weights, metrics=["auc"])["auc"]
        interval = percentile_interval(auc, drawn)
        means = {key: float(count[truth == label].mean()) for key, label in (("malignant", 1), ("others", 0))}
        rows.append(
            {"count": name, "auc": auc, "low": interval.low, "high": interval.high, **means, "examinations": len(count)}
        )
    return rows


def markdown(result: dict[str, Any]) -> str:
    """Return the results as a Markdown table, with what they rest on, and a line on examinations."""
    source = result["provenance"]
    lines = [
        f"Data: {source['data']}, {source['modality']}: {source['images']} images of {source['patients']} patients, "
        f"{source['malignant_images']} malignant; {len(source['datalists_sha256'])} folds, "
        f"{result['shuffles']} shuffles.",
        "",
    ]
    head = ["features", "scope", "learner", "AUC (95 % interval)", "labels shuffled: mean (2.5 to 97.5 %)", "p"]
    rows = [
        [
            row["group"],
            row["scope"],
            row["learner"],
            interval_text(row["auc"], row["low"], row["high"]),
            interval_text(*(row["shuffled"][key] for key in ("mean", "low", "high"))),
            f"{row['p']:.3f}",
        ]
        for row in result["groups"]
    ]
    lines.append(markdown_table(head, rows))
    if not result["examinations"]:
        return "\n".join(lines)
    told = []
    for row in result["examinations"]:
        means = f"; mean {row['malignant']:.1f} against {row['others']:.1f}"
        told.append(f"{row['count']} {interval_text(row['auc'], row['low'], row['high'], note=means)}")
    count = result["examinations"][0]["examinations"]
    lines += ["", f"AUC of mere counts for malignancy of an examination ({count}): {', '.join(told)}."]
    return "\n".join(lines)
