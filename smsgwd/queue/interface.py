"""The verbs of the queue. Domain words only, never SQL.

**One verb = one transaction = rows + events.** When a coroutine returns, what it did is on disk (fsync). When it raises,
nothing was written. Group commit puts verbs that wait at the same moment into one transaction; a verb that raises is
taken out and the others are run again, so a verb has no effect outside the database.

Every verb raises StoreUnavailable (locked, disk full, read-only: try again) besides what it names itself. ``now`` is
milliseconds since 1970; ids are public ids (``msg_…``).

Workers never poll: :meth:`Queue.hint` gives an ``asyncio.Event`` of the caller's own that is set when something of a
topic was committed. A hint is only a hint, the tables are the truth: clear it, look, then wait. Topics: ``link:NAME``
(something may be claimed), ``events`` (a new event), ``events:KIND`` (one of this kind), ``outbox`` (something is owed), ``restart:NAME`` (a link should try again now),
``tokens`` (one was revoked; set before the verb returns).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from smsgwd.errors import SmsgwdError
from smsgwd.model import (
    Contact,
    Conversation,
    DeliveryReport,
    Draft,
    Event,
    EventData,
    InboundSegment,
    LinkState,
    LinkStatus,
    Message,
    OutboxItem,
    Outcome,
    PeerFacts,
    Reaction,
    Received,
    Segment,
    Submission,
    Token,
)
from smsgwd.queue.capacity import CapacityVerbs
from smsgwd.queue.care.aside import RestoredVerbs
from smsgwd.queue.clockwork import ClockVerbs
from smsgwd.queue.heard import HeardVerbs
from smsgwd.queue.policies import DoubtVerbs
from smsgwd.queue.policies import Settled as Settled
from smsgwd.queue.privacy.keeping import KeepingVerbs
from smsgwd.queue.question import CarrierVerbs
from smsgwd.sms.split import Plan


class MessageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What :meth:`Queue.messages` selects; empty fields select all."""

    direction: str = ""
    state: str = ""
    to: str = ""
    from_: str = ""
    link: str = ""
    conversation: str = ""


class Page(msgspec.Struct, frozen=True):
    """One keyset page, newest first. ``next`` is the cursor of the following page, or None."""

    items: tuple[Any, ...]
    next: str | None


class Move(msgspec.Struct, frozen=True):
    """A queued text that another link is to carry, and how it goes there."""

    message: str
    link: str
    plan: Plan
    #: the link leaves waiting for a later time to its SMSC; else a text that asked for it waits here
    waits_there: bool = False
    #: it is due now, not after its pause
    at_once: bool = False


class Turn(msgspec.Struct, frozen=True):
    """What :meth:`Queue.turn` gives: for each result the following part, where its text goes on; what was claimed; and,
    where less was claimed than there was room for, when the next text becomes due (None: none waits)."""

    following: tuple[Segment | None, ...]
    claimed: tuple[Segment, ...]
    due: int | None = None


class Owed(NamedTuple):
    """A call that is owed, with what its body is joined from; None for a noun that it does not name or that is gone.
    The message comes without its segments."""

    item: OutboxItem
    message: Message | None
    conversation: Conversation | None
    contact: Contact | None


class CallResult(NamedTuple):
    """What came of a call. ``result`` is done, retry (due again at ``due``) or dead; ``ticket`` is the desk's own name for
    the conversation, where it told one."""

    item: str
    result: str
    reason: str = ""
    due: int = 0
    ticket: str = ""


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """How much waits on a link, and how old the oldest due text is (milliseconds)."""

    link: str
    state: str
    count: int
    oldest_age: int


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """What a link or a token used in a day (counted from 1970, UTC). ``cost`` is in millionths of the currency."""

    day: int
    kind: str  # link | token
    name: str
    segments: int
    cost: int


class Counted(NamedTuple):
    """One count of a commit: a text accepted for a link, or (less than nothing) taken from it. ``draft`` is the very
    object that the verb was given for it: a Draft, or the id of a message that moved; None when it was neither."""

    at: int
    link: str
    token: str
    segments: int
    cost: int
    draft: object = None


