"""Times of SMPP (section 7.1.1): absolute ones in UTC, and relative ones. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from smsgwd.errors import PduError

#: longest time that is written as a relative one: the field counts days up to the month
_MOST_DAYS = 30


@lru_cache(maxsize=4096)
def relative_time(seconds: int) -> bytes:
    """``000001000000000R`` for a day (section 7.1.1.2); empty for 0; 30 days at most."""
    if seconds <= 0:
        return b""
    minutes, second = divmod(min(seconds, _MOST_DAYS * 86400), 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return b"0000%02d%02d%02d%02d000R" % (day, hour, minute, second)


def absolute_time(at: int) -> bytes:
    """``YYMMDDhhmmss000+`` of milliseconds since 1970 (section 7.1.1.1). PduError outside of the years 1970 to 2069,
    which two digits cannot tell apart."""
    if not 0 <= at < 3_155_760_000_000:
        raise PduError(f"the time {at} cannot be written in a PDU")
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%y%m%d%H%M%S000+").encode()
