"""Hours in which people are left alone, by the recipient's time zone.

A number tells its zone where numbers are tied to places; elsewhere it tells all zones of its country, and then it is quiet
when it is quiet in any of them. Where that would leave no hour of the day (long nights, and a toll-free number of North
America, which may ring from Newfoundland to Guam), and where a number tells nothing, the zone of the configuration counts
alone.

Days on which the clocks change are reckoned with: quiet ends when the clocks on the wall say so, the second time where
they say it twice and it is quiet in between.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import phonenumbers
from phonenumbers.timezone import time_zones_for_number

from smsgwd.routing.answers import NotBefore

#: an hour that is good for all zones comes within so many days, or never
_DAYS = 3


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """From when until when, on the clocks of the recipient; ``begin`` later than ``end`` goes over midnight."""

    begin: time
    end: time
    classes: tuple[str, ...] = ("bulk",)
    zone: str = "UTC"
    #: (prefix, zone), the longest prefix first
    zones: tuple[tuple[str, str], ...] = ()


def held_back(to: str, class_: str, at: int, quiet: QuietHours | None) -> NotBefore | None:
    """When a text that is due ``at`` (ms) may go; None when it may go then."""
    if quiet is None or class_ not in quiet.classes:
        return None
    zones = zones_of(to, quiet)
    until = loud_from(zones, at, quiet.begin, quiet.end)
    if until is None:
        zones = (_zone(quiet.zone, "UTC"),)
        until = loud_from(zones, at, quiet.begin, quiet.end)
    if until is None or until == at:  # None: quiet all day long, which the configuration does not mean
        return None
    where = zones[0].key if len(zones) == 1 else f"one of {len(zones)} time zones"
    return NotBefore(until, "quiet-hours", f"quiet hours of the recipient ({where}) end then")


def zones_of(to: str, quiet: QuietHours) -> tuple[ZoneInfo, ...]:
    """The time zones that count for a number: those of the configuration, else its own, else the default."""
    for prefix, zone in quiet.zones:
        if to.startswith(prefix):
            return (_zone(zone, quiet.zone),)
    return tuple([_zone(name, quiet.zone) for name in _own_zones(to)]) or (_zone(quiet.zone, "UTC"),)


@lru_cache(maxsize=20_000)
def _own_zones(to: str) -> tuple[str, ...]:
    """What a number itself tells; nothing for a short code or a number that is tied to no place."""
    try:
        names = time_zones_for_number(phonenumbers.parse(to))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(name for name in names if name != "Etc/Unknown")


@lru_cache(maxsize=1000)
def _zone(name: str, otherwise: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # newer than this machine's list of zones
        return ZoneInfo(otherwise)


def is_quiet(zone: ZoneInfo, at: int, begin: time, end: time) -> bool:
    """Whether the clock on the wall stands within the quiet hours. The first moment is quiet, the last is not."""
    clock = datetime.fromtimestamp(at // 1000, zone).time()
    if begin <= end:
        return begin <= clock < end
    return clock >= begin or clock < end


def loud_from(zones: tuple[ZoneInfo, ...], at: int, begin: time, end: time) -> int | None:
    """The first moment from ``at`` on that is quiet in no zone; None when there is none in three days."""
    moment = at
    while moment - at <= _DAYS * 86_400_000:
        ends = [_end(zone, moment, end) for zone in zones if is_quiet(zone, moment, begin, end)]
        if not ends:
            return moment
        moment = max(ends)
    return None


def _end(zone: ZoneInfo, at: int, end: time) -> int:
    """The next moment after ``at`` at which quiet may be over: the wall shows ``end``, or jumps over it."""
    today = datetime.fromtimestamp(at // 1000, zone).date()
    found = (_moment(zone, day, end, fold) for day in (today, today + timedelta(1)) for fold in (0, 1))
    return min(moment for moment in found if moment > at)


def _moment(zone: ZoneInfo, day: date, clock: time, fold: int) -> int:
    """When the wall shows a time of that day. For one that the clocks jump over: just behind the jump (fold 0) or as much
    before it, which is still quiet and is asked about again."""
    wall = datetime.combine(day, clock, zone).replace(fold=fold)
    return int(wall.astimezone(UTC).timestamp() * 1000)
