"""Which link carries this text. Pure: links and text in, an answer as data out.

Order of the decision: a sender that was named (link or number) pins the text to that link; else the links that may carry
the number and the class are asked; those that are up and not paused come before the others, then the longest matching
prefix, then the weights share the traffic. When every fitting link is down the text is queued for the best of them all
the same: links come back. Only a number that no link may carry is refused.

:class:`Roster` is the view of the links that the decision is made on; the daemon keeps it current.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from smsgwd.model import MessageClass


class RouteLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link as routing sees it."""

    name: str
    number: str = ""
    prefixes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    weight: int = 10
    up: bool = False
    paused: bool = False
    #: why it rests after a run of failures; empty when it does not
    resting: str = ""
    #: its texts may move to others while it is away or rests
    failover: bool = True

    @property
    def ready(self) -> bool:
        return self.up and not self.paused and not self.resting


class Route(msgspec.Struct, frozen=True):
    """The link that is to carry a text. ``pinned``: it may not move to another one. ``why`` is for people."""

    link: str
    pinned: bool
    why: tuple[str, ...]


class NoRoute(msgspec.Struct, frozen=True):
    """No link may carry it. ``code`` is the slug of the refusal."""

    code: str
    reason: str


class Roster:
    """The links by name, in the order of the configuration, with what is known of their state."""

    def __init__(self, links: Iterable[RouteLink] = ()) -> None:
        self._links = {link.name: link for link in links}
        self._facts: dict[str, dict[str, str | int | float | None]] = {}

    def __iter__(self) -> Iterator[RouteLink]:
        return iter(self._links.values())

    def get(self, name: str) -> RouteLink | None:
        return self._links.get(name)

    def note(
        self, name: str, *, up: bool | None = None, paused: bool | None = None, resting: str | None = None
    ) -> None:
        """Remembers a change of state; unknown names are ignored (a link that left the configuration)."""
        link = self._links.get(name)
        if link is not None:
            self._links[name] = msgspec.structs.replace(
                link,
                up=link.up if up is None else up,
                paused=link.paused if paused is None else paused,
                resting=link.resting if resting is None else resting,
            )

    def describe(self, name: str, facts: Mapping[str, str | int | float | None]) -> None:
        """Remembers what a link tells of its device; None takes a fact back."""
        known = {**self._facts.get(name, {}), **facts}
        self._facts[name] = {key: value for key, value in known.items() if value is not None}

    def facts(self, name: str) -> Mapping[str, str | int | float | None]:
        """What a link told of its device since the start."""
        return self._facts.get(name, {})

    @property
    def links(self) -> tuple[RouteLink, ...]:
        return tuple(self._links.values())


def matched_prefix(link: RouteLink, to: str) -> int:
    """Length of the longest prefix of the link that ``to`` begins with; 0 for a link without prefixes; -1 = none."""
    if not link.prefixes:
        return 0
    return max((len(p) for p in link.prefixes if to.startswith(p)), default=-1)


def choose(
    to: str,
    class_: MessageClass,
    links: Sequence[RouteLink],
    *,
    sender: str = "",
    ticket: int = 0,
    without: str = "",
) -> Route | NoRoute:
    """The route of one text.

    ``to`` is E.164 with a plus sign, or a short code. ``sender`` names a link or one of our numbers. ``ticket`` is any
    running number: the weights share consecutive tickets. ``without`` leaves one link out (rerouting).
    """
    if sender:
        return _named(sender, links)
    fitting = [
        (matched_prefix(link, to), link)
        for link in links
        if link.name != without and matched_prefix(link, to) >= 0 and (not link.classes or class_ in link.classes)
    ]
    if not fitting:
        if not links:
            return NoRoute("no-route", "no link is configured")
        return NoRoute("no-route", f"no link may carry class {class_.value} to this number (see prefixes, classes)")
    ready = [(length, link) for length, link in fitting if link.ready]
    tier = ready or fitting
    longest = max(length for length, _ in tier)
    best = [link for length, link in tier if length == longest]
    chosen = _by_weight(best, ticket)
    why = (
        f"{len(fitting)} of {len(links)} links fit",
        f"{len(ready)} of them can send now" if ready else "none can send now; waits for the best of them",
        f"longest prefix leaves {', '.join(link.name for link in best)}",
        f"weight picks {chosen.name}",
    )
    return Route(chosen.name, False, why)


def _named(sender: str, links: Sequence[RouteLink]) -> Route | NoRoute:
    for link in links:
        if sender == link.name:
            return Route(link.name, True, (f"the sender names link {link.name}",))
    for link in links:
        if sender == link.number:
            return Route(link.name, True, (f"the sender is the number of link {link.name}",))
    known = ", ".join(link.name for link in links) or "none"
    return NoRoute("unknown-link", f"{sender!r} is neither a link nor a number of one; links: {known}")


def _by_weight(links: Sequence[RouteLink], ticket: int) -> RouteLink:
    """Interleaves: over a round of consecutive tickets each link gets its weight, and equal links take turns. Links of
    weight 0 are used only when no other is left."""
    step = math.gcd(*(link.weight for link in links))
    if step == 0:
        return links[ticket % len(links)]
    total = sum(link.weight for link in links) // step  # the smallest round in which the shares are whole
    # a stride that shares no factor with the total spreads a link's tickets over the round
    stride = next(s for s in range(max(1, total * 618 // 1000), total + 1) if _coprime(s, total))
    point = ticket * stride % total
    for link in links:
        point -= link.weight // step
        if point < 0:
            return link
    raise AssertionError("the point lies inside the sum of the weights")


def _coprime(a: int, b: int) -> bool:
    while b:
        a, b = b, a % b
    return a == 1
