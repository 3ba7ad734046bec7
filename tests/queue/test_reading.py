"""Looking: beside the writer, in short reads, in pages; and the words come back as they went in."""

import asyncio
import sqlite3

import pytest

from smsgwd.errors import RequestRefused, StoreUnavailable
from smsgwd.queue import reader as module
from smsgwd.queue.interface import MessageFilter
from smsgwd.queue.opening import open_reader
from smsgwd.queue.reader import Reader
from smsgwd.queue.sqlite import open_queue
from smsgwd.sms.encoding import Alphabet
from tests.contract.making import HOUR, NOW, OURS, THEM, accept, all_messages, draft, events, part, received
from tests.queue.storing import sql, storing
from tests.store import StillClock


@pytest.fixture
async def queue(tmp_path):
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as opened:
        yield opened


# ---- beside the writer ---------------------------------------------------------------------------------------------


async def test_an_open_read_does_not_block_writing(queue, tmp_path):
    """A reader in the middle of a transaction keeps its snapshot; texts are accepted meanwhile."""
    await accept(queue, "before")
    with sql(tmp_path / "q.db") as conn:
        conn.execute("BEGIN")
        assert conn.execute("SELECT count(*) FROM message").fetchone() == (1,)
        async with asyncio.timeout(2):
            await accept(queue, "meanwhile")
        assert conn.execute("SELECT count(*) FROM message").fetchone() == (1,)
        conn.execute("ROLLBACK")
        assert conn.execute("SELECT count(*) FROM message").fetchone() == (2,)


async def test_an_open_write_does_not_block_looking(queue, tmp_path):
    """While somebody holds the write lock, looking answers from what is committed."""
    message = await accept(queue)
    with sql(tmp_path / "q.db", "rw") as conn:
        conn.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(2):
            assert (await queue.message(message.id)).text == "Hello"


def test_reader_cannot_write_or_checkpoint(tmp_path):
    """The reading connection changes nothing, not even the WAL."""
    with storing(tmp_path / "q.db") as store:
        conn = open_reader(str(tmp_path / "q.db"))
        store.conn.execute("INSERT INTO store VALUES ('x', 'y')")
        before = (tmp_path / "q.db-wal").stat().st_size
        for statement in ("DELETE FROM store", "PRAGMA wal_checkpoint(TRUNCATE)"):
            with pytest.raises(sqlite3.OperationalError):
                conn.execute(statement).fetchall()
        conn.close()
        assert (tmp_path / "q.db-wal").stat().st_size == before > 0


class Impatient(StillClock):
    """A clock on which an hour goes by each time that somebody looks."""

    def monotonic(self) -> float:
        self.move(3600)
        return super().monotonic()


