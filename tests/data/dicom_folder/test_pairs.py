from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from vdes.data.dicom_folder.pairs import Pair, pair_images
from vdes.dicom.identity import Identity
from vdes.dicom.image_facts import ImageFacts
from vdes.dicom.kinds import Kind
from vdes.dicom.times import Moment

_number = itertools.count()


def image(
    kind: str, second: float | None = 0, *, frame: str = "", content: float | None = None, **facts: Any
) -> ImageFacts:
    number = next(_number)
    moments = {"AcquisitionTime": second, "ContentTime": content}
    return ImageFacts(
        path=Path(f"{number}.dcm"),
        kind=Kind(kind, "ImageType"),
        acquisition={"FrameOfReferenceUID": frozenset({frame})} if frame else {},
        moments={name: Moment(time, 0.0, True) for name, time in moments.items() if time is not None},
        **{
            "instance": f"2.25.{number}", "study": "1", "laterality": "L", "view": "CC", "view_found": "CC", "rows": 4,
            "columns": 3, "pixel_size_mm": 0.1,
        } | facts,
    )  # fmt: skip


def why_alone(pairs: list[Pair], alone: ImageFacts) -> str:
    [pair] = [pair for pair in pairs if not pair.complete and pair.present is alone]
    return pair.evidence


def test_study_laterality_and_view_make_a_pair() -> None:
    keys = [
        {"study": study, "laterality": laterality, "view": view}
        for study in "12"
        for laterality in "LR"
        for view in ("CC", "MLO")
    ]
    low = [image("low_energy", 100 * number, **key) for number, key in enumerate(keys)]
    des = [image("des", 100 * number + 5, **key) for number, key in reversed(list(enumerate(keys)))]
    pairs = pair_images([*des, *low])
    assert [pair.low_energy for pair in pairs] == low
    assert [pair.des for pair in pairs] == des[::-1]
    assert {pair.evidence for pair in pairs} == {"AcquisitionTime, 5 s apart"}


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
    assert "the low-energy image of the view belongs to another" in why_alone(pairs, far)


def test_a_reference_counts_before_all_else_and_what_contradicts_it_is_recorded() -> None:
    named, near = image("low_energy", 0, frame="8"), image("low_energy", 29, frame="9")
    for reference in ({"sources": {named.instance: True}}, {"references": frozenset({named.instance})}):
        des = image("des", 90, frame="9", **reference)
        pairs = pair_images([near, des, named])
        assert (pairs[0].low_energy, pairs[0].des) == (named, des)
        assert pairs[0].contradicted == ("FrameOfReferenceUID differs", "taken 90 s apart")
        assert "names another low-energy image" in why_alone(pairs, near)
    both = {"sources": {"1.2.raw": False}}
    low, des = image("low_energy", 0, **both), image("des", 500, **both)
    [pair] = pair_images([low, des])
    assert pair.evidence == "SourceImageSequence, which names one image in both"


def test_a_des_image_whose_source_is_not_here_is_left_out_unless_the_source_is_raw() -> None:
    low = image("low_energy", 0, frame="9")
    assert "names a source that is not here" in why_alone(
        pair_images([low, image("des", 2, frame="9", sources={"1.2.3": True})]), low
    )
    [pair] = pair_images([low, image("des", 2, frame="9", sources={"1.2.3": False})])
    assert pair.evidence == "same FrameOfReferenceUID"


def test_a_shared_frame_of_reference_counts_before_time() -> None:
    low, near = image("low_energy", 30, frame="9"), image("des", 33, frame="8")
    own = image("des", 85, frame="9")
    pairs = pair_images([near, own, low])
    assert pairs[0].des == own and pairs[0].evidence == "same FrameOfReferenceUID" and pairs[0].gap.least == 55
    assert "FrameOfReferenceUID differs from that of the low-energy image" in why_alone(pairs, near)


def test_identifiers_of_one_acquisition_must_agree() -> None:
    low = image("low_energy", 0, frame="9")
    assert not pair_images([low, image("des", 3, frame="8")])[0].complete
    event = {"FrameOfReferenceUID": frozenset({"9"}), "IrradiationEventUID": frozenset({"a"})}
    one, other = image("low_energy", 0), image("des", 3)
    object.__setattr__(one, "acquisition", event)
    object.__setattr__(other, "acquisition", event | {"IrradiationEventUID": frozenset({"b"})})
    pairs = pair_images([one, other])
    assert why_alone(pairs, one).startswith(
        "IrradiationEventUID differs from that of the DES image of the view, though"
    )
    object.__setattr__(other, "acquisition", event | {"IrradiationEventUID": frozenset({"a", "b"})})
    assert pair_images([one, other])[0].evidence == "same FrameOfReferenceUID and IrradiationEventUID"
    late = image("des", 700, frame="9")
    assert "FrameOfReferenceUID as in the DES image of the view, but taken 700 s apart" in why_alone(
        pair_images([low, late]), low
    )


def test_an_identifier_or_time_of_several_views_tells_nothing() -> None:
    views = [
        image(kind, 5 * (kind == "des"), frame="9", view=view)
        for kind in ("low_energy", "des")
        for view in ("CC", "MLO")
    ]
    pairs = pair_images(views)
    assert not any(pair.complete for pair in pairs)
    assert "and the time is shared with other views" in pairs[0].evidence
    own = [image(kind, 100 * number + 5 * (kind == "des"), frame="9", view=view)
           for kind in ("low_energy", "des") for number, view in enumerate(("CC", "MLO"))]  # fmt: skip
    assert {pair.evidence for pair in pair_images(own)} == {"AcquisitionTime, 5 s apart"}


def test_time_counts_up_to_its_limit_and_only_where_it_tells_images_apart() -> None:
    low = image("low_energy", 0)
    assert pair_images([low, image("des", 60)])[0].complete
    assert "taken 61 s from the DES image" in why_alone(pair_images([low, image("des", 61)]), low)
    des = image("des", 20)
    pairs = pair_images([low, image("low_energy", 40), des])
    assert "2 low-energy images of the view fit it equally" in why_alone(pairs, des)
    # like is compared with like: the content of a DES image is there later
    [pair] = pair_images([image("low_energy", 0, content=1), image("des", None, content=30)])
    assert pair.evidence == "ContentTime, 29 s apart"
    [pair] = pair_images([low, image("des", None, content=30)])
    assert pair.evidence == "AcquisitionTime and ContentTime, 30 s apart"


def test_without_evidence_there_is_no_pair() -> None:
    low, untimed = image("low_energy", 5), image("des", None)
    for images in ([untimed, low], [untimed, low, image("low_energy", None)]):
        pairs = pair_images(images)
        assert not any(pair.complete for pair in pairs)
        assert "no evidence links it to the" in why_alone(pairs, untimed)


def test_patients_contrast_and_modifiers_must_not_differ() -> None:
    low = image("low_energy", 0, identity=Identity("1"), contrast="PRE_CONTRAST", frame="9")
    assert "PatientID differs" in why_alone(pair_images([low, image("des", 2, identity=Identity("2"), frame="9")]), low)
    assert "before contrast agent" in why_alone(
        pair_images([low, image("des", 2, contrast="POST_CONTRAST", frame="9")]), low
    )
    displaced = image("des", 2, modifiers=frozenset({"399209000"}), frame="9")
    assert "no DES image of the view" in why_alone(pair_images([low, displaced]), low)
    assert pair_images([low, image("des", 2, identity=Identity("1"), contrast="PRE_CONTRAST", frame="9")])[0].complete
