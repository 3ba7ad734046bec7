"""Opening the database: whose it is, what it is, the settings that hold, and the words for what is wrong."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsgwd.errors import StoreUnavailable, StoreUnusable
from smsgwd.queue import opening
from smsgwd.queue.migrations import MIGRATIONS
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, accept
from tests.queue.storing import Store, sql, storing
from tests.store import StillClock

NOBODY = 65_534


def opened(path, **more):
    return open_queue(path, clock=StillClock(NOW), **more)


@pytest.fixture
def nobodys():
    """A folder of a user who is not root, and that user for the time of the test."""
    folder = Path(tempfile.mkdtemp(prefix="smsgwd-test-"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        pytest.param("journal_mode", "wal", id="WAL"),
        pytest.param("synchronous", 2, id="FULL"),
        pytest.param("page_size", 1024, id="small pages"),
        pytest.param("secure_delete", 1, id="what is deleted is overwritten"),
        pytest.param("busy_timeout", 5000, id="waits 5 s for a lock"),
        pytest.param("wal_autocheckpoint", 16000, id="checkpoint at 16 MB"),
        pytest.param("journal_size_limit", 16 << 20, id="WAL shrinks"),
        pytest.param("cache_size", -16000, id="16 MB of cache"),
        pytest.param("mmap_size", 0, id="no mmap"),
    ],
)
def test_settings_in_force(tmp_path, setting, value):
    """Each setting holds on the writer's connection, in a new database and in one that is opened again."""
    for _ in range(2):
        with storing(tmp_path / "q.db") as store:
            assert store.value(f"PRAGMA {setting}") == value


def test_files_are_the_owners_alone(tmp_path):
    """Texts of people: the database, its WAL and its lock are readable by their owner alone, whatever the umask."""
    before = os.umask(0)
    try:
        lock, store = opening.Lock(str(tmp_path / "q.db")), Store(tmp_path / "q.db")
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    finally:
        os.umask(before)
    store.close()
    lock.release()
    assert modes == dict.fromkeys(("q.db", "q.db-wal", "q.db-shm", "q.db.lock"), 0o600)


async def test_deleted_words_are_gone_from_the_file(tmp_path):
    """secure_delete: the words of a deleted text are not found in the file any more."""
    path = tmp_path / "q.db"
    async with opened(path) as queue:
        await accept(queue, "unmistakable words")
    assert b"unmistakable words" in path.read_bytes()
    with storing(path) as store:
        store.run(lambda tx: tx.execute("DELETE FROM message"))
    assert b"unmistakable words" not in path.read_bytes()


# ---- one owner -----------------------------------------------------------------------------------------------------

_OWNER = """
import sys
from smsgwd.queue.opening import Lock
lock = Lock(sys.argv[1])
print("owned", flush=True)
sys.stdin.read()
"""


@contextmanager
def owner(path):
    """Another process that owns a database."""
    process = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "owned\n"
        yield process


async def test_another_process_has_it(tmp_path):
    """A database that another process owns is refused for now, with its pid; when that process dies it is free."""
    with owner(tmp_path / "q.db") as process:
        with pytest.raises(StoreUnavailable, match=f"another smsgwd \\(pid {process.pid}\\) has "):
            async with opened(tmp_path / "q.db"):
                pass
        assert not (tmp_path / "q.db").exists()
        process.kill()
    async with opened(tmp_path / "q.db") as queue:
        await accept(queue)


async def test_only_one_queue_in_a_process(tmp_path):
    """The lock holds inside one process too, and is given back at the end."""
    async with opened(tmp_path / "q.db"):
        with pytest.raises(StoreUnavailable, match=f"pid {os.getpid()}"):
            async with opened(tmp_path / "q.db"):
                pass
    async with opened(tmp_path / "q.db"):
        pass


async def test_failed_opening_gives_the_lock_back(tmp_path):
    """A database that cannot be opened does not stay locked."""
    path = tmp_path / "q.db"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(StoreUnusable):
        async with opened(path):
            pass
    path.unlink()
    async with opened(path):
        pass


async def test_looking_needs_no_lock(tmp_path):
    """A reader opens beside the owner, sees what is committed, and can write nothing."""
    async with opened(tmp_path / "q.db") as queue:
        message = await accept(queue)
        async with opened(tmp_path / "q.db", readonly=True) as looking:
            assert (await looking.message(message.id)).text == "Hello"
            with pytest.raises(StoreUnavailable, match="for reading only"):
                await looking.cancel(message.id, NOW)


# ---- what is wrong -------------------------------------------------------------------------------------------------


async def failure(path, **more) -> tuple[type, str]:
    """The error of opening: its class, and its one line without the path."""
    with pytest.raises((StoreUnavailable, StoreUnusable)) as caught:
        async with opened(path, **more):
            pass
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return caught.type, text.replace(str(path), "PATH")


