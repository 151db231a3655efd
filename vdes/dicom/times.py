"""When an image was taken, as precisely as its header states, and how far apart two images were taken."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace

from pydicom import Dataset

from vdes.dicom.values import text_of

_DAY = 86400.0
# PS3.5: TM is HH, HHMM or HHMMSS with a fraction; the colons and dots come from ACR-NEMA
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{0,6}))?)?)?")
_DATE = re.compile(r"(\d{4})[.\-/]?(\d\d)[.\-/]?(\d\d)")
_ZONE = re.compile(r"[+-]\d{4}$")


@dataclass(frozen=True)
class Moment:
    """A time between ``start`` and ``start + width``, in seconds.

    Attributes:
        start: since an arbitrary day if the date is known, otherwise since midnight.
        width: precision of the time: 0 with seconds, 60 without, 3600 without minutes.
        dated: whether the date is known.
        zone: seconds ahead of UTC, None if unknown.
    """

    start: float
    width: float
    dated: bool
    zone: float | None = None


@dataclass(frozen=True)
class Gap:
    """The least and the most seconds between two moments."""

    least: float
    most: float

    @property
    def words(self) -> str:
        """The gap as a number, or as a range if the times are imprecise."""
        return f"{self.least:g}" if self.least == self.most else f"{self.least:g} to {self.most:g}"

    def shorter_than(self, other: Gap) -> bool:
        """Return whether this gap is certainly the shorter one."""
        return self.most <= other.least and (self.least, self.most) != (other.least, other.most)


def moments_of(header: Dataset) -> dict[str, Moment]:
    """Return when an image was acquired and when its content was created, as far as its header states it."""
    pairs = {
        "AcquisitionTime": ("AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime"),
        "ContentTime": ("", "ContentDate", "ContentTime"),
    }
    found = {}
    for name, (both, date, time) in pairs.items():
        moment = (_of_datetime(text_of(header, both)) if both else None) or moment_of(
            text_of(header, date), text_of(header, time)
        )
        if moment is not None:
            zone = moment.zone if moment.zone is not None else _offset(text_of(header, "TimezoneOffsetFromUTC"))
            found[name] = replace(moment, zone=zone)
    return found


def moment_of(date: str, time: str) -> Moment | None:
    """Return the moment given by a DA and a TM value, or None if the time is missing or invalid."""
    parts = _TIME.fullmatch(time)
    if parts is None:
        return None
    hour, minute, second = (int(part or 0) for part in parts.groups()[:3])
    if hour > 23 or minute > 59 or second > 60:  # 60 in a leap second
        return None
    width = 3600.0 if parts[2] is None else 60.0 if parts[3] is None else 0.0
    seconds = hour * 3600 + minute * 60 + second + float(f"0.{parts[4] or 0}")
    day = _day(date)
    return Moment(seconds + (day or 0) * _DAY, width, day is not None)


def gap_between(one: Moment, other: Moment) -> Gap:
    """Return the gap between two moments; unless both have a date, the shorter way around midnight counts."""
    apart = other.start - one.start
    if one.zone is not None and other.zone is not None:
        apart += one.zone - other.zone
    if not (one.dated and other.dated):
        apart = (apart + _DAY / 2) % _DAY - _DAY / 2
    # a time without seconds may be any time within its minute
    earliest, latest = apart - one.width, apart + other.width
    least = 0.0 if earliest <= 0 <= latest else min(abs(earliest), abs(latest))
    return Gap(least, max(abs(earliest), abs(latest)))


def _of_datetime(text: str) -> Moment | None:
    zone = _ZONE.search(text)
    local = text[: zone.start()] if zone else text
    moment = moment_of(local[:8], local[8:])
    return moment if moment is None or zone is None else replace(moment, zone=_offset(zone[0]))


def _offset(zone: str) -> float | None:
    """Return by how many seconds a zone such as +0130 is ahead of UTC."""
    if not _ZONE.fullmatch(zone):
        return None
    return (-1 if zone[0] == "-" else 1) * (int(zone[1:3]) * 3600.0 + int(zone[3:5]) * 60.0)


def _day(text: str) -> int | None:
    parts = _DATE.fullmatch(text)
    if parts is None:
        return None
    try:
        return datetime.date(*(int(part) for part in parts.groups())).toordinal()
    except ValueError:
        return None
