"""The one thread that writes: batches, errors inside them, what is too much, and its end."""

import asyncio
import sqlite3

import pytest

from smsgwd.errors import Conflict, StoreUnavailable, StoreUnusable
from smsgwd.queue import writer as module
from tests.queue.storing import Gate, names, sql, writing


def put_link(tx, name: str) -> str:
    """Writes a row and an event."""
    tx.execute("INSERT INTO link VALUES (?, 'modem', '', 'up', '', 0, 0)", (name,))
    tx.event("link.up", 1, None, name)
    tx.hint(f"link:{name}")
    return name


def refused(tx) -> None:
    tx.event("link.notice", 1)
    raise Conflict("before anything was written")


def failing(tx, error: Exception) -> None:
    put_link(tx, "half")
    raise error


def commits(conn: sqlite3.Connection) -> list[str]:
    """The transactions that a connection begins and ends from now on."""
    seen: list[str] = []
    conn.set_trace_callback(lambda text: seen.append(text) if text.split()[0] in ("BEGIN", "COMMIT", "ROLLBACK") else None)
    return seen


def links(path) -> list[str]:
    with sql(path) as conn:
        return [name for (name,) in conn.execute("SELECT name FROM link ORDER BY name")]


async def test_result_means_on_disk(tmp_path):
    """When the future has its result, another connection sees the rows and the events."""
    async with writing(tmp_path / "q.db") as writer:
        assert await writer.put(put_link, "m1") == "m1"
        assert (links(tmp_path / "q.db"), names(tmp_path / "q.db")) == (["m1"], ["link.up"])


async def test_what_waits_is_one_commit(tmp_path):
    """All verbs that wait while a commit is under way are the next commit, in the order in which they were put."""
    seen, gate = [], Gate()
    async with writing(tmp_path / "q.db", lambda conn: seen.append(commits(conn))) as writer:
        first = await gate.close(writer)
        rest = [writer.put(put_link, f"m{n}") for n in range(50)]
        gate.open.set()
        await asyncio.gather(first, *rest)
        assert seen[0] == ["BEGIN IMMEDIATE", "COMMIT"] * 2
        with sql(tmp_path / "q.db") as conn:
            assert [x for (x,) in conn.execute("SELECT link FROM event ORDER BY id")] == [f"m{n}" for n in range(50)]


async def test_lone_verb_waits_for_no_timer(tmp_path):
    """A verb that comes alone is committed by itself."""
    seen = []
    async with writing(tmp_path / "q.db", lambda conn: seen.append(commits(conn))) as writer:
        for n in range(3):
            await writer.put(put_link, f"m{n}")
    assert seen[0][:6] == ["BEGIN IMMEDIATE", "COMMIT"] * 3


@pytest.mark.parametrize("error", [Conflict("no"), KeyError("a bug"), sqlite3.IntegrityError("constraint")])
async def test_verb_that_fails_after_writing_fails_alone(tmp_path, error):
    """A verb that raises after it wrote gets its error; the others of its batch are stored, and of it nothing is."""
    gate = Gate()
    async with writing(tmp_path / "q.db") as writer:
        first = await gate.close(writer)
        rest = [writer.put(put_link, "m1"), writer.put(failing, error), writer.put(put_link, "m2")]
        gate.open.set()
        answers = await asyncio.gather(first, *rest, return_exceptions=True)
        assert answers == [None, "m1", error, "m2"]
        assert (links(tmp_path / "q.db"), names(tmp_path / "q.db")) == (["m1", "m2"], ["link.up"] * 2)


async def test_verb_that_raises_before_writing_costs_no_rollback(tmp_path):
    """A refusal before anything was written just gets its error, and leaves no event; the batch is committed once."""
    seen, gate = [], Gate()
    async with writing(tmp_path / "q.db", lambda conn: seen.append(commits(conn))) as writer:
        first = await gate.close(writer)
        rest = [writer.put(put_link, "m1"), writer.put(refused), writer.put(put_link, "m2")]
        gate.open.set()
        answers = await asyncio.gather(first, *rest, return_exceptions=True)
        assert [type(a) for a in answers[1:]] == [str, Conflict, str]
        assert seen[0] == ["BEGIN IMMEDIATE", "COMMIT"] * 2
        assert names(tmp_path / "q.db") == ["link.up"] * 2


async def test_many_failures_in_one_batch(tmp_path):
    """More verbs fail than a batch is run again for: the rest is run one by one, and all that can be stored is."""
    gate = Gate()
    async with writing(tmp_path / "q.db") as writer:
        first = await gate.close(writer)
        rest = [writer.put(failing, ValueError(str(n))) if n % 2 else writer.put(put_link, f"m{n}") for n in range(20)]
        gate.open.set()
        answers = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [str(a) for a in answers[1:]] == [str(n) if n % 2 else f"m{n}" for n in range(20)]
    assert links(tmp_path / "q.db") == sorted(f"m{n}" for n in range(0, 20, 2))


