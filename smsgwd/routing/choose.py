"""Which link carries a text.

Order of the decision: a sender that was named (a link, its number, one of its senders) pins the text to that link. Else
the link of the person's open thread carries it when it can send now, so that people see one number. Else the links that
may carry the number (prefixes, countries) and the class are asked; those that can send now come before the others, then
the longest matching prefix, then the lowest price, then the weights share the traffic. When every fitting link is down
the text is queued for the best of them all the same: links come back.

A denied prefix holds for named senders too. Links whose cap is reached (``full``) are left out; when they are all that
is left the answer says when the first of them may send again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from smsgwd.model import MessageClass
from smsgwd.routing.answers import NoRoute, NotBefore, Route
from smsgwd.routing.links import RouteLink, matched_prefix
from smsgwd.routing.numbers import countries_of

#: what a link whose cap is reached says: when it may send again
Full = Mapping[str, NotBefore]
_NONE: Full = {}


def choose(
    to: str,
    class_: MessageClass,
    links: Sequence[RouteLink],
    *,
    sender: str = "",
    ticket: int = 0,
    without: str = "",
    prefer: str = "",
    full: Full = _NONE,
) -> Route | NoRoute | NotBefore:
    """The route of one text.

    ``to`` is E.164 with a plus sign, or a short code. ``sender`` names a link or one of our numbers. ``ticket`` is any
    running number: the weights share consecutive tickets. ``without`` leaves one link out (rerouting). ``prefer`` is the
    link of an open thread with this person. ``full`` are the links whose cap is reached.
    """
    if sender:
        return _named(sender, to, class_, links, full, ticket)
    fitting = [
        (length, link)
        for link in links
        if link.name != without
        and (not link.classes or class_ in link.classes)
        and (length := matched_prefix(link, to)) >= 0
        and not forbids(link, to)
    ]
    if not fitting:
        if not links:
            return NoRoute("no-route", "no link is configured")
        return NoRoute(
            "no-route",
            f"no link may carry class {class_.value} to this number (see prefixes, denied, countries, classes)",
        )
    return _best(to, fitting, len(links), full, prefer, ticket)


def forbids(link: RouteLink, to: str) -> bool:
    """True for a number that the link may not carry: a denied prefix, or a country that is not among its own."""
    if link.denied and to.startswith(link.denied):
        return True
    if not link.countries or to[0] != "+":  # a short code lies in no country
        return False
    return not any(country in link.countries for country in countries_of(to))


def _best(
    to: str, fitting: list[tuple[int, RouteLink]], of: int, full: Full, prefer: str, ticket: int, sender: str = ""
) -> Route | NotBefore:
    """The best of the links that may carry it."""
    free = [pair for pair in fitting if pair[1].name not in full] if full else fitting
    if not free:
        return min((full[link.name] for _, link in fitting), key=lambda answer: answer.at)
    ready = [pair for pair in free if pair[1].ready]
    why = [f"{len(fitting)} of {of} links fit"]
    if len(free) < len(fitting):
        why.append(f"{len(fitting) - len(free)} of them reached a cap")
    if prefer:
        for _, link in ready:
            if link.name == prefer:
                return Route(prefer, False, (*why, f"the person's open conversation is on {prefer}"))
    why.append(f"{len(ready)} of them can send now" if ready else "none can send now; waits for the best of them")
    tier = ready or free
    longest = max(length for length, _ in tier)
    best = [link for length, link in tier if length == longest]
    why.append(f"longest prefix leaves {_names(best)}")
    if len(best) > 1:
        prices = [link.prices.of(to) for link in best]
        least = min(prices)
        if least != max(prices):
            best = [link for link, price in zip(best, prices, strict=True) if price == least]
            why.append(f"lowest price leaves {_names(best)}")
    chosen = best[0] if len(best) == 1 else _by_weight(best, ticket)
    if len(best) > 1:
        why.append(f"weight picks {chosen.name}")
    return Route(chosen.name, bool(sender), tuple(why), sender)


def _names(links: Sequence[RouteLink]) -> str:
    return ", ".join([link.name for link in links])


def _named(
    sender: str, to: str, class_: MessageClass, links: Sequence[RouteLink], full: Full, ticket: int
) -> Route | NoRoute | NotBefore:
    """The link that a sender stands for. Where several links have it (binds of one account) the best of them."""
    name = next((link for link in links if link.name == sender), None)
    number = [link for link in links if link.number == sender]
    meant, what = ([name], "") if name else (number, "the number") if number else (
        [link for link in links if sender in link.senders], "a sender")  # fmt: skip
    if not meant:
        known = ", ".join(link.name for link in links) or "none"
        return NoRoute("unknown-link", f"{sender!r} is neither a link nor a number of one; links: {known}")
    allowed = [link for link in meant if not (link.denied and to.startswith(link.denied))]
    if not allowed:
        return NoRoute("no-route", f"{_names(meant)} may not carry this number (see denied)")
    asked = sender if what == "a sender" else ""
    said = f"the sender is {what} of link {_names(allowed)}" if what else f"the sender names link {sender}"
    if len(allowed) == 1:
        (link,) = allowed
        if link.name in full:
            return full[link.name]
        return Route(link.name, True, (said,), asked)
    answer = _best(to, [(0, link) for link in allowed], len(links), full, "", ticket)
    return Route(answer.link, True, (said, *answer.why), asked) if isinstance(answer, Route) else answer


def _by_weight(links: Sequence[RouteLink], ticket: int) -> RouteLink:
    """Interleaves: over a round of consecutive tickets each link gets its weight, and equal links take turns. Links of
    weight 0 are used only when no other is left."""
    step, total, stride = _round(tuple([link.weight for link in links]))
    if step == 0:
        return links[ticket % len(links)]
    point = ticket * stride % total
    for link in links:
        point -= link.weight // step
        if point < 0:
            return link
    raise AssertionError("the point lies inside the sum of the weights")


@lru_cache(maxsize=256)
def _round(weights: tuple[int, ...]) -> tuple[int, int, int]:
    """(unit, the smallest round in which the shares are whole, a stride that spreads a link's tickets over the round)."""
    step = math.gcd(*weights)
    if step == 0:
        return 0, 0, 0
    total = sum(weights) // step
    return step, total, next(s for s in range(max(1, total * 618 // 1000), total + 1) if math.gcd(s, total) == 1)
