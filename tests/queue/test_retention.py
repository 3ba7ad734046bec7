"""Retention: what is old goes in small steps, what is alive stays, and old rows are found without a walk."""

import pytest

from smsgwd.clock import SystemClock
from smsgwd.errors import Conflict
from smsgwd.keeping import purge, purgeable
from smsgwd.queue import outbound
from smsgwd.queue.care.health import look_through
from smsgwd.queue.interface import CallResult, MessageFilter, Settled
from smsgwd.queue.privacy import retention
from smsgwd.queue.privacy.keeping import Keep, Place
from tests.contract.making import (
    DAY,
    HOUR,
    NOW,
    PERMANENT,
    accept,
    claim,
    counted,
    draft,
    links_up,
    part,
    received,
    report,
    sent,
    state,
    uncertain,
)
from tests.queue.storing import sql, storing
from tests.queue.test_plans import plans, walks
from tests.store import StillClock, store

KEEP = Keep(text=90 * DAY, metadata=400 * DAY, events=90 * DAY)


@pytest.fixture
async def queue(tmp_path):
    async with store(tmp_path, StillClock(NOW)) as opened:
        await links_up(opened, "modem")
        yield opened


@pytest.fixture
def look(tmp_path):
    """One value of the database, as it is on disk."""

    def value(statement, *args):
        with sql(tmp_path / "smsgwd.db") as conn:
            return conn.execute(statement, args).fetchone()[0]

    return value


async def failed(queue):
    m = await accept(queue)
    await queue.record_result((await claim(queue)).submission, PERMANENT, NOW)
    return m


async def delivered(queue):
    m = await sent(queue)
    await queue.record_report("m1", report(), NOW)
    return m


async def cancelled(queue):
    return await queue.cancel((await accept(queue)).id, NOW)


async def in_text(queue):
    return await received(queue, "Hello there")


@pytest.mark.parametrize("ended", [failed, delivered, cancelled, in_text])
async def test_words_go_and_the_rest_stays(queue, look, ended):
    """After its time a text has no words, raw octets and keys; state, parts, number and counts are as before."""
    m = await ended(queue)
    before, counts = await queue.message(m.id), await counted(queue)
    assert await purge(queue, KEEP, NOW + 90 * DAY) == {}
    gone = await purge(queue, KEEP, NOW + 91 * DAY)
    assert gone["texts"] == 1
    after = await queue.message(m.id)
    assert (after.text, after.key, after.meta) == (None, "", {})
    assert (after.state, after.parts, after.to, after.from_) == (before.state, before.parts, before.to, before.from_)
    assert await counted(queue) == counts
    assert look("SELECT count(*) FROM inbound_part WHERE payload IS NOT NULL OR raw IS NOT NULL") == 0


@pytest.mark.parametrize("ended", [failed, delivered, cancelled, in_text])
async def test_rows_go_and_counts_stay(queue, look, ended):
    """After the metadata's time a text is gone with all that belongs to it; daily counts stay."""
    await ended(queue)
    counts = await counted(queue)
    await purge(queue, KEEP, NOW + 401 * DAY)
    for table in ("message", "submission", "inbound_part"):
        assert look(f"SELECT count(*) FROM {table}") == 0, table
    assert await counted(queue) == counts


async def queued(queue):
    return await accept(queue)


async def put_off(queue):
    return await accept(queue, due=NOW + 300 * DAY)


async def held(queue):
    return await accept(queue, held=True)


async def sending(queue):
    m = await accept(queue)
    await claim(queue)
    return m


async def doubtful(queue):
    return (await uncertain(queue))[0]


@pytest.mark.parametrize("alive", [queued, put_off, held, sending, doubtful])
async def test_what_is_alive_is_never_erased(queue, alive):
    """A text that waits, is held, on its way or in doubt keeps its words however old it is."""
    m = await alive(queue)
    before = await queue.message(m.id)
    for days in (91, 401, 2000):
        await purge(queue, KEEP, NOW + days * DAY)
    assert (await queue.message(m.id)).text == "Hello"
    assert await state(queue, m) == before.state


