"""P19: damage is found, not served: at the start, in a read, by the weekly look, and by `db check`. Each kind of broken file
ends in one clear line and the exit status for it."""

import asyncio
import os
import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from smsgwd import care
from smsgwd.care import Care
from smsgwd.cli.base import exit_status
from smsgwd.clock import SystemClock
from smsgwd.errors import SmsgwdError, StoreUnusable
from smsgwd.queue import opening
from smsgwd.queue.care.health import look_through
from smsgwd.queue.opening import close_writer, open_writer
from smsgwd.queue.sqlite import open_queue
from tests.cli.terminal import Terminal
from tests.contract.making import NOW, all_messages, draft
from tests.queue.old import RELEASED, build
from tests.queue.storing import names, sql
from tests.store import StillClock

PAGE = 1024


def opened(path):
    return open_queue(path, clock=StillClock(NOW))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A database with something of everything, closed well."""
    path = tmp_path_factory.mktemp("whole") / "q.db"
    build(RELEASED[-1], path)
    close_writer(open_writer(str(path)))
    return path


@pytest.fixture
def path(whole, tmp_path):
    shutil.copy(whole, tmp_path / "q.db")
    return tmp_path / "q.db"


def checked(path, *, full: bool = True):
    return look_through(str(path), full=full, clock=SystemClock())


async def _started(path) -> list:
    async with opened(path) as queue:
        return [m.text for m in await all_messages(queue)]


def failure(path) -> SmsgwdError | None:
    """How a start ends; None when it goes well."""
    try:
        asyncio.run(_started(path))
    except SmsgwdError as e:
        return e
    return None


# ---- pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda page, rng: bytes(PAGE), id="zeros"),
        pytest.param(lambda page, rng: rng.randbytes(PAGE), id="noise"),
        pytest.param(lambda page, rng: rng.randbytes(8) + page[8:], id="its head"),
    ],
)
def test_p19_a_spoilt_page_is_found(path, spoil):
    """Whichever page is spoilt, `db check --full` says so, and no start serves anything of it."""
    octets, rng = path.read_bytes(), random.Random(19)
    with sql(path) as conn:
        free = conn.execute("PRAGMA freelist_count").fetchone()[0]
    missed = []
    for page in range(1, len(octets) // PAGE):
        begin = page * PAGE
        path.write_bytes(octets[:begin] + spoil(octets[begin : begin + PAGE], rng) + octets[begin + PAGE :])
        if checked(path).ok:
            missed.append(page)
    assert len(missed) <= free, "all but pages that hold nothing"


def test_p19_flipped_octets(path):
    """16 octets flipped anywhere in a page: the full check finds what it can; where it does not, no state and no person of a text has
    changed, and no attempt is another text's: those are in indexes, or checked. (Words of a text can change unseen.)"""
    before, octets, rng = _deciding(path), path.read_bytes(), random.Random(25)
    found, pages = 0, range(1, len(octets) // PAGE)
    for page in pages:
        at = page * PAGE + rng.randrange(PAGE - 16)
        flipped = bytes(o ^ 0xA5 for o in octets[at : at + 16])
        path.write_bytes(octets[:at] + flipped + octets[at + 16 :])
        if not checked(path).ok:
            found += 1
            continue
        assert _deciding(path) == before, f"page {page}"
    assert found >= len(pages) // 5, "most of the pages of so small a database are empty"


def test_p19_any_start_on_flipped_octets_ends_well(path):
    """A start on such a database serves it, or ends with 78: never with an error that nobody expected."""
    octets, rng, refused = path.read_bytes(), random.Random(7), 0
    for page in range(len(octets) // PAGE):
        at = page * PAGE + rng.randrange(PAGE - 16)
        path.write_bytes(octets[:at] + bytes(o ^ 0xA5 for o in octets[at : at + 16]) + octets[at + 16 :])
        error = failure(path)
        if error is not None:
            assert exit_status(error) == 78, error
            assert "\n" not in str(error)
            refused += 1
        for end in ("-wal", "-shm", ".damaged"):
            path.with_name(f"q.db{end}").unlink(missing_ok=True)
    assert refused > 5


def _deciding(path) -> list[list[tuple]]:
    with sql(path) as conn:
        texts = conn.execute("SELECT id, state, peer FROM message ORDER BY 1").fetchall()
        return [texts, conn.execute("SELECT id, message, state FROM submission ORDER BY 1").fetchall()]


async def test_p19_damage_that_a_read_meets_ends_the_daemon(tmp_path):
    """A page that is spoilt while the gateway runs: the read that meets it fails, the store counts as failed, nothing is
    written any more, and the next start reads everything through."""
    path = tmp_path / "q.db"
    async with opened(path) as queue:
        for n in range(0, 3000, 500):
            await queue.accept([draft(f"text {n + i} " * 8) for i in range(500)], NOW)
    with sql(path) as conn:
        root = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message'").fetchone()[0]
    async with opened(path) as queue:
        descriptor = os.open(path, os.O_WRONLY)  # as a failing disk would
        os.pwrite(descriptor, bytes(PAGE * 40), (root - 1) * PAGE)
        with pytest.raises(StoreUnusable, match="it is damaged"):
            await all_messages(queue, to="+15550100777")
        await asyncio.wait_for(queue.failed.wait(), 10)
        with pytest.raises(StoreUnusable):
            await queue.accept([draft("more")], NOW)
        with pytest.raises(StoreUnusable, match=r"damaged.*restore a backup"):
            queue.check()
    os.close(descriptor)
    error = await asyncio.to_thread(failure, path)
    assert error is not None
    assert exit_status(error) == 78


# ---- files ---------------------------------------------------------------------------------------------------------


def _cut(path):
    os.truncate(path, path.stat().st_size // 2 // PAGE * PAGE)


def _cut_in_a_page(path):
    os.truncate(path, PAGE * 7 + 300)


def _emptied_beside_its_log(path):
    conn = open_writer(str(path))
    octets = path.with_name("q.db-wal").read_bytes()
    conn.close()
    path.write_bytes(b"")
    path.with_name("q.db-wal").write_bytes(octets)


def _foreign(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE invoices (x)")


def _log_of_another(path):
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other, isolation_level=None)) as conn:
        conn.execute("PRAGMA page_size = 1024")
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("CREATE TABLE invoices (x)")
        conn.executemany("INSERT INTO invoices VALUES (?)", [("x" * 700,)] * 60)
        log = path.with_name("other.db-wal").read_bytes()
    path.with_name("q.db-wal").write_bytes(log)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(_cut, "it is damaged", id="cut in half"),
        pytest.param(_cut_in_a_page, "it is damaged", id="cut within a page"),
        pytest.param(_emptied_beside_its_log, "it is empty, but a write-ahead log is beside it", id="emptied beside its log"),
        pytest.param(lambda path: path.write_bytes(b"%PDF-1.7\n" * 500), "it is not a database", id="a file of another program"),
        pytest.param(_foreign, "is a database of another program", id="a database of another program"),
        pytest.param(_log_of_another, "", id="the log of another database"),
    ],
)
def test_p19_a_broken_file_is_refused(path, capsys, spoil, says):
    """The start ends with 78 and one line that says what is wrong; what is wrong is not made worse."""
    terminal = Terminal(path.parent, capsys)
    spoil(path)
    path.rename(path.with_name("smsgwd.db"))
    for end in ("-wal", "-shm"):
        if path.with_name(f"q.db{end}").exists():
            path.with_name(f"q.db{end}").rename(path.with_name(f"smsgwd.db{end}"))
    done = terminal("queue", "list")
    assert done.status == 78
    (line,) = done.err.splitlines()
    assert line.startswith(f"smsgwd: {path.with_name('smsgwd.db')}")
    assert says in line
    assert terminal("db", "check").status == 1