async def test_commit_that_fails_fails_all(tmp_path):
    """A COMMIT that fails: nobody is told that it is stored, nothing is, and the next batch is committed again."""

    def deferred(conn):
        conn.execute("PRAGMA foreign_keys = ON")
        conn.execute("CREATE TABLE child (link TEXT REFERENCES link (name) DEFERRABLE INITIALLY DEFERRED)")

    def orphan(tx):
        tx.execute("INSERT INTO child VALUES ('nobody')")

    gate = Gate()
    async with writing(tmp_path / "q.db", deferred) as writer:
        first = await gate.close(writer)
        rest = [writer.put(put_link, "m1"), writer.put(orphan), writer.put(put_link, "m2")]
        gate.open.set()
        answers = await asyncio.gather(first, *rest, return_exceptions=True)
        assert [type(a) for a in answers] == [type(None)] + [sqlite3.IntegrityError] * 3
        assert (links(tmp_path / "q.db"), names(tmp_path / "q.db")) == ([], [])
        assert await writer.put(put_link, "m3") == "m3"
    assert links(tmp_path / "q.db") == ["m3"]


async def test_locked_by_another_program(tmp_path):
    """A write lock that stays is StoreUnavailable for the batch, and no end: the next one is stored."""
    async with writing(tmp_path / "q.db", lambda conn: conn.execute("PRAGMA busy_timeout = 20")) as writer:
        with sql(tmp_path / "q.db", "rw") as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="another program has locked it"):
                await writer.put(put_link, "m1")
            other.execute("ROLLBACK")
        assert await writer.put(put_link, "m1") == "m1"
        assert not writer.failed.is_set()


async def test_cancelled_before_its_turn(tmp_path):
    """A verb whose caller went away before its turn is not run."""
    gate = Gate()
    async with writing(tmp_path / "q.db") as writer:
        first = await gate.close(writer)
        gone, stays = writer.put(put_link, "gone"), writer.put(put_link, "stays")
        gone.cancel()
        gate.open.set()
        await asyncio.gather(first, stays)
    assert links(tmp_path / "q.db") == ["stays"]


async def test_no_more_than_that_may_wait(tmp_path, monkeypatch):
    """Back-pressure: beyond the bound a verb is refused at once, and is taken again when there is room."""
    monkeypatch.setattr(module, "WAITING", 10)
    gate = Gate()
    async with writing(tmp_path / "q.db") as writer:
        first = await gate.close(writer)
        waiting = [writer.put(put_link, f"m{n}") for n in range(10)]
        with pytest.raises(StoreUnavailable, match="10 changes wait"):
            writer.put(put_link, "too much")
        gate.open.set()
        await asyncio.gather(first, *waiting)
        assert await writer.put(put_link, "room") == "room"


async def test_batches_are_bounded(tmp_path, monkeypatch):
    """A flood is committed in rows of at most BATCH."""
    monkeypatch.setattr(module, "BATCH", 4)
    seen, gate = [], Gate()
    async with writing(tmp_path / "q.db", lambda conn: seen.append(commits(conn))) as writer:
        first = await gate.close(writer)
        rest = [writer.put(put_link, f"m{n}") for n in range(10)]
        gate.open.set()
        await asyncio.gather(first, *rest)
        assert seen[0] == ["BEGIN IMMEDIATE", "COMMIT"] * 4


async def test_close_runs_what_waits_and_takes_no_more(tmp_path):
    """Closing stores what was put before, and refuses what comes after."""
    gate = Gate()
    async with writing(tmp_path / "q.db") as writer:
        await gate.close(writer)
        waiting = writer.put(put_link, "before")
        closing = asyncio.create_task(writer.close(10))
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable, match="being closed"):
            writer.put(put_link, "after")
        gate.open.set()
        await closing
        assert await waiting == "before"
    assert links(tmp_path / "q.db") == ["before"]


async def test_topics_are_told_after_the_commit(tmp_path):
    """Who waits for a topic is woken when the rows can be seen, and before the caller's own answer."""
    woken = []
    async with writing(tmp_path / "q.db") as writer:
        writer.wake = lambda topics: woken.append((sorted(topics), links(tmp_path / "q.db")))
        await writer.put(put_link, "m1")
        assert woken == [(["events", "events:link.up", "link:m1"], ["m1"])]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_bug_in_a_verb_leaves_nobody_waiting(tmp_path):
    """An error that no verb may raise ends the writer: all who wait are told, nothing of the batch is stored, and the next
    start looks for damage."""

    def bug(tx):
        put_link(tx, "half")
        raise RuntimeError("a bug")

    gate = Gate()
    async with writing(tmp_path / "q.db") as writer:
        first = await gate.close(writer)
        rest = [writer.put(put_link, "m1"), writer.put(bug), writer.put(put_link, "m2")]
        gate.open.set()
        async with asyncio.timeout(5):
            answers = await asyncio.gather(first, *rest, return_exceptions=True)
            await writer.failed.wait()
        assert [type(a) for a in answers] == [type(None)] + [StoreUnusable] * 3
        with pytest.raises(StoreUnusable, match="ended by a bug"):
            writer.put(put_link, "m3")
    with sql(tmp_path / "q.db") as conn:
        assert conn.execute("SELECT count(*) FROM link").fetchone() == (0,)
        assert conn.execute("SELECT value FROM store WHERE name = 'clean'").fetchone() == ("0",)