async def test_no_folder(tmp_path):
    """A folder that is not there is named."""
    kind, text = await failure(tmp_path / "none" / "q.db")
    assert (kind, text) == (StoreUnavailable, f"PATH: the folder {tmp_path / 'none'} does not exist")


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"# smsgwd.toml\n" * 100, id="text"), pytest.param(b"SQLite format 3\0" + b"\xff" * 2000, id="a head alone")],
)
async def test_not_a_database(tmp_path, content):
    """A file of something else is refused for good and stays as it was."""
    path = tmp_path / "q.db"
    path.write_bytes(content)
    kind, text = await failure(path)
    assert kind is StoreUnusable
    assert "not a database" in text or "damaged" in text
    assert path.read_bytes() == content


async def test_empty_file_is_a_new_database(tmp_path):
    """A file without a byte (made by an installer, or by a start that was cut off) becomes the database."""
    (tmp_path / "q.db").touch()
    async with opened(tmp_path / "q.db") as queue:
        await accept(queue)


async def test_database_of_another_program(tmp_path):
    """A good SQLite database with other tables is refused for good, and nothing is written to it."""
    path = tmp_path / "q.db"
    path.touch()
    with sql(path, "rw") as conn:
        conn.execute("CREATE TABLE places (url TEXT)")
    before = path.read_bytes()
    kind, text = await failure(path)
    assert (kind, text) == (StoreUnusable, "PATH is a database of another program")
    assert path.read_bytes() == before


async def test_newer_than_the_program(tmp_path):
    """A database of a later version is refused for good with both schema numbers and the version that wrote it, by the
    owner and by a reader."""
    path = tmp_path / "q.db"
    with storing(path) as store:
        store.conn.execute("INSERT INTO _sqlite_migrations SELECT 99, migration_set, '0099_later', applied_at "
                           "FROM _sqlite_migrations LIMIT 1")  # fmt: skip
        store.conn.execute("UPDATE store SET value = '9.9' WHERE name = 'version'")
    known = len(MIGRATIONS)
    wanted = f"PATH has schema {known + 1} (0099_later), this program knows schema {known}: use smsgwd 9.9 or newer"
    for readonly in (False, True):
        assert await failure(path, readonly=readonly) == (StoreUnusable, wanted)


@pytest.mark.parametrize("what", ["folder", "file"])
async def test_read_only(nobodys, what):
    """A folder or a file that may not be written is "for now", with the reason."""
    path = nobodys / "q.db"
    if what == "folder":
        nobodys.chmod(0o555)
    else:
        async with opened(path) as queue:
            await accept(queue)
        path.chmod(0o400)
    kind, text = await failure(path)
    assert kind is StoreUnavailable
    assert "Permission denied" in text or "it is read-only" in text


async def test_reader_before_the_first_start(tmp_path):
    """Looking at a database that no daemon has made yet says so and makes none."""
    kind, _ = await failure(tmp_path / "q.db", readonly=True)
    assert kind is StoreUnavailable
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "clean", [pytest.param(True, id="small, after a clean end"), pytest.param(False, id="large, after a crash")]
)
async def test_damage_is_found_at_the_start(tmp_path, monkeypatch, clean):
    """A torn page is found before anything is served; the message says what to do."""
    path = tmp_path / "q.db"
    async with opened(path) as queue:
        for n in range(60):
            await accept(queue, f"text {n} " * 8)
    with storing(path) as store:
        page = store.value("SELECT rootpage FROM sqlite_master WHERE name = 'message'")
    if not clean:
        monkeypatch.setattr(opening, "SMALL", 0)
        with sql(path, "rw") as conn:
            conn.execute("UPDATE store SET value = '0' WHERE name = 'clean'")
    with path.open("r+b") as f:
        f.seek((page - 1) * 1024)
        f.write(b"\xff" * 1024)
    kind, text = await failure(path)
    assert kind is StoreUnusable
    assert "restore a backup" in text


async def test_clean_end_of_a_large_database_skips_the_check(tmp_path, monkeypatch):
    """After a clean end a large database is not read through, so that a restart stays quick; while it is open it counts
    as not clean."""
    monkeypatch.setattr(opening, "SMALL", 0)
    path = tmp_path / "q.db"
    for _ in range(2):
        async with opened(path):
            with sql(path) as conn:
                assert conn.execute("SELECT value FROM store WHERE name = 'clean'").fetchone() == ("0",)
        with sql(path) as conn:
            assert conn.execute("SELECT value FROM store WHERE name = 'clean'").fetchone() == ("1",)


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "#1.db", "ü.db"])
async def test_odd_file_names(tmp_path, name):
    """A path with letters that mean something in a URI is that path."""
    async with opened(tmp_path / name) as queue:
        await accept(queue)
    assert (tmp_path / name).stat().st_size > 1024


def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path):
    """A command of root in the folder of the service leaves no file that the service could not open."""
    if os.geteuid() != 0:
        pytest.skip("only root can make files of others")
    os.chown(tmp_path, NOBODY, NOBODY)
    lock = opening.Lock(str(tmp_path / "q.db"))
    conn = opening.open_writer(str(tmp_path / "q.db"))
    try:
        assert {p.name: p.stat().st_uid for p in tmp_path.iterdir() if p.name != "q.db.reserve"} == dict.fromkeys(
            ("q.db", "q.db-wal", "q.db-shm", "q.db.lock"), NOBODY
        )
    finally:
        conn.close()
        lock.release()
