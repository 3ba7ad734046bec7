"""Caps of segments and money: what the ledger promises, counts and tells. Pure."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from smsgwd.prices import Prices, micros
from smsgwd.routing.caps import DAY, LINK, TOKEN, Alarm, Caps, Ledger, Spent, caps_of, ends, month_of

NOW = int(datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp() * 1000)


def ms(*when) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("caps", "at", "segments", "cost", "wanted"),
    [
        pytest.param(Caps(segments_per_day=3), ms(2027, 1, 1), 3, 0, None, id="to the last segment"),
        pytest.param(Caps(segments_per_day=3), NOW, 4, 0, ms(2027, 1, 1), id="until midnight"),
        pytest.param(Caps(segments_per_month=3), ms(2026, 2, 3), 4, 0, ms(2026, 3, 1), id="until the month is over"),
        pytest.param(Caps(segments_per_month=3), NOW, 4, 0, ms(2027, 1, 1), id="until the year is over"),
        pytest.param(Caps(cost_per_day=micros(0.3)), NOW, 9, micros(0.31), ms(2027, 1, 1), id="money"),
        pytest.param(Caps(1, 0, 0, micros(1)), ms(2026, 5, 5), 2, micros(2), ms(2026, 6, 1), id="the later of two"),
    ],
)
def test_room(caps, at, segments, cost, wanted):
    """A text fits under every cap or is told when the period of the last one ends."""
    answer = Ledger({"a": caps}).room(LINK, "a", at, segments, cost)
    assert (answer and answer.at) == wanted


def test_tenths_add_up():
    """Ten texts for a tenth each fit under a cap of one, and no more: money is whole millionths."""
    ledger, price = Ledger({"a": caps_of({"cost_per_day": 1.0})}), Prices(0.1).of("+1")
    promised = [ledger.promise(object(), "a", "", 1, price, NOW) is None for _ in range(12)]
    assert promised == [True] * 10 + [False] * 2


def test_alarms_once_in_a_period():
    """At 50, 80 and 100 % once each, and again in the next period; a promise alone alarms nobody."""
    ledger = Ledger({"a": Caps(segments_per_day=10)})
    for day in (0, 1):
        seen = []
        for _ in range(10):
            key = object()
            ledger.promise(key, "a", "", 1, 0, NOW + day * DAY)
            assert ledger.alarms() == []
            ledger.spent([Spent(NOW + day * DAY, "a", "", 1, 0, key)])
            seen.append([alarm.share for alarm in ledger.alarms()])
        assert seen == [[], [], [], [], [50], [], [], [80], [], [100]]


def test_a_refused_text_counts_as_reached():
    """A text too long for what is left tells of 100 % although a shorter one would fit."""
    ledger = Ledger({"a": Caps(segments_per_day=10)})
    ledger.load([(NOW // DAY, LINK, "a", 9, 0)])
    assert ledger.promise(object(), "a", "", 2, 0, NOW) is not None
    ledger.refused(LINK, "a", NOW, 2, 0)
    ledger.refused(LINK, "a", NOW, 2, 0)
    assert ledger.alarms() == [Alarm(LINK, "a", "segments_per_day", 100, "2026-12-31")]


def test_loaded_shares_are_not_told_again():
    """After a restart the counts of the disk hold, and what was told before is not told twice."""
    ledger = Ledger({"a": Caps(segments_per_month=10)})
    ledger.load([(NOW // DAY - 3, LINK, "a", 4, 0), (NOW // DAY, LINK, "a", 4, 0)])
    ledger.spent([Spent(NOW, "a", "", 1, 0)])
    assert ledger.alarms() == []
    assert ledger.used(LINK, "a", month_of(NOW // DAY)) == (9, 0)
    ledger.spent([Spent(NOW, "a", "", 1, 0)])
    assert [(x.share, x.period) for x in ledger.alarms()] == [(100, "2026-12")]


def test_token_and_link_each_have_their_own():
    """A token's cap holds on every link; alarms and answers name it."""
    ledger = Ledger({"a": Caps(segments_per_day=10)})
    ledger.know("tok", Caps(segments_per_day=1))
    assert ledger.promise(object(), "a", "tok", 1, 0, NOW) is None
    answer = ledger.promise(object(), "b", "tok", 1, 0, NOW)
    assert answer is not None
    assert (answer.link, "token tok" in answer.reason) == ("", True)
    assert ledger.used(TOKEN, "tok", NOW // DAY) == (1, 0)


def test_old_periods_are_forgotten():
    """A ledger that runs for years holds two months."""
    ledger = Ledger({"a": Caps(segments_per_day=1)})
    for day in range(1000):
        ledger.spent([Spent(NOW + day * DAY, "a", "", 1, 0)])
    assert len(ledger._sums) < 70
    assert len(ledger._told) < 210


@given(st.integers(0, 80_000))
def test_ends_of_periods(day):
    """Midnight after the day, and the first of the next month."""
    first = datetime.fromtimestamp(ends(month_of(day)) / 1000, UTC)
    assert (first.day, first.hour, first.minute) == (1, 0, 0)
    assert 0 < ends(month_of(day)) - day * DAY <= 31 * DAY
    assert month_of(ends(month_of(day)) // DAY) != month_of(day)
    assert ends(day) == (day + 1) * DAY


class Life(RuleBasedStateMachine):
    """Texts are promised, then accepted, refused or moved, in any order; the truth is counted beside it."""

    promises, stored = Bundle("promises"), Bundle("stored")
    CAPS = {"a": Caps(segments_per_day=7, cost_per_day=30), "b": Caps(segments_per_month=9)}
    PRICE = {"a": 5, "b": 1}

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(self.CAPS)
        self.truth = {"a": 0, "b": 0}
        self.open = {"a": 0, "b": 0}

    @rule(target=promises, link=st.sampled_from("ab"), segments=st.integers(1, 4))
    def promise(self, link, segments):
        key = [link, segments]  # an object of its own
        fits = self.fits(link, segments)
        assert (self.ledger.promise(key, link, "", segments, segments * self.PRICE[link], NOW) is None) == fits
        if fits:
            self.open[link] += segments
        return key if fits else None

    def fits(self, link, segments):
        after = self.truth[link] + self.open[link] + segments
        return after <= 7 and after * 5 <= 30 if link == "a" else after <= 9

    @rule(target=stored, key=consumes(promises))
    def accepted(self, key):
        if key is None:
            return None
        link, segments = key
        self.ledger.spent([Spent(NOW, link, "", segments, segments * self.PRICE[link], key)])
        self.ledger.release(key)  # as the caller does in any case
        self.open[link] -= segments
        self.truth[link] += segments
        return (link, segments)

    @rule(key=consumes(promises))
    def failed(self, key):
        if key is not None:
            self.ledger.release(key)
            self.ledger.release(key)
            self.open[key[0]] -= key[1]

    @rule(target=stored, text=consumes(stored), segments=st.integers(1, 4))
    def moved(self, text, segments):
        if text is None:
            return None
        other, key = "ba"["ab".index(text[0])], [text]
        if self.ledger.promise(key, other, "", segments, segments * self.PRICE[other], NOW) is not None:
            assert not self.fits(other, segments)
            return text
        self.ledger.spent([
            Spent(NOW, text[0], "", -text[1], -text[1] * self.PRICE[text[0]]),
            Spent(NOW, other, "", segments, segments * self.PRICE[other], key),
        ])
        self.truth[text[0]] -= text[1]
        self.truth[other] += segments
        return (other, segments)

    @invariant()
    def no_cap_is_exceeded_and_nothing_leaks(self):
        for link, caps in self.CAPS.items():
            period = NOW // DAY if link == "a" else month_of(NOW // DAY)
            segments, cost = self.ledger.used(LINK, link, period)
            assert segments == self.truth[link] + self.open[link]
            assert cost == segments * self.PRICE[link]
            assert segments <= (caps.segments_per_day or caps.segments_per_month)
            assert cost <= (caps.cost_per_day or cost)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30)
