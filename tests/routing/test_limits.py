"""Who may be written to, rows of neighbouring numbers, and rates. Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.errors import RequestRefused
from smsgwd.prices import Prices
from smsgwd.routing.policy import Policy, affordable, allowed, recipient
from smsgwd.routing.pumping import HOUR, Neighbours
from smsgwd.routing.rates import Paces, too_many

POLICY = Policy(country="US", allow=("US", "AT", "+4476"), premium=("+1900555",), short_codes=("12345",))


@pytest.mark.parametrize(
    ("to", "code"),
    [
        pytest.param("+12125550100", "", id="home"),
        pytest.param("+436641234567", "", id="allowed country"),
        pytest.param("+447600123456", "", id="allowed prefix"),
        pytest.param("+447400123456", "country-not-allowed", id="other country"),
        pytest.param("+19002345678", "premium-not-allowed", id="premium"),
        pytest.param("+43900123456", "premium-not-allowed", id="premium abroad"),
        pytest.param("+19005550100", "", id="premium that is listed"),
        pytest.param("12345", "", id="short code that is listed"),
        pytest.param("54321", "short-code-not-allowed", id="short code"),
        pytest.param("911", "short-code-not-allowed", id="emergency number"),
        pytest.param("+999123456789", "invalid-number", id="no such calling code"),
        pytest.param("hello", "invalid-number", id="letters"),
    ],
)
def test_policy(to, code):
    """Countries, premium numbers and short codes that are not listed are refused, each with its own slug."""
    assert slug(to) == code


def slug(to: str) -> str:
    try:
        number = recipient(to, POLICY)
    except RequestRefused as e:
        return e.code
    answer = allowed(number, POLICY) or affordable(number, POLICY)
    return answer.code if answer else ""


def test_prices_by_longest_prefix():
    """The longest prefix has the price; others pay the plain one; amounts are millionths."""
    prices = Prices(0.05, {"+43": 0.04, "+43660": 0.02})
    assert [prices.of(n) for n in ("+436601", "+43664", "+1")] == [20_000, 40_000, 50_000]


# ---- neighbours ----------------------------------------------------------------------------------------------------


def block(n: int, of: str = "+12125550") -> str:
    return f"{of}{n:03}"


def test_neighbours():
    """The limit is of different numbers of a block in an hour; repeats and other blocks are free; an hour later it ends."""
    row = Neighbours(3)
    for i in (0, 1, 2):
        assert row.refuses(block(i), i) is None
        row.note(block(i), i)
    answer = row.refuses(block(3), 10)
    assert answer is not None
    assert (answer.code, answer.at) == ("pumping", HOUR)
    assert row.refuses(block(1), 10) is None
    assert row.refuses(block(100), 10) is None
    assert row.refuses("12345", 10) is None
    assert row.refuses(block(3), HOUR) is None


def test_no_limit_remembers_nothing():
    """0 switches the look-out off."""
    row = Neighbours(0)
    for i in range(100):
        row.note(block(i), 0)
    assert row.refuses(block(99), 0) is None
    assert len(row) == 0


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3 * HOUR)), max_size=200), st.integers(1, 5))
def test_never_more_than_the_limit_in_an_hour(texts, most):
    """Whatever comes in whatever order, no block gets more different numbers in an hour, and memory is bounded."""
    row, passed = Neighbours(most, blocks=3), []
    now = 0
    for n, step in texts:
        now += step // 50
        if row.refuses(block(n), now) is None:
            row.note(block(n), now)
            passed.append((n, now))
        assert len(row) <= 3
        assert all(len(seen) <= most for seen in row._blocks.values())
    for first, since in passed if len({n // 100 for n, _ in texts}) <= 3 else ():
        last_hour = {n for n, at in passed if n // 100 == first // 100 and since <= at < since + HOUR}
        again = {n for n, at in passed if n // 100 == first // 100 and since - HOUR < at < since}
        assert len(last_hour - again) <= most


# ---- rates ---------------------------------------------------------------------------------------------------------


def test_places_in_the_row_of_a_prefix():
    """Texts to a prefix are due one after the other; others, and those of a later hour, are not kept waiting."""
    paces, now = Paces({"a": {"+43": 10.0, "+43664": 2.0}}), 1_000_000_000
    dues = []
    for segments in (1, 2, 1):
        due, row, interval = paces.place("a", "+436641234567", now, now)
        assert row is not None
        paces.take(row, due, segments, interval, now)
        dues.append(due - now)
    assert dues == [0, 500, 1500]
    assert paces.place("a", "+436991234567", now, now)[0] == now
    assert paces.place("a", "+12125550100", now, now) == (now, None, 0.0)
    assert paces.place("b", "+436641234567", now, now) == (now, None, 0.0)
    tomorrow, row, interval = paces.place("a", "+436641234567", now + 86_400_000, now)
    assert (tomorrow, row is not None) == (now + 86_400_000, True)
    paces.take(row, tomorrow, 1, interval, now)
    assert paces.place("a", "+436641234567", now, now)[0] == now + 2000
    assert paces.place("a", "+436641234567", now + 5000, now + 5000)[0] == now + 5000


def test_old_rows_are_forgotten():
    """Rows of hours that are over take no memory."""
    paces = Paces({"a": {"+43": 10.0}})
    for hour in range(1, 200):
        now = hour * HOUR * 2
        due, row, interval = paces.place("a", "+431", now + HOUR, now)
        assert row is not None
        paces.take(row, due, 1, interval, now)
    assert len(paces._free) < 4


LIMITS = ((1, 60), (5, 900), (12, 3600))
NOW = 10_000_000


@pytest.mark.parametrize(
    ("ago", "wanted"),
    [
        pytest.param([], None, id="none yet"),
        pytest.param([60], None, id="a minute ago"),
        pytest.param([59], 1, id="59 s ago"),
        pytest.param([600, 500, 400, 300, 200], 300, id="five in 15 minutes"),
        pytest.param([600, 500, 400, 300, 30], 300, id="the longest wait"),
        pytest.param([-5], None, id="the clock was put back"),
    ],
)
def test_per_number(ago, wanted):
    """How many seconds until one more automatic text may go to a person."""
    answer = too_many([NOW - s * 1000 for s in ago], NOW, LIMITS)
    assert (answer and (answer.at - NOW) // 1000) == wanted


@given(st.lists(st.integers(0, 120), max_size=150))
def test_the_bucket_holds_to_the_text(steps):
    """However often one asks, no window ever holds more than its limit."""
    now, sent = 0, []
    for step in steps:
        now += step * 1000
        if too_many(sent, now, LIMITS) is None:
            sent.append(now)
    for most, seconds in LIMITS:
        for at in sent:
            assert sum(at <= other < at + seconds * 1000 for other in sent) <= most
