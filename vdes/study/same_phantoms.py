"""Are the phantoms of a study of the kind that weights were trained on?"""

from __future__ import annotations

from pathlib import Path

from vdes.data.datalist import Datalist
from vdes.data.training_record import read_record
from vdes.errors import InputError
from vdes.phantom.worlds import kind, other_kind


def check_same_phantoms(weights: Path, datalist: Datalist) -> None:
    """Refuse weights that were trained on phantoms of another kind: their figures would tell of neither.

    Weights for patients, those of studies of patients, and weights whose record does not say which phantoms they were
    trained on are left to the user.

    Args:
        weights: their file, with its record beside it.
        datalist: that of the study.

    Raises:
        InputError: the settings of the phantoms differ in one of `vdes.phantom.worlds.KIND`.
    """
    record = read_record(weights)
    trained = None if isinstance(record, str) else kind(record.get("phantom"))
    studied = kind(datalist.fields.get("phantom"))
    if trained is None or studied is None:
        return
    if difference := other_kind(trained, studied):
        raise InputError(
            f"{weights}: trained on phantoms of another kind than those of {datalist}: {difference}; expected "
            "weights of the same world, or --other-phantoms"
        )
