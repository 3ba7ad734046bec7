"""Pauses by what ended a session, and the order of hosts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.smpp.backoff import Backoff, Cause, Hosts, cause_of, where
from smsgwd.smpp.consts import CommandStatus

_S = CommandStatus


def pauses(cause: Cause, count: int, chance: float = 1.0, longest: float = 60) -> list[float]:
    backoff = Backoff(longest, lambda: chance)
    return [backoff.pause(cause) for _ in range(count)]


@pytest.mark.parametrize(
    ("cause", "wanted"),
    [
        pytest.param(Cause.NETWORK, [1, 2, 4, 8, 16, 32, 60, 60], id="network"),
        pytest.param(Cause.BOUND, [30, 60, 120, 120], id="bound already"),
        pytest.param(Cause.REFUSED, [10, 20, 40, 80, 160, 300, 300], id="refused"),
        pytest.param(Cause.ACCOUNT, [300, 600, 1200, 2400, 3600, 3600], id="account"),
    ],
)
def test_pauses_double(cause, wanted):
    """From the first to the last of the class; the dice at their highest."""
    assert pauses(cause, len(wanted)) == wanted


@pytest.mark.parametrize(("cause", "least"), [(Cause.BOUND, 30), (Cause.REFUSED, 10), (Cause.ACCOUNT, 300)])
def test_a_refused_bind_has_a_least_pause(cause, least):
    """Whatever the dice say: a carrier locks an account that knocks too often."""
    assert pauses(cause, 5, chance=0.0) == [least] * 5


def test_full_jitter():
    """Of a pause for the network anything from 0 on may come up."""
    assert pauses(Cause.NETWORK, 4, chance=0.25) == [0.25, 0.5, 1, 2]


@given(st.sampled_from(Cause), st.floats(0, 1), st.integers(1, 3600), st.integers(1, 100))
def test_bounds(cause, chance, longest, tries):
    """Never below the least, never above the last; `reconnect` bounds the network's."""
    _, last, least = cause.value
    bound = longest if cause is Cause.NETWORK else last
    assert least <= pauses(cause, tries, chance, longest)[-1] <= bound


@pytest.mark.parametrize(("bound", "pause"), [pytest.param(59.9, 8, id="too short"), pytest.param(60.0, 1, id="a minute")])
def test_a_minute_bound_starts_anew(bound, pause):
    """A session that was bound for a minute has the first pause again."""
    backoff = Backoff(60, lambda: 1.0)
    for _ in range(3):
        backoff.pause(Cause.NETWORK)
    assert backoff.pause(Cause.NETWORK, bound) == pause


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (0, Cause.NETWORK), (_S.ESME_RSYSERR, Cause.NETWORK), (_S.ESME_RALYBND, Cause.BOUND), (_S.ESME_RBINDFAIL, Cause.REFUSED),
        (0x477, Cause.REFUSED), (_S.ESME_RINVPASWD, Cause.ACCOUNT), (_S.ESME_RINVSYSID, Cause.ACCOUNT),
        (_S.ESME_RINVSYSTYP, Cause.ACCOUNT),
    ],
)  # fmt: skip
def test_causes(status, cause):
    """A status that nobody knows is a refusal without a reason."""
    assert cause_of(status) is cause


def test_hosts_in_their_order():
    """Each once in a round, the last one ends it; the port is that of the link unless a host names its own."""
    hosts = Hosts("a", 2775, ("b:2776", "[::1]:3", "[fe80::1]"))
    seen, ends = [], []
    for _ in range(5):
        seen.append(hosts.current)
        ends.append(hosts.failed())
    assert seen == [("a", 2775), ("b", 2776), ("::1", 3), ("fe80::1", 2775), ("a", 2775)]
    assert ends == [False, False, False, True, False]
    hosts.first()
    assert hosts.current == ("a", 2775)


@pytest.mark.parametrize(("host", "said"), [("a", "a:1"), ("::1", "[::1]:1")])
def test_where(host, said):
    """As people read it."""
    assert where(host, 1) == said
