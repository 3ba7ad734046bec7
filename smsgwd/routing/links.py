"""The links as routing sees them, and their roster, which the daemon keeps current."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from smsgwd.prices import FREE, Prices
from smsgwd.routing.answers import NotBefore


class RouteLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link as routing sees it."""

    name: str
    number: str = ""
    #: other senders that a text may name
    senders: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    prices: Prices = FREE
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


def matched_prefix(link: RouteLink, to: str) -> int:
    """Length of the longest prefix of the link that ``to`` begins with; 0 for a link without prefixes; -1 = none."""
    if not link.prefixes:
        return 0
    longest = -1
    for prefix in link.prefixes:
        if len(prefix) > longest and to.startswith(prefix):
            longest = len(prefix)
    return longest


class Roster:
    """The links by name, in the order of the configuration, with what is known of their state."""

    def __init__(self, links: Iterable[RouteLink] = ()) -> None:
        self._links = {link.name: link for link in links}
        self._facts: dict[str, dict[str, str | int | float | None]] = {}
        #: a number -> the links whose cap leaves no room for a text to it; the gateway sets it
        self.full: Callable[[str], Mapping[str, NotBefore]] = lambda to: {}

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