async def test_a_text_of_a_clock_that_was_not_set_counts_from_now(queue):
    """What is dated in 1970 was made before the clock was set: it is kept as long as a text of the first purge."""
    (m,) = await queue.accept([draft()], HOUR)
    await queue.cancel(m.id, HOUR)
    await purge(queue, KEEP, NOW)
    await purge(queue, KEEP, NOW + 89 * DAY)
    assert (await queue.message(m.id)).text == "Hello"
    assert (await purge(queue, KEEP, NOW + 92 * DAY))["texts"] == 1


async def test_what_was_alive_goes_when_it_has_ended(queue):
    """A text that retention passed while it was in doubt goes after its time from its end on."""
    m = await doubtful(queue)
    await purge(queue, KEEP, NOW + 91 * DAY)
    await queue.settle(m.id, Settled("fail", "me"), NOW + 91 * DAY)
    await purge(queue, KEEP, NOW + 180 * DAY)
    assert (await queue.message(m.id)).text == "Hello"
    assert (await purge(queue, KEEP, NOW + 182 * DAY, revisit=False)).get("texts") is None
    assert (await purge(queue, KEEP, NOW + 182 * DAY))["texts"] == 1


async def test_an_awaited_report_keeps_a_text(queue):
    """A sent text whose report may still come keeps its words until a week after its validity; with its report, or past that
    time, they go."""
    short = Keep(text=DAY, metadata=400 * DAY, events=DAY)
    m = await sent(queue, expires=NOW + 3 * DAY)
    await purge(queue, short, NOW + 9 * DAY)
    assert (await queue.message(m.id)).text == "Hello"
    await purge(queue, short, NOW + 11 * DAY)
    assert (await queue.message(m.id)).text is None


async def test_a_late_report_still_counts(queue):
    """A text without words is delivered all the same when its report comes after all."""
    m = await sent(queue, expires=NOW + DAY)
    await purge(queue, KEEP, NOW + 91 * DAY)
    assert await queue.record_report("m1", report(), NOW + 92 * DAY)
    assert await state(queue, m) == "delivered"


async def test_keys_are_known_for_a_week_at_least(queue):
    """However short texts are kept, the same request with its key gives the same text for a week, and no second one."""
    short = Keep(text=HOUR, metadata=HOUR, events=HOUR)
    m = await accept(queue, key="k", key_digest="d")
    await queue.cancel(m.id, NOW)
    await purge(queue, short, NOW + 6 * DAY)
    assert (await queue.message(m.id)).text is None
    assert (await queue.known("k", "d")).id == m.id
    with pytest.raises(Conflict):
        await queue.known("k", "another")
    assert (await purge(queue, short, NOW + 8 * DAY))["keys"] == 1
    assert await queue.known("k", "d") is None


async def test_a_pdu_that_comes_again_is_known(queue):
    """A modem that gives a text again within a week gives no second message, though its words have gone."""
    short = Keep(text=HOUR, metadata=HOUR, events=HOUR)
    m = await received(queue, "Hello")
    await purge(queue, short, NOW + 2 * DAY)
    again = await queue.receive("m1", "+15550100100", part("Hello"), NOW + 2 * DAY)
    assert (again.duplicate, again.message) == (True, m.id)


async def test_a_part_after_its_words_have_gone(queue):
    """A late part of a partial text whose words have gone begins a text of its own; nothing breaks."""
    short = Keep(text=HOUR, metadata=400 * DAY, events=HOUR)
    await queue.receive("m1", "+15550100100", part("one", 1, 2), NOW)
    await queue.expire(NOW + 2 * HOUR)
    await purge(queue, short, NOW + 4 * HOUR)
    assert (await queue.receive("m1", "+15550100100", part("two", 2, 2), NOW + 5 * HOUR)).message == ""
    await queue.expire(NOW + 7 * HOUR)
    newest = (await queue.messages(MessageFilter(direction="in"), "", 1)).items[0]
    assert (newest.text, newest.state) == ("two", "partial")