def test_p19_a_cut_log_is_an_earlier_moment(tmp_path):
    """A write-ahead log that lost its end: every commit that is whole in it is there, nothing of a later one, and the check
    finds nothing wrong. (That something was lost, no database can know.)"""
    path = tmp_path / "q.db"

    async def fill() -> tuple[bytes, bytes]:
        async with opened(path) as queue:
            for n in range(12):
                await queue.accept([draft(f"text {n}")], NOW)
            return path.read_bytes(), path.with_name("q.db-wal").read_bytes()

    octets, log = asyncio.run(fill())
    counts = []
    for share in range(10, 21):
        home = tmp_path / f"cut{share}"
        home.mkdir()
        (home / "q.db").write_bytes(octets)
        (home / "q.db-wal").write_bytes(log[: len(log) * share // 20])
        stored = asyncio.run(_started(home / "q.db"))
        assert stored == [f"text {n}" for n in reversed(range(len(stored)))]
        assert checked(home / "q.db").ok
        counts.append(len(stored))
    assert counts == sorted(counts)
    assert counts[-1] == 12
    assert counts[0] < 12


def test_p19_a_missing_log_is_an_earlier_moment(tmp_path):
    """After a crash somebody deleted the write-ahead log: the store is as it was at the last checkpoint, whole."""
    path, crashed = tmp_path / "q.db", tmp_path / "crashed.db"

    async def fill(text: str) -> bytes:
        async with opened(path) as queue:
            await queue.accept([draft(text)], NOW)
            return path.read_bytes()

    asyncio.run(fill("before the checkpoint"))  # a clean end checkpoints
    crashed.write_bytes(asyncio.run(fill("in the log alone")))
    assert asyncio.run(_started(crashed)) == ["before the checkpoint"]
    assert checked(crashed).ok


def test_p19_an_empty_file_is_a_new_store(tmp_path):
    """A file of no bytes with nothing beside it is what a first start leaves that ended at once: a new store is made in it."""
    (tmp_path / "q.db").touch()
    assert asyncio.run(_started(tmp_path / "q.db")) == []


# ---- rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param("DELETE FROM message WHERE state = 'sending'", "attempts under way are of no text", id="an attempt of no text"),
        pytest.param("UPDATE message SET done = 2 WHERE state = 'delivered'", "without all their parts", id="too many parts"),
        pytest.param("DELETE FROM submission WHERE state = 'uncertain'", "uncertain without an attempt", id="no attempt in doubt"),
        pytest.param("UPDATE message SET conversation = 7 WHERE state = 'sent'", "conversations that are not there", id="no thread"),
        pytest.param("DELETE FROM rollup", "count fewer texts than there are", id="a lost day"),
        pytest.param("DROP TRIGGER message_forward", "trigger message_forward is missing", id="no trigger"),
        pytest.param("DROP INDEX message_queued", "index message_queued is missing", id="no index"),
        pytest.param("ALTER TABLE message ADD COLUMN x TEXT", "column message.x TEXT is none of this program", id="a column more"),
        pytest.param("UPDATE cursor SET event = 1000000", "further than the newest", id="a reader too far"),
    ],
)
def test_p19_rows_that_do_not_fit(path, change, says):
    """What a stranger changed in a database whose pages are all well is found by the full check, with an example."""
    assert checked(path).problems == ()
    with sql(path, "rw") as conn:
        conn.execute("INSERT OR IGNORE INTO cursor VALUES ('react', 1)")
        for name in ("message_forward", "submission_forward"):
            if name not in change:
                conn.execute(f"DROP TRIGGER {name}")
        conn.execute(change)
    health = checked(path)
    assert not health.ok
    assert not health.damaged
    assert any(says in problem for problem in health.problems), health.problems


