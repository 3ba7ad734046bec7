"""The rows that the writer need not read: from acceptance to the last report, as long as nothing else wrote them. That they
are what the database holds is looked at after every commit of every test (:mod:`tests.knowing`)."""

import asyncio

import pytest

from smsgwd.model import Accepted, ReportStatus
from smsgwd.queue import known
from smsgwd.queue.known import Attempt, Known, Row, reach
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, accept, claim, draft, links_up, report, state
from tests.queue.storing import sql
from tests.store import StillClock


@pytest.fixture
async def queue(tmp_path):
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as opened:
        await links_up(opened, "smpp")
        yield opened


def reads(queue) -> list[str]:
    """The queries of the writer for rows of texts, from now on."""
    seen: list[str] = []
    queue._writer._conn.set_trace_callback(
        lambda text: seen.append(text) if text.startswith("SELECT") and "m.callback" in text else None
    )
    return seen


def of(queue) -> Known:
    return queue._writer._tx.known


async def test_no_row_is_read_again(queue):
    """A text that is accepted, taken, sent and delivered is never read by the writer; nor is it kept any longer."""
    seen = reads(queue)
    text = await accept(queue, parts=3)
    segment, n = await claim(queue), 0
    while segment is not None:
        n += 1
        segment = await queue.record_result(segment.submission, Accepted(f"a{n}"), NOW)
    for n in range(1, 4):
        assert await queue.record_report("m1", report(f"a{n}", ReportStatus.DELIVERED, text.to), NOW)
    assert await state(queue, text) == "delivered"
    assert seen == []
    assert (of(queue).texts, of(queue).attempts) == ({}, {})


async def test_words_go_when_they_were_sent(queue):
    """While its report is awaited a text is kept without its words."""
    text = await accept(queue)
    assert next(iter(of(queue).texts.values())).wire[0] == text.text
    await queue.record_result((await claim(queue)).submission, Accepted("a1"), NOW)
    assert [m.wire for m in of(queue).texts.values()] == [None]


async def test_read_again_after_another_start(queue, tmp_path):
    """What the writer before knew is read: nothing hangs on the memory."""
    text = await accept(queue)
    segment = await claim(queue)
    of(queue).clear()
    await queue.record_result(segment.submission, Accepted("a1"), NOW)
    of(queue).clear()
    assert await queue.record_report("m1", report("a1", to=text.to), NOW)
    assert await state(queue, text) == "delivered"


async def test_other_verbs_are_heard(queue, tmp_path):
    """A text that an operator changes is sent as it is then."""
    text = await accept(queue)
    await queue.hold(text.id, NOW)
    await queue.release(text.id, NOW)
    await queue.retry(text.id, NOW + 1)
    assert (await claim(queue, now=NOW + 2)).message == text.id
    with sql(tmp_path / "q.db") as conn:
        assert conn.execute("SELECT attempts, state FROM message").fetchall() == [(1, "sending")]


async def test_failed_verb_ends_it(queue):
    """After a verb that failed half-way nothing is taken for known."""
    await accept(queue)

    def fails(tx):
        (m,) = tx.known.texts.values()
        m.attempts = 7
        raise LookupError("half-way")

    with pytest.raises(LookupError):
        await queue._writer.put(fails)
    assert of(queue).texts == {}
    assert (await claim(queue)).text == "Hello"


async def test_taken_back(queue):
    """A batch that is rolled back leaves nothing that is not so."""

    def fails(tx):
        tx.execute("INSERT INTO nowhere VALUES (1)")

    jobs = [queue.accept([draft()], NOW), queue._writer.put(fails), queue.accept([draft("two")], NOW)]
    (one,), error, (two,) = await asyncio.gather(*jobs, return_exceptions=True)
    assert "nowhere" in str(error)
    assert [s.message for s in await queue.claim("m1", 10, NOW)] == [one.id, two.id]


async def test_bound(queue, monkeypatch):
    """Never more than so many, whatever waits."""
    monkeypatch.setattr(known, "MOST", 10)
    await queue.accept([draft(str(n)) for n in range(25)], NOW)
    assert len(of(queue).texts) == 5
    assert [s.text for s in await queue.claim("m1", 25, NOW)] == [str(n) for n in range(25)]
    assert len(of(queue).attempts) <= 10
    assert len(of(queue).texts) <= 10


@pytest.mark.parametrize(
    ("sql", "reached"),
    [
        ("UPDATE message SET due = 0 WHERE id = ?", "one"),
        ("UPDATE submission SET report = '' WHERE id = ?", "one"),
        ("UPDATE message SET due = 0 WHERE id IN (SELECT 1)", "all"),
        ("DELETE FROM submission WHERE message = ?", "all"),
        ("\n  UPDATE message SET text = ? WHERE id = ? AND text IS NOT NULL", "all"),
        ("SELECT 1 FROM message WHERE id = ?", ""),
        ("UPDATE messages SET due = 0", ""),
        ("INSERT INTO message (id) VALUES (?)", ""),
        ("UPDATE outbox SET due = 0 WHERE id = ?", ""),
    ],
)
def test_reach(sql, reached):
    """Which rows a statement may have changed."""
    assert reach(sql) == reached


def test_only_what_was_written_by_the_holder():
    """Who writes a row without the object that is kept of it ends that."""
    kept, other = (Row(1, "out", "sending", "m1", "+1", "normal", 1, 0, 1, 0, 0, 1, 0, 0, "api", "", "") for _ in range(2))
    attempt = Attempt(2, 1, "m1", 1, "in_flight", "", "", 1)
    rows = Known()
    rows.keep_attempt(attempt, kept)
    rows.wrote(kept)
    assert rows.pair(2) == (attempt, kept)
    rows.wrote(other)
    assert rows.pair(2) is None
    attempt.open = 0
    rows.wrote_attempt(attempt)
    assert rows.attempts == {}
