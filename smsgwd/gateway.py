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

import hashlib
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
import phonenumbers

from smsgwd.clock import Clock
from smsgwd.config import Config, ModemConfig, parse_duration
from smsgwd.errors import LinkError, RequestRefused, SmsgwdError
from smsgwd.model import Conversation, Draft, Message, MessageClass, Origin
from smsgwd.queue.interface import Queue
from smsgwd.routing import NoRoute, Roster, RouteLink, choose
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import Plan, split

#: characters of one text; more is refused before it is looked at
LONGEST_TEXT = 20_000
LONGEST_KEY = 255
FARTHEST = 366 * 86_400_000


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
    origin: str = "api"


# ---- numbers -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=20_000)
def normal_number(text: str, country: str) -> str:
    """E.164 with a plus sign. RequestRefused("invalid-number") for what is no number."""
    bare = re.sub(r"[ ()./-]", "", text)
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", bare):
        return bare
    if not re.fullmatch(r"[0-9]{3,15}", bare):
        raise RequestRefused("invalid-number", "this is not a phone number: + and 7 to 15 digits, or a national number")
    if bare.startswith("00"):
        return normal_number("+" + bare[2:], country)
    try:
        number = phonenumbers.parse(bare, country)
    except phonenumbers.NumberParseException:
        raise RequestRefused("invalid-number", f"this is not a national number of {country}") from None
    if not phonenumbers.is_possible_number(number):
        raise RequestRefused("invalid-number", f"this is not a possible number of {country}; write it with + instead")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=20_000)
