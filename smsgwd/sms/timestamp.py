"""Times: TP-SCTS and TP-DT (3GPP TS 23.040 section 9.2.3.11), and TP-VP (section 9.2.3.12).

A time is seven octets of two decimal digits, low semi-octet first: year, month, day, hour, minute, second, and the
distance to GMT in quarters of an hour, whose sign is bit 3 of the octet. Years 90–99 are those of the last century. What
is no valid time is ``None``: modems and networks send zeros, month 13 and fill bytes, and the text counts for more than
its time.

A relative validity period is one octet with steps of 5 minutes, half an hour, a day and a week; writing rounds up, so
that a text never ends before it was asked to.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
LONGEST = 63 * WEEK

_SWAPPED = bytes((o << 4 | o >> 4) & 0xFF for o in range(256))
#: two decimal digits, low semi-octet first -> 0..99; 0xFF for what is none
_DECIMAL = bytes((o & 15) * 10 + (o >> 4) if o & 15 < 10 and o >> 4 < 10 else 0xFF for o in range(256))
_ZONES = {quarters: timezone(timedelta(minutes=15 * quarters)) for quarters in range(-79, 80)}


def decode_time(octets: bytes) -> datetime | None:
    """Seven octets; an aware time, or None for what is no valid one."""
    if len(octets) != 7:
        return None
    year, month, day, hour, minute, second, _ = octets.translate(_DECIMAL)
    zone = octets[6]
    quarters = _DECIMAL[zone & 0xF7]
    tz = _ZONES.get(-quarters if zone & 8 else quarters)
    if tz is None or year == 0xFF:
        return None
    try:
        return datetime(year + (1900 if year >= 90 else 2000), month, day, hour, minute, second, tzinfo=tz)
    except ValueError:
        return None


def encode_time(at: datetime | None) -> bytes:
    """Seven octets; zeros for None. A zone is cut to quarters of an hour, a naive time is taken as UTC."""
    if at is None:
        return bytes(7)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    offset = at.utcoffset() or timedelta()
    quarters = max(-79, min(79, int(offset / timedelta(minutes=15))))
    at = at.astimezone(_ZONES[quarters])
    octets = bytes.fromhex(f"{at:%y%m%d%H%M%S}{abs(quarters):02}").translate(_SWAPPED)
    return octets[:6] + bytes((octets[6] | (8 if quarters < 0 else 0),))


def decode_relative(vp: int) -> int:
    """Seconds of a relative TP-VP octet, section 9.2.3.12.1."""
    if vp <= 143:
        return (vp + 1) * 5 * MINUTE
    if vp <= 167:
        return 12 * HOUR + (vp - 143) * 30 * MINUTE
    if vp <= 196:
        return (vp - 166) * DAY
    return (vp - 192) * WEEK


def encode_relative(seconds: int) -> int:
    """The octet of the shortest period that is not shorter; 255 (63 weeks) for anything longer."""
    if seconds <= 12 * HOUR:
        return max(0, -(-seconds // (5 * MINUTE)) - 1)
    if seconds <= DAY:
        return 143 + -(-(seconds - 12 * HOUR) // (30 * MINUTE))
    if seconds <= 30 * DAY:
        return 166 + -(-seconds // DAY)
    return min(255, max(197, 192 + -(-seconds // WEEK)))
