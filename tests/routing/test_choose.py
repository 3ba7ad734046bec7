"""Routing: which link carries a text, as a pure decision."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.model import MessageClass
from smsgwd.prices import Prices
from smsgwd.routing import NoRoute, NotBefore, Roster, Route, RouteLink, choose, matched_prefix


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


AT = NotBefore(99, "cap-reached", "segments_per_day of link us is used up", "us")
CHEAP, DEAR = link("cheap", prices=Prices(0.01)), link("dear", prices=Prices(0.05, {"+43": 0.001}))


@pytest.mark.parametrize(
    ("to", "links", "more", "wanted"),
    [
        pytest.param("+12125550100", [CHEAP, DEAR], {}, "cheap", id="cheapest"),
        pytest.param("+436641234567", [CHEAP, DEAR], {}, "dear", id="cheapest by prefix"),
        pytest.param("+12125550100", [US, CHEAP], {}, "us", id="prefix before price"),
        pytest.param("+12125550100", [DEAR, link("cheap", prices=Prices(0.01), up=False)], {}, "dear", id="health before price"),
        pytest.param("+12125550100", [link("a", resting="CMS 38"), DEAR], {}, "dear", id="resting is last"),
        pytest.param("+12125550100", [link("a", denied=("+1212",)), DEAR], {}, "dear", id="denied"),
        pytest.param("+436641234567", [link("a", countries=("US",)), link("b", countries=("AT", "DE"))], {}, "b", id="country"),
        pytest.param("12345", [link("a", countries=("US",))], {}, "a", id="a short code lies in no country"),
        pytest.param("+12125550100", [US, ALL], {"prefer": "all"}, "all", id="open conversation"),
        pytest.param("+12125550100", [US, link("all", up=False)], {"prefer": "all"}, "us", id="its link is down"),
        pytest.param("+12125550100", [US, link("all", denied=("+1",))], {"prefer": "all"}, "us", id="its link is denied"),
        pytest.param("+12125550100", [US, ALL], {"full": {"us": AT}}, "all", id="cap reached"),
        pytest.param("+12125550100", [US, link("all", up=False)], {"full": {"us": AT}}, "all", id="waits for one with room"),
    ],
)
def test_order_of_the_decision(to, links, more, wanted):
    """Denied and full links are out; then thread, health, prefix, price."""
    route = choose(to, MessageClass.NORMAL, links, **more)
    assert isinstance(route, Route)
    assert (route.link, route.pinned) == (wanted, False)


def test_all_full_says_when():
    """When every fitting link reached a cap, the answer is the first moment at which one of them may send again."""
    later = NotBefore(200, "cap-reached", "…", "all")
    assert choose("+12125550100", MessageClass.NORMAL, [US, ALL], full={"us": AT, "all": later}) == AT
    assert choose("+12125550100", MessageClass.NORMAL, [US, ALL], sender="all", full={"all": later}) == later


def test_a_sender_of_a_link():
    """One of a link's senders pins the text to it and is asked for on the wire; the link's own number is not."""
    a, b = link("a", senders=("Support",), up=False), link("b", senders=("Support", "+15550100300"))
    route = choose("+12125550100", MessageClass.NORMAL, [a, b, US], sender="Support")
    assert isinstance(route, Route)
    assert (route.link, route.pinned, route.sender) == ("b", True, "Support")
    own = choose("+12125550100", MessageClass.NORMAL, [a, b, US], sender="+15550100100")
    assert isinstance(own, Route)
    assert (own.link, own.sender) == ("us", "")


PREFIXES = st.sampled_from(["+1", "+12", "+1212", "+1213", "+43", "+4366"])
LINKS = st.lists(
    st.builds(
        RouteLink, name=st.uuids().map(str), prefixes=st.lists(PREFIXES, max_size=2).map(tuple), up=st.booleans(),
        denied=st.lists(PREFIXES, max_size=2).map(tuple), weight=st.integers(0, 3), paused=st.booleans(),
        prices=st.sampled_from([Prices(), Prices(0.1), Prices(0.2, {"+1212": 0.05})]),
    ),
    max_size=4,
)  # fmt: skip


@given(LINKS, st.sampled_from(["+12125550100", "+12135550100", "+436641234567", "+12"]), st.integers(0, 99), st.data())
def test_denied_and_full_links_are_never_chosen(links, to, ticket, data):
    """Whatever else holds, even for a sender that is named."""
    names = [x.name for x in links]
    full = dict.fromkeys(data.draw(st.sets(st.sampled_from(names)) if names else st.just(set())), AT)
    asked = data.draw(st.sampled_from(["", *names]))
    prefer = data.draw(st.sampled_from(["", *names]))
    answer = choose(to, MessageClass.NORMAL, links, ticket=ticket, sender=asked, prefer=prefer, full=full)
    if isinstance(answer, Route):
        chosen = next(x for x in links if x.name == answer.link)
        assert not any(to.startswith(p) for p in chosen.denied)
        assert answer.link not in full
        assert asked in ("", answer.link)
        if not asked:
            assert matched_prefix(chosen, to) >= 0
            rivals = [x for x in links if x.ready and x.name not in full and matched_prefix(x, to) >= 0
                      and not any(to.startswith(p) for p in x.denied)]  # fmt: skip
            assert chosen.ready or not rivals
