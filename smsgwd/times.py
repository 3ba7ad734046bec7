"""When to send, and how long a text may wait, as people and programs write it. Pure.

A time of day belongs to a place: ``2026-11-28T09:00`` and ``09:00`` are read in ``gateway.timezone`` (that of the machine
where none is configured), unless the text names its offset (``2026-11-28T09:00+01:00``) or its zone (``2026-11-28 09:00
Europe/Vienna``, or RFC 9557's ``2026-11-28T09:00[Europe/Vienna]``). Where clocks change, RFC 5545 section 3.3.5 says what
is meant, and so it is here:

* a time that the clocks jump over counts with the offset before the jump: 02:30 becomes 03:30;
* a time that comes twice means the first one.

``+2h`` is counted from now and knows no clock on the wall.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smsgwd.config import parse_duration
from smsgwd.errors import RequestRefused

#: milliseconds ahead that a text may be put off
FARTHEST = 366 * 86_400_000
_FORMS = "`at` is none of 2026-01-31T09:30, 2026-01-31T09:30+01:00, 2026-01-31 09:30 Europe/Vienna, 09:30, +2h"
_ZONED = re.compile(r"(.*[0-9])(?: +([A-Za-z][A-Za-z0-9_+/-]*)|\[([A-Za-z][A-Za-z0-9_+/-]*)\])")
_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def parse_at(text: str, now: int, timezone: str = "") -> int:
    """When to send, in ms; never before ``now``. RequestRefused("invalid-time")."""
    text = text.strip()
    if not text:
        return now
    try:
        due = now + 1000 * parse_duration(text[1:]) if text.startswith("+") else _by_the_wall(text, now, timezone)
    except (ValueError, OverflowError):
        raise RequestRefused("invalid-time", _FORMS) from None
    if due - now > FARTHEST:
        raise RequestRefused("invalid-time", "`at` is more than a year ahead")
    return max(due, now)


def _by_the_wall(text: str, now: int, timezone: str) -> int:
    zoned = _ZONED.fullmatch(text)
    if zoned:
        text, timezone = zoned[1], zoned[2] or zoned[3]
    zone = zone_of(timezone)
    of_day = _OF_DAY.fullmatch(text)
    if not of_day:
        at = datetime.fromisoformat(text)
        if zoned and at.tzinfo is not None:
            raise RequestRefused("invalid-time", "`at` names an offset and a zone; one of them is enough")
        return _ms(at, zone)
    wall = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).replace(tzinfo=None, fold=0)
    at = wall.replace(hour=int(of_day[1]), minute=int(of_day[2]), second=0, microsecond=0)
    coming = (at, at.replace(fold=1), at + timedelta(days=1))
    return next(due for due in (_ms(x, zone) for x in coming) if due >= now)


def zone_of(name: str) -> tzinfo | None:
    """The zone of a name; None, which stands for that of the machine, for an empty one. RequestRefused for an unknown one."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RequestRefused("invalid-time", f"{name[:40]!r} is no time zone such as Europe/Vienna") from None


def _ms(at: datetime, zone: tzinfo | None) -> int:
    """Milliseconds since 1970. A time without an offset is one on the wall in ``zone``; fold 0 is the first of two, and the
    offset before a jump."""
    return round((at if at.tzinfo or zone is None else at.replace(tzinfo=zone)).timestamp() * 1000)


def parse_validity(text: str, default: int) -> int:
    """Seconds. RequestRefused("invalid-validity") for what is no duration of at least a minute."""
    if not text:
        return default
    try:
        seconds = parse_duration(text)
    except ValueError as e:
        raise RequestRefused("invalid-validity", f"`validity`: {e}") from None
    if not 60 <= seconds <= 63 * 604_800:
        raise RequestRefused("invalid-validity", "`validity` lies between 1m and 63w")
    return seconds