# ---- the weekly look -----------------------------------------------------------------------------------------------

WEEK = 7 * 86400


async def test_p19_the_look_of_the_week(tmp_path):
    """A week after the last look the store is read through, told as an event; not sooner, restarts or not."""
    clock, stop = StillClock(NOW), asyncio.Event()
    for moved, due in ((0, False), (WEEK - 1, False), (1, True)):
        clock.move(moved)
        async with open_queue(tmp_path / "q.db", clock=clock) as queue:
            made = Care(queue, str(tmp_path / "q.db"), WEEK, clock)
            assert await made.due() is due
    async with open_queue(tmp_path / "q.db", clock=clock) as queue:
        made = Care(queue, str(tmp_path / "q.db"), WEEK, clock)
        await made.check(stop)
        assert not await made.due()
        (event,) = await queue.events_after(0, 100, "store.checked")
        assert (event.data["problems"], event.data["bytes"] > PAGE) == (0, True)
        clock.move(-2 * WEEK)
        assert await made.due(), "the clock went back: nobody knows how long ago it was"


async def test_p19_the_look_finds_damage(path, monkeypatch):
    """Damage that nobody has met yet: told, the gateway ends with 78, and no later start uses the database before it was
    read through whole, however well it was closed and however large it is."""
    with sql(path) as conn:
        index = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message_peer'").fetchone()[0]
    octets = bytearray(path.read_bytes())
    at = octets.index(b"+15550100888", (index - 1) * PAGE)
    octets[at + 9 : at + 12] = b"999"  # an index that disagrees with its table: the quick check is content
    path.write_bytes(octets)
    monkeypatch.setattr(opening, "SMALL", 0)
    clock = StillClock(NOW)
    async with open_queue(path, clock=clock) as queue:
        with pytest.raises(StoreUnusable, match=r"damaged \(.*message_peer.*restore a backup: smsgwd db restore FILE --hold"):
            await Care(queue, str(path), WEEK, clock).check(asyncio.Event())
    assert names(path)[-1] == "store.damaged"
    for _ in range(2):
        error = await asyncio.to_thread(failure, path)
        assert error is not None
        assert exit_status(error) == 78
    with sql(path, "rw") as conn:
        conn.execute("REINDEX")
    assert await asyncio.to_thread(failure, path) is None, "mended: it is read through once more and used"
    assert not path.with_name("q.db.damaged").exists()


