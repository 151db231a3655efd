"""An experiment: workflows of bundles, each in a process of its own and done once, in a folder that can be resumed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vdes.bundle.job_folder import open_job
from vdes.bundle.process import run_workflow
from vdes.bundle.steps import Step, run_steps
from vdes.errors import InputError

STEPS = "steps"  # folder of an experiment, where a file for each step tells that it is done
PIXELS = 256.0  # height of the images that `vdes.bundle.steps.SECONDS` are of


@dataclass(frozen=True)
class Experiment:
    """The folder of an experiment.

    Attributes:
        folder: of its runs.
        jobs: steps at a time; they share the cores.
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
        """Make the folder, or go on with an experiment of the same settings.

        Args:
            settings: what decides the figures of its runs.

        Raises:
            InputError: the folder holds an experiment of other settings, or other files.
        """
        open_job(self.folder, settings, self.what, made=())

    def name_of(self, output: Path) -> str:
        """Return the name of the step whose run is in ``output``."""
        return " ".join(output.relative_to(self.folder).parts)

    def workflow(
        self,
        output: Path,
        leaves: str,
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
        """Return the step that runs a workflow of a bundle; it is named by its folder.

        Args:
            output: folder of the run, below that of the experiment.
            leaves: a file that the run leaves in ``output``; empty for the folder itself.
            bundle: folder of the bundle.
            configs: names of its configs; later ones override.
            datalist: passed as ``dataset_dir``.
            knobs: further knobs.
            kind: of `vdes.bundle.steps.SECONDS`.
            images: that go through the network, for the estimate of its time.
            height: of the images.
            needs: names of the steps that come before it.
        """
        threads = max(1, (os.cpu_count() or 1) // self.jobs)
        run = partial(_run, output, leaves, bundle, configs, datalist, knobs, threads)
        return Step(self.name_of(output), kind, images * (height / PIXELS) ** 2, run, needs)

    def run(self, steps: Sequence[Step]) -> None:
        """Run the steps that are not done.

        Raises:
            InputError: a step failed; the message is that of the first, after all others are done.
        """
        failed = run_steps(steps, self.folder / STEPS, jobs=self.jobs, title=self.what)
        if failed:
            name, reason = next(iter(failed.items()))
            raise InputError(f"{name}: {reason}")


def _run(
    output: Path,
    leaves: str,
    bundle: Path,
    configs: Sequence[str],
    datalist: Path,
    knobs: Mapping[str, Any],
    threads: int,
) -> None:
    run_workflow(bundle, configs, datalist, output, knobs, threads)
    if not (output / leaves).exists():
        raise InputError(f"{output}: the run left no {leaves}; {output}.log says why")
