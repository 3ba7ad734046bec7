"""Carriers are asked about texts that they have: by people (``queue show --ask``, ``queue cancel``, ``queue replace``), and by
:class:`Overdue` about texts whose receipt does not come.

The queue says what to ask and records what was said; between the two a question is on the wire. An answer counts like a
receipt. Nothing here can send a text again: what nobody knows stays uncertain.

query_sm needs the message_id, so it cannot settle a text that is uncertain because no answer came. The exception: a receipt
came that matched nothing, named an id, was for this number, and no other text may be meant. When a person asks, the SMSC is
asked about that id; if it knows it from our sender, the text is settled. By themselves receipts never do that, since other
programs may use the same account.
"""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from smsgwd.bounds import refused
from smsgwd.clock import came
from smsgwd.config import SmppConfig
from smsgwd.errors import Conflict, LinkError, RequestRefused, StoreUnavailable, Uncertain
from smsgwd.gateway import Gateway, SendRequest, planned
from smsgwd.link import Carrier
from smsgwd.log import get_logger
from smsgwd.model import Accepted, Message, MessageState
from smsgwd.queue.question import Question, Taken, Wording
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import Plan

#: hours after which a text without a final receipt is asked about. Most receipts come within minutes, and carriers mostly
#: try for a day or for three; later they have forgotten what became of a text
OVERDUE_AFTER = (24, 72)
#: seconds between two looks for what is overdue, and between two questions on a link
EVERY, PACE = 15.0, 0.2
#: questions on one link, about texts of one age, in one look
MOST = 50
HOUR = 3_600_000
#: how far back the first look after a start goes, and how far one look reaches at most, in ms
BACK, STRIDE = 48 * HOUR, HOUR

