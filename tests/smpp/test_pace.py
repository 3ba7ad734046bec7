"""How fast a link submits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.smpp.pace import Pace


def slots(pace: Pace, count: int, now: float = 100.0) -> list[float]:
    return [pace.reserve(now) for _ in range(count)]


def test_one_each_interval():
    """At 10 a second, four at once wait for 0, 0.1, 0.2 and 0.3 s."""
    assert slots(Pace(10), 4) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_nothing_is_saved_up():
    """After a long pause there is one slot now, not many."""
    pace = Pace(10)
    slots(pace, 1)
    assert slots(pace, 3, now=200.0) == pytest.approx([0, 0.1, 0.2])


def test_no_limit():
    """Rate 0 never waits, but for the pause after a refusal."""
    pace = Pace(0)
    assert slots(pace, 100) == [0] * 100
    pace.throttled(100.0)
    assert slots(pace, 2) == [1.0, 1.0]
    assert slots(pace, 2, now=101.0) == [0, 0]


@given(st.floats(0.1, 1000), st.lists(st.floats(0, 5), max_size=60))
def test_never_faster(rate, pauses):
    """Whenever they come, two slots are an interval apart."""
    pace, now, last = Pace(rate), 100.0, -1e9
    for pause in pauses:
        now += pause
        slot = now + pace.reserve(now)
        assert slot - last >= 1 / rate - 1e-6
        last = slot


def test_throttled():
    """A second's pause, then 0.7 of the rate; refusals of one window count as one."""
    pace = Pace(100)
    for at in (100.0, 100.1, 100.9):
        pace.throttled(at)
    assert pace.rate == pytest.approx(70)
    assert slots(pace, 2, now=100.9) == pytest.approx([1.0, 1.0 + 1 / 70])
    pace.throttled(101.5)
    assert pace.rate == pytest.approx(49)


@pytest.mark.parametrize(("rate", "floor"), [(100, 1.0), (0.5, 0.5)])
def test_the_floor(rate, floor):
    """Never below one a second, or below what is configured when that is less."""
    pace = Pace(rate)
    for n in range(30):
        pace.throttled(100.0 + 2 * n)
    assert pace.rate == floor


def test_recovery():
    """Each ten seconds without a refusal give back 5 %, never more than configured."""
    pace = Pace(100)
    pace.throttled(100.0)
    for now, rate in ((109.9, 70), (110.1, 75), (125.0, 80), (131.0, 85), (1000.0, 100)):
        pace.reserve(now)
        assert pace.rate == pytest.approx(rate)
