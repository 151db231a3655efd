from __future__ import annotations

import datetime
import itertools
from pathlib import Path

from vdes.data.dicom_folder.pairs import pair_images
from vdes.dicom.image_facts import ImageFacts
from vdes.dicom.kinds import Kind

_number = itertools.count()


def image(kind: str, second: int | None = 0, *, study="1", laterality="L", view="CC", frame="") -> ImageFacts:
    number = next(_number)
    return ImageFacts(
        path=Path(f"{number}.dcm"),
        instance=f"{number:04d}",
        study=study,
        frame_of_reference=frame,
        accession="",
        patient="Doe",
        modality="MG",
        kind=Kind(kind, "ImageType"),
        raw=None,
        laterality=laterality,
        view=view,
        view_found=view,
        acquired=None if second is None else datetime.datetime(2020, 1, 1, 8, 0, second),
        rows=4,
        columns=3,
        pixel_size_mm=0.1,
    )


def test_study_laterality_and_view_make_a_pair() -> None:
    keys = [
        {"study": study, "laterality": laterality, "view": view}
        for study in "12"
        for laterality in "LR"
        for view in ("CC", "MLO")
    ]
    low = [image("low_energy", **key) for key in keys]
    des = [image("des", **key) for key in reversed(keys)]
    pairs = pair_images([*des, *low])
    assert [pair.low_energy for pair in pairs] == low
    assert [pair.des for pair in pairs] == des[::-1]


def test_a_repeated_view_is_paired_by_time() -> None:
    low, low_late = image("low_energy", 0), image("low_energy", 40)
    des, des_late = image("des", 7), image("des", 43)
    [first, second] = pair_images([des_late, low_late, des, low])
    assert (first.low_energy, first.des) == (low, des)
    assert (second.low_energy, second.des) == (low_late, des_late)


def test_the_nearest_is_taken_and_the_rest_is_left_without_a_partner() -> None:
    low, near, far = image("low_energy", 30), image("des", 33), image("des", 20)
    pairs = pair_images([far, near, low])
    assert (pairs[0].low_energy, pairs[0].des) == (low, near)
    assert (pairs[1].low_energy, pairs[1].des) == (None, far)
    assert pairs[0].complete and not pairs[1].complete and pairs[1].present == far


def test_a_shared_frame_of_reference_counts_before_time() -> None:
    low, near = image("low_energy", 30, frame="9"), image("des", 33, frame="8")
    own = image("des", 55, frame="9")
    assert pair_images([near, own, low])[0].des == own


def test_images_without_a_time_are_paired_last() -> None:
    low, timed, untimed = image("low_energy", 5), image("des", 59), image("des", None)
    assert pair_images([untimed, timed, low])[0].des == timed
    assert pair_images([untimed, low])[0].des == untimed
