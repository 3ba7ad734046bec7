"""What holds texts back besides routing, built from the configuration: who may be written to, caps, rows of neighbouring
numbers, quiet hours, rates. The decisions are those of :mod:`smsgwd.routing`; here is what they remember while the gateway
runs, and which texts each of them is for:

=================== ==========================================================================================
caps                all texts are counted; the answers to STOP, START and HELP go in spite of them, and so do
                    alarms, but for those of an API token: a stolen one would call all its texts alarms
neighbouring numbers bulk and normal texts of programs and rules. Operators (command line) and agents see what they
                    do, and write to the numbers of a whole office at times
quiet hours         the classes of ``quiet.classes``
prefix_rates        all but alarms and the answers to STOP, START and HELP
=================== ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any, NamedTuple

import msgspec

from smsgwd.config import Config, Quiet, parse_rate
from smsgwd.errors import RequestRefused
from smsgwd.events import masked
from smsgwd.model import Draft, Message, MessageClass, Origin
from smsgwd.prices import Prices, longest_first, micros
from smsgwd.queue.interface import Counted, Queue
from smsgwd.routing.answers import NoRoute, NotBefore
from smsgwd.routing.caps import LINK, TOKEN, Caps, Ledger, Spent, caps_of
from smsgwd.routing.policy import Policy
from smsgwd.routing.pumping import HOUR, Neighbours
from smsgwd.routing.quiet import QuietHours, held_back
from smsgwd.routing.rates import Paces

#: blocks of numbers whose event was written within the hour
_MOST_TOLD = 1000


class News(NamedTuple):
    """An event that is to be recorded."""

    kind: str
    link: str
    data: dict[str, Any]


def policy_of(config: Config) -> Policy:
    """Who may be written to."""
    limits, gateway = config.limits, config.gateway
    return Policy(country=gateway.country, allow=gateway.allow, premium=limits.premium, short_codes=limits.short_codes)


def prices_of(config: Config) -> dict[str, Prices]:
    """What a segment costs, by link."""
    return {link.name: Prices(link.cost, link.costs) for link in config.link if link.cost or link.costs}


def quiet_of(quiet: Quiet) -> QuietHours | None:
    """The quiet hours; None when there are none."""
    if not quiet.from_ or not quiet.until:
        return None
    return QuietHours(
        begin=time.fromisoformat(quiet.from_), end=time.fromisoformat(quiet.until), classes=quiet.classes, zone=quiet.zone,
        zones=longest_first(quiet.zones),
    )  # fmt: skip


def refused(answer: NoRoute | NotBefore, now: int) -> RequestRefused:
    """An answer of routing as the error that callers get."""
    if isinstance(answer, NotBefore):
        return RequestRefused(answer.code, answer.reason, retry_after=max(1.0, (answer.at - now) / 1000))
    return RequestRefused(answer.code, answer.reason)


class Bounds:
    """See above. :meth:`configure` takes a new configuration; links stay as they were at the start."""

    def __init__(self, config: Config) -> None:
        self.prices = prices_of(config)
        self.ledger = Ledger(
            {
                link.name: Caps(
                    link.segments_per_day, link.segments_per_month, micros(link.cost_per_day), micros(link.cost_per_month)
                )
                for link in config.link
            }
        )
        self.paces = Paces({x.name: {p: parse_rate(r) for p, r in x.prefix_rates.items()} for x in config.link})
        self.neighbours = Neighbours(config.limits.neighbours)
        self._news: list[News] = []
        self._told: dict[str, int] = {}
        self.configure(config)

    async def load(self, queue: Queue, now: int) -> None:
        """What was spent before, this day and this month."""
        month = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-01")
        tokens = {token.id: caps_of(token.caps) for token in await queue.tokens() if token.caps}
        rows = [(x.day, x.kind, x.name, x.segments, x.cost) for x in await queue.spent_since(month)]
        self.ledger.load(rows, tokens)

    def configure(self, config: Config) -> None:
        self.policy, self.quiet = policy_of(config), quiet_of(config.quiet)
        self.neighbours.most = config.limits.neighbours

    # ---- caps ------------------------------------------------------------------------------------------------------

    def price(self, link: str, to: str) -> int:
        """Of one segment."""
        prices = self.prices.get(link)
        return prices.of(to) if prices is not None else 0

    def full(self, to: str, now: int) -> dict[str, NotBefore]:
        """The links whose cap leaves no room for a text to this number."""
        if not self.ledger.capped:
            return {}
        return self.ledger.full(now, lambda link: self.price(link, to))

    def counted(self, counts: Sequence[Counted]) -> None:
        """What the queue has committed."""
        self.ledger.spent(map(Spent._make, counts))

    @staticmethod
    def exempt(class_: MessageClass, origin: Origin, token: str) -> bool:
        """Caps do not hold these back."""
        return origin is Origin.CONSENT or (class_ is MessageClass.ALARM and not token)

    # ---- one text --------------------------------------------------------------------------------------------------

    @staticmethod
    def watched(draft: Draft) -> bool:
        """Whether the look-out for neighbouring numbers is for it."""
        return draft.class_ is not MessageClass.ALARM and (bool(draft.token) or draft.origin in (Origin.API, Origin.RULE))

    def suspect(self, draft: Draft, now: int) -> NotBefore | None:
        """One number too many of its block; an operator hears of it once an hour."""
        if not self.watched(draft):
            return None
        answer = self.neighbours.refuses(draft.to, now)
        if answer is not None:
            self._suspected(draft, now)
        return answer

    def _suspected(self, draft: Draft, now: int) -> None:
        block = draft.to[:-2]
        if now - self._told.get(block, -HOUR) < HOUR:
            return
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told[block] = now
        who = {"token": draft.token} if draft.token else {"rule": draft.rule} if draft.rule else {}
        data = {"to": masked(draft.to), "numbers": self.neighbours.most, "origin": draft.origin.value, **who}
        self._news.append(News("pumping.suspected", draft.link, data))

    def later(self, draft: Draft, now: int, validity: int) -> tuple[Draft, NotBefore | None, Any]:
        """(the draft with the time at which it may go, its refusal, its place in the row of a prefix).

        ``validity`` (seconds) counts from then on.
        """
        if draft.origin is Origin.CONSENT:  # it counts as allowed for some minutes only
            return draft, None, None
        asked = draft.schedule or draft.due
        due, why, place = asked, "", None
        if answer := held_back(draft.to, draft.class_.value, due, self.quiet):
            due, why = answer.at, answer.reason
        if draft.class_ is not MessageClass.ALARM:
            paced, row, interval = self.paces.place(draft.link, draft.to, due, now)
            if row is not None:
                place = (row, paced, interval)
            if paced - due > validity * 1000:
                wait = NotBefore(now + paced - due - validity * 1000, "prefix-rate", f"too many texts wait for {row and row[1]}")
                return draft, wait, None
            if paced > due:
                why = why or "its turn among the texts to this prefix (prefix_rates)"
                again = held_back(draft.to, draft.class_.value, paced, self.quiet)
                due = again.at if again else paced
        if due == asked:
            return draft, None, place
        moved: dict[str, Any] = {"schedule": due} if draft.schedule else {"due": due}
        return msgspec.structs.replace(draft, **moved, expires=due + validity * 1000, waits=why), None, place

    def promise(self, draft: Draft, place: Any, now: int) -> NotBefore | None:
        """Room under the caps, and a place in the row, for this very object; :meth:`Ledger.release` gives it back."""
        cost = draft.parts * self.price(draft.link, draft.to)
        exempt = self.exempt(draft.class_, draft.origin, draft.token)
        answer = self.ledger.promise(draft, draft.link, draft.token, draft.parts, cost, now, exempt=exempt)
        if answer is not None:
            self.ledger.refused(LINK, draft.link, now, draft.parts, cost)
            if draft.token:
                self.ledger.refused(TOKEN, draft.token, now, draft.parts, cost)
            return answer
        if place is not None:
            row, due, interval = place
            self.paces.take(row, due, draft.parts, interval, now)
        if self.watched(draft):
            self.neighbours.note(draft.to, now)
        return None

    def move(self, message: Message, link: str, segments: int) -> bool:
        """Promises room on another link to the id of a text that is to move there; False when there is none. It counts on
        the day on which it was accepted."""
        exempt, cost = self.exempt(message.class_, Origin(message.origin), ""), segments * self.price(link, message.to)
        return self.ledger.promise(message.id, link, "", segments, cost, message.created, exempt=exempt) is None

    def grow(self, message: Message, token: str, segments: int) -> NotBefore | None:
        """Promises room for so many segments more to the id of a text that waits, or says why there is none. They count on
        the day on which it was accepted."""
        exempt = segments <= 0 or self.exempt(message.class_, Origin(message.origin), token)
        more = max(0, segments)
        cost = more * self.price(message.link, message.to)
        answer = self.ledger.promise(message.id, message.link, token, more, cost, message.created, exempt=exempt)
        if answer is not None:
            self.ledger.refused(LINK, message.link, message.created, more, cost)
            if token:
                self.ledger.refused(TOKEN, token, message.created, more, cost)
        return answer

    # ---- what an operator hears --------------------------------------------------------------------------------------

    @property
    def heard(self) -> bool:
        return bool(self._news) or self.ledger.alarmed

    def news(self) -> list[News]:
        """What happened since the last call."""
        told, self._news = self._news, []
        for alarm in self.ledger.alarms():
            data = {"share": alarm.share, "cap": alarm.cap, "period": alarm.period}
            if alarm.kind == TOKEN:
                data["token"] = alarm.name
            told.append(News("cap.reached", alarm.name if alarm.kind == LINK else "", data))
        return told

    def again(self, news: list[News]) -> None:
        """They could not be recorded yet."""
        self._news[:0] = news
