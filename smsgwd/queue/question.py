"""What a carrier may be asked about texts that it has taken, as the queue's verbs give it and record the answer.

A question needs the reference that the carrier gave, so an uncertain text can only be asked about where a report that
matched nothing names a reference that may be its own (``doubtful``).
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from smsgwd.model import DeliveryReport, Message, Segment
from smsgwd.sms.split import Plan


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that its carrier may be asked about."""

    submission: str
    message: str
    link: str
    part: int
    parts: int
    #: the reference that the carrier gave, or may have given
    reference: str
    to: str
    #: the sender that was asked for; empty = the link's own number
    sender: str
    #: the attempt is uncertain: a report that matched nothing, the only one that may be meant, names the reference
    doubtful: bool = False


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of taking a text back: the submissions that the carrier took back, those that nobody knows of, and why
    it is not all of them."""

    back: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    why: str = ""


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """Other words for a text, and how they go over the link that has it."""

    message: str
    link: str
    plan: Plan


class Rewording(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier must be asked so that other words arrive: ``reference`` is the one that it gave; ``old`` and ``new``
    are the text as it went and as it would go."""

    submission: str
    message: str
    link: str
    reference: str
    old: Segment
    new: Segment


class CarrierVerbs(Protocol):
    """The part of :class:`smsgwd.queue.interface.Queue` that carriers are asked with."""

    async def questions(self, message: str) -> list[Question]:
        """What can be asked about a text: its attempts with a reference whose end is not known, by part; for an uncertain
        text the one that it may have. NotFound."""
        ...

    async def overdue(self, link: str, after: int, until: int, beyond: str, limit: int) -> list[Question]:
        """Attempts of sent texts on a link that began between two times (ms; after < t <= until), and after the one named
        ``beyond`` ("" = none), on which a final report is awaited: oldest first."""
        ...

    async def record_answer(self, question: Question, report: DeliveryReport | None, by: str, now: int) -> None:
        """What a carrier said; None = it knows of nothing. Counts like a report on that attempt; one that settles a
        doubtful attempt proves that the network took it. ``by`` says who asked."""
        ...

    async def withdraw(self, message: str, now: int) -> list[Question]:
        """A sent text is to be taken back: what its carrier must be asked. From now on a receipt that says that it was
        deleted is no failure. Conflict when the text is in another state, a part has no reference, or its end is
        known."""
        ...

    async def withdrawn(self, message: str, taken: Taken, now: int) -> Message:
        """What came of it. All parts taken back -> cancelled; else the state stays, and an event says which parts."""
        ...

    async def paid_by(self, message: str) -> str:
        """The API token that a text counts for; "" for none. NotFound."""
        ...

    async def reword(self, words: Wording, now: int) -> Message:
        """Other words for a text that is queued or held; its segments are counted anew. NotFound; Conflict in another
        state, once an attempt was made that was not refused, when its words are not kept any more, or it is on another
        link."""
        ...

    async def rewording(self, words: Wording, now: int) -> Rewording:
        """A sent text is to have other words: what its carrier must be asked. An event tells, before it is asked.
        Conflict when the text is in another state, has no reference, its end is known, or the words need another alphabet
        or more than one part."""
        ...

    async def reworded(self, asked: Rewording, kept: str, unknown: str, now: int) -> Message:
        """What came of it. ``kept`` says why the carrier keeps the old words, ``unknown`` why nobody knows; with neither
        the new words are stored. The state stays."""
        ...
