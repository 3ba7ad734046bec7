"""Looks for many verbs at once: they save statements, and never change what a verb decides."""

import asyncio
import sqlite3

import pytest

from smsgwd.errors import Conflict, RequestRefused
from smsgwd.model import Accepted, Message, ReportStatus
from smsgwd.queue.ahead import LOOKS, Ahead
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, THEM, consent, draft, links_up, reaction, received, report, state
from tests.store import StillClock


@pytest.fixture
async def queue(tmp_path):
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as opened:
        await links_up(opened, "smpp")
        yield opened


def selects(queue) -> list[str]:
    """The queries that the writer's connection makes from now on."""
    seen: list[str] = []
    queue._writer._conn.set_trace_callback(lambda text: seen.append(text) if text.startswith("SELECT") else None)
    return seen


async def all_sent(queue, *references: str) -> list[Message]:
    """Texts that the network took, each with its reference."""
    accepted = await queue.accept([draft(to=f"+1555010{n:04d}", link="m1") for n in range(len(references))], NOW)
    turn = await queue.turn("m1", [], len(references), NOW)
    await queue.turn("m1", [(s.submission, Accepted(r)) for s, r in zip(turn.claimed, references, strict=True)], 0, NOW)
    return [await queue.message(message.id) for message in accepted]


# ---- the cache itself ----------------------------------------------------------------------------------------------


@pytest.fixture
def conn():
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute("CREATE TABLE t (n INTEGER)")
    yield made
    made.close()


def test_a_write_ends_what_was_seen(conn):
    """What was seen holds until a row is written."""
    ahead = Ahead(conn)
    ahead.keep("topic", {"a": 1})
    assert (ahead.seen("topic"), ahead.wanted("topic")) == ({"a": 1}, False)
    conn.execute("INSERT INTO t VALUES (1)")
    assert (ahead.seen("topic"), ahead.wanted("topic")) == ({}, True)


def test_deferred_writes_do_not_count_apart(conn):
    """A look at other tables than those of deferred writes outlasts them; any other look does not."""
    ahead = Ahead(conn)
    ahead.keep("near", {"a": 1})
    ahead.keep("apart", {"a": 1}, apart=True)
    conn.execute("INSERT INTO t VALUES (1)")
    ahead.deferred(1)
    assert (ahead.seen("near"), ahead.seen("apart")) == ({}, {"a": 1})


def test_looks_are_bounded(conn):
    """A batch whose verbs write between looks does not look for ever."""
    ahead, looks = Ahead(conn), 0
    while ahead.wanted("topic"):
        ahead.keep("topic", {"a": 1})
        conn.execute("INSERT INTO t VALUES (1)")
        looks += 1
    assert looks == LOOKS


def test_a_batch_forgets(conn):
    """Nothing of one batch is known in the next."""
    ahead = Ahead(conn)
    ahead.keep("topic", {"a": 1})
    ahead.clear()
    assert ahead.seen("topic") == {}


# ---- verbs of one batch --------------------------------------------------------------------------------------------


async def test_many_accepts_look_once(queue):
    """Texts that are accepted together ask once about their recipients."""
    seen = selects(queue)
    answers = await asyncio.gather(*(queue.accept([draft(to=f"+1555010{n:04d}")], NOW) for n in range(20)))
    assert all(isinstance(message, Message) for (message,) in answers)
    assert len([text for text in seen if "FROM contact" in text]) == 1


async def test_keys_are_looked_for_once(queue):
    """Texts with keys are accepted together without a look for each; a key that stands twice in a batch, or was used before,
    gives the text that it gave first."""
    (old,) = await queue.accept([draft(key="old", key_digest="d")], NOW)
    seen = selects(queue)
    keys = [*(f"k{n}" for n in range(10)), "k3", "old"]
    answers = await asyncio.gather(*(queue.accept([draft(key=key, key_digest="d")], NOW) for key in keys))
    ids = [message.id for (message,) in answers]
    assert (ids[10], ids[11], len(set(ids))) == (ids[3], old.id, 11)
    assert len([text for text in seen if "key = " in text]) == 2
    assert len([text for text in seen if "key IN" in text]) == 1


async def test_key_with_another_body_in_the_same_batch(queue):
    """Is a conflict, and the others are accepted."""
    answers = await asyncio.gather(*(queue.accept([draft(key="k", key_digest=d)], NOW) for d in ("one", "two", "one")))
    assert [type(answer) for (answer,) in answers] == [Message, Conflict, Message]


async def test_opt_out_in_the_same_batch(queue):
    """Who opts out between two texts of one batch gets the first and not the second."""
    inbound = await received(queue, "STOP")
    stop = await reaction(queue, inbound, consent=consent("opt_out"))
    (first,), _, (second,), (third,) = await asyncio.gather(
        queue.accept([draft()], NOW), queue.react(stop, NOW), queue.accept([draft()], NOW), queue.accept([draft()], NOW)
    )
    assert isinstance(first, Message)
    assert [getattr(answer, "code", "") for answer in (second, third)] == ["opted-out"] * 2
    assert isinstance(second, RequestRefused)
    assert await state(queue, first) == "cancelled"


async def test_many_reports_look_once(queue):
    """Reports of one read are matched by one query for their attempts."""
    texts = await all_sent(queue, *(f"a{n}" for n in range(20)))
    seen = selects(queue)
    matched = await asyncio.gather(*(queue.record_report("m1", report(f"a{n}", to=""), NOW) for n in range(20)))
    assert matched == [True] * 20
    assert {(await queue.message(m.id)).state.value for m in texts} == {"delivered"}
    assert len([text for text in seen if "FROM submission" in text]) == 1


async def test_same_report_twice_in_one_batch(queue):
    """The second of two equal reports changes nothing and is no orphan."""
    (text,) = await all_sent(queue, "a1")
    assert await asyncio.gather(*(queue.record_report("m1", report("a1", to=text.to), NOW) for _ in range(3))) == [True] * 3
    events = [event.kind for event in await queue.events_after(0, 100) if event.message == text.id]
    assert events.count("message.delivered") == 1


async def test_pending_then_final_in_one_batch(queue):
    """An intermediate report and the final one of a text may come in one read, in their order."""
    (text,) = await all_sent(queue, "a1")
    await asyncio.gather(
        queue.record_report("m1", report("a1", ReportStatus.PENDING, text.to), NOW),
        queue.record_report("m1", report("a1", to=text.to), NOW),
    )
    events = [event.kind for event in await queue.events_after(0, 100) if event.message == text.id]
    assert events[-2:] == ["report.pending", "message.delivered"]
    (attempt,) = await queue.submissions(text.id)
    assert attempt.report == "delivered"


async def test_report_of_another_link_and_of_nobody(queue):
    """A look finds what each report alone would find: another recipient's text and another link's are not taken."""
    (text,) = await all_sent(queue, "a1")
    matched = await asyncio.gather(
        queue.record_report("m2", report("a1"), NOW),
        queue.record_report("m1", report("a1", to="+15559999999"), NOW),
        queue.record_report("m1", report("b7"), NOW),
        queue.record_report("m1", report("a1", to=text.to), NOW),
    )
    assert matched == [False, False, False, True]
    assert THEM not in text.to