class Queue(CarrierVerbs, ClockVerbs, DoubtVerbs, CapacityVerbs, KeepingVerbs, RestoredVerbs, HeardVerbs, Protocol):
    """The durable store. Open it with :func:`smsgwd.queue.sqlite.open_queue`."""

    #: set when the store failed for good (an I/O error in a commit): the daemon ends then
    failed: asyncio.Event

    def check(self) -> None:
        """Raises StoreUnusable with the reason when the store failed for good."""
        ...

    def hint(self, *topics: str) -> asyncio.Event:
        """A new Event for each call (two readers of one Event would clear each other's wake-ups) that any of the topics
        sets; it is kept as long as the caller keeps it."""
        ...

    def poke(self, topic: str) -> None:
        """Sets every hint of a topic, as a commit would."""
        ...

    # ---- outbound: people ------------------------------------------------------------------------------------------
    async def accept(self, drafts: Sequence[Draft], now: int) -> list[Message | SmsgwdError]:
        """Stores each draft as ``queued`` (or ``held``), in order, in one transaction.

        A draft whose ``key`` is known returns the message of that key when ``key_digest`` is the same (nothing is
        stored), else a Conflict in its place. A draft to an opted-out number (origin not DESK, CONSENT, and class not
        ALARM) gives RequestRefused("opted-out") in its place.
        """
        ...

    async def known(self, key: str, digest: str) -> Message | None:
        """The message that was accepted under a key; None when there is none. Conflict when ``digest`` is another."""
        ...

    async def cancel(self, message: str, now: int) -> Message:
        """queued or held -> cancelled. NotFound; Conflict once an attempt was made that was not refused."""
        ...

    async def hold(self, message: str, now: int) -> Message: ...

    async def release(self, message: str, now: int) -> Message: ...

    async def retry(self, message: str, now: int) -> Message:
        """A queued text in back-off is due now. A failed, expired or cancelled text is copied as a new message,
        which is returned; terminal states stay terminal."""
        ...

    async def settle(self, message: str, decision: Settled, now: int) -> Message:
        """uncertain -> sent | queued (resend, marked as a possible duplicate) | failed. Conflict in other states."""
        ...

    # ---- outbound: links -------------------------------------------------------------------------------------------
    async def claim(self, link: str, limit: int, now: int) -> list[Segment]:
        """Up to ``limit`` due texts of a link, best priority first, one segment each: the first part without an
        accepted Submission. A Submission ``in_flight`` is committed for each before this returns. Texts past their
        validity are expired instead of claimed."""
        ...

    async def next_due(self, link: str) -> int | None:
        """When the next queued text of a link becomes due; None when nothing waits. May be in the past."""
        ...

    async def record_result(self, submission: str, outcome: Outcome, now: int) -> Segment | None:
        """What came of a submission. Accepted with parts left: the next part is claimed in the same commit and
        returned. Accepted last part -> sent. Refusal: permanent -> failed; temporary -> queued with back-off, failed
        after the last try (the refusal may name how many of its kind); link -> queued, the try not counted; busy -> queued
        again soon, the try not counted. A refusal that tells of a mistake of ours is a ``link.alarm``. InDoubt -> uncertain, or by the policy of its class
        (alarm -> queued again, marked as a possible duplicate)."""
        ...

    async def turn(self, link: str, results: Sequence[tuple[str, Outcome]], room: int, now: int) -> Turn:
        """One turn of a link's worker: :meth:`record_result` for each of ``results`` (submission, outcome), then
        :meth:`claim` of as many as there is ``room`` for. One commit, so that a busy link waits for the disk once between
        an answer and the next text."""
        ...

    async def unsubmit(self, submission: str, reason: str, now: int) -> None:
        """Nothing was written to the network: the Submission is refused, its text queued again, the try not counted."""
        ...

    async def reroute(self, moves: Sequence[Move], now: int) -> int:
        """Moves queued, unpinned texts without an accepted part, with text, alphabet and cuts as planned for the other
        link. Returns how many moved."""
        ...

    async def waiting(self, link: str, limit: int) -> list[Message]:
        """Queued, unpinned texts of a link without an accepted part, oldest first, for rerouting."""
        ...

    async def recover(self, now: int) -> int:
        """At start: every Submission ``in_flight`` becomes uncertain. Returns how many."""
        ...

    async def expire(self, now: int) -> int:
        """Due work of the clock: texts past their validity expire, incomplete inbound sets older than an hour become
        partial messages, reports that matched nothing for a week are dropped; ``link.alarm`` where more than a hundredth of
        a link's reports of today matched nothing. Returns how many rows changed."""
        ...

    # ---- what is spent ---------------------------------------------------------------------------------------------
    def on_counted(self, told: Callable[[Sequence[Counted]], None]) -> None:
        """From now on ``told`` is called, on the loop, with what each commit counted, before the verbs of that commit
        return. There is one listener."""
        ...

    async def spent_since(self, day: str) -> list[Spending]:
        """What was used on each day from ``day`` (``2026-01-31``) on."""
        ...

    async def automatic_since(self, number: str, since: int) -> list[int]:
        """When automatic texts (of rules and of the consent stage) to a number were accepted since then."""
        ...

    async def open_threads(self, numbers: tuple[str, ...]) -> dict[str, str]:
        """The link of the newest open conversation with each of these people; people without one are left out."""
        ...

    # ---- inbound ---------------------------------------------------------------------------------------------------
    async def receive(self, link: str, number: str, segment: InboundSegment, now: int) -> Received:
        """Stores a segment (``number`` is the link's own number). Whole: Message, Contact, Conversation and events in
        the same commit. A PDU with the digest of one seen in the last 7 days is counted, not stored again. One whose
        ``receipt`` names a text of ours, or whose sender is being sent one now, is recorded as that report instead."""
        ...

    async def called(self, link: str, number: str, caller: str, now: int) -> Received:
        """A voice call to the link's own ``number``: a message with ``origin`` "call" and no words, in the caller's
        conversation; ``message.received`` says ``call``, and only rules about calls are asked."""
        ...

    async def record_report(self, link: str, report: DeliveryReport, now: int) -> bool:
        """Matches a report to a submission of the link, or of another link of its account, by its reference in any form
        that ``report.match`` allows; False = parked as an orphan, tried again when a submission is accepted, and dropped
        after a week. An uncertain text is settled by its own number, and by a modem's report when exactly one candidate
        fits. :meth:`links` tells how many matched nothing."""
        ...

    # ---- links, events, reactions ----------------------------------------------------------------------------------
    async def record_link(self, link: str, type: str, number: str, state: LinkState, why: str, now: int) -> None: ...

    async def pause_link(self, link: str, paused: bool, now: int) -> LinkStatus: ...

    async def remember(self, name: str, value: str) -> None:
        """Keeps a small fact of a link over restarts (a PIN that its SIM refused, the SIM that it had last); an empty
        value forgets it."""
        ...

    async def accept_device(self, link: str, now: int) -> LinkStatus:
        """A person says that the SIM and the modem of a link are meant: what was remembered of others, and of PINs that
        were refused, is forgotten. NotFound. Sets the hint ``restart:NAME``."""
        ...

    async def recall(self, name: str) -> str:
        """What was remembered under a name; "" for nothing."""
        ...

    async def record_event(
        self, kind: str, now: int, data: EventData | None = None, *, link: str = "", message: str = ""
    ) -> None:
        """An event without rows of its own."""
        ...

    async def events_after(self, after: int, limit: int, kind: str = "") -> list[Event]:
        """Oldest first. ``after=-n`` gives the last n events."""
        ...

    async def cursor(self, name: str) -> int:
        """The last event that a named reader has done; 0 at first."""
        ...

    async def skip(self, name: str, event: int) -> None:
        """Moves a reader's cursor over events that need nothing."""
        ...

    async def peer_facts(self, message: str, now: int) -> PeerFacts: ...

    async def react(self, reaction: Reaction, now: int) -> list[str]:
        """Everything that an inbound text causes, once: consent first (an opt-out cancels the queued texts of the
        number in the same commit), then replies, tickets, tags, and the cursor ``react``. Returns the ids of the
        replies. A reaction to an event at or before the cursor does nothing."""
        ...

    # ---- what we owe -----------------------------------------------------------------------------------------------
    async def owe_events(self, desks: Mapping[str, frozenset[str]]) -> bool:
        """From now on every event of a kind that a desk wants (``desks``: its name, the kinds), and every event of a text
        whose ``callback`` is a desk, is owed to it as a call, in the commit of the event. Events behind the cursor
        ``webhooks`` that were not turned into calls yet are, a bounded number at once: True when there may be more of
        them. Call it until it gives False; until then new ones wait behind them."""
        ...

    async def owed(self, endpoint: str, limit: int, now: int, without: Collection[str] = ()) -> list[Owed]:
        """Calls of an endpoint that are due then, the longest due first, but for those in ``without``; of each conversation
        only the oldest."""
        ...

    async def owed_next(self, endpoint: str) -> int | None: ...

    async def record_calls(self, results: Sequence[CallResult], now: int) -> None:
        """Writes what came of calls. One that is not pending any more is left as it is."""
        ...

    async def replay(self, item: str, now: int) -> OutboxItem:
        """dead -> pending, due now."""
        ...

    # ---- people and desks ------------------------------------------------------------------------------------------
    async def set_contact(
        self, number: str, *, name: str | None = None, tags: tuple[str, ...] | None = None, now: int
    ) -> Contact:
        """Makes or changes a contact; what is None stays as it is."""
        ...

    async def close_conversation(self, conversation: str, now: int) -> Conversation: ...

    # ---- looking ---------------------------------------------------------------------------------------------------
    async def message(self, message: str) -> Message:
        """With segments; NotFound."""
        ...

    async def submissions(self, message: str) -> list[Submission]: ...

    async def messages(self, where: MessageFilter, after: str, limit: int) -> Page: ...

    async def conversation(self, conversation: str) -> Conversation: ...

    async def conversations(self, state: str, after: str, limit: int) -> Page: ...

    async def contact(self, number: str) -> Contact: ...

    async def links(self) -> list[LinkStatus]: ...

    async def outbox(self, state: str, after: str, limit: int) -> Page: ...

    async def outbox_item(self, item: str) -> OutboxItem: ...

    async def outbox_depth(self) -> dict[str, int]:
        """How many calls are ``pending`` and ``dead``."""
        ...

    async def depth(self, now: int) -> list[Depth]: ...

    async def rollup(self, days: int, now: int) -> list[dict[str, Any]]:
        """Daily counts from the rollup table: ``{day, link, direction, class, state, messages, parts}``."""
        ...

    # ---- tokens ----------------------------------------------------------------------------------------------------
    async def add_token(
        self, digest: bytes, scopes: tuple[str, ...], now: int, caps: Mapping[str, float] | None = None
    ) -> Token: ...

    async def find_token(self, digest: bytes) -> Token | None: ...

    async def tokens(self) -> list[Token]: ...

    async def revoke_token(self, token: str, now: int) -> Token: ...
