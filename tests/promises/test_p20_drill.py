"""P20: the whole way from a backup back to a gateway that sends, as the guide describes it; and copies that are no good."""

import sqlite3
from contextlib import closing

import pytest

from smsgwd.errors import StoreUnusable
from tests.cli.terminal import Terminal
from tests.queue.copies import put_back
from tests.queue.old import RELEASED, build, texts


def test_p20_drill(tmp_path, capsys):
    """The way that the guide describes, with the commands themselves: back up, lose the database, restore, look, let go."""
    terminal = Terminal(tmp_path, capsys)
    first = terminal.ask("send", "--to", "+15550100777", "before the copy")
    assert terminal.ask("db", "backup", str(tmp_path / "copy.db"))["schema"] >= 3
    assert terminal("db", "check", "--full", str(tmp_path / "copy.db")).status == 0
    terminal.ask("send", "--to", "+15550100777", "after the copy")
    refused = terminal("db", "restore", str(tmp_path / "copy.db"))
    assert (refused.status, "--hold" in refused.err, "twice" in refused.err) == (2, True, True)
    (tmp_path / "smsgwd.db").unlink()
    done = terminal("db", "restore", str(tmp_path / "copy.db"), "--hold")
    assert done.status == 0, done.err
    assert "1 texts are held" in done.out
    assert terminal("db", "check", "--full").status == 0
    assert terminal("audit", "verify").status == 0
    (held,) = terminal.ask("queue", "list")["items"]
    assert (held["id"], held["state"], held["reason"]) == (first["id"], "held", "restored from a backup")
    assert terminal.ask("queue", "release", "--restored") == {"done": 1, "left": 0}
    assert terminal.ask("queue", "show", first["id"])["state"] == "queued"
    assert terminal("queue", "release").status == terminal("queue", "release", "--restored", first["id"]).status == 2
    assert terminal.ask("outbox", "replay", "--restored") == {"done": 0, "left": 0}


def _of_another(path):
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE invoices (x)")


def _later(path):
    build(RELEASED[0], path)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('smsgwd', '0999_later')")


def _flipped(path):
    build(RELEASED[1], path)
    octets = bytearray(path.read_bytes())
    octets[5 * 1024 : 6 * 1024] = bytes(1024)
    path.write_bytes(octets)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(lambda path: path.write_bytes(b""), "empty", id="an empty file"),
        pytest.param(lambda path: path.write_bytes(b"GIF89a" * 900), "not a database", id="no database"),
        pytest.param(_of_another, "of another program", id="of another program"),
        pytest.param(_later, "0999_later", id="of a later version"),
        pytest.param(_flipped, "damaged", id="damaged"),
    ],
)
def test_p20_a_copy_that_is_no_good_changes_nothing(tmp_path, make, why):
    """A file that is no whole database of ours is refused with the reason; the database stays as it is."""
    home, source = tmp_path / "q.db", tmp_path / "copy.db"
    build(RELEASED[-1], home)
    before = texts(home)
    make(source)
    with pytest.raises(StoreUnusable, match=why):
        put_back(source, home)
    assert texts(home) == before
    assert list(tmp_path.glob("q.db.restoring*")) == []