async def test_a_text_without_words_is_not_sent_again(queue):
    """Neither a retry nor a decision to send again finds words to send: a Conflict says so, and nothing is sent."""
    m = await failed(queue)
    await purge(queue, KEEP, NOW + 91 * DAY)
    with pytest.raises(Conflict, match="not kept any more"):
        await queue.retry(m.id, NOW + 91 * DAY)


async def test_events_go_from_the_oldest_on(queue, look):
    """Old events go, never those that the rules have not seen, and never the newest: numbers are not given again."""
    for _ in range(3):
        await queue.record_event("link.notice", NOW, link="m1")
    newest = (await queue.events_after(-1, 1))[0].id
    await queue.skip("react", newest - 1)
    await purge(queue, KEEP, NOW + 91 * DAY)
    assert look("SELECT min(id) FROM event") == newest - 1
    await queue.record_event("link.notice", NOW + 92 * DAY, link="m1")
    assert (await queue.events_after(-1, 1))[0].id > newest


async def test_an_event_of_a_clock_that_was_wrong_keeps_no_others(queue, look):
    """An event that was written ten years ahead goes with those around it."""
    await queue.record_event("link.notice", NOW + 3650 * DAY, link="m1")
    for _ in range(2):
        await queue.record_event("link.notice", NOW, link="m1")
    await purge(queue, KEEP, NOW + 91 * DAY)
    assert look("SELECT count(*) FROM event WHERE at > ?", NOW + 3000 * DAY) == 0


async def test_calls_go_when_they_were_taken(queue, look):
    """A call that a desk took goes with the events; one that was given up, or that no desk took in all that time, with the
    metadata."""
    await queue.owe_events({"support": frozenset({"message.received"})})
    for text in ("a", "b", "c"):
        await received(queue, text, sender=f"+1555010077{ord(text) % 10}")
    taken, dead, _ = await queue.owed("support", 10, NOW)
    await queue.record_calls([CallResult(taken.item.id, "done"), CallResult(dead.item.id, "dead")], NOW)
    await purge(queue, KEEP, NOW + 91 * DAY)
    assert await queue.outbox_depth() == {"pending": 1, "dead": 1}
    assert look("SELECT count(*) FROM outbox") == 2
    await purge(queue, KEEP, NOW + 401 * DAY)
    assert await queue.outbox_depth() == {"pending": 0, "dead": 0}


async def test_people_without_anything_go(queue, look):
    """A person of whom no text is left goes, and a quiet thread; one with a name, or who opted out, stays."""
    await received(queue, "Hi")
    await received(queue, "Hi", sender="+15550100778")
    await queue.set_contact("+15550100778", name="Ada", now=NOW)
    for _ in range(2):  # a contact goes after its thread
        await purge(queue, KEEP, NOW + 420 * DAY)
    assert look("SELECT count(*) FROM conversation") == 0
    assert look("SELECT group_concat(number) FROM contact") == "+15550100778"


async def test_a_dry_run_tells_what_a_purge_does(queue):
    """It counts the same and changes nothing."""
    for _ in range(7):
        await failed(queue)
    await doubtful(queue)
    await accept(queue)
    await queue.skip("react", 100)
    would = await purgeable(queue, KEEP, NOW + 91 * DAY)
    assert would == await purgeable(queue, KEEP, NOW + 91 * DAY)
    assert would["texts"] == 7
    done = await purge(queue, KEEP, NOW + 91 * DAY)
    assert {name: done[name] for name in would} == would


async def test_a_purge_is_an_act(queue):
    """The audit chain says what went; a purge that found nothing says nothing."""
    await failed(queue)
    await purge(queue, KEEP, NOW)
    assert (await queue.audit_head()).seq == 0
    await purge(queue, KEEP, NOW + 91 * DAY)
    (entry,) = await queue.audit_entries(0, 10)
    assert '"act":"store.purge"' in entry.body
    assert '"texts":1' in entry.body


