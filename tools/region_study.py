"""Classify malignant lesions against other regions of the same breasts, in real and in virtual DES images.

For data of malignant pairs only, such as the development images of CDD-CESM. Every generator's inference makes virtual
DES images of all pairs; vdes.study.regions says what is done with them. Images that are there are not made again.

    python tools/region_study.py --datalist datalist.json --output runs/regions \
        --generator unet=bundles/breast_cesm_virtual_des_unet \
        --generator cyclegan=bundles/breast_cesm_virtual_des_cyclegan
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from vdes.data.datalist import read_datalist
from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.errors import InputError, find_input_error
from vdes.study.matched_regions import PER_LESION
from vdes.study.opened_bundle import OpenedBundle
from vdes.study.question import Question
from vdes.study.regions import COUNTS_FILE, region_arms, region_study, region_tables
from vdes.study.trained_on import check_trained_on

RESULT = Path(__file__).resolve().parents[1] / "docs" / "results" / "region_study.json"
NOTE = (
    "Malignant lesions only, and only those that leave room for a region of their size and shape elsewhere in the "
    "breast, so large ones are missing. McNemar's and DeLong's tests take regions as independent, which those of one "
    "patient are not: the intervals are what counts. An arm that is no worse than real DES shows nothing where low "
    "energy by itself is no worse either."
)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datalist", type=Path, required=True, help="pairs with training, validation and test")
    parser.add_argument("--output", type=Path, required=True, help="folder of virtual images and predictions")
    parser.add_argument(
        "--generator", action="append", required=True, metavar="NAME=BUNDLE", help="a generator's bundle; repeatable"
    )
    parser.add_argument("--result", type=Path, default=RESULT, help="the tables (default: docs/results)")
    parser.add_argument("--height", type=int, default=512, help="working size of the generators (default: 512)")
    parser.add_argument("--metric", default="f1", help="of the verdict (default: f1)")
    parser.add_argument("--margin", type=float, default=0.05, help="of the verdict (default: 0.05)")
    parser.add_argument("--resamples", type=int, default=10_000, help="behind the intervals (default: 10000)")
    parser.add_argument("--seed", type=int, default=0, help="of regions and bootstrap (default: 0)")
    parser.add_argument("--workers", type=int, default=0, help="processes beside this one (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace predictions and tables")
    arguments = parser.parse_args()
    try:
        bundles = dict(_named(text, arguments.height) for text in arguments.generator)
        arguments.result.parent.mkdir(parents=True, exist_ok=True)
        with staged([arguments.result], arguments.overwrite) as stages:
            result = run(arguments, bundles)
            text = json.dumps(result, indent=2, allow_nan=False)
            stages[arguments.result].write_text(text + "\n", encoding="utf-8")
    except (InputError, RuntimeError) as error:
        found = find_input_error(error)
        if found is None:
            raise
        print(f"error: {found}", file=sys.stderr)
        return 2
    print(table(result))
    print(f"wrote {arguments.result}")
    return 0


def run(arguments: argparse.Namespace, bundles: dict[str, OpenedBundle]) -> dict[str, Any]:
    """Return the results."""
    datalist, names = arguments.datalist, list(bundles)
    question = Question(
        f"virtual_des-{names[0]}",
        arguments.metric,
        margin=arguments.margin,
        n_resamples=arguments.resamples,
        seed=arguments.seed,
    )
    listed = read_datalist(datalist)
    generators = [
        {
            "name": name,
            "bundle": bundle.name,
            "version": bundle.version,
            "weights_sha256": bundle.weights_sha256,
            "trained_on": check_trained_on(bundle.weights_file, listed["test"], str(datalist)),
        }
        for name, bundle in bundles.items()
    ]
    virtual = {name: _virtual(datalist, bundle, name, arguments.output) for name, bundle in bundles.items()}
    folder = region_study(
        datalist, virtual, arguments.height, arguments.output, arguments.seed, arguments.workers, arguments.overwrite
    )
    return {
        "provenance": {
            "data": listed["name"],
            "split": listed.get("split"),
            "datalist_sha256": hashlib.sha256(datalist.read_bytes()).hexdigest(),
            "generators": generators,
            "height": arguments.height,
            "seed": arguments.seed,
            "versions": versions(),
        },
        "matches_per_lesion": PER_LESION,
        "regions": json.loads((folder / COUNTS_FILE).read_text(encoding="utf-8")),
        "interval": {
            "method": "percentile bootstrap, patients resampled with all of their regions, paired over arms",
            "level": question.confidence,
            "n_resamples": question.n_resamples,
            "seed": question.seed,
        },
        "note": NOTE,
        "arms": [arm.record() for arm in region_arms(names)],
        **region_tables(folder, names, question),
    }


def table(result: dict[str, Any]) -> str:
    """Return the results in Markdown: the values of each arm, the difference to its reference and the verdict."""
    found = {(row["arm"], row["metric"], row["statistic"]): row for row in result["classification"]}
    verdicts = {row["arm"]: row for row in result["verdicts"]}
    metric = result["verdicts"][0]["metric"]
    shown = dict.fromkeys(["auc", metric])
    lines = [
        "| arm | " + " | ".join(shown) + f" | {metric} minus its reference | verdict |",
        "| --- " * (len(shown) + 3) + "|",
    ]
    for arm in (arm["arm"] for arm in result["arms"]):
        cells = [_interval(found[arm, name, "value"]) for name in shown]
        difference = found.get((arm, metric, "difference"))
        verdict = verdicts[arm]["verdict"] if arm in verdicts else ""
        against = f"{_interval(difference)} ({difference['reference']})" if difference else ""
        lines.append("| " + " | ".join([arm, *cells, against, verdict]) + " |")
    counts = result["regions"]["test"]
    words = "{lesions} lesions and {matches} matches in {cases} test images of {patients} patients; {left_out} left out"
    lines += ["", words.format(**counts)]
    return "\n".join(lines)


def _interval(row: dict[str, Any]) -> str:
    if row["low"] is None:
        return "-" if row["value"] is None else f"{row['value']:.3f}"
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def _named(text: str, height: int) -> tuple[str, OpenedBundle]:
    name, found, bundle = text.partition("=")
    if not found or not name.replace("_", "").replace("-", "").isalnum():
        raise InputError(f"--generator {text}: expected NAME=BUNDLE, the name of letters, digits, - and _")
    return name, OpenedBundle(Path(bundle), knobs={"height": height, "num_workers": 0})


def _virtual(datalist: Path, bundle: OpenedBundle, name: str, output: Path) -> Path:
    """Make a generator's images of all sections, unless they are there."""
    images = output / "virtual" / f"{name}-{bundle.weights_sha256[:12]}"
    if not images.is_dir():
        images.parent.mkdir(parents=True, exist_ok=True)
        with staged([images], overwrite=False) as stages:
            bundle.infer(datalist, stages[images])
    virtual = images.with_suffix(".json")
    write_virtual_datalist(datalist, images, virtual, overwrite=True)
    return virtual


if __name__ == "__main__":
    sys.exit(main())