async def test_read_that_takes_too_long(tmp_path):
    """A read is broken off when its time is over, with an error that says so; the next one is served."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000000) SELECT count(*) FROM n"
    with storing(tmp_path / "q.db"):
        reader = Reader(open_reader(str(tmp_path / "q.db")), "q.db", Impatient())
        with pytest.raises(StoreUnavailable, match="took too long"):
            await reader.look(lambda conn: conn.execute(endless).fetchall())
        assert await reader.look(lambda conn: conn.execute("SELECT 1").fetchone()) == (1,)
        reader.close()


async def test_no_more_reads_than_that_may_wait(queue, monkeypatch):
    """Back-pressure on reads: beyond the bound one is refused at once, and the others are answered."""
    message = await accept(queue)
    monkeypatch.setattr(module, "WAITING", 3)
    answers = await asyncio.gather(*(queue.message(message.id) for _ in range(5)), return_exceptions=True)
    assert [isinstance(a, StoreUnavailable) for a in answers] == [False] * 3 + [True] * 2
    assert (await queue.message(message.id)).id == message.id


async def test_committed_is_seen_by_the_next_look(queue):
    """What a verb returned is what the next look finds, each time."""
    for n in range(50):
        message = await accept(queue, str(n))
        assert (await queue.message(message.id)).text == str(n)


# ---- pages ---------------------------------------------------------------------------------------------------------


async def test_events_after(queue):
    """Events come oldest first, from after a number, in pages that fit together without a gap."""
    await queue.accept([draft(str(n)) for n in range(25)], NOW)
    seen, after = [], 0
    while page := await queue.events_after(after, 10):
        assert len(page) <= 10
        seen += page
        after = page[-1].id
    assert [e.id for e in seen] == list(range(1, 26))
    assert await queue.events_after(25, 10) == []


async def test_events_from_the_end(queue):
    """``after=-n`` gives the newest n, oldest of them first; of one kind where that is asked."""
    await queue.accept([draft(str(n)) for n in range(5)], NOW)
    (segment,) = await queue.claim("m1", 1, NOW)
    assert [e.id for e in await queue.events_after(-2, 100)] == [5, 6]
    assert [e.kind for e in await queue.events_after(-1, 100, "message.accepted")] == ["message.accepted"]
    assert [e.id for e in await queue.events_after(-100, 3)] == [4, 5, 6]
    assert [e.message for e in await queue.events_after(0, 100, "message.sending")] == [segment.message]


@pytest.mark.parametrize(("limit", "gets"), [(0, 1), (-5, 1), (3, 3), (10**9, 1000)])
async def test_pages_are_bounded(queue, limit, gets):
    """No caller gets more than a page, or none at all for ever."""
    await queue.accept([draft("x")] * 1001, NOW)
    assert len(await queue.events_after(0, limit)) == gets
    assert len((await queue.messages(MessageFilter(), "", limit)).items) == gets


async def test_filters(queue):
    """Each filter alone, and together; a page goes on where the one before ended, while new texts come in."""
    out = await accept(queue, "out")
    came = await received(queue, "in")
    await accept(queue, "held", held=True, link="m2", to="+15550100888")
    for where, texts in [
        ({"direction": "out"}, ["held", "out"]),
        ({"direction": "in"}, ["in"]),
        ({"state": "held"}, ["held"]),
        ({"state": "queued"}, ["out"]),
        ({"to": THEM}, ["out"]),
        ({"to": OURS["m1"]}, ["in"]),
        ({"from_": THEM}, ["in"]),
        ({"link": "m2"}, ["held"]),
        ({"conversation": came.conversation}, ["in"]),
        ({"direction": "out", "link": "m1"}, ["out"]),
    ]:
        assert [m.text for m in await all_messages(queue, **where)] == texts, where
    page = await queue.messages(MessageFilter(), "", 2)
    await accept(queue, "new")
    assert [m.id for m in (await queue.messages(MessageFilter(), page.next, 2)).items] == [out.id]


@pytest.mark.parametrize("where", [{"state": "lost"}, {"direction": "up"}, {"state": "' OR 1=1 --"}])
async def test_filters_that_mean_nothing(queue, where):
    """A state or direction that does not exist is refused, not ignored."""
    with pytest.raises(RequestRefused):
        await queue.messages(MessageFilter(**where), "", 10)


# ---- words ---------------------------------------------------------------------------------------------------------

WORDS = [
    pytest.param("a\0b", id="NUL"),
    pytest.param("\U0001f600 €", id="emoji"),
    pytest.param("x" * 20_000, id="long"),
    pytest.param("'; DROP TABLE message; --", id="SQL"),
    pytest.param("\u202eright to left\ufeff", id="marks"),
]


@pytest.mark.parametrize("text", WORDS)
async def test_words_come_back_as_they_went(queue, text):
    """An outbound text comes back letter by letter, from the list and on its way to the link."""
    message = await accept(queue, text, alphabet=Alphabet.UCS2)
    assert (await queue.message(message.id)).text == text
    (segment,) = await queue.claim("m1", 1, NOW)
    assert segment.text == text


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        pytest.param(b"\x00a\x00\x00\x00b", "a\0b", id="NUL"),
        pytest.param(b"\xd8\x3d\xde\x00", "\U0001f600", id="pair"),
        pytest.param(b"\x00a\xd8\x3d", "a?", id="half of a pair at the end"),
        pytest.param(b"\xde\x00\x00a", "?a", id="half of a pair at the start"),
    ],
)
async def test_poison_does_not_stop_the_inbox(queue, payload, text):
    """Inbound UCS-2 that is no text in whole is stored with a mark in the place of what cannot be, its octets kept; the
    text after it comes in as well."""
    segment = part("x", raw=b"raw" + payload)
    segment = type(segment)(raw=segment.raw, sender=segment.sender, payload=payload, alphabet=Alphabet.UCS2)
    came = await queue.receive("m1", OURS["m1"], segment, NOW)
    stored = (await queue.message(came.message)).text
    assert stored.replace("\ufffd", "?") == text
    assert (await received(queue, "the next one")).text == "the next one"


async def test_pair_that_a_sender_split(queue):
    """A surrogate pair that lies over two parts comes back whole."""
    for number, payload in ((1, b"\x00a\xd8\x3d"), (2, b"\xde\x00\x00b")):
        segment = part("x", number, 2, raw=payload)
        segment = type(segment)(
            raw=payload, sender=segment.sender, payload=payload, alphabet=Alphabet.UCS2, ref=9, ref_bits=8, part=number,
            parts=2,
        )  # fmt: skip
        came = await queue.receive("m1", OURS["m1"], segment, NOW)
    assert (await queue.message(came.message)).text == "a\U0001f600b"


# ---- counts --------------------------------------------------------------------------------------------------------


async def test_depth(queue):
    """How many wait on each link, in each state, and for how long."""
    await accept(queue, now=NOW - HOUR)
    await accept(queue)
    await accept(queue, held=True, link="m2")
    found = {(d.link, d.state): (d.count, d.oldest_age) for d in await queue.depth(NOW)}
    assert found == {("m1", "queued"): (2, HOUR), ("m2", "held"): (1, 0)}
    assert len(await events(queue, "message.accepted")) == 3
