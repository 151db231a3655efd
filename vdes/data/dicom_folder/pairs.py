"""Pair low-energy and DES images by evidence; images without evidence, or with evidence against, are not paired."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vdes.dicom.image_facts import ACQUISITION_UIDS, ImageFacts
from vdes.dicom.kinds import LOW_ENERGY
from vdes.dicom.times import Gap, Moment, gap_between

# The two exposures of one compression are seconds apart, and the recombined image follows some seconds later. Within a
# minute, neither is a view repeated nor contrast agent given.
MOST_SECONDS = 60.0
# no breast stays compressed for longer, so images that were acquired further apart are not of one acquisition
MOST_SECONDS_OF_COMPRESSION = 600.0

_SOURCE, _SHARED_SOURCE, _REFERENCE, _ACQUISITION, _TIME = 5, 4, 3, 2, 1
_OTHER = {"low_energy": "DES", "des": "low-energy"}
_KEPT = "(--include-unpaired keeps it)"


@dataclass(frozen=True)
class Pair:
    """The images of one view of one breast in one study; one of them may be None.

    Attributes:
        low_energy: the low-energy image.
        des: the DES image.
        evidence: why they belong together; for an image without a partner, why it has none.
        gap: how far apart they were taken, None if unknown.
        contradicted: weaker evidence against the pair.
    """

    low_energy: ImageFacts | None
    des: ImageFacts | None
    evidence: str = ""
    gap: Gap | None = None
    contradicted: tuple[str, ...] = ()

    @property
    def present(self) -> ImageFacts:
        """The low-energy image or, without one, the DES image."""
        image = self.low_energy or self.des
        assert image is not None
        return image

    @property
    def complete(self) -> bool:
        """Whether both images are present."""
        return self.low_energy is not None and self.des is not None


@dataclass(frozen=True)
class _Candidate:
    """A low-energy and a DES image of one view, and the evidence for and against their being a pair."""

    low_energy: ImageFacts
    des: ImageFacts
    level: int = 0
    shared: frozenset[str] = frozenset()
    words: str = ""
    gap: Gap | None = None
    contradicted: tuple[str, ...] = ()
    against: str = ""  # why they cannot be a pair, if so

    def better_than(self, other: _Candidate) -> bool:
        """Return whether this is certainly the stronger of two: by level, then by shared identifiers, then by time."""
        if self.level != other.level:
            return self.level > other.level
        if self.shared != other.shared and (self.shared > other.shared or self.shared < other.shared):
            return self.shared > other.shared
        return self.gap is not None and other.gap is not None and self.gap.shorter_than(other.gap)


@dataclass
class _Study:
    """Facts about a whole study.

    Attributes:
        common: (attribute, value) of identifiers and times that several views share, so that they cannot identify one
            acquisition: some makers use one frame of reference per study, and some archives set all times equal.
        low_energy: the low-energy images by SOPInstanceUID.
    """

    common: set[tuple[str, object]] = field(default_factory=set)
    low_energy: dict[str, list[ImageFacts]] = field(default_factory=lambda: defaultdict(list))


def pair_images(images: Iterable[ImageFacts]) -> list[Pair]:
    """Pair low-energy and DES images of one study, laterality and view.

    The evidence, strongest first: a reference from one image to the other; a shared acquisition identifier (frame of
    reference, acquisition, irradiation event); times at most `MOST_SECONDS` apart. Each image is in at most one pair.
    Images with contradictory evidence, or with two equally good partners, stay without a partner.

    Returns:
        The pairs, and each remaining image as a pair without a partner, ordered by study, laterality, view and time.
    """
    images = list(images)
    studies = _studies(images)
    groups: dict[tuple[object, ...], list[ImageFacts]] = defaultdict(list)
    for image in images:
        groups[image.study, image.laterality, image.view, tuple(sorted(image.modifiers))].append(image)
    pairs: list[Pair] = []
    for key in sorted(groups, key=str):
        low = [image for image in groups[key] if image.kind.name == LOW_ENERGY]
        des = [image for image in groups[key] if image.kind.name != LOW_ENERGY]
        pairs += _pairs_of_view(low, des, studies[groups[key][0].study])
    return pairs


def _pairs_of_view(low: Sequence[ImageFacts], des: Sequence[ImageFacts], study: _Study) -> list[Pair]:
    candidates = [_weighed(a, b, study) for a in low for b in des]
    fitting = [candidate for candidate in candidates if not candidate.against]
    taken: set[Path] = set()
    found: list[Pair] = []
    while True:
        free = [one for one in fitting if not {one.low_energy.path, one.des.path} & taken]
        best = [one for one in free if _is_best(one, free)]
        if not best:
            break
        for one in best:
            found.append(Pair(one.low_energy, one.des, one.words, one.gap, one.contradicted))
            taken |= {one.low_energy.path, one.des.path}
    for image in (*low, *des):
        if image.path not in taken:
            why = _why_alone(image, candidates, taken)
            found.append(Pair(image, None, why) if image.kind.name == LOW_ENERGY else Pair(None, image, why))
    return sorted(found, key=lambda pair: (not pair.complete, _start(pair.present), pair.present.instance))


def _is_best(one: _Candidate, free: Sequence[_Candidate]) -> bool:
    rivals = (
        rival for rival in free if rival is not one and (rival.low_energy is one.low_energy or rival.des is one.des)
    )
    return all(one.better_than(rival) for rival in rivals)


def _weighed(low: ImageFacts, des: ImageFacts, study: _Study) -> _Candidate:
    """Return a candidate with the evidence for it and against it."""
    differs = low.identity.contradicts(des.identity)
    if differs:
        return _Candidate(low, des, against=f"{differs} differs from that of the {{}} image of the view")
    if {low.contrast, des.contrast} == {"PRE_CONTRAST", "POST_CONTRAST"}:
        return _Candidate(low, des, against="ImageType: one before contrast agent, the {} image of the view after it")
    agreeing, differing = _identifiers(low, des, study)
    gap, of, spoilt = _gap(low, des, study)
    late = f"taken {gap.words} s apart" if gap is not None and gap.least > MOST_SECONDS else ""
    level, reference = _reference(low, des)
    if level:
        contradicted = tuple(f"{keyword} differs" for keyword in differing) + ((late,) if late else ())
        return _Candidate(low, des, level, frozenset(agreeing), reference, gap, contradicted)
    elsewhere = _names_another(low, des, study)
    if elsewhere:
        return _Candidate(low, des, against=elsewhere)
    if differing:
        what = f"{' and '.join(differing)} differ{'s' * (len(differing) == 1)} from that of the {{}} image of the view"
        beside = f", though {' and '.join(agreeing)} is the same" if agreeing else ""
        return _Candidate(low, des, against=what + beside)
    if agreeing:
        if gap is not None and of == "AcquisitionTime" and gap.least > MOST_SECONDS_OF_COMPRESSION:
            against = f"{' and '.join(agreeing)} as in the {{}} image of the view, but {late}"
            return _Candidate(low, des, against=against)
        contradicted = (late,) if late else ()
        return _Candidate(
            low, des, _ACQUISITION, frozenset(agreeing), f"same {' and '.join(agreeing)}", gap, contradicted
        )
    if gap is None:
        return _Candidate(
            low,
            des,
            against="no evidence links it to the {} image of the view: no reference, no shared acquisition "
            f"identifier, {spoilt}",
        )
    if gap.most > MOST_SECONDS:
        against = f"taken {gap.words} s from the {{}} image of the view; at most {MOST_SECONDS:g} s are evidence"
        return _Candidate(low, des, against=against)
    return _Candidate(low, des, _TIME, frozenset(), f"{of}, {gap.words} s apart", gap)


def _reference(low: ImageFacts, des: ImageFacts) -> tuple[int, str]:
    if low.instance in des.sources:
        return _SOURCE, "SourceImageSequence"
    if des.sources.keys() & low.sources.keys():
        return _SHARED_SOURCE, "SourceImageSequence, which names one image in both"
    if low.instance in des.references:
        return _REFERENCE, "ReferencedImageSequence"
    if des.instance in low.references:
        return _REFERENCE, "ReferencedImageSequence of the low-energy image"
    return 0, ""


def _names_another(low: ImageFacts, des: ImageFacts, study: _Study) -> str:
    """Return how the references of a DES image contradict a low-energy image that they do not name."""
    named = des.sources.keys() | des.references
    if any(instance in study.low_energy for instance in named):
        return "the DES image names another low-energy image as its source"
    if des.sources and all(des.sources.values()):
        return "the DES image names a source that is not here"
    return ""


def _identifiers(low: ImageFacts, des: ImageFacts, study: _Study) -> tuple[list[str], list[str]]:
    """Return which acquisition identifiers agree, and which differ."""
    agreeing, differing = [], []
    for keyword in ACQUISITION_UIDS:
        both = [image.acquisition.get(keyword, frozenset()) for image in (low, des)]
        if all(both):
            shared = both[0] & both[1]
            specific = [{uid for uid in uids if (keyword, uid) not in study.common} for uids in both]
            if shared & specific[0]:
                agreeing.append(keyword)
            elif not shared and specific[0] and specific[1]:
                differing.append(keyword)
    return agreeing, differing


def _gap(low: ImageFacts, des: ImageFacts, study: _Study) -> tuple[Gap | None, str, str]:
    """Return how far apart the two were taken and by which attribute; or, if unknown, why."""
    usable = [
        {name: moment for name, moment in image.moments.items() if (name, moment) not in study.common}
        for image in (low, des)
    ]
    for name in ("AcquisitionTime", "ContentTime"):
        if name in usable[0] and name in usable[1]:
            return gap_between(usable[0][name], usable[1][name]), name, ""
    if usable[0] and usable[1]:
        names = [next(iter(moments)) for moments in usable]
        return gap_between(usable[0][names[0]], usable[1][names[1]]), " and ".join(names), ""
    spoilt = "and the time is shared with other views" if low.moments and des.moments else "and no time"
    return None, "", spoilt


def _why_alone(image: ImageFacts, candidates: Sequence[_Candidate], taken: set[Path]) -> str:
    other = _OTHER[LOW_ENERGY if image.kind.name == LOW_ENERGY else "des"]
    own = [one for one in candidates if image in (one.low_energy, one.des)]
    if not own:
        return f"no {other} image of the view in the study {_KEPT}"
    fitting = [one for one in own if not one.against]
    free = [one for one in fitting if not {one.low_energy.path, one.des.path} & taken]
    if free:
        best = [one for one in free if not any(rival.better_than(one) for rival in free)]
        if len(best) > 1:
            return f"{len(best)} {other} images of the view fit it equally ({best[0].words}) {_KEPT}"
        return f"the {other} image of the view also fits others ({best[0].words}) {_KEPT}"
    if fitting:
        return f"the {other} image of the view belongs to another ({fitting[0].words}) {_KEPT}"
    return f"{own[0].against.format(other)} {_KEPT}"


def _studies(images: Sequence[ImageFacts]) -> Mapping[str, _Study]:
    studies: dict[str, _Study] = defaultdict(_Study)
    views: dict[tuple[str, str, object], set[tuple[str | None, str | None]]] = defaultdict(set)
    for image in images:
        study = studies[image.study]
        if image.kind.name == LOW_ENERGY:
            study.low_energy[image.instance].append(image)
        stated: list[tuple[str, object]] = [
            (keyword, uid) for keyword, uids in image.acquisition.items() for uid in uids
        ]
        # two views can be taken in the same minute, but not in the same second
        stated += [(name, moment) for name, moment in image.moments.items() if moment.width == 0]
        for keyword, value in stated:
            views[image.study, keyword, value].add((image.laterality, image.view))
    for (study_uid, keyword, value), seen in views.items():
        if len(seen) > 1:
            studies[study_uid].common.add((keyword, value))
    return studies


def _start(image: ImageFacts) -> float:
    moment: Moment | None = next(iter(image.moments.values()), None)
    return moment.start if moment is not None else float("inf")
