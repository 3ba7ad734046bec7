"""Why a text would go over this link, at that time, or not at all: the decisions of :meth:`smsgwd.gateway.Gateway.draft`,
asked one by one, each with its own word. Nothing is stored, nothing promised.
"""

from __future__ import annotations

from typing import NoReturn

import msgspec

from smsgwd.errors import NotFound, RequestRefused
from smsgwd.gateway import Gateway, SendRequest, checked_recipient, compose
from smsgwd.model import ConsentState, Draft, MessageClass, Origin
from smsgwd.prices import MICRO
from smsgwd.routing import NoRoute, NotBefore, Route, choose
from smsgwd.routing.caps import LINK, month_of
from smsgwd.routing.numbers import countries_of

OK, MOVED, REFUSED = "ok", "moved", "refused"


class Step(msgspec.Struct, frozen=True):
    """One question and its answer."""

    step: str
    #: ok, moved (it goes later) or refused
    result: str
    why: str


class Explanation(msgspec.Struct, kw_only=True):
    """What would become of a text."""

    #: route, later (a route, and not before a time) or refused
    answer: str = "route"
    to: str = ""
    link: str = ""
    sender: str = ""
    #: it may not move to another link
    pinned: bool = False
    #: slug of the refusal
    code: str = ""
    #: ms since 1970; 0 = at once
    not_before: int = 0
    segments: int = 0
    cost: float = 0.0
    currency: str = ""
    steps: list[Step] = []


class _End(Exception):
    """The text would be refused: nothing more is asked."""


async def explain(gateway: Gateway, request: SendRequest) -> Explanation:
    """The whole way of one text, until it is refused or has a link and a time."""
    found = Explanation(currency=gateway.config.limits.currency, steps=[])
    try:
        await _Way(gateway, request, found).go()
    except _End:
        found.answer = "refused"
    return found


class _Way:
    """One walk through the decisions."""

    def __init__(self, gateway: Gateway, request: SendRequest, found: Explanation) -> None:
        self.gateway, self.request, self.found = gateway, request, found
        self.bounds, self.now = gateway.bounds, gateway.clock.now()

    def say(self, step: str, why: str, result: str = OK) -> None:
        self.found.steps.append(Step(step, result, why))

    def refuse(self, step: str, answer: NoRoute | NotBefore | RequestRefused) -> NoReturn:
        why = str(answer) if isinstance(answer, RequestRefused) else answer.reason
        self.found.code = answer.code
        if isinstance(answer, NotBefore):
            self.found.not_before = answer.at
        self.say(step, why, REFUSED)
        raise _End

    async def go(self) -> None:
        to = self._number()
        await self._consent(to)
        class_ = MessageClass(self.request.class_)
        prefer = (await self.gateway.queue.open_threads((to,))).get(to, "") if not self.request.from_ else ""
        exempt = self.bounds.exempt(class_, Origin(self.request.origin), "")
        full = {} if exempt else self.bounds.full(to, self.now)
        while True:
            draft = self._routed(to, class_, prefer, full)
            answer = None if exempt else self._room(draft)
            if answer is None:
                break
            if draft.pinned:
                self.refuse("caps", answer)
            full = {**full, draft.link: answer}
            self.say("caps", f"{answer.reason}; asking the others", MOVED)
        self._neighbours(draft)
        self._time(draft)

    def _number(self) -> str:
        try:
            to = checked_recipient(self.request.to, self.bounds.policy, self.now)
        except RequestRefused as e:
            self.refuse("number", e)
        self.found.to = to
        places = countries_of(to) if to.startswith("+") else ()
        where = "a listed short code" if not places else places[0] if len(places) == 1 else f"one of {len(places)} countries"
        self.say("number", f"{to}: {where}, allowed")
        return to

    async def _consent(self, to: str) -> None:
        try:
            consent = (await self.gateway.queue.contact(to)).consent
        except NotFound:
            consent = ConsentState.NONE
        if consent is ConsentState.OPTED_OUT and self.request.class_ != "alarm":
            self.refuse("consent", NoRoute("opted-out", "this person opted out of texts"))
        self.say("consent", {"none": "never said yes or no", "opted_in": "opted in"}.get(consent.value, "opted out; an alarm goes"))

    def _routed(self, to: str, class_: MessageClass, prefer: str, full: dict[str, NotBefore]) -> Draft:
        links = self.gateway.roster.links
        route = choose(to, class_, links, sender=self.request.from_, prefer=prefer, full=full)
        if not isinstance(route, Route):
            self.refuse("link" if isinstance(route, NoRoute) else "caps", route)
        for why in route.why:
            self.say("link", why)
        try:
            draft = compose(
                self.request, self.gateway.config, links, self.now, policy=self.bounds.policy, prefer=prefer, full=full
            )
        except RequestRefused as e:
            self.refuse("text", e)
        found = self.found
        found.link, found.sender, found.pinned = draft.link, draft.sender, draft.pinned
        found.segments = draft.parts
        found.cost = draft.parts * self.bounds.price(draft.link, to) / MICRO
        self.say("text", f"{draft.parts} segment{'s' if draft.parts > 1 else ''} ({draft.alphabet.value})")
        return draft

    def _room(self, draft: Draft) -> NotBefore | None:
        cost = draft.parts * self.bounds.price(draft.link, draft.to)
        answer = self.bounds.ledger.room(LINK, draft.link, self.now, draft.parts, cost)
        if answer is None:
            day, month = self.now // 86_400_000, month_of(self.now // 86_400_000)
            used = [self.bounds.ledger.used(LINK, draft.link, period)[0] for period in (day, month)]
            self.say("caps", f"room on {draft.link}: {used[0]} segments used today, {used[1]} this month")
        return answer

    def _neighbours(self, draft: Draft) -> None:
        if self.bounds.watched(draft) and (answer := self.bounds.neighbours.refuses(draft.to, self.now)):
            self.refuse("neighbours", answer)
        self.say("neighbours", "no row of neighbouring numbers")

    def _time(self, draft: Draft) -> None:
        moved, answer, _ = self.bounds.later(draft, self.now, self.gateway.config.limits.validity)
        if answer is not None:
            self.refuse("time", answer)
        if not moved.waits:
            self.say("time", "at once")
            return
        self.found.answer, self.found.not_before = "later", moved.schedule or moved.due
        self.say("time", moved.waits, MOVED)