def countries_of(number: str) -> tuple[str, ...]:
    """The countries that an E.164 number may lie in: one when it is known, else all of its calling code."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    known = phonenumbers.region_code_for_number(parsed)
    if known and known != "001":
        return (known,)
    return tuple(phonenumbers.region_codes_for_country_code(parsed.country_code or 0))


def check_allowed(number: str, country: str, allow: tuple[str, ...]) -> None:
    """RequestRefused("country-not-allowed") unless the number lies where the configuration allows."""
    allowed = allow or (country,)
    if any(a.startswith("+") and number.startswith(a) for a in allowed):
        return
    places = countries_of(number)
    if not places:
        raise RequestRefused("invalid-number", "this number has no country calling code that exists")
    if not set(places) & set(allowed):
        raise RequestRefused(
            "country-not-allowed", f"numbers in {places[0]} are not allowed; add it to gateway.allow to write there"
        )


# ---- times ---------------------------------------------------------------------------------------------------------


def parse_at(text: str, now: int) -> int:
    """When to send, in ms: ISO 8601 (without a zone: local time), ``HH:MM`` (the next one), or ``+2h``."""
    if not text:
        return now
    here = datetime.fromtimestamp(now / 1000).astimezone()
    try:
        if text.startswith("+"):
            at = here + timedelta(seconds=parse_duration(text[1:]))
        elif found := re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text):
            at = here.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
            at += timedelta(days=1) if at < here else timedelta()
        else:
            at = datetime.fromisoformat(text)
        due = int(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise RequestRefused("invalid-time", "`at` is none of 2026-01-31T09:30+01:00, 09:30, +2h") from None
    if due - now > FARTHEST:
        raise RequestRefused("invalid-time", "`at` is more than a year ahead")
    return max(due, now)


def parse_validity(text: str, default: int) -> int:
    """Seconds. RequestRefused("invalid-validity") for what is no duration of at least a minute."""
    if not text:
        return default
    try:
        seconds = parse_duration(text)
    except ValueError as e:
        raise RequestRefused("invalid-validity", f"`validity`: {e}") from None
    if not 60 <= seconds <= 63 * 604_800:
        raise RequestRefused("invalid-validity", "`validity` lies between 1m and 63w")
    return seconds


# ---- composing -----------------------------------------------------------------------------------------------------


def compose(
    request: SendRequest, config: Config, links: Sequence[RouteLink], now: int, *, ticket: int = 0, answering: str = ""
) -> Draft:
    """Checks a request and makes the draft. Pure.

    ``answering`` is the number of a person who wrote to us: then ``to`` is theirs and the country is not asked.
    """
    to = answering or normal_number(request.to, config.gateway.country)
    if not answering:
        check_allowed(to, config.gateway.country, config.gateway.allow)
    class_ = _class(request.class_)
    if len(request.key) > LONGEST_KEY:
        raise RequestRefused("invalid-key", f"the idempotency key has more than {LONGEST_KEY} characters")
    if request.callback and request.callback not in {desk.name for desk in config.helpdesk}:
        raise RequestRefused("unknown-callback", "`callback` must name a helpdesk of the configuration")
    route = choose(to, class_, links, sender=request.from_, ticket=ticket)
    if isinstance(route, NoRoute):
        raise RequestRefused(route.code, route.reason)
    plan = _plan(request, config, route.link)
    due = parse_at(request.at, now)
    return Draft(
        to=to,
        text=plan.text,
        link=route.link,
        pinned=route.pinned,
        alphabet=plan.alphabet,
        locking=plan.locking,
        single=plan.single,
        cuts=plan.cuts,
        class_=class_,
        flash=request.flash,
        due=due,
        expires=due + 1000 * parse_validity(request.validity, config.limits.validity),
        key=request.key,
        key_digest=_digest(request) if request.key else "",
        origin=Origin(request.origin),
        callback=request.callback,
    )


def _class(text: str) -> MessageClass:
    try:
        return MessageClass(text)
    except ValueError:
        raise RequestRefused("unknown-class", f"{text!r} is none of bulk, normal, alarm") from None


def _plan(request: SendRequest, config: Config, link: str) -> Plan:
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
    row = next(x for x in config.link if x.name == link)
    text = request.text.encode("utf-16", "replace").decode("utf-16")  # a lone surrogate cannot be stored or sent
    plan = split(text, alphabet=alphabet, national=row.national, transliterate=row.transliterate)
    if len(plan.cuts) > config.limits.segments:
        raise RequestRefused(
            "too-long",
            f"the text needs {len(plan.cuts)} segments ({plan.alphabet.value}); limits.segments allows "
            f"{config.limits.segments}",
        )
    return plan


def _digest(request: SendRequest) -> str:
    """Digest of everything but the key itself: the same key with another body is a conflict."""
    body = msgspec.json.encode(msgspec.structs.replace(request, key=""))
    return hashlib.sha256(body).hexdigest()[:32]


class Gateway:
    """What people may ask. ``config`` is replaced whole when the daemon reloads."""

    def __init__(self, config: Config, queue: Queue, roster: Roster, clock: Clock) -> None:
        self.config, self.queue, self.roster, self.clock = config, queue, roster, clock
        self._tickets = itertools.count()
        #: how to reach the modems that run, by link; the daemon sets it
        self.modems: Mapping[str, Ussd] = {}

    def draft(self, request: SendRequest, *, answering: str = "") -> Draft:
        """Composes against the links as they are now; RequestRefused."""
        return compose(
            request, self.config, self.roster.links, self.clock.now(), ticket=next(self._tickets), answering=answering
        )

    async def send(self, request: SendRequest) -> Message:
        """Accepts one text: returns after the commit. RequestRefused, Conflict, StoreUnavailable."""
        return await self._accept(self.draft(request))

    async def send_batch(self, requests: Sequence[SendRequest]) -> list[Message | SmsgwdError]:
        """Accepts many in one commit; each gets its message or its own error."""
        drafts: list[Draft | SmsgwdError] = []
        for request in requests:
            try:
                drafts.append(self.draft(request))
            except SmsgwdError as e:
                drafts.append(e)
        good = [d for d in drafts if isinstance(d, Draft)]
        stored = iter(await self.queue.accept(good, self.clock.now()) if good else [])
        return [d if isinstance(d, SmsgwdError) else next(stored) for d in drafts]

    async def reply(self, conversation: str, text: str, author: str, key: str) -> Message:
        """An agent's answer: goes out from the number that the person wrote to. NotFound, RequestRefused, Conflict."""
        thread = await self.queue.conversation(conversation)
        return await self._accept(self.answer(thread, text, origin=Origin.DESK, author=author, key=key))

    def answer(
        self, thread: Conversation, text: str, *, origin: Origin, author: str = "", key: str = "", rule: str = "",
        answers: str = "",
    ) -> Draft:  # fmt: skip
        """The draft of an answer in a conversation, pinned to its link."""
        if not re.fullmatch(r"\+?[0-9]{3,15}", thread.contact):
            raise RequestRefused("no-reply-address", "this sender has no number that could be answered")
        request = SendRequest(to=thread.contact, text=text, from_=thread.link, key=key, origin=origin.value)
        draft = self.draft(request, answering=thread.contact)
        return msgspec.structs.replace(draft, conversation=thread.id, author=author, rule=rule, answers=answers)

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

    async def _accept(self, draft: Draft) -> Message:
        (stored,) = await self.queue.accept([draft], self.clock.now())
        if isinstance(stored, SmsgwdError):
            raise stored
        return stored
