"""The store is looked at, and stays as it was."""

import os
import sqlite3

import pytest

from smsgwd.clock import SystemClock
from smsgwd.doctor import store
from smsgwd.queue.migrations import MIGRATIONS
from smsgwd.queue.sqlite import open_queue
from tests.doctor.trees import NOW, lines, places
from tests.store import StillClock


async def looked(path, where, now=NOW, *, served=False):
    return await store.examine(str(path), where, now, served=served)


async def made(path, clock=None):
    """A database with one event, and its daemon gone."""
    clock = clock or SystemClock()
    async with open_queue(str(path), clock=clock) as queue:
        await queue.record_event("daemon.started", clock.now())


async def test_before_the_first_start(tmp_path):
    """No database is no fault: the first start makes it. Looking makes none."""
    where = places(tmp_path)
    checks = await looked(tmp_path / "smsgwd.db", where)
    assert not [check for check in checks if check.level == "error"]
    assert lines(checks, "database")[0].message == "not there yet; the first start makes it"
    assert not (tmp_path / "smsgwd.db").exists()


async def test_no_folder(tmp_path):
    """Without its folder nothing can be stored; the command that makes it is named."""
    (check,) = await looked(tmp_path / "none/smsgwd.db", places(tmp_path))
    assert (check.name, check.level) == ("folder", "error")
    assert check.mend == f"sudo install -d -o smsgwd -g smsgwd -m 0700 {tmp_path}/none"
    (tmp_path / "file").touch()
    (check,) = await looked(tmp_path / "file/smsgwd.db", places(tmp_path))
    assert check.level == "error"


async def test_looking_leaves_nothing_behind(tmp_path):
    """A database that was closed well is opened without -wal and -shm files, and its schema is told."""
    path = tmp_path / "smsgwd.db"
    await made(path)
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in os.listdir(tmp_path)}
    checks = await looked(path, places(tmp_path / "machine"))
    (check,) = lines(checks, "database")
    assert check.level == "ok"
    assert check.message.startswith(f"opens, schema {len(MIGRATIONS)}")
    after = {name: (tmp_path / name).stat().st_mtime_ns for name in os.listdir(tmp_path) if name != "machine"}
    assert after == before


async def test_beside_a_daemon(tmp_path):
    """While a daemon writes, the database opens too, and what was just committed is seen."""
    path, clock = tmp_path / "smsgwd.db", StillClock(NOW + 3_600_000)
    async with open_queue(str(path), clock=clock) as queue:
        await queue.record_event("daemon.started", clock.now())
        checks = await looked(path, places(tmp_path), served=True)
        await queue.record_event("daemon.stopping", clock.now())
    assert lines(checks, "database")[0].level == "ok"
    (check,) = lines(checks, "clock")
    assert check.level == "error"
    assert "newest event" in check.message


async def test_a_clock_that_went_back(tmp_path):
    """An event of later than now says that the clock is wrong; one of a minute's difference does not."""
    path = tmp_path / "smsgwd.db"
    await made(path, StillClock(NOW))
    assert lines(await looked(path, places(tmp_path), NOW - 59_000), "clock") == []
    assert lines(await looked(path, places(tmp_path), NOW - 61_000), "clock")[0].level == "error"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('smsgwd', '9999_x', '')",
                     "this program knows schema", id="newer"),
        pytest.param("DROP TABLE _sqlite_migrations", "another program", id="not ours"),
    ],
)  # fmt: skip
async def test_a_database_of_others(tmp_path, change, said):
    """A newer schema, or a database that is not ours, is told before the daemon refuses it."""
    path = tmp_path / "smsgwd.db"
    await made(path)
    with sqlite3.connect(path) as conn:
        conn.execute(change)
    conn.close()
    (check,) = lines(await looked(path, places(tmp_path)), "database")
    assert check.level == "error"
    assert said in check.message


@pytest.mark.parametrize("octets", [pytest.param(b"no database at all, but some text" * 50, id="text")])
async def test_damage(tmp_path, octets):
    """What is no database is an error that says so."""
    path = tmp_path / "smsgwd.db"
    path.write_bytes(octets)
    path.chmod(0o600)
    (check,) = lines(await looked(path, places(tmp_path)), "database")
    assert check.level == "error"
    assert "not a database" in check.message
    assert "backup" in check.mend


async def test_a_torn_page(tmp_path):
    """A small database is read through: a page that was overwritten shows."""
    path = tmp_path / "smsgwd.db"
    await made(path)
    octets = bytearray(path.read_bytes())
    octets[4096:-1024] = b"\xff" * (len(octets) - 5120)
    path.write_bytes(octets)
    assert [check.level for check in lines(await looked(path, places(tmp_path)), "database")] == ["error"]


async def test_modes(tmp_path):
    """Texts that others may read are told, with the command."""
    path = tmp_path / "smsgwd.db"
    await made(path)
    path.chmod(0o644)
    tmp_path.chmod(0o755)
    checks = await looked(path, places(tmp_path))
    assert [c.mend for c in checks if c.level == "warning"] == [f"sudo chmod 0700 {tmp_path}", f"sudo chmod 0600 {path}"]


@pytest.mark.parametrize(
    ("free", "level"),
    [pytest.param(10 << 20, "error", id="full"), pytest.param(200 << 20, "warning", id="little"),
     pytest.param(5 << 30, "ok", id="enough")],
)  # fmt: skip
async def test_space(tmp_path, monkeypatch, free, level):
    """Below 50 MiB an error, below 500 MiB a warning."""
    real = os.statvfs(tmp_path)
    seen = list(real)
    seen[4] = free // real.f_frsize  # f_bavail
    monkeypatch.setattr(store.os, "statvfs", lambda path: os.statvfs_result(seen))
    (check,) = lines(await looked(tmp_path / "smsgwd.db", places(tmp_path)), "disk")
    assert check.level == level
    assert f"{free >> 20} MiB" in check.message


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/x /srv/sms nfs4 rw 0 0
tmpfs /srv tmpfs rw 0 0
/dev/sdb1 /mnt/my\\040disk ext4 rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        pytest.param("/var/lib/smsgwd", "ext4", id="root"),
        pytest.param("/srv/sms", "nfs4", id="the mount itself"),
        pytest.param("/srv/sms/deep", "nfs4", id="inside"),
        pytest.param("/srv/smsgwd", "tmpfs", id="a name that begins alike"),
        pytest.param("/mnt/my disk/x", "ext4", id="blank"),
    ],
)
def test_which_file_system(folder, kind):
    """The longest mount point that holds the folder counts."""
    assert store.file_system(folder, MOUNTS) == kind


@pytest.mark.parametrize(("kind", "level"), [("nfs4", "error"), ("overlay", "warning"), ("ext4", "none")])
async def test_file_systems(tmp_path, kind, level):
    """A network file system is an error, one that forgets a warning."""
    where = places(tmp_path)
    (where.proc / "mounts").write_text(f"x / {kind} rw 0 0\n")
    checks = lines(await looked(tmp_path / "smsgwd.db", where), "file system")
    assert [check.level for check in checks] == ([] if level == "none" else [level])


async def test_a_disk_that_hangs(tmp_path, monkeypatch):
    """A look that does not return costs its line, not the command."""
    import threading

    let_go = threading.Event()
    monkeypatch.setattr(store, "TIMEOUT", 0.05)
    monkeypatch.setattr(store, "_examine", lambda *_: let_go.wait(10))
    (check,) = await looked(tmp_path / "smsgwd.db", places(tmp_path))
    let_go.set()
    assert check.level == "error"
    assert "takes longer" in check.message
