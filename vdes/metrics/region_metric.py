"""Metrics over a region in a MONAI evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ignite.engine import Engine
from ignite.metrics.metric import reinit__is_reduced
from monai.handlers import IgniteMetricHandler

from vdes.metrics.cumulative_region_metric import CumulativeRegionMetric
from vdes.metrics.decollated import case_values, decollated_cases, naming_case


class RegionMetric(IgniteMetricHandler):
    """Pass prediction, reference and region to a metric, case by case.

    MONAI's `IgniteMetricHandler` passes a prediction and a reference; this class adds the mask from the evaluator's
    batch. Errors name the case. Use it as a key metric or an additional metric, like MONAI's own:

    .. code-block:: yaml

        key_val_metric:
          psnr_breast:
            _target_: vdes.metrics.region_metric.RegionMetric
            metric_fn: {_target_: vdes.metrics.psnr.PSNRMetric}
            region: breast_mask

    Args:
        metric_fn: the metric over a region.
        region: key of the mask (1, H, W), None for the whole image. Cases whose mask is empty are left out of the mean.
        reference: key of the reference: the real image ``label``, or for lesion contrast the ``lesion_mask``.
        save_details: whether every case's score is stored in ``engine.state.metric_details``.

    Raises:
        InputError: while the evaluator runs, a case lacks one of the keys or the metric refuses it.
    """

    def __init__(
        self,
        metric_fn: CumulativeRegionMetric,
        region: str | None = None,
        reference: str = "label",
        save_details: bool = True,
    ) -> None:
        super().__init__(metric_fn=metric_fn, save_details=save_details)
        self.region = region
        self.reference = reference

    def iteration_completed(self, engine: Engine) -> None:
        """Update the metric with every case of the iteration."""
        for case in decollated_cases(engine):
            with naming_case(case):
                y_pred, y = case_values(case, ["pred", self.reference])
                mask = None if self.region is None else case_values(case, [self.region])[0][None]
                self.update((y_pred[None], y[None], mask))

    @reinit__is_reduced
    def update(self, output: Sequence[Any]) -> None:
        """Score one batch: ``output`` is (y_pred, y, mask), the mask possibly None."""
        y_pred, y, mask = output
        self.metric_fn(y_pred, y, mask=mask)
