"""What people may ask of the gateway, and the checks on the way in.

:func:`compose` is pure: a request in, a :class:`Draft` out that is ready to be stored (number checked, class known,
alphabet chosen, text cut in parts, link chosen), or RequestRefused with a slug and one line of reason; nothing is stored
then. :class:`Gateway` adds the queue and the clock: one request, one commit, one answer.

Numbers: ``+`` and 7 to 15 digits are taken as they are (the network knows better than we which numbers exist); without
``+`` they are read as national numbers of ``gateway.country`` and must be possible there. Countries other than those
allowed are refused, because a leaked token would otherwise be turned into money abroad. A person who wrote to us may be
answered wherever they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from smsgwd.bounds import Bounds, policy_of, refused
from smsgwd.clock import Clock, ClockState
from smsgwd.config import Config, ModemConfig, SmppConfig
from smsgwd.errors import LinkError, RequestRefused, SmsgwdError, StoreUnavailable
from smsgwd.link import Carrier
from smsgwd.model import Conversation, Draft, Message, MessageClass, Origin, Token
from smsgwd.planning import plan_text
from smsgwd.queue.interface import Move, Queue
from smsgwd.queue.policies import POLICIES, RETRY
from smsgwd.room import Room
from smsgwd.routing import Roster, Route, RouteLink, choose
from smsgwd.routing.caps import caps_of
from smsgwd.routing.choose import Full
from smsgwd.routing.policy import Policy, affordable, allowed, recipient
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import Plan
from smsgwd.times import parse_at, parse_validity

#: characters of one text; more is refused before it is looked at
LONGEST_TEXT = 20_000
LONGEST_KEY = 255
#: names of `meta`, and characters of each value
MOST_META, LONGEST_META = 16, 255
_META_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}").fullmatch


#: a USSD code and the answers to the network's menus -> what it says at last, and whether it waited for more
Ussd = Callable[[str, Sequence[str]], Awaitable[tuple[str, bool]]]


class SendRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of ``POST /v1/messages``; every value is text, as people and programs write it."""

    to: str
    text: str
    from_: str = msgspec.field(name="from", default="")
    class_: str = msgspec.field(name="class", default="normal")
    at: str = ""
    validity: str = ""
    key: str = ""
    callback: str = ""
    flash: bool = False
    alphabet: str = ""
    #: what to do when nobody knows whether it was sent; empty = as its class (``[uncertain]``)
    uncertain: str = ""
    #: names and values of the caller's own, for a carrier's optional parameters
    meta: dict[str, str] = {}
    origin: str = "api"


#: by their words; asking the enum itself costs more than all the rest of it
_CLASSES = {class_.value: class_ for class_ in MessageClass}
_ORIGINS = {origin.value: origin for origin in Origin}


# ---- composing -----------------------------------------------------------------------------------------------------


def compose(
    request: SendRequest, config: Config, links: Sequence[RouteLink], now: int, *, ticket: int = 0, answering: str = "",
    policy: Policy | None = None, prefer: str = "", full: Full | None = None,
) -> Draft:
    """Checks a request and makes the draft. Pure.

    ``answering`` is the number of a person who wrote to us: then ``to`` is theirs and the country is not asked.
    ``policy`` is that of the configuration, if it is at hand; ``prefer`` and ``full`` are those of :func:`choose`.
    """
    to = checked_recipient(request.to, policy or policy_of(config), now, answering)
    class_ = _class(request.class_)
    if len(request.key) > LONGEST_KEY:
        raise RequestRefused("invalid-key", f"the idempotency key has more than {LONGEST_KEY} characters")
    if request.callback and request.callback not in {desk.name for desk in config.helpdesk}:
        raise RequestRefused("unknown-callback", "`callback` must name a helpdesk of the configuration")
    route = choose(to, class_, links, sender=request.from_, ticket=ticket, prefer=prefer, full=full or {})
    if not isinstance(route, Route):
        raise refused(route, now)
    plan = planned(request, config, route.link)
    due = parse_at(request.at, now, config.gateway.timezone)
    row = _row(config, route.link)
    # the SMSC keeps it until then, where the link says so
    schedule = due if due > now and isinstance(row, SmppConfig) and row.smsc_schedule else 0
    return Draft(
        to=to,
        text=plan.text,
        link=route.link,
        pinned=route.pinned,
        sender=route.sender,
        alphabet=plan.alphabet,
        locking=plan.locking,
        single=plan.single,
        cuts=plan.cuts,
        class_=class_,
        flash=request.flash,
        due=now if schedule else due,
        schedule=schedule,
        meta=_meta(request.meta),
        expires=due + 1000 * parse_validity(request.validity, config.limits.validity),
        key=request.key,
        key_digest=_digest(request) if request.key else "",
        origin=_ORIGINS[request.origin],
        callback=request.callback,
        uncertain=_uncertain(request.uncertain),
    )


