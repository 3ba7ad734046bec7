"""Routing: which link carries a text, as a pure decision."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.model import MessageClass
from smsgwd.routing import NoRoute, Roster, Route, RouteLink, choose, matched_prefix


def link(name: str, **more) -> RouteLink:
    return RouteLink(name=name, **{"up": True, **more})


US = link("us", prefixes=("+1",), number="+15550100100")
NYC = link("nyc", prefixes=("+1212", "+1646"))
ALL = link("all", number="+4366412345")
ALARMS = link("alarms", classes=("alarm",))


@pytest.mark.parametrize(
    ("to", "class_", "links", "wanted"),
    [
        pytest.param("+12125550100", "normal", [US, NYC, ALL], "nyc", id="longest prefix"),
        pytest.param("+13035550100", "normal", [US, NYC, ALL], "us", id="shorter prefix"),
        pytest.param("+436641234567", "normal", [US, NYC, ALL], "all", id="no prefix fits all"),
        pytest.param("+436641234567", "alarm", [US, ALARMS], "alarms", id="class"),
        pytest.param("+12125550100", "normal", [US, link("nyc", prefixes=("+1212",), up=False)], "us", id="down is last"),
        pytest.param("+12125550100", "normal", [US, link("nyc", prefixes=("+1212",), paused=True)], "us", id="paused is last"),
        pytest.param("+12125550100", "normal", [link("x", up=False, weight=0)], "x", id="waits for the only one"),
    ],
)
def test_choose(to, class_, links, wanted):
    """State first, then the longest prefix; a text is queued even when its only link is down."""
    route = choose(to, MessageClass(class_), links)
    assert isinstance(route, Route)
    assert (route.link, route.pinned) == (wanted, False)
    assert route.why


@pytest.mark.parametrize(
    ("links", "to", "code"),
    [
        pytest.param([], "+12125550100", "no-route", id="no links"),
        pytest.param([US], "+436641234567", "no-route", id="no prefix"),
        pytest.param([ALARMS], "+12125550100", "no-route", id="no class"),
    ],
)
def test_no_route(links, to, code):
    """A number that no link may carry is refused with a reason."""
    answer = choose(to, MessageClass.NORMAL, links)
    assert isinstance(answer, NoRoute)
    assert answer.code == code
    assert answer.reason


@pytest.mark.parametrize("sender", ["us", "+15550100100"])
def test_named_sender_pins(sender):
    """A sender named by link or number pins the text, whatever prefixes say."""
    assert choose("+4366400000", MessageClass.BULK, [ALL, US], sender=sender) == Route("us", True, choose(
        "+4366400000", MessageClass.BULK, [ALL, US], sender=sender).why)  # type: ignore[union-attr]


def test_unknown_sender_is_refused():
    """A sender that is no link and no number of one is refused, with the names that exist."""
    answer = choose("+12125550100", MessageClass.NORMAL, [US, ALL], sender="modem9")
    assert isinstance(answer, NoRoute)
    assert answer.code == "unknown-link"
    assert "us, all" in answer.reason


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any), st.integers(0, 10_000))
def test_weights_share_every_round_exactly(weights, start):
    """Over sum(weights) consecutive tickets each link gets exactly its weight."""
    links = [link(f"l{i}", weight=w) for i, w in enumerate(weights)]
    total = sum(weights)
    got = Counter(
        choose("+1212555", MessageClass.NORMAL, links, ticket=start + i).link for i in range(total)  # type: ignore[union-attr]
    )
    assert got == Counter({f"l{i}": w for i, w in enumerate(weights) if w})


def test_weights_interleave():
    """Two equal links alternate closely instead of taking turns in blocks."""
    links = [link("a", weight=10), link("b", weight=10)]
    row = [choose("+1212555", MessageClass.NORMAL, links, ticket=i).link for i in range(20)]  # type: ignore[union-attr]
    assert max(len(run) for run in "".join(row).replace("ab", "a b").replace("ba", "b a").split()) <= 3


def test_matched_prefix():
    """No prefixes fit all with length 0; -1 says that none of them fits."""
    assert matched_prefix(ALL, "+1") == 0
    assert matched_prefix(US, "+436") == -1
    assert matched_prefix(link("x", prefixes=("+1", "+1212")), "+1212555") == 5


def test_roster_follows_state():
    """The roster changes by name and ignores links that are gone."""
    roster = Roster([RouteLink(name="a")])
    roster.note("a", up=True)
    roster.note("gone", up=True)
    roster.note("a", paused=True)
    assert roster.get("a") == RouteLink(name="a", up=True, paused=True)
    assert roster.get("gone") is None


@pytest.mark.parametrize("n", [2, 4, 8])
def test_equal_links_take_turns(n):
    """Of ``n`` consecutive texts each of ``n`` equal links gets one, wherever the count begins."""
    links = [link(f"m{i}") for i in range(n)]
    for first in range(20):
        chosen = [choose("+15550100777", MessageClass.NORMAL, links, ticket=first + i) for i in range(n)]
        assert {route.link for route in chosen} == {f"m{i}" for i in range(n)}
