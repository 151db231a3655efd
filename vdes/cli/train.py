"""``vdes train``: the weights that bundles ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App

from vdes.cli.parameters import FIELDS, Bundles
from vdes.experiments.settings import ClassifierTraining, GeneratorTraining, JointTraining

app = App(
    name="train",
    help=(
        "Train and evaluate the weights that bundles ship. To train a bundle on your own data, run its train.yaml (see "
        "its card) or ``vdes study --train``."
    ),
    help_epilogue="``vdes train COMMAND --help`` explains a command and gives an example.",
)


@app.command(
    help_epilogue=(
        "example: vdes train generator bundles/breast_cesm_virtual_des_unet --datalist datalist.json --output runs/unet"
    )
)
def generator(bundle: Path, /, *, settings: Annotated[GeneratorTraining, FIELDS], overwrite: bool = False) -> None:
    """Train a generator's shipped weights: every arm and seed on the same split; the best are kept.

    A run consists of the stages in the bundle's docs/recipe.yaml: each runs the bundle's own train.yaml, starting from
    the weights of the previous stage. Then evaluate.yaml evaluates the run on the patients of each section. The weights
    that are best on the validation patients become models/NAME.pt in half precision; docs/results/runs_NAME.json lists
    all runs. Run the same command again to resume an interrupted run; finished runs are not repeated.

    Args:
        bundle: folder of the generator's bundle.
        overwrite: replace models/NAME.pt and its list of runs.
    """
    from vdes.experiments.generator import ship

    ship(bundle, settings, overwrite)


@app.command(
    help_epilogue=(
        "example: vdes train classifier bundles/breast_cesm_lesion_classification --inputs des --datalist des.json "
        "--output runs/classifier --folds des_fold0.json des_fold1.json des_fold2.json"
    )
)
def classifier(bundle: Path, /, *, settings: Annotated[ClassifierTraining, FIELDS], overwrite: bool = False) -> None:
    """Train the classifier's shipped weights on one split, and cross-validate for an estimate on every patient.

    A run is the bundle's own train.yaml, then evaluate.yaml on the test patients. The run on ``--datalist`` gives
    models/NAME.pt in half precision and its test results. The runs on ``--folds`` give the results of the same method
    over the test patients of all folds. All results go to docs/results/classification_NAME.json, with ROC and
    calibration curves next to the card. Run the same command again to resume an interrupted run; finished runs are not
    repeated.

    Args:
        bundle: folder of the classifier's bundle.
        overwrite: replace models/NAME.pt and its results.
    """
    from vdes.experiments.classifier import ship

    ship(bundle, settings, overwrite)


@app.command(
    help_epilogue=(
        "example: vdes train joint --datalist fatty/datalist.json --output runs/joint --epochs 3 --seeds 0 1 2"
    )
)
def joint(*, settings: Annotated[JointTraining, FIELDS], bundles: Bundles = None, overwrite: bool = False) -> None:
    """Measure how joint training changes the U-Net's images and their classification.

    Three arms start from the same weights of U-Net and classifier and see the same images. In "frozen", only the
    classifier is trained. In "apart", the U-Net is trained too, but only with its own loss. In "joint", the
    classifier's loss is also back-propagated into the U-Net. The difference between joint and apart is the effect of
    that loss. The results are means over the seeds. Run the same command again to resume an interrupted run; finished
    runs are not repeated.

    Args:
        bundles: folder of the U-Net's and the classifier's bundles; the results are written into the U-Net's. Without
            it those of the clone.
        overwrite: replace the results.
    """
    from vdes.bundle.locate import CLONE
    from vdes.experiments.joint import compare

    print(f"wrote {compare(bundles or CLONE, settings, overwrite)}")
