"""Pool the outputs of images to those of breasts and examinations."""

from __future__ import annotations

import torch

SCORES = 2  # of an image: its weight in its breast, and that of its breast in the examination


def pooled_logits(output: torch.Tensor, breast: torch.Tensor, examination: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the logits of each level.

    The logits of a breast are the mean of its images' logits, weighted by the softmax of their first scores. Those of
    an examination are the mean of its breasts' logits, weighted by the softmax of their second scores, which are pooled
    like the logits. This is attention (Ilse et al., ICML 2018) with a linear head, so it needs no features, and a
    study needs to keep only a table of image outputs.

    Args:
        output: output of `vdes.networks.lesion_classifier.LesionClassifier`, ``(N, C + 2)``.
        breast: the breast of each image, ``(N,)``, integers from 0 to the number of breasts - 1, all of them used.
        examination: the examination of each image, likewise; all images of a breast have the same.

    Returns:
        ``image`` ``(N, C)``, ``breast`` ``(breasts, C)`` and ``examination`` ``(examinations, C)``.

    """
    logits, scores = output[:, :-SCORES], output[:, -SCORES:]
    breasts = _weighted_mean(torch.cat([logits, scores[:, 1:]], dim=1), scores[:, 0], breast)
    of_breast = torch.zeros_like(breast[: len(breasts)]).scatter(0, breast, examination)
    return {
        "image": logits,
        "breast": breasts[:, :-1],
        "examination": _weighted_mean(breasts[:, :-1], breasts[:, -1], of_breast),
    }


def _weighted_mean(values: torch.Tensor, scores: torch.Tensor, group: torch.Tensor) -> torch.Tensor:
    """Return the means ``(groups, C)`` of ``values`` ``(N, C)``, weighted by the softmax of ``scores`` per group."""
    groups = int(group.max()) + 1
    largest = scores.new_full((groups,), -torch.inf).scatter_reduce(0, group, scores.detach(), "amax")
    weights = (scores - largest[group]).exp()
    total = scores.new_zeros(groups).index_add(0, group, weights)
    weighted = values * (weights / total[group])[:, None]
    return values.new_zeros((groups, values.shape[1])).index_add(0, group, weighted)
