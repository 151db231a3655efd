"""The weight of a loss of lesions, by whether lesions are drawn in the training data."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from vdes.errors import InputError

logger = logging.getLogger(__name__)


def lesion_term(name: str, value: float | None, items: Sequence[Mapping[str, Any]], where_drawn: float = 0.0) -> float:
    """Return the weight of a loss of drawn lesions.

    Args:
        name: of the knob.
        value: its value, or None for ``where_drawn`` where lesions are drawn, and 0 elsewhere.
        items: items of the datalist that are learned from.
        where_drawn: the weight that None stands for.

    Raises:
        InputError: it is no number of 0 or more, or it is above 0 and no lesion is drawn.
    """
    drawn = any(item.get("lesion_mask") for item in items)
    if value is None:
        if not drawn:
            logger.warning("%s: 0, because no lesion is drawn in the training section", name)
        return where_drawn if drawn else 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"{name}: {value!r}; expected a number of 0 or more")
    if value and not drawn:
        raise InputError(f"{name}: {value:g}, but the training section has no lesion_mask; expected lesions, or 0")
    return float(value)