def checked_recipient(to: str, policy: Policy, now: int, answering: str = "") -> str:
    """The number that a text is for; RequestRefused where nothing may be written to it."""
    number = answering or recipient(to, policy)
    answer = (None if answering else allowed(number, policy)) or affordable(number, policy)
    if answer is not None:
        raise refused(answer, now)
    return number


def _class(text: str) -> MessageClass:
    class_ = _CLASSES.get(text)
    if class_ is None:
        raise RequestRefused("unknown-class", f"{text!r} is none of bulk, normal, alarm")
    return class_


def _uncertain(word: str) -> str:
    """The policy of a text of its own; both words for sending again are understood."""
    policy = RETRY if word == "resend" else word
    if policy not in ("", *POLICIES):
        raise RequestRefused("unknown-policy", f"`uncertain`: {word[:40]!r} is none of {', '.join(POLICIES)}")
    return policy


def planned(request: SendRequest, config: Config, link: str) -> Plan:
    """How the words of a request go over a link of the configuration; RequestRefused."""
    if not request.text.strip():
        raise RequestRefused("empty-text", "the text is empty")
    if len(request.text) > LONGEST_TEXT:
        raise RequestRefused("too-long", f"the text has more than {LONGEST_TEXT} characters")
    try:
        alphabet = Alphabet(request.alphabet) if request.alphabet not in ("", "auto") else None
    except ValueError:
        raise RequestRefused("unknown-alphabet", f"{request.alphabet!r} is none of auto, gsm7, ucs2") from None
    if alphabet is Alphabet.DATA:
        raise RequestRefused("unknown-alphabet", "data is no alphabet of a text; use gsm7 or ucs2")
    text = request.text
    if not text.isascii():
        text = text.encode("utf-16", "replace").decode("utf-16")  # a lone surrogate cannot be stored or sent
    return plan_text(text, _row(config, link), config.limits.segments, alphabet)


def _row(config: Config, link: str) -> ModemConfig | SmppConfig:
    return next(row for row in config.link if row.name == link)


def _meta(meta: dict[str, str]) -> dict[str, str]:
    """RequestRefused("invalid-meta") for what is too much to be kept beside a text."""
    if len(meta) > MOST_META:
        raise RequestRefused("invalid-meta", f"`meta` has at most {MOST_META} names")
    for name, value in meta.items():
        if not _META_NAME(name):
            raise RequestRefused("invalid-meta", "a name of `meta` has 1 to 32 letters, digits, _ . and - alone")
        if len(value) > LONGEST_META or not value.isprintable():
            raise RequestRefused("invalid-meta", f"a value of `meta` has at most {LONGEST_META} printable characters")
    return meta


def _digest(request: SendRequest) -> str:
    """Digest of everything but the key itself: the same key with another body is a conflict."""
    body = msgspec.json.encode(msgspec.structs.replace(request, key=""))
    return hashlib.sha256(body).hexdigest()[:32]