log = get_logger("inquiry")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one question: ``status`` is that of a delivery report, or unknown (the carrier knows of nothing)."""

    part: int
    link: str
    reference: str
    status: str
    reason: str = ""


# ---- people --------------------------------------------------------------------------------------------------------


async def ask(gateway: Gateway, message: str) -> list[Said]:
    """Asks the carrier what became of a text, and records what it says. NotFound; Conflict when there is nothing to ask;
    RequestRefused when no part could be asked about."""
    questions = await gateway.queue.questions(message)
    if not questions:
        raise Conflict(await _nothing_to_ask(gateway, message))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_told(gateway, q, "operator"), name=f"question about {q.submission}") for q in questions]
    told = [task.result() for task in tasks]
    answers = [answer for answer in told if isinstance(answer, Said)]
    if not answers:
        raise next(answer for answer in told if isinstance(answer, RequestRefused))
    return answers


async def _nothing_to_ask(gateway: Gateway, message: str) -> str:
    found = await gateway.queue.message(message)
    if found.state is MessageState.UNCERTAIN:
        return f"{message} is uncertain: no answer came, so there is no id that its carrier could be asked about"
    return f"{message} is {found.state.value}: there is no part of it whose end its carrier could be asked about"


async def _told(gateway: Gateway, question: Question, by: str) -> Said | RequestRefused:
    """One question, answered and recorded."""
    try:
        carrier = _carrier(gateway, question.link, "query")
        report = await carrier.query(question.reference, question.to, question.sender)
    except RequestRefused as e:
        return e
    except LinkError as e:
        return RequestRefused("link-not-up", str(e))
    except Uncertain as e:
        return RequestRefused("no-answer", str(e))
    await gateway.queue.record_answer(question, report, by, gateway.clock.now())
    status, reason = ("unknown", "the SMSC does not say") if report is None else (report.status.value, report.reason)
    return Said(part=question.part, link=question.link, reference=question.reference, status=status, reason=reason)


def _carrier(gateway: Gateway, link: str, verb: str) -> Carrier:
    """The link that may be asked; RequestRefused in words that say what is missing. ``verb`` is the key: query, cancel, replace."""
    row = next((x for x in gateway.config.link if x.name == link), None)
    if row is None:
        raise RequestRefused("not-offered", f"{link} is not in the configuration any more")
    if not isinstance(row, SmppConfig):
        raise RequestRefused("not-offered", f"{link} is a modem; it can only wait for the delivery report")
    if not getattr(row, verb):
        pdu = f"{verb}_sm"
        raise RequestRefused("not-offered", f"{link}: the carrier answers no {pdu}; set `{verb} = true` where it does")
    if link not in gateway.carriers:
        raise RequestRefused("link-not-up", f"asking the carrier of {link} needs the running daemon, and the link in use")
    return gateway.carriers[link]


async def cancel(gateway: Gateway, message: str) -> Message:
    """Cancels a text: one that waits in the queue, and one that a carrier has which takes texts back. NotFound; Conflict
    with the reason when it is too late; RequestRefused when the link cannot be asked now."""
    found = await gateway.queue.message(message)
    row = next((x for x in gateway.config.link if x.name == found.link), None)
    if found.state is not MessageState.SENT or not isinstance(row, SmppConfig) or not row.cancel:
        return await gateway.queue.cancel(message, gateway.clock.now())
    _carrier(gateway, found.link, "cancel")
    questions = await gateway.queue.withdraw(message, gateway.clock.now())
    taken = await _take_back(gateway, questions)
    found = await gateway.queue.withdrawn(message, taken, gateway.clock.now())
    if found.state is not MessageState.CANCELLED:
        raise Conflict(f"{message} is {found.state.value}: {taken.why or 'a report came first'}")
    return found


async def _take_back(gateway: Gateway, questions: list[Question]) -> Taken:
    """Part by part, and no further than the first that its carrier does not give back: a text of which only a part comes
    helps nobody."""
    back: list[str] = []
    for question in questions:
        try:
            carrier = _carrier(gateway, question.link, "cancel")
            answer = await carrier.withdraw(question.reference, question.to, question.sender)
        except Uncertain as e:
            return Taken(back=tuple(back), unknown=(question.submission,), why=_why(question, back, str(e)))
        except (LinkError, RequestRefused) as e:
            return Taken(back=tuple(back), why=_why(question, back, str(e)))
        if not isinstance(answer, Accepted):
            said = f"{answer.code}: {answer.reason}" if answer.code else answer.reason
            return Taken(back=tuple(back), why=_why(question, back, f"the carrier does not give it back ({said})"))
        back.append(question.submission)
    return Taken(back=tuple(back))


def _why(question: Question, back: list[str], why: str) -> str:
    if question.parts == 1:
        return why
    return f"{len(back)} of {question.parts} parts were taken back, then part {question.part}: {why}"


# ---- other words ---------------------------------------------------------------------------------------------------


async def replace(gateway: Gateway, message: str, text: str) -> Message:
    """Other words for a text: for one that waits in the queue, and for one that a carrier has which replaces texts. NotFound;
    Conflict with the reason when it cannot be, or is too late; RequestRefused for a text that cannot be sent, when the link
    cannot be asked now, or when no answer came: then nobody knows which words arrive."""
    found = await gateway.queue.message(message)
    if found.state not in (MessageState.QUEUED, MessageState.HELD, MessageState.SENT):
        raise Conflict(f"{message} is {found.state.value}; its text cannot be replaced")
    if all(row.name != found.link for row in gateway.config.link):
        raise Conflict(f"{found.link} is not in the configuration any more")
    carrier = _carrier(gateway, found.link, "replace") if found.state is MessageState.SENT else None
    words = Wording(message=found.id, link=found.link, plan=_words(gateway, found, text))
    if carrier is None:
        return await _reword(gateway, found, words)
    asked, kept = await gateway.queue.rewording(words, gateway.clock.now()), ""
    try:
        answer = await carrier.replace(asked.reference, asked.old, asked.new)
    except Uncertain as e:
        await gateway.queue.reworded(asked, "", str(e), gateway.clock.now())
        raise RequestRefused("no-answer", f"{e}: nobody knows which of the two texts arrives") from None
    except LinkError as e:
        kept = str(e)
    else:
        if not isinstance(answer, Accepted):
            said = f"{answer.code}: {answer.reason}" if answer.code else answer.reason
            kept = f"the carrier does not replace it ({said})"
    found = await gateway.queue.reworded(asked, kept, "", gateway.clock.now())
    if kept:
        raise Conflict(f"{message} stays as it is: {kept}")
    return found


def _words(gateway: Gateway, found: Message, text: str) -> Plan:
    """At a carrier in the alphabet of the first text, where that has all letters."""
    plan = planned(SendRequest(to=found.to, text=text), gateway.config, found.link)
    if found.state is MessageState.SENT and found.encoding is Alphabet.UCS2 and plan.alphabet is not Alphabet.UCS2:
        return planned(SendRequest(to=found.to, text=text, alphabet="ucs2"), gateway.config, found.link)
    return plan


async def _reword(gateway: Gateway, found: Message, words: Wording) -> Message:
    """With room under the caps for the segments that come on top."""
    token, now = await gateway.queue.paid_by(found.id), gateway.clock.now()
    answer = gateway.bounds.grow(found, token, words.plan.parts - found.parts)
    try:
        if answer is not None:
            raise refused(answer, now)
        return await gateway.queue.reword(words, now)
    finally:
        gateway.settled([found.id])
        await gateway.tell()


# ---- receipts that do not come -------------------------------------------------------------------------------------


class Overdue:
    """Asks about each text without a final receipt once at every age of ``OVERDUE_AFTER``, on links that answer query_sm.

    It goes by the time at which attempts began: from where the last look ended to what has that age now. After a start it
    looks two days back, so a text may be asked about once more. What is due while a link is away waits for it.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway, self._clock = gateway, gateway.clock
        self._began = gateway.clock.now()
        #: by link and age: up to when (ms) all attempts were asked about, and the last one after that
        self._done: dict[tuple[str, int], tuple[int, str]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        while not stop.is_set():
            with contextlib.suppress(StoreUnavailable):
                await self.look(stop)
            await came(stop, EVERY)

    async def look(self, stop: asyncio.Event) -> int:
        """One look; how many questions were answered."""
        answered = 0
        for link in self._gateway.config.link:
            if isinstance(link, SmppConfig) and link.query and link.receipts != "none":
                for hours in OVERDUE_AFTER:
                    answered += await self._look(link.name, hours, stop) if self._up(link.name) else 0
        return answered

    def _up(self, name: str) -> bool:
        row = self._gateway.roster.get(name)
        return row is not None and row.up and name in self._gateway.carriers

    async def _look(self, link: str, hours: int, stop: asyncio.Event) -> int:
        age = hours * HOUR
        after, last = self._done.get((link, hours), (self._began - age - BACK, ""))
        until = min(self._clock.now() - age, after + STRIDE)
        found = await self._gateway.queue.overdue(link, after, until, last, MOST) if until > after else []
        for answered, question in enumerate(found):
            said = None if stop.is_set() else await _told(self._gateway, question, "clock")
            if not isinstance(said, Said):
                if said is not None:
                    log.warning("a carrier does not say what became of a text", link=link, why=str(said))
                    if said.code == "no-answer":  # it is not asked about this one again and again
                        last = question.submission
                self._done[link, hours] = after, last
                return answered
            last = question.submission
            await came(stop, PACE)
        self._done[link, hours] = (until, "") if len(found) < MOST else (after, last)
        return len(found)
