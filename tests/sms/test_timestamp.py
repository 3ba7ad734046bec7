"""Times and validity periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.sms.timestamp import decode_relative, decode_time, encode_relative, encode_time


def at(hours: float, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone(timedelta(hours=hours)))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("octets", "time"),
    [
        pytest.param("62113261005080", at(2, 2026, 11, 23, 16, 0, 5), id="+02:00"),
        pytest.param("6211326100508A", at(-7, 2026, 11, 23, 16, 0, 5), id="-07:00"),
        pytest.param("62113261005000", at(0, 2026, 11, 23, 16, 0, 5), id="UTC"),
        pytest.param("62113261005022", at(5.5, 2026, 11, 23, 16, 0, 5), id="+05:30"),
        pytest.param("99211332959500", at(0, 1999, 12, 31, 23, 59, 59), id="the last century"),
        pytest.param("42209200000000", at(0, 2024, 2, 29), id="29 February"),
    ],
)
def test_times_both_ways(octets: str, time: datetime) -> None:
    """Sign and quarters of the zone too."""
    found = decode_time(bytes.fromhex(octets))
    assert found == time
    assert found is not None
    assert found.utcoffset() == time.utcoffset()
    assert encode_time(time).hex().upper() == octets


@pytest.mark.parametrize(
    "octets",
    ["00000000000000", "62313261005080", "62113261005", "FFFFFFFFFFFFFF", "32209200000000", "62113261065080",
     "6211326100500A0", "", "621132610050F0", "A2113261005080", "62113242005080"],
)  # fmt: skip
def test_no_valid_time(octets: str) -> None:
    """Zeros, month 13, fill, 29 February of another year, minute 60, hour 24, a digit above 9, too short or long: None."""
    assert decode_time(bytes.fromhex(octets + "0" * (len(octets) % 2))) is None


def test_odd_times_are_written_all_the_same() -> None:
    """None is zeros, a naive time is UTC, an odd zone is cut to quarters and the instant stays."""
    assert encode_time(None) == bytes(7)
    assert decode_time(encode_time(datetime(2026, 1, 2, 3, 4, 5))) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)  # noqa: DTZ001
    odd = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(minutes=52)))
    assert decode_time(encode_time(odd)) == odd


@pytest.mark.parametrize(
    ("vp", "seconds"),
    [(0, 300), (143, 43200), (144, 45000), (167, 86400), (168, 172800), (196, 2592000), (197, 3024000), (255, 38102400)],
)
def test_relative_validity(vp: int, seconds: int) -> None:
    """Both ends of the four ranges of section 9.2.3.12.1."""
    assert decode_relative(vp) == seconds
    assert encode_relative(seconds) == vp


@pytest.mark.parametrize(("seconds", "vp"), [(0, 0), (1, 0), (301, 1), (43201, 144), (86401, 168), (2592001, 197), (10**9, 255)])
def test_validity_is_rounded_up(seconds: int, vp: int) -> None:
    """A text never ends before it was asked to, but for the 63 weeks that the octet can say."""
    assert encode_relative(seconds) == vp


@given(st.integers(0, 255))
def test_every_period_comes_back(vp: int) -> None:
    """And periods grow with the octet."""
    assert encode_relative(decode_relative(vp)) == vp
    assert vp == 255 or decode_relative(vp) < decode_relative(vp + 1)


@given(st.integers(1, 38102400))
def test_never_shorter_and_the_shortest(seconds: int) -> None:
    """The octet below would be too short."""
    vp = encode_relative(seconds)
    assert decode_relative(vp) >= seconds
    assert vp == 0 or decode_relative(vp - 1) < seconds


zones = st.integers(-79, 79).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


@given(st.datetimes(datetime(1990, 1, 2), datetime(2089, 12, 30), timezones=zones).map(lambda t: t.replace(microsecond=0)))  # noqa: DTZ001
def test_time_round_trip(time: datetime) -> None:
    """All zones."""
    assert decode_time(encode_time(time)) == time


@given(st.binary(max_size=9))
def test_any_octets(octets: bytes) -> None:
    """A time that is written the same way, or None."""
    found = decode_time(octets)
    assert found is None or decode_time(encode_time(found)) == found
