"""When to send: what people write, in the zone that they mean, also on the days on which clocks change."""

import os
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.errors import RequestRefused
from smsgwd.times import FARTHEST, parse_at, parse_validity

VIENNA, NEW_YORK = "Europe/Vienna", "America/New_York"
#: a Friday afternoon in winter, in Vienna 16:00
NOW = int(datetime(2026, 11, 27, 15, 0, tzinfo=UTC).timestamp() * 1000)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("written", "due"),
    [
        pytest.param("", "2026-11-27T15:00Z", id="now"),
        pytest.param("+2h", "2026-11-27T17:00Z", id="from now"),
        pytest.param("16:30", "2026-11-27T15:30Z", id="later today"),
        pytest.param("15:30", "2026-11-28T14:30Z", id="tomorrow"),
        pytest.param("9:05", "2026-11-28T08:05Z", id="one digit"),
        pytest.param("2026-11-28T09:00", "2026-11-28T08:00Z", id="on the wall"),
        pytest.param("2026-11-28 09:00", "2026-11-28T08:00Z", id="with a space"),
        pytest.param("2026-11-28T09:00:30.5", "2026-11-28T08:00:30.500Z", id="with parts of seconds"),
        pytest.param("2026-11-28T09:00-05:00", "2026-11-28T14:00Z", id="with an offset"),
        pytest.param("2026-11-28T09:00Z", "2026-11-28T09:00Z", id="Zulu"),
        pytest.param("2026-11-28 09:00 America/New_York", "2026-11-28T14:00Z", id="with a zone"),
        pytest.param("2026-11-28T09:00[America/New_York]", "2026-11-28T14:00Z", id="with a zone, RFC 9557"),
        pytest.param("09:00 America/New_York", "2026-11-28T14:00Z", id="time of day elsewhere: 10:00 there, so tomorrow"),
        pytest.param("2026-11-27T14:00", "2026-11-27T15:00Z", id="the past is now"),
    ],
)
def test_forms(written, due):
    """Each form that the manual names; without a zone it is that of the configuration."""
    assert parse_at(written, NOW, VIENNA) == at(due)


@pytest.mark.parametrize(
    ("now", "written", "due"),
    [
        pytest.param("2026-03-28T12:00Z", "2026-03-29T02:30", "2026-03-29T01:30Z", id="jumped over: 03:30 summer time"),
        pytest.param("2026-03-28T12:00Z", "2026-03-29T03:00", "2026-03-29T01:00Z", id="right after the jump"),
        pytest.param("2026-03-28T12:00Z", "02:30", "2026-03-29T01:30Z", id="time of day, jumped over"),
        pytest.param("2026-03-28T20:00Z", "09:00", "2026-03-29T07:00Z", id="over the jump, the hour on the wall holds"),
        pytest.param("2026-10-24T12:00Z", "2026-10-25T02:30", "2026-10-25T00:30Z", id="comes twice: the first"),
        pytest.param("2026-10-24T12:00Z", "2026-10-25T02:30+01:00", "2026-10-25T01:30Z", id="comes twice: named by its offset"),
        pytest.param("2026-10-24T20:00Z", "09:00", "2026-10-25T08:00Z", id="over the second hour"),
        pytest.param("2026-10-25T00:40Z", "02:50", "2026-10-25T00:50Z", id="within the first hour"),
        pytest.param("2026-10-25T00:40Z", "02:30", "2026-10-25T01:30Z", id="gone in the first hour, comes in the second"),
        pytest.param("2026-10-25T01:40Z", "02:30", "2026-10-26T01:30Z", id="gone in both"),
    ],
)
@pytest.mark.parametrize("where", ["configured", "named", "the machine's"])
def test_days_on_which_clocks_change(monkeypatch, now, written, due, where):
    """RFC 5545: a time that is jumped over counts with the offset before, one that comes twice is the first; a time of day
    is the next one on the wall. The same whether the zone is configured, named, or that of the machine."""
    if where == "the machine's":
        monkeypatch.setenv("TZ", VIENNA)
        time.tzset()
    try:
        if where == "named" and "+" not in written[1:]:
            assert parse_at(f"{written} {VIENNA}", at(now), NEW_YORK) == at(due)
        else:
            assert parse_at(written, at(now), "" if where == "the machine's" else VIENNA) == at(due)
    finally:
        monkeypatch.delenv("TZ", raising=False)
        time.tzset()
    assert "TZ" not in os.environ


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param("tomorrow", "none of", id="words"),
        pytest.param("2026-02-30T09:00", "none of", id="no such day"),
        pytest.param("25:00", "none of", id="no such hour"),
        pytest.param("2026-11-28T09:00 Europe/Wien", "no time zone", id="no such zone"),
        pytest.param("2026-11-28T09:00+01:00 Europe/Vienna", "one of them", id="offset and zone"),
        pytest.param("+9999999w", "none of|a year", id="too far"),
        pytest.param("2028-01-01T00:00", "a year", id="years ahead"),
        pytest.param("9999-12-31T23:59:59 Etc/GMT+12", "none of|a year", id="the end of time"),
    ],
)
def test_what_is_no_time(written, words):
    """One line says what is wrong."""
    with pytest.raises(RequestRefused, match=words):
        parse_at(written, NOW, VIENNA)


@given(st.text(max_size=40), st.sampled_from(["", VIENNA, NEW_YORK]))
def test_any_text(text, zone):
    """Whatever is written, it is a time from now to a year ahead, or refused."""
    try:
        due = parse_at(text, NOW, zone)
    except RequestRefused as e:
        due, code = NOW, e.code
    else:
        code = "invalid-time"
    assert code == "invalid-time"
    assert NOW <= due <= NOW + FARTHEST


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 366 * 24 * 60), st.sampled_from([VIENNA, NEW_YORK]))
def test_time_of_day(hour, minute, later, zone):
    """A time of day is at most a day and an hour away, and stands on the wall then (or the clocks jumped over it)."""
    now = NOW + later * 60_000
    due = parse_at(f"{hour:02}:{minute:02}", now, zone)
    assert 0 <= due - now <= 25 * 3_600_000
    wall = datetime.fromtimestamp(due / 1000, UTC).astimezone(ZoneInfo(zone))
    if (wall.hour, wall.minute) != (hour, minute):
        before = (wall.astimezone(UTC) - timedelta(hours=2)).astimezone(ZoneInfo(zone))
        assert wall.utcoffset() > before.utcoffset()
        assert (wall - timedelta(hours=1)).hour == hour


def test_validity():
    """No validity means the configured one; else a duration of a minute at least."""
    assert parse_validity("", 99) == 99
    assert parse_validity("12h", 99) == 43_200
    for wrong in ("30s", "forever", "64w"):
        with pytest.raises(RequestRefused, match="validity"):
            parse_validity(wrong, 99)
