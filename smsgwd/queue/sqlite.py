"""The queue on SQLite: verbs of the noun files, bound to one writing thread and one reading thread.

Each writing verb is a plain function ``verb(transaction, …)`` that the writer runs; each looking verb is
``verb(connection, …)`` that the reader runs on its own read-only connection. A verb that was committed is seen by the next
look. When a caller is cancelled while its claim is being committed, the claimed segments are given back, so that no
attempt stays open that nobody works on.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from smsgwd.clock import Clock
from smsgwd.errors import SmsgwdError, StoreUnavailable, StoreUnusable
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
from smsgwd.queue import (
    contacts,
    expiry,
    facts,
    inbound,
    links,
    looking,
    opening,
    outbound,
    owing,
    reactions,
    reminding,
    reports,
    spend,
    submitting,
    tokens,
)
from smsgwd.queue.capacity import Capacity
from smsgwd.queue.ids import Ids
from smsgwd.queue.interface import (
    CallResult,
    Counted,
    Depth,
    MessageFilter,
    Move,
    Owed,
    Page,
    Queue,
    Settled,
    Spending,
    Turn,
)
from smsgwd.queue.privacy import acting, acts
from smsgwd.queue.reader import Reader
from smsgwd.queue.space import Space
from smsgwd.queue.sqlite_carriers import SqliteCarriers
from smsgwd.queue.sqlite_keeping import SqliteKeeping
from smsgwd.queue.transaction import Limits, Transaction
from smsgwd.queue.writer import Look, Writer

__all__ = ["Limits", "SqliteQueue", "open_queue"]

#: verb -> what reads for several of its kind at once
LOOKS: dict[Callable[..., Any], Look] = {outbound.accept: outbound.look, reports.record_report: reports.look}

P = ParamSpec("P")
R = TypeVar("R")


def _seen(future: asyncio.Future[Any]) -> None:
    """Nobody waits for this future: an error in it is no news."""
    if not future.cancelled():
        future.exception()


@asynccontextmanager
async def open_queue(
    path: str | Path, *, clock: Clock, limits: Limits | None = None, readonly: bool = False
) -> AsyncIterator[SqliteQueue]:
    """Opens the database, making or migrating it first; closes it when the block ends.

    ``readonly`` looks beside a running daemon: no lock, and every verb that writes raises StoreUnavailable. Raises
    StoreUnavailable (another smsgwd has it, no folder, read-only disk) and StoreUnusable (newer schema, damaged, not a
    database), each in one line.
    """
    path = str(path)
    lock = None if readonly else opening.Lock(path)
    writer: Writer | None = None
    reader: Reader | None = None
    try:
        if not readonly:
            conn = await asyncio.to_thread(opening.open_writer, path)
            limits = limits or Limits()
            space = Space(path, limits.space, outbound.accept)
            writer = Writer(conn, Transaction(conn, Ids.of(conn), limits), path, space)
            writer.looks = LOOKS
        reader = Reader(await asyncio.to_thread(opening.open_reader, path), path, clock)
        if writer is not None:
            reader.broke = writer.fail
        yield SqliteQueue(path, writer, reader)
    finally:
        # the reader first, so that the writer is the last and checkpoints; never on a disk that failed, where a sync that
        # seems to work may hide what was lost: a connection that is not the last one only closes
        ends: list[Callable[[], Awaitable[None]]] = [partial(asyncio.to_thread, reader.close)] if reader is not None else []
        if writer is not None:
            ends.insert(len(ends) if writer.failure is None else 0, writer.close)
        for end in ends:
            await end()
        if lock is not None:
            lock.release()


class SqliteQueue(SqliteCarriers, SqliteKeeping, Queue):
    """See :class:`smsgwd.queue.interface.Queue` for what each verb promises."""

    def __init__(self, path: str, writer: Writer | None, reader: Reader) -> None:
        self._path, self._writer, self._look = path, writer, reader.look
        self._reader = reader
        self._hints: dict[str, weakref.WeakSet[asyncio.Event]] = {}
        #: set when the store failed for good: the daemon ends then (:meth:`check` says why)
        self.failed = writer.failed if writer is not None else asyncio.Event()
        if writer is not None:
            writer.wake = self._wake

    def check(self) -> None:
        """Raises StoreUnusable when the store failed for good."""
        if self._writer is not None and self._writer.failure is not None:
            raise StoreUnusable(self._writer.failure.detail)

    def capacity(self) -> Capacity:
        return Capacity() if self._writer is None else self._writer.space.seen

    async def look_at_space(self) -> Capacity:
        return Capacity() if self._writer is None else await asyncio.to_thread(self._writer.space.look)

    def waiting_changes(self) -> int:
        return 0 if self._writer is None else self._writer.waiting

    def stuck_for(self) -> float:
        return 0.0 if self._writer is None else self._writer.stuck_for()

    def _put(
        self, verb: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **named: P.kwargs
    ) -> asyncio.Future[R]:
        if self._writer is None:
            raise StoreUnavailable(f"{self._path}: it was opened for reading only")
        if verb in acts.TABLE:  # an act of an operator, recorded in its own commit
            return self._writer.put(acts.recorded, verb, acting.actor(), args, named)
        return self._writer.put(verb, *args, **named)

    def hint(self, *topics: str) -> asyncio.Event:
        event = asyncio.Event()
        for topic in topics:
            self._hints.setdefault(topic, weakref.WeakSet()).add(event)
        return event

    def poke(self, topic: str) -> None:
        for event in self._hints.get(topic, ()):
            event.set()

    def _wake(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self.poke(topic)

    async def _claimed(self, future: asyncio.Future[R], segments: Callable[[R], Iterable[Segment]], now: int) -> R:
        """Waits for a claim. When the caller is cancelled meanwhile, what was claimed goes back to the queue."""
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: self._give_back(done, segments, now))
            raise

    def _give_back(self, done: asyncio.Future[R], segments: Callable[[R], Iterable[Segment]], now: int) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        for segment in segments(done.result()):
            why = "the claim was cancelled"
            # a store that is away now leaves the attempt open: the next start finds it
            with contextlib.suppress(StoreUnavailable, StoreUnusable):
                self._put(submitting.unsubmit, segment.submission, why, now).add_done_callback(_seen)

    # ---- outbound: people ------------------------------------------------------------------------------------------
    async def accept(self, drafts: Sequence[Draft], now: int) -> list[Message | SmsgwdError]:
        return await self._put(outbound.accept, drafts, now)

    async def known(self, key: str, digest: str) -> Message | None:
        return await self._look(outbound.known, key, digest)

    async def cancel(self, message: str, now: int) -> Message:
        return await self._put(outbound.cancel, message, now)

    async def hold(self, message: str, now: int) -> Message:
        return await self._put(outbound.hold, message, now)

    async def release(self, message: str, now: int) -> Message:
        return await self._put(outbound.release, message, now)

    async def retry(self, message: str, now: int) -> Message:
        return await self._put(outbound.retry, message, now)

    async def settle(self, message: str, decision: Settled, now: int) -> Message:
        return await self._put(outbound.settle, message, decision, now)

    # ---- outbound: links -------------------------------------------------------------------------------------------
    async def claim(self, link: str, limit: int, now: int) -> list[Segment]:
        return await self._claimed(self._put(submitting.claim, link, limit, now), lambda claimed: claimed, now)

    async def next_due(self, link: str) -> int | None:
        return await self._look(looking.next_due, link)

    async def record_result(self, submission: str, outcome: Outcome, now: int) -> Segment | None:
        future = self._put(submitting.record_result, submission, outcome, now)
        return await self._claimed(future, lambda following: [following] if following else [], now)

    async def turn(self, link: str, results: Sequence[tuple[str, Outcome]], room: int, now: int) -> Turn:
        if self._writer is None:
            raise StoreUnavailable(f"{self._path}: it was opened for reading only")
        # first: a report that came right behind an answer must find its result
        future = self._writer.put_first(submitting.turn, link, results, room, now)
        return await self._claimed(future, lambda turn: [s for s in (*turn.following, *turn.claimed) if s], now)

    async def unsubmit(self, submission: str, reason: str, now: int) -> None:
        await self._put(submitting.unsubmit, submission, reason, now)

    async def reroute(self, moves: Sequence[Move], now: int) -> int:
        return await self._put(submitting.reroute, moves, now)

    async def waiting(self, link: str, limit: int) -> list[Message]:
        return await self._look(looking.waiting, link, limit)

    # ---- what is spent ---------------------------------------------------------------------------------------------
    def on_counted(self, told: Callable[[Sequence[Counted]], None]) -> None:
        if self._writer is not None:
            self._writer.counted = told

    async def spent_since(self, day: str) -> list[Spending]:
        return await self._look(spend.spent_since, day)

    async def automatic_since(self, number: str, since: int) -> list[int]:
        return await self._look(spend.automatic_since, number, since)

    async def open_threads(self, numbers: tuple[str, ...]) -> dict[str, str]:
        return await self._look(spend.open_threads, numbers)

    # ---- the clock's own work --------------------------------------------------------------------------------------
    async def recover(self, now: int) -> int:
        return await self._put(submitting.recover, now)

    async def expire(self, now: int) -> int:
        return await self._put(expiry.expire, now)

    # ---- inbound ---------------------------------------------------------------------------------------------------
    async def receive(self, link: str, number: str, segment: InboundSegment, now: int) -> Received:
        return await self._put(inbound.receive, link, number, segment, now)

    async def unanswered(self, link: str, within: int) -> list[bytes]:
        return await self._look(reminding.unanswered, link, within)

    async def called(self, link: str, number: str, caller: str, now: int) -> Received:
        return await self._put(inbound.called, link, number, caller, now)

    async def record_report(self, link: str, report: DeliveryReport, now: int) -> bool:
        return await self._put(reports.record_report, link, report, now)

    # ---- links, events, reactions ----------------------------------------------------------------------------------
    async def record_link(self, link: str, type: str, number: str, state: LinkState, why: str, now: int) -> None:
        await self._put(links.record_link, link, type, number, state, why, now)

    async def pause_link(self, link: str, paused: bool, now: int) -> LinkStatus:
        return await self._put(links.pause_link, link, paused, now)

    async def remember(self, name: str, value: str) -> None:
        await self._put(links.remember, name, value)

    async def accept_device(self, link: str, now: int) -> LinkStatus:
        return await self._put(links.accept_device, link, now)

    async def recall(self, name: str) -> str:
        return await self._look(links.recall, name)

    async def record_event(
        self, kind: str, now: int, data: EventData | None = None, *, link: str = "", message: str = ""
    ) -> None:
        await self._put(links.record_event, kind, now, data, link=link, message=message)

    async def events_after(self, after: int, limit: int, kind: str = "") -> list[Event]:
        known = self._writer.recent.after(after, looking.bounded(limit), kind) if self._writer is not None else None
        return await self._look(looking.events_after, after, limit, kind) if known is None else known

    async def cursor(self, name: str) -> int:
        return await self._look(looking.cursor, name)

    async def skip(self, name: str, event: int) -> None:
        await self._put(links.skip, name, event)

    async def peer_facts(self, message: str, now: int) -> PeerFacts:
        return await self._look(facts.peer_facts, message, now)

    async def react(self, reaction: Reaction, now: int) -> list[str]:
        return await self._put(reactions.react, reaction, now)

    # ---- what we owe -----------------------------------------------------------------------------------------------
    async def owe_events(self, desks: Mapping[str, frozenset[str]]) -> bool:
        return await self._put(owing.owe_events, desks)

    async def owed(self, endpoint: str, limit: int, now: int, without: Collection[str] = ()) -> list[Owed]:
        return await self._look(looking.owed, endpoint, limit, now, without)

    async def owed_next(self, endpoint: str) -> int | None:
        return await self._look(looking.owed_next, endpoint)

    async def record_calls(self, results: Sequence[CallResult], now: int) -> None:
        await self._put(owing.record_calls, results, now)

    async def replay(self, item: str, now: int) -> OutboxItem:
        return await self._put(owing.replay, item, now)

    # ---- people and desks ------------------------------------------------------------------------------------------
    async def set_contact(
        self, number: str, *, name: str | None = None, tags: tuple[str, ...] | None = None, now: int
    ) -> Contact:
        return await self._put(contacts.set_contact, number, now, name=name, tags=tags)

    async def close_conversation(self, conversation: str, now: int) -> Conversation:
        return await self._put(reactions.close_conversation, conversation, now)

    # ---- looking ---------------------------------------------------------------------------------------------------
    async def message(self, message: str) -> Message:
        return await self._look(looking.message, message)

    async def submissions(self, message: str) -> list[Submission]:
        return await self._look(looking.submissions, message)

    async def messages(self, where: MessageFilter, after: str, limit: int) -> Page:
        return await self._look(looking.messages, where, after, limit)

    async def conversation(self, conversation: str) -> Conversation:
        return await self._look(looking.conversation, conversation)

    async def conversations(self, state: str, after: str, limit: int) -> Page:
        return await self._look(looking.conversations, state, after, limit)

    async def contact(self, number: str) -> Contact:
        return await self._look(looking.contact, number)

    async def links(self) -> list[LinkStatus]:
        return await self._look(looking.links)

    async def outbox(self, state: str, after: str, limit: int) -> Page:
        return await self._look(looking.outbox, state, after, limit)

    async def outbox_item(self, item: str) -> OutboxItem:
        return await self._look(looking.outbox_item, item)

    async def outbox_depth(self) -> dict[str, int]:
        return await self._look(looking.outbox_depth)

    async def depth(self, now: int) -> list[Depth]:
        return await self._look(looking.depth, now)

    async def rollup(self, days: int, now: int) -> list[dict[str, Any]]:
        return await self._look(looking.rollup, days, now)

    # ---- tokens ----------------------------------------------------------------------------------------------------
    async def add_token(
        self, digest: bytes, scopes: tuple[str, ...], now: int, caps: Mapping[str, float] | None = None
    ) -> Token:
        return await self._put(tokens.add_token, digest, scopes, now, caps)

    async def find_token(self, digest: bytes) -> Token | None:
        return await self._look(tokens.find_token, digest)

    async def tokens(self) -> list[Token]:
        return await self._look(tokens.tokens)

    async def revoke_token(self, token: str, now: int) -> Token:
        return await self._put(tokens.revoke_token, token, now)
