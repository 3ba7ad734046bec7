"""How fast a link submits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.smpp.pace import LATE, Pace


def turns(pace: Pace, count: int, now: float = 100.0, late: float = 0.0) -> list[float]:
    """When segments go that all ask at ``now``, each woken ``late`` seconds after its turn."""
    went, at = [], now
    for _ in range(count):
        if not pace.take(at, now):
            at = pace.next + late
            assert pace.take(at, now)
        went.append(at - now)
    return went


def most(times: list[float], span: float) -> int:
    """The most of them in any ``span`` seconds."""
    return max(sum(t <= other < t + span for other in times) for t in times)


def test_one_each_interval():
    """At 10 a second, four at once wait for 0, 0.1, 0.2 and 0.3 s."""
    assert turns(Pace(10), 4) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_nothing_is_saved_up():
    """After a long pause there is one turn now, not many."""
    pace = Pace(10)
    turns(pace, 1)
    assert turns(pace, 3, now=200.0) == pytest.approx([0, 0.1, 0.2])


def test_no_limit():
    """Rate 0 never waits, but for the pause after a refusal."""
    pace = Pace(0)
    assert turns(pace, 100) == [0] * 100
    pace.throttled(100.0)
    assert turns(pace, 1) == [1.0]


def test_a_timer_that_is_a_little_late_costs_no_rate():
    """Two milliseconds late each time: the next turn is counted from when it should have been."""
    went = turns(Pace(100), 101, late=0.002)
    assert went[-1] == pytest.approx(1.0, abs=0.003)


def test_a_timer_that_is_very_late_makes_no_burst():
    """A loop that stands still for 50 ms: five turns are lost, and none is made up for in a row."""
    pace = Pace(100)
    went = [0.0]
    assert pace.take(100.0)
    assert pace.take(100.06, 100.0)
    went += [0.06, *(0.06 + t for t in turns(pace, 20, now=100.06))]
    assert most(went, 0.1) <= 11
    assert went[3] - went[2] >= 0.0099


@given(st.floats(0.1, 2000), st.lists(st.tuples(st.floats(0, 2), st.floats(0, 0.1)), max_size=60))
def test_never_faster(rate, steps):
    """Whenever they ask and however late they are woken: from one turn to the n-th after it there are n intervals, less
    what may be made up for."""
    pace, now, went = Pace(rate), 100.0, []
    for pause, late in steps:
        asked = now = now + pause
        if not pace.take(now):
            now = pace.next + late
            assert pace.take(now, asked)
        went.append(now)
    for i in range(len(went)):
        for j in range(i + 1, len(went)):
            assert went[j] - went[i] >= (j - i) / rate - LATE - 1e-6


def test_throttled():
    """A second's pause, then 0.7 of the rate; refusals of one window count as one."""
    pace = Pace(100)
    for at in (100.0, 100.1, 100.9):
        pace.throttled(at)
    assert pace.rate == pytest.approx(70)
    assert turns(pace, 2, now=100.9) == pytest.approx([1.0, 1.0 + 1 / 70])
    pace.throttled(101.5)
    assert pace.rate == pytest.approx(49)


@pytest.mark.parametrize(
    ("state", "rate"), [pytest.param(80, 100, id="not yet"), pytest.param(81, 70, id="congested"), pytest.param(99, 70, id="full")]
)
def test_congestion(state, rate):
    """Above 80 the link slows down as for a refusal, but it does not pause."""
    pace = Pace(100)
    pace.congested(state, 100.0)
    assert pace.rate == pytest.approx(rate)
    assert pace.take(100.0)


def test_a_link_without_a_rate_slows_down_from_what_it_did():
    """50 a second were too many: 35 now, and after a minute without refusals there is no limit again."""
    pace = Pace(0)
    for n in range(125):
        assert pace.take(100.0 + n / 50)
    pace.throttled(102.5)
    assert pace.rate == pytest.approx(35, rel=0.02)
    assert not pace.take(103.0)
    for second in range(75):
        pace.take(104.0 + second)
    assert pace.rate == 0


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
        assert pace.take(now)
        assert pace.rate == pytest.approx(rate)
