"""The one thread that writes, with group commit and no timer.

Callers leave (future, verb, arguments) and await the future. What is left in one turn of the event loop is handed to the
thread together, so that it is woken once. The thread blocks for the first, takes what waits until it has ``BATCH``, begins, runs the verbs, commits once, and resolves all futures by one call into the loop. While a commit waits
for the disk the next batch gathers by itself: batches grow with the load, and a lone text pays no delay.

A verb that raises before it wrote anything just gets its error. One that wrote is taken out: the batch is rolled back and
run again without it, so the others see a store in which it never was. Where writes of several verbs failed together, each
is run in a commit of its own. A commit that fails fails the whole batch: nobody
may be told "accepted". When the disk is full the verbs are tried one by one, since a small change may still fit where a
large one does not, and all but new texts may use the reserve then (:mod:`smsgwd.queue.space`). An I/O error is for good: the kernel may have dropped what was to be synced, so nothing is tried
again, every later call raises StoreUnusable, and ``failed`` tells the daemon to end.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from smsgwd.errors import SmsgwdError, StoreUnavailable, StoreUnusable
from smsgwd.queue import ahead
from smsgwd.queue.capacity import SpaceLimits
from smsgwd.queue.interface import Counted
from smsgwd.queue.opening import close_writer, expected
from smsgwd.queue.recent import Committed, Recent
from smsgwd.queue.space import Space
from smsgwd.queue.transaction import START, Spoilt, Transaction

P = ParamSpec("P")
R = TypeVar("R")

#: most verbs in one commit, and most that may wait
BATCH, WAITING = 2000, 20_000
#: how often a batch is run again without a verb that failed, before its verbs are run one by one
RERUNS = 3
#: seconds between two looks at the room that is left
ROOM_PAUSE = 0.05

#: what a verb may raise towards its caller; anything else ends the thread, and with it the daemon
_RAISED = (
    SmsgwdError, sqlite3.Error, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip


#: reads for several calls of a verb, given by their arguments
Look = Callable[[Transaction, Sequence[tuple[Any, ...]]], None]


class Job(NamedTuple):
    future: asyncio.Future[Any]
    verb: Callable[..., Any]
    args: tuple[Any, ...]
    named: dict[str, Any]


#: a job with what came of it: (job, result, error)
Done = tuple[Job, Any, BaseException | None]


class _TakenOut(Exception):
    """The batch was rolled back because of this job; None where nobody knows because of which."""

    def __init__(self, job: Job | None, error: BaseException) -> None:
        self.job, self.error = job, error


class Writer:
    """Runs verbs on a connection of its own. ``wake`` is called on the loop with the topics of each commit,
    ``counted`` before it with what was spent."""

    def __init__(self, conn: sqlite3.Connection, tx: Transaction, path: str, space: Space | None = None) -> None:
        self._conn, self._tx, self._path = conn, tx, path
        self.space = space or Space(path, SpaceLimits())
        #: when the thread began what it does now, by the monotonic clock; 0.0 while it waits for work
        self.since = self._room_at = 0.0
        self.wake: Callable[[Iterable[str]], None] = lambda topics: None
        self.counted: Callable[[Sequence[Counted]], None] = lambda counted: None
        #: verb -> what reads for several of its kind at once (:mod:`smsgwd.queue.ahead`)
        self.looks: Mapping[Callable[..., Any], Look] = {}
        self.recent = Recent()
        #: what was left in this turn of the loop and the next (who wakes now may leave something too); lists of jobs on their way to the thread, None is the end
        self._first: list[Job] = []
        self._gathered: list[Job] = []
        self._jobs: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        #: jobs that were left and not taken yet; written on both sides under the lock
        self._waiting, self._lock = 0, threading.Lock()
        self._loop = asyncio.get_running_loop()
        self.space.begin(conn)
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._closing = False
        self._batch: list[Job] = []
        self.failed = asyncio.Event()
        self.failure: StoreUnusable | None = None
        self._thread = threading.Thread(target=self._run, name="smsgwd-writer", daemon=True)
        self._thread.start()

    def put(
        self, verb: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **named: P.kwargs
    ) -> asyncio.Future[R]:
        """Queues a verb. The future has its result when it is on disk."""
        return self._left(self._gathered, verb, args, named)

    def put_first(
        self, verb: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **named: P.kwargs
    ) -> asyncio.Future[R]:
        """As :meth:`put`, before all that is left in this turn of the loop."""
        return self._left(self._first, verb, args, named)

    def _left(
        self, jobs: list[Job], verb: Callable[..., R], args: tuple[Any, ...], named: dict[str, Any]
    ) -> asyncio.Future[R]:
        if self.failure is not None:
            raise StoreUnusable(self.failure.detail)
        if self._closing:
            raise StoreUnavailable(f"{self._path}: it is being closed")
        if self._waiting >= WAITING:
            raise StoreUnavailable(f"{self._path}: {WAITING} changes wait for the disk already")
        future: asyncio.Future[R] = self._loop.create_future()
        if not (self._first or self._gathered):
            self._loop.call_soon(self._loop.call_soon, self._hand_over)
        jobs.append(Job(future, verb, args, named))
        with self._lock:
            self._waiting += 1
        return future

    def _hand_over(self) -> None:
        jobs = [*self._first, *self._gathered]
        self._first.clear()
        self._gathered.clear()
        for first in range(0, len(jobs), BATCH):
            self._jobs.put(jobs[first : first + BATCH])

    @property
    def waiting(self) -> int:
        """Verbs that were left and that the thread has not taken yet."""
        return self._waiting

    def stuck_for(self) -> float:
        """Seconds since the thread began what it does now; 0.0 while it waits for work."""
        since = self.since
        return self._loop.time() - since if since else 0.0

    async def close(self, timeout: float = 60.0) -> None:
        """Runs what waits, then closes the connection and ends the thread."""
        if not self._closing:
            self._closing = True
            self._hand_over()
            self._jobs.put(None)
        async with asyncio.timeout(timeout):
            await asyncio.shield(self._ended)
        self._thread.join(timeout)

    # ---- in the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            more = True
            while more:
                self._batch, more = self._take()
                if self._batch:
                    self.since = self._loop.time()
                    self._serve(self._batch)
                    self._see_room()
                    self.since = 0.0
                self._batch = []
        finally:
            if self.failure is None and (self._batch or not self._closing):
                self.fail(StoreUnusable(f"{self._path}: the writer ended by a bug"))
            close_writer(self._conn, clean=self.failure is None)
            self._on_loop(self._end)

    def _take(self) -> tuple[list[Job], bool]:
        """All jobs that wait, at least one; False when there will be no more."""
        batch: list[Job] = []
        more = True
        jobs = self._jobs.get()
        while jobs is not None:
            batch += jobs
            if len(batch) >= BATCH:
                break
            try:
                jobs = self._jobs.get_nowait()
            except queue.Empty:
                break
        else:
            more = False
        with self._lock:
            self._waiting -= len(batch)
        return batch, more

    def _serve(self, batch: list[Job]) -> None:
        """Every job of the batch gets its result or its error."""
        done = self._refused(batch)
        if done:
            batch = [job for job in batch if not self.space.refuses(job.verb)]
        one_by_one = False
        for _ in range(RERUNS):
            try:
                done += self._commit(batch)
                batch = []
            except _TakenOut as e:
                if e.job is None or isinstance(e.error, StoreUnavailable):
                    one_by_one = True
                else:
                    done.append((e.job, None, e.error))
                    batch = [job for job in batch if job is not e.job]
            if one_by_one or not batch:
                break
        for job in batch:
            done += self._alone(job)
        topics, self._tx.topics = self._tx.topics, set()
        counted, self._tx.committed = self._tx.committed, []
        events, self._tx.events = self._tx.events, []
        self._on_loop(self._resolve, done, topics, counted, events)

    def _alone(self, job: Job) -> list[Done]:
        """One verb in a commit of its own; once more with the room of the reserve, where it may have that."""
        if refused := self._refused([job]):
            return refused
        error: BaseException | None = None
        for more in (self.space.may_have, self.space.give_up, None):
            try:
                return self._commit([job])
            except _TakenOut as e:
                error = e.error
            if self.failure is not None or more is None or not more(job.verb):
                break
            self._shorten()
        return [(job, None, error)]

    def _shorten(self) -> None:
        """Moves the log into the database, so that its own room is used again: that needs none where pages only change."""
        try:
            self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as e:
            self._rollback(e)

    def _refused(self, batch: list[Job]) -> list[Done]:
        """Those that must not have the last room, with their error."""
        if not self.space.hit or not self.space.look().low:
            return []
        return [(job, None, StoreUnavailable(f"{self._path}: the disk is full")) for job in batch if self.space.refuses(job.verb)]

    def _see_room(self) -> None:
        """At the room that is left; who watches it is woken when that changes. Not after each of many quick commits: to ask
        the file system costs as much as a text."""
        if self._loop.time() < self._room_at and not self.space.near:
            return
        self._room_at = self._loop.time() + ROOM_PAUSE
        before = self.space.seen
        try:
            self.space.after(self._conn)
        except sqlite3.Error as e:
            self._rollback(e)
        seen = self.space.seen
        if (bool(before.low), before.long_log) != (bool(seen.low), seen.long_log):
            self._on_loop(self.wake, ("store",))

    def _commit(self, batch: list[Job]) -> list[Done]:
        """One transaction. Raises _TakenOut when it was rolled back because of one verb."""
        if self.failure is not None:
            return [(job, None, self.failure) for job in batch]
        try:
            self._conn.execute("BEGIN IMMEDIATE")
            done = self._verbs(batch)
            self._conn.execute("COMMIT")
            self._tx.confirm()
        except sqlite3.Error as e:
            full, error = self.space.note(e), self._rollback(e)
            if full:  # what is small may fit, and what is no new text may use the reserve
                raise _TakenOut(batch[0] if len(batch) == 1 else None, error) from e
            return [(job, None, error) for job in batch]
        finally:
            self._tx.rewind(START)
        return done

    def _verbs(self, batch: list[Job]) -> list[Done]:
        conn, tx = self._conn, self._tx
        done: list[Done] = []
        for n, job in enumerate(batch):
            if job.future.cancelled():  # nobody waits for it: as if it had never been asked for
                continue
            if job.verb in self.looks and tx.ahead.wanted(job.verb):
                self._look_ahead(job.verb, batch, n)
            before, mark = conn.total_changes, tx.mark()
            try:
                done.append((job, job.verb(tx, *job.args, **job.named), None))
            except Spoilt as e:
                raise self._spoilt(batch, e) from e
            except _RAISED as e:
                if isinstance(e, sqlite3.Error) or conn.total_changes != before:
                    raise _TakenOut(job, self._rollback(e)) from e
                tx.rewind(mark)
                tx.forget()
                done.append((job, None, e))
        try:
            tx.flush()
        except (Spoilt, sqlite3.Error) as e:
            raise self._spoilt(batch, e) from e
        return done

    def _look_ahead(self, verb: Callable[..., Any], batch: list[Job], first: int) -> None:
        """Looks for this verb and those of its kind that follow in the batch, where there are some."""
        alike = [job.args for job in itertools.islice(batch, first, first + ahead.MOST) if job.verb is verb]
        if len(alike) < 2:
            return
        try:
            self.looks[verb](self._tx, alike)
        except (Spoilt, sqlite3.Error) as e:
            raise self._spoilt(batch, e) from e

    def _spoilt(self, batch: list[Job], error: Spoilt | sqlite3.Error) -> _TakenOut:
        cause = error if isinstance(error, sqlite3.Error) else error.__cause__
        assert cause is not None
        return _TakenOut(batch[0] if len(batch) == 1 else None, self._rollback(cause))

    def _rollback(self, error: BaseException) -> BaseException:
        """Ends the transaction and says what the error means to a caller."""
        self._tx.forget()
        if self._conn.in_transaction:
            try:
                self._conn.execute("ROLLBACK")
            except sqlite3.Error as e:
                error = e
        if not isinstance(error, sqlite3.Error):
            return error
        self.space.note(error)
        meant = expected(error, self._path)
        if isinstance(meant, StoreUnusable):
            self.fail(meant)
        return meant or error

    def fail(self, failure: StoreUnusable) -> None:
        """The store is no good any more: nothing is written from now on, and :attr:`failed` is set. Any thread."""
        self.failure = failure
        self._on_loop(self.failed.set)

    def _on_loop(self, call: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            # the loop was closed under us: nobody is left to be told, and the next start finds all that was committed
            self._closing = True

    # ---- on the loop -----------------------------------------------------------------------------------------------

    def _resolve(
        self, done: list[Done], topics: set[str], counted: list[Counted], events: list[Committed]
    ) -> None:
        self.recent.extend(events)
        if counted:
            self.counted(counted)
        self.wake(topics)
        for job, result, error in done:
            if job.future.done():
                continue
            if error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(error)

    def _end(self) -> None:
        """The thread is over: who still waits is told so."""
        left = [*self._batch]
        while not self._jobs.empty():
            left += self._jobs.get_nowait() or ()
        for job in [*left, *self._first, *self._gathered]:
            if not job.future.done():
                job.future.set_exception(self.failure or StoreUnavailable(f"{self._path}: it was closed"))
        if not self._ended.done():
            self._ended.set_result(None)
