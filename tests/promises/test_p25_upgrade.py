"""P25: an upgrade keeps the queue and leaves a database that passes `db check`; the one from before is kept as a copy; going
back is refused in clear words; a power cut in the middle leaves the old or the new, never half."""

import sqlite3
from contextlib import closing

import pytest

from smsgwd.clock import SystemClock
from smsgwd.errors import StoreUnavailable
from smsgwd.queue import migrations
from smsgwd.queue.care.health import look_through
from smsgwd.queue.opening import close_writer, open_writer
from smsgwd.queue.sqlite import open_queue
from tests.cli.terminal import Terminal
from tests.contract.making import DAY, NOW, draft
from tests.queue.old import RELEASED, build, number, texts
from tests.store import StillClock

KNOWN = [name for name, _ in migrations.MIGRATIONS]
EACH = pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)


def upgraded(path) -> None:
    close_writer(open_writer(str(path)))


def test_p25_every_released_schema_is_here():
    """Each schema before today's has its database in the matrix."""
    assert [number(path) for path in RELEASED] == list(range(1, len(KNOWN)))


@EACH
def test_p25_upgrade_keeps_every_row(tmp_path, released):
    """Nothing of what a database holds is lost or changed, the result passes the full check, and a copy of the database
    from before lies beside it, readable by its owner alone."""
    path = build(released, tmp_path / "q.db")
    before = texts(path)
    upgraded(path)
    assert texts(path) == before
    health = look_through(str(path), full=True, clock=SystemClock())
    assert (health.problems, health.schema) == ((), len(KNOWN))
    (copy,) = tmp_path.glob("q.db.before-*")
    assert copy.name == f"q.db.before-{KNOWN[number(released)]}"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert texts(copy) == before
    with closing(sqlite3.connect(copy)) as conn:
        assert migrations.applied(conn) == KNOWN[: number(released)]


@EACH
async def test_p25_upgraded_queue_goes_on(tmp_path, released):
    """The attempts that were open are uncertain, what waits is sent, what is put off stays so, a key is known."""
    path = build(released, tmp_path / "q.db")
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        assert await queue.recover(NOW) == 2
        claimed = [segment.text for segment in await queue.claim("m1", 100, NOW)]
        assert claimed == ["we are on it", "with a key", "to be sent: über € 😀"]
        assert [segment.text for segment in await queue.claim("m1", 100, NOW + DAY)][-1] == "tomorrow"
        (again,) = await queue.accept([draft("with a key", key="k1", key_digest="d1")], NOW)
        assert (await queue.message(again.id)).text == "with a key"
        assert (await queue.contact("+15550100888")).consent == "opted_out"


def test_p25_a_downgrade_is_refused(tmp_path, capsys):
    """A database of a later version: 78, one line that names both schemas and what to install, and not an octet of it is
    changed."""
    terminal = Terminal(tmp_path, capsys)
    path = tmp_path / "smsgwd.db"
    upgraded(path)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('smsgwd', '0999_later')")
        conn.execute("UPDATE store SET value = '9.1.0' WHERE name = 'version'")
    before = path.read_bytes()
    done = terminal("queue", "list")
    assert done.status == 78
    assert done.err == (
        f"smsgwd: {path} has schema {len(KNOWN) + 1} (0999_later), this program knows schema {len(KNOWN)}: "
        "use smsgwd 9.1.0 or newer\n"
    )
    assert path.read_bytes() == before


@EACH
def test_p25_power_cut_in_the_middle(tmp_path, released):
    """However much of the write-ahead log of an upgrade reached the disk, also half a page of it: the database is at the old
    schema or a later one, with every row, and the next start brings it up to date."""
    path = build(released, tmp_path / "q.db")
    before = texts(path)
    conn = open_writer(str(path))
    base, log = path.read_bytes(), (tmp_path / "q.db-wal").read_bytes()
    conn.close()
    frame = 24 + 1024
    frames = (len(log) - 32) // frame
    assert frames >= 10, "the whole upgrade is in the log"
    seen = set()
    for cut in range(0, frames + 1, max(1, frames // 24)):
        for torn in (0, 700):
            home = tmp_path / f"cut{cut}-{torn}"
            home.mkdir()
            (home / "q.db").write_bytes(base)
            (home / "q.db-wal").write_bytes(log[: 32 + cut * frame + torn])
            with closing(sqlite3.connect(f"file:{home / 'q.db'}?mode=ro", uri=True)) as looking:
                found = migrations.applied(looking)
                assert looking.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert found == KNOWN[: len(found)]
            assert len(found) >= number(released)
            assert texts(home / "q.db") == before
            seen.add(len(found))
            upgraded(home / "q.db")
            assert look_through(str(home / "q.db"), full=True, clock=SystemClock()).ok
    assert seen == set(range(number(released), len(KNOWN) + 1)), "cuts before, between and after all steps"


def test_p25_a_copy_that_cannot_be_made_stops_the_upgrade(tmp_path):
    """Where there can be no copy of the database from before, nothing is changed, and one line says why."""
    path = build(RELEASED[0], tmp_path / "q.db")
    before = texts(path)
    (tmp_path / f"q.db.before-{KNOWN[1]}").mkdir()  # the name is taken by what cannot be replaced
    with pytest.raises(StoreUnavailable, match="before-0002_carriers: Is a directory"):
        open_writer(str(path))
    assert texts(path) == before