async def test_what_is_left_fits_together(queue, tmp_path):
    """Whatever is left when some of it went, the check of the store finds nothing wrong: no thread, call or attempt is of
    something that is not there."""
    await queue.owe_events({"support": frozenset({"message.received", "message.sent"})})
    await doubtful(queue)
    await delivered(queue)
    for m in (await received(queue, "Hi"), await received(queue, "Hi", sender="+15550100778")):
        await accept(queue, to=m.from_, conversation=m.conversation)
    for days in (8, 91, 401, 450, 1000):
        await purge(queue, KEEP, NOW + days * DAY)
        health = look_through(str(tmp_path / "smsgwd.db"), full=True, clock=SystemClock())
        assert (health.ok, health.problems) == (True, ())


async def test_nothing_goes_by_a_doubted_clock(queue):
    """While the wall clock is doubted nobody knows what is old, whoever asks."""
    m = await failed(queue)
    await queue.doubt_clock(True)
    with pytest.raises(Conflict, match="doubted"):
        await purge(queue, KEEP, NOW + 91 * DAY)
    assert (await queue.message(m.id)).text == "Hello"


# ---- how it finds them -----------------------------------------------------------------------------------------------


def _many(store, count: int) -> None:
    """Ended texts, by plain SQL: what matters here is where they lie."""
    store.conn.execute(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) INSERT INTO message (id, direction, "
        "state, priority, link, peer, ours, class, text, encoding, locking, single, parts, cuts, ref, done, flash, report, "
        "pinned, due, expires, attempts, duplicate, origin, key, key_digest, callback, rule, author, reason, created, updated) "
        "SELECT ?2 + i, 'out', 'failed', 1, 'm1', '+1', '', 'normal', 'words', 'gsm7', 0, 0, 1, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, "
        "'api', '', '', '', '', '', '', ?3, ?3 FROM n",
        (count, (NOW << 20) + 1000, NOW),
    )


def _whole(store, keep, now) -> list[dict[str, int]]:
    at, done = Place(), []
    while at is not None:
        batch = store.run(retention.purge, keep, at, now, True)
        done.append(batch.counts)
        at = batch.next
    return done


def test_a_step_is_bounded(tmp_path):
    """No commit takes more than 500 rows of a kind, so texts that wait for the disk come in between."""
    with storing(tmp_path / "q.db") as store:
        _many(store, 1300)
        counts = [c.get("texts", 0) for c in _whole(store, KEEP, NOW + 91 * DAY)]
        assert sum(counts) == 1300
        assert max(counts) == 500


def test_what_was_done_is_not_walked_again(tmp_path):
    """A purge goes on where the last one came to: what it reads does not grow with what it has done."""
    with storing(tmp_path / "q.db") as store:
        _many(store, 3000)
        _whole(store, KEEP, NOW + 91 * DAY)
        assert store.value("SELECT count(*) FROM message WHERE text IS NULL") == 3000
        steps = 0

        def count():
            nonlocal steps
            steps += 1

        store.conn.set_progress_handler(count, 10)
        _whole(store, KEEP, NOW + 91 * DAY)
        store.conn.set_progress_handler(None, 0)
        assert steps < 150, "3000 finished rows were looked at again"


def test_no_walk_through_history(tmp_path):
    """Each statement of a purge goes by an id or an index, but for the first rows of a table from its beginning on."""
    with storing(tmp_path / "q.db") as store:
        store.run(outbound.accept, [draft()], NOW)
        found = plans(store, lambda: _whole(store, KEEP, NOW + 500 * DAY))
        bad = [(line, s) for line, s in walks(found) if "json_each" not in line]
        assert bad == []


def test_a_dry_run_walks_nothing_young(tmp_path):
    """What is young is not looked at."""
    with storing(tmp_path / "q.db") as store:
        found = plans(store, lambda: retention.purgeable(store.conn, KEEP, Place(), NOW))
        (lines,) = [lines for s, lines in found.items() if "FROM message m" in s]
        assert lines[0] == "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
