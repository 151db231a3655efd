"""An experiment: workflows of bundles, each done once in a separate process, in a folder that can be resumed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vdes.bundle.job_folder import open_job
from vdes.bundle.output_lock import sole_writer
from vdes.bundle.process import run_workflow
from vdes.bundle.step_inputs import StepInputs, images_of_datalists
from vdes.bundle.steps import Step, run_steps
from vdes.errors import InputError

# what figures and later runs read of a training, and of the evaluations of a generator and of a classifier
TRAINED = ("model.pt", "model.json", "last.pt")
MEASURED = ("fidelity.json", "fidelity_per_case.csv")
SCORED = ("classification.json", "predictions.csv")
STEPS = "steps"  # folder of an experiment with a file for each finished step
PIXELS = 256.0  # image height for which `vdes.bundle.steps.SECONDS` holds


@dataclass(frozen=True)
class Experiment:
    """The folder of an experiment.

    Attributes:
        folder: folder of its runs.
        jobs: number of steps at a time; they share the cores.
        what: the experiment in a word or two, for messages and the progress bar.
    """

    folder: Path
    jobs: int
    what: str

    @property
    def cache(self) -> Path:
        """The folder of preprocessed cases, which its runs share."""
        return self.folder / "cache"

    def open(self, settings: Mapping[str, Any]) -> None:
        """Make the folder, or resume an experiment with the same settings.

        Args:
            settings: the settings that determine the figures of its runs.

        Raises:
            InputError: the folder holds an experiment with other settings, or other files.
        """
        open_job(self.folder, settings, self.what, made=())

    def name_of(self, output: Path) -> str:
        """Return the name of the step whose run is in ``output``."""
        return " ".join(output.relative_to(self.folder).parts)

    def workflow(
        self,
        output: Path,
        leaves: str | Sequence[str],
        bundle: Path,
        configs: Sequence[str],
        datalist: Path,
        knobs: Mapping[str, Any],
        *,
        kind: str,
        images: float,
        height: float = PIXELS,
        needs: Sequence[str] = (),
    ) -> Step:
        """Return the step that runs a workflow of a bundle; it is named after its folder.

        Args:
            output: folder of the run, inside that of the experiment.
            leaves: the file or files that the run writes into ``output`` and anything reads; an empty name is the
                folder itself.
            bundle: folder of the bundle.
            configs: names of its configs; later ones override.
            datalist: passed as ``dataset_dir``.
            knobs: further knobs.
            kind: one of `vdes.bundle.steps.SECONDS`.
            images: number of images through the network, for the estimate of its time.
            height: height of the images.
            needs: names of the steps that must be done before it.
        """
        threads = max(1, (os.cpu_count() or 1) // self.jobs)
        made = [output / name for name in ([leaves] if isinstance(leaves, str) else leaves)]
        run = partial(_run, output, made, bundle, configs, datalist, knobs, threads)
        units = images * (height / PIXELS) ** 2
        return Step(self.name_of(output), kind, units, run, needs, outputs=made, restart=[output])

    def run(self, steps: Sequence[Step], datalists: Sequence[Path]) -> None:
        """Run the unfinished steps.

        Args:
            steps: the steps.
            datalists: the datalists of all images that the steps read, of which none was made by a step.

        Raises:
            InputError: a step failed, where the message is that of the first failed step, after all others are done; or
                an image is not the one that the experiment began with.
        """
        with sole_writer(self.folder):
            inputs = StepInputs(images_of_datalists(datalists))
            failed = run_steps(steps, self.folder / STEPS, jobs=self.jobs, title=self.what, inputs=inputs)
        if failed:
            name, reason = next(iter(failed.items()))
            raise InputError(f"{name}: {reason}")


def _run(
    output: Path,
    made: Sequence[Path],
    bundle: Path,
    configs: Sequence[str],
    datalist: Path,
    knobs: Mapping[str, Any],
    threads: int,
) -> None:
    run_workflow(bundle, configs, datalist, output, knobs, threads)
    for path in made:
        if not path.exists():
            raise InputError(f"{output}: the run left no {path.name}; {output}.log says why")
