"""Quiet hours by the recipient's clock. Pure."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.routing.quiet import QuietHours, held_back, is_quiet, loud_from, zones_of

NIGHT = QuietHours(begin=time(21), end=time(8), zone="Europe/Vienna", zones=(("+1900", "Asia/Tokyo"), ("+19", "UTC")))
VIENNA, NEW_YORK, RUSSIA = "+436641234567", "+12125550199", "+79161234567"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("to", "due", "wanted"),
    [
        pytest.param(VIENNA, "2026-07-01T22:30+02:00", "2026-07-02T08:00+02:00", id="evening"),
        pytest.param(VIENNA, "2026-07-02T07:59:59+02:00", "2026-07-02T08:00+02:00", id="morning"),
        pytest.param(VIENNA, "2026-07-01T21:00+02:00", "2026-07-02T08:00+02:00", id="its first moment"),
        pytest.param(VIENNA, "2026-07-01T08:00+02:00", None, id="its end"),
        pytest.param(VIENNA, "2026-07-01T20:59+02:00", None, id="before it"),
        pytest.param(NEW_YORK, "2026-07-01T22:30+02:00", None, id="afternoon there"),
        pytest.param(NEW_YORK, "2026-07-01T03:30+00:00", "2026-07-01T08:00-04:00", id="night there"),
        pytest.param("+15550100777", "2026-07-01T22:30+02:00", "2026-07-02T08:00+02:00", id="a number tied to no place"),
        pytest.param("12345", "2026-07-01T22:30+02:00", "2026-07-02T08:00+02:00", id="short code"),
        pytest.param("+19001234567", "2026-07-01T22:30+09:00", "2026-07-02T08:00+09:00", id="zone by longest prefix"),
        pytest.param("+18005550100", "2026-07-02T06:00+10:00", "2026-07-02T08:00+10:00", id="from Newfoundland to Guam"),
        pytest.param("+61412345678", "2026-07-01T21:00+08:00", "2026-07-02T08:00+06:30", id="the last of several zones"),
        # the night in which the clocks go forward is an hour shorter, the other an hour longer
        pytest.param(VIENNA, "2026-03-28T22:00+01:00", "2026-03-29T08:00+02:00", id="clocks go forward"),
        pytest.param(VIENNA, "2026-10-24T22:00+02:00", "2026-10-25T08:00+01:00", id="clocks go back"),
    ],
)
def test_held_back(to, due, wanted):
    """A bulk text that falls into the recipient's night waits for their morning."""
    answer = held_back(to, "bulk", at(due), NIGHT)
    assert (answer and answer.at) == (wanted and at(wanted))
    assert held_back(to, "alarm", at(due), NIGHT) is None


@pytest.mark.parametrize(
    ("begin", "end", "due", "wanted"),
    [
        pytest.param("00:30", "02:30", "2026-03-29T01:00+01:00", "2026-03-29T03:30+02:00", id="an end that the clocks jump over"),
        pytest.param("23:00", "02:30", "2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", id="the first of two ends"),
        pytest.param("23:00", "02:30", "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00", id="quiet a second time"),
        pytest.param("13:00", "15:00", "2026-07-01T14:00+02:00", "2026-07-01T15:00+02:00", id="siesta"),
    ],
)
def test_days_on_which_clocks_change(begin, end, due, wanted):
    """The clock on the wall decides, also when it shows a time twice or never."""
    found = loud_from((ZoneInfo("Europe/Vienna"),), at(due), time.fromisoformat(begin), time.fromisoformat(end))
    assert found == at(wanted)


ZONES = st.lists(
    st.sampled_from(["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns",
                     "Pacific/Apia", "UTC"]).map(ZoneInfo), min_size=1, max_size=4,
).map(tuple)  # fmt: skip
CLOCKS = st.times().map(lambda t: t.replace(second=0, microsecond=0))
#: around changes of the clocks and anywhere else
MOMENTS = st.integers(at("2024-01-01T00:00+00:00"), at("2030-01-01T00:00+00:00")) | st.builds(
    lambda base, off: at(base) + off,
    st.sampled_from(["2026-03-29T01:00+00:00", "2026-10-25T01:00+00:00", "2026-11-01T06:00+00:00", "2026-04-04T15:00+00:00"]),
    st.integers(-7_200_000, 7_200_000),
)


@given(ZONES, MOMENTS, CLOCKS, CLOCKS)
def test_the_answer_is_never_quiet(zones, moment, begin, end):
    """The moment that is given is quiet in none of the zones, and never before the one that was asked for."""
    found = loud_from(zones, moment, begin, end)
    if found is not None:
        assert found >= moment
        assert not any(is_quiet(zone, found, begin, end) for zone in zones)
    else:
        assert len(zones) > 1


def test_quiet_all_around_the_clock():
    """Where the zones of a number leave no hour of the day, the zone of the configuration counts alone."""
    long = QuietHours(begin=time(17), end=time(10), zone="Europe/Vienna")
    answer = held_back("+18005550100", "bulk", at("2026-07-01T18:00+02:00"), long)
    assert answer is not None
    assert answer.at == at("2026-07-02T10:00+02:00")
    assert held_back("+18005550100", "bulk", at("2026-07-01T12:00+02:00"), long) is None


def test_zones_of_a_number():
    """Its own zones, or the one that is configured."""
    assert [z.key for z in zones_of(NEW_YORK, NIGHT)] == ["America/New_York"]
    assert len(zones_of(RUSSIA, NIGHT)) > 5
    assert [z.key for z in zones_of("+19012345678", NIGHT)] == ["UTC"]
    assert held_back(VIENNA, "bulk", int(datetime(2026, 7, 1, tzinfo=UTC).timestamp() * 1000), None) is None
