"""Were weights trained on a patient of this test set?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vdes.data.training_record import RECORD_SUFFIX, fingerprint
from vdes.errors import InputError


def check_trained_on(weights: Path, items: list[dict[str, Any]], where: str) -> str:
    """Refuse weights that have seen an image of these items in training or validation.

    Args:
        weights: their file; its record, which training writes, lies beside it.
        items: of a datalist's test section.
        where: the datalist, for the message.

    Returns:
        In words what the weights were trained on, for a report.

    Raises:
        InputError: they have seen one, or the record cannot be read.

    """
    file = weights.with_suffix(RECORD_SUFFIX)
    if not file.is_file():
        return "not recorded: whether they have seen a test patient is unknown"
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        known = set(record["images"])
        name, patients = record["data"], record["patients"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: no record of a training ({error!r}); expected what training writes") from error
    files = {item["case"]: [item[field] for field in ("low_energy", "des") if item.get(field)] for item in items}
    seen = [case for case, paths in files.items() if any(fingerprint(path) in known for path in paths)]
    if seen:
        raise InputError(
            f"{weights}: trained or validated on {len(seen)} of the {len(items)} test images of {where}, such as "
            f"{seen[0]}; expected weights that have not seen the test patients"
        )
    return f"{name}: {len(known)} images of {patients} patients, none of them in this test set"