async def test_p19_the_look_ends_with_the_gateway(tmp_path, monkeypatch):
    """A stop breaks the look off; nothing is told of it, and it is due at the next start."""
    monkeypatch.setattr("smsgwd.queue.care.health._STEPS", 1)
    clock, stop = StillClock(NOW), asyncio.Event()
    async with open_queue(tmp_path / "q.db", clock=clock) as queue:
        await queue.accept([draft(f"text {n}") for n in range(200)], NOW)
        stop.set()
        await Care(queue, str(tmp_path / "q.db"), WEEK, clock).check(stop)
        assert await queue.events_after(0, 100, "store.checked") == []


async def test_p19_the_worker(tmp_path, monkeypatch):
    """The worker looks by itself when it is time, and never where it is told so."""
    monkeypatch.setattr(care, "FIRST", 0.01)
    monkeypatch.setattr(care, "LOOK", 0.01)
    clock, stop = StillClock(NOW), asyncio.Event()
    async with open_queue(tmp_path / "q.db", clock=clock) as queue, asyncio.timeout(10):
        hint = queue.hint("events:store.checked")
        await queue.remember(care.KEPT, str(NOW - WEEK * 1000))
        async with asyncio.TaskGroup() as group:
            group.create_task(Care(queue, str(tmp_path / "q.db"), WEEK, clock).run(stop), name="care")
            await hint.wait()
            stop.set()
        await Care(queue, str(tmp_path / "q.db"), 0, clock).run(asyncio.Event())
        assert len(await queue.events_after(0, 100, "store.checked")) == 1
