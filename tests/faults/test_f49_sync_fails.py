"""F49: the disk answers a sync with an I/O error. F50: its file system takes no more writes."""

import errno
import sqlite3

import pytest

from tests.faults.disk import ask, daemon_on, failing_disk, on_sim, send, text_in, until


def stored(path) -> list[tuple[str, str]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as conn:
        return conn.execute("SELECT direction, state FROM message ORDER BY id").fetchall()


def test_f49_a_failed_sync_ends_the_daemon(tmp_path):
    """The text whose sync failed is not accepted; the daemon ends with 78 and one clear line; no sync is tried a second
    time, since one that seems to work then may hide what was lost; what was accepted before is there."""
    with failing_disk(tmp_path) as disk:
        database = disk.folder / "q.db"
        with daemon_on(tmp_path, database, environ=disk.environ) as running:
            first = send(running.config, "before")
            assert first.returncode == 0, first.stderr
            disk["sync"] = errno.EIO
            refused = send(running.config, "after")
            assert refused.returncode != 0
            assert running.ends() == 78
            lines = (tmp_path / "daemon.log").read_text().splitlines()
            assert [line for line in lines if line.startswith("smsgwd: ")] == [
                f"smsgwd: {database}: the disk failed (disk I/O error)"
            ]
            assert "Traceback" not in "".join(lines)
            assert (disk["failed_syncs"], disk["later_syncs"]) == (1, 0)
            disk["sync"] = 0
        assert [direction for direction, _ in stored(database)][:1] == ["out"]
        with daemon_on(tmp_path, database, environ=disk.environ) as running:
            again = send(running.config, "the disk was changed")
            assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("code", "what"), [pytest.param(errno.EIO, "I/O error", id="EIO"), pytest.param(errno.EROFS, "read-only", id="F50 EROFS")]
)
def test_f50_a_disk_that_takes_no_writes_ends_the_daemon(tmp_path, code, what):
    """A write that the disk refuses for good, as after a remount read-only: nothing is accepted, the daemon ends, and what
    people write meanwhile stays on the SIM and is taken at the next start."""
    with failing_disk(tmp_path) as disk:
        database = disk.folder / "q.db"
        with daemon_on(tmp_path, database, environ=disk.environ) as running:
            disk["write"] = code
            text_in(tmp_path, "my internet is down")
            assert running.ends() == 78, what
            assert [line for line in (tmp_path / "daemon.log").read_text().splitlines() if line.startswith("smsgwd: ")] == [
                f"smsgwd: {database}: the disk failed (disk I/O error)"
            ]
            assert on_sim(tmp_path) == 1
            assert disk["failed_writes"] >= 1
            disk["write"] = 0
        assert stored(database) == []


def test_f50_what_is_on_the_sim_comes_at_the_next_start(tmp_path):
    """The same with the modem left as it is: the next daemon finds the text on the SIM, stores it once and deletes it."""
    with failing_disk(tmp_path) as disk:
        database = disk.folder / "q.db"
        with daemon_on(tmp_path, database, environ=disk.environ) as running:
            disk["write"] = errno.EROFS
            text_in(tmp_path, "my internet is down")
            assert running.ends() == 78
            disk["write"] = 0
            with running.again(disk.environ):
                until(lambda: len(ask(running.config, "inbox", "list")["items"]) == 1, 20, "the text")
                until(lambda: on_sim(tmp_path) == 0, 20, "the SIM is empty")
        assert stored(database) == [("in", "received")]