class Gateway:
    """What people may ask. ``config`` is replaced whole when the daemon reloads."""

    def __init__(self, config: Config, queue: Queue, roster: Roster, clock: Clock) -> None:
        self._config, self.queue, self.roster, self.clock = config, queue, roster, clock
        self.bounds, self.room = Bounds(config), Room(queue, config)
        queue.on_counted(self.bounds.counted)
        roster.full = lambda to: self.bounds.full(to, clock.now())
        self._tickets = itertools.count()
        #: how to reach the modems that run, by link; the daemon sets it
        self.modems: Mapping[str, Ussd] = {}
        #: how late the event loop was lately, in seconds; the daemon sets it
        self.lag: Callable[[], float] = lambda: 0.0
        #: whether the wall clock is believed; the daemon sets it
        self.time: Callable[[], ClockState] = ClockState
        #: the links that may be asked about texts that they took (:mod:`smsgwd.inquiry`); the daemon sets it
        self.carriers: Mapping[str, Carrier] = {}

    @property
    def config(self) -> Config:
        return self._config

    @config.setter
    def config(self, config: Config) -> None:
        self._config = config
        self.bounds.configure(config)
        self.room.configure(config)

    async def begin(self) -> None:
        """Reads what was spent before; until then caps count from nothing."""
        await self.bounds.load(self.queue, self.clock.now())
        await self.room.count(self.clock.now())

    # ---- drafts ----------------------------------------------------------------------------------------------------

    def draft(
        self, request: SendRequest, *, answering: str = "", prefer: str = "", token: Token | None = None, **more: Any
    ) -> Draft:
        """Composes against the links as they are now; RequestRefused. ``more`` are fields of the draft.

        The draft has room under the caps: give it to the queue, then to :meth:`settled`.
        """
        now, name = self.clock.now(), token.id if token else ""
        if token:
            self.bounds.ledger.know(name, caps_of(token.caps))
        ticket, full = next(self._tickets), {}
        to = answering or recipient(request.to, self.bounds.policy)
        if not self.bounds.exempt(_class(request.class_), _ORIGINS[request.origin], name):
            full = {**self.bounds.full(to, now), **self.room.full(now)}
        while True:
            draft = compose(
                request, self._config, self.roster.links, now, ticket=ticket, answering=answering,
                policy=self.bounds.policy, prefer=prefer, full=full,
            )  # fmt: skip
            if more or name:
                draft = msgspec.structs.replace(draft, token=name, **more)
            answer = self.bounds.suspect(draft, now)
            if answer is not None:
                raise refused(answer, now)
            validity = parse_validity(request.validity, self._config.limits.validity)
            draft, answer, place = self.bounds.later(draft, now, validity)
            if answer is None:
                answer = self.bounds.promise(draft, place, now)
                if answer is None:
                    return draft
                if draft.link not in full and not draft.pinned and answer.link == draft.link:
                    full = {**full, draft.link: answer}  # too long for what is left there: another link may have room
                    continue
            raise refused(answer, now)

    def settled(self, drafts: Iterable[object]) -> None:
        """The queue has taken these drafts (or moved these messages) or not: what was promised to those that it has not is
        free again."""
        for draft in drafts:
            self.bounds.ledger.release(draft)

    async def _threads(self, requests: Sequence[SendRequest]) -> dict[str, str]:
        """The link of each recipient's open conversation, where that can make a difference."""
        if len(self.roster.links) < 2:
            return {}
        numbers = set()
        for request in requests:
            if not request.from_:
                with contextlib.suppress(RequestRefused):
                    numbers.add(recipient(request.to, self.bounds.policy))
        return await self.queue.open_threads(tuple(numbers)) if numbers else {}

    def _prefer(self, request: SendRequest, threads: Mapping[str, str]) -> str:
        return threads.get(recipient(request.to, self.bounds.policy), "") if threads else ""

    # ---- texts -----------------------------------------------------------------------------------------------------

    async def send(self, request: SendRequest, token: Token | None = None) -> Message:
        """Accepts one text: returns after the commit. RequestRefused, Conflict, StoreUnavailable."""
        (answer,) = await self.send_batch([request], token)
        if isinstance(answer, SmsgwdError):
            raise answer
        return answer

    async def send_batch(self, requests: Sequence[SendRequest], token: Token | None = None) -> list[Message | SmsgwdError]:
        """Accepts many in one commit; each gets its message or its own error."""
        threads = await self._threads(requests)
        drafts: list[Draft | RequestRefused] = []
        before: dict[int, Message | None] = {}
        for request in requests:
            try:
                self.room.check()
                drafts.append(self.draft(request, token=token, prefer=self._prefer(request, threads)))
            except RequestRefused as e:
                # what was accepted under this key before is the answer, however full the caps are by now
                known = await self.queue.known(request.key, _digest(request)) if request.key and e.retry_after else None
                before[len(drafts)] = known
                drafts.append(e)
        stored = iter(await self._accept([d for d in drafts if isinstance(d, Draft)]))
        return [next(stored) if isinstance(d, Draft) else before.get(i) or d for i, d in enumerate(drafts)]

    async def reply(self, conversation: str, text: str, author: str, key: str) -> Message:
        """An agent's answer: goes out from the number that the person wrote to. NotFound, RequestRefused, Conflict."""
        thread = await self.queue.conversation(conversation)
        self.room.check()
        (stored,) = await self._accept([self.answer(thread, text, origin=Origin.DESK, author=author, key=key)])
        if isinstance(stored, SmsgwdError):
            raise stored
        return stored

    def answer(
        self, thread: Conversation, text: str, *, origin: Origin, author: str = "", key: str = "", rule: str = "",
        answers: str = "", within: int = 0,
    ) -> Draft:  # fmt: skip
        """The draft of an answer in a conversation, pinned to its link. ``within``: seconds after which it is not sent any
        more; 0 = as configured."""
        if not re.fullmatch(r"\+?[0-9]{3,15}", thread.contact):
            raise RequestRefused("no-reply-address", "this sender has no number that could be answered")
        request = SendRequest(to=thread.contact, text=text, from_=thread.link, key=key, origin=origin.value)
        more: dict[str, Any] = {"expires": self.clock.now() + within * 1000} if within else {}
        return self.draft(
            request, answering=thread.contact, conversation=thread.id, author=author, rule=rule, answers=answers, **more
        )

    def replan(self, message: Message, link: str) -> Move | None:
        """How a text that waits goes over another link; None when it cannot: its text is not kept any more, it would take
        more segments than allowed or than the caps of that link have room for, or the link left the configuration. Its
        room there is promised to ``message.id``; :meth:`settled` ends that."""
        row = next((x for x in self.config.link if x.name == link), None)
        if row is None or message.text is None:
            return None
        data = message.encoding if message.encoding is Alphabet.DATA else None
        try:
            plan = plan_text(message.text, row, self.config.limits.segments, data)
        except RequestRefused:
            return None
        if not self.bounds.move(message, link, plan.parts):
            return None
        return Move(message.id, link, plan, isinstance(row, SmppConfig) and row.smsc_schedule)

    async def ussd(self, link: str, code: str, answers: Sequence[str] = ()) -> tuple[str, bool]:
        """One USSD session over a modem: what the network says at last, and whether it waited for more. RequestRefused
        for a code that the configuration does not list, or when no answer can be had."""
        row = next((x for x in self.config.link if x.name == link), None)
        if not isinstance(row, ModemConfig):
            raise RequestRefused("no-modem", f"{link} is no modem")
        if code not in row.ussd:
            raise RequestRefused("code-not-allowed", "this code is not listed in `ussd` of the link; codes can cost money")
        if not all(re.fullmatch(r"[*#0-9]{1,30}", answer) for answer in answers):
            raise RequestRefused("invalid-answer", "an answer to a USSD menu has only digits, * and #")
        if link not in self.modems:
            raise RequestRefused("link-not-up", "USSD needs the running daemon, and the link in use")
        try:
            return await self.modems[link](code, answers)
        except LinkError as e:
            raise RequestRefused("no-answer", str(e)) from None

    async def _accept(self, drafts: list[Draft]) -> list[Message | SmsgwdError]:
        try:
            taken = await self.queue.accept(drafts, self.clock.now()) if drafts else []
            self.room.took([draft for draft, answer in zip(drafts, taken, strict=True) if isinstance(answer, Message)])
            return taken
        finally:
            self.settled(drafts)
            await self.tell()

    async def tell(self) -> None:
        """Records what an operator should hear of caps and suspicious numbers."""
        while self.bounds.heard:
            news = self.bounds.news()
            try:
                for item in news:
                    await self.queue.record_event(item.kind, self.clock.now(), item.data, link=item.link)
            except StoreUnavailable:
                self.bounds.again(news)
                return
