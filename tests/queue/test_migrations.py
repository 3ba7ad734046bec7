"""Migrations: forward from each version there was, whole or not at all, with a copy before."""

import sqlite3

import pytest

from smsgwd import __version__
from smsgwd.errors import StoreUnavailable
from smsgwd.queue import migrations, outbound
from smsgwd.queue.opening import close_writer, open_reader, open_writer
from tests.contract.making import NOW, draft
from tests.queue.storing import sql, storing

#: what a database of the newest version looks like
SCHEMA = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"


def later(db):
    """A change as a later release might make it."""
    db.conn.execute("ALTER TABLE contact ADD COLUMN language TEXT NOT NULL DEFAULT ''")


def broken(db):
    """A migration that fails half-way."""
    db.conn.execute("CREATE TABLE half (x)")
    db.conn.execute("UPDATE message SET text = 'spoilt'")
    db.conn.execute("INSERT INTO nowhere VALUES (1)")


@pytest.fixture
def release(monkeypatch):
    """Makes the program know other migrations."""

    def set_to(*known):
        monkeypatch.setattr(migrations, "MIGRATIONS", list(known))

    return set_to


ALL = list(migrations.MIGRATIONS)


@pytest.mark.parametrize("have", range(len(ALL)), ids=lambda n: f"from schema {n}")
def test_every_version_comes_to_the_same_tables(tmp_path, release, have):
    """From an empty database, and from each earlier schema, the same tables come out, and the records of how."""
    with storing(tmp_path / "new.db") as store:
        wanted = store.rows(SCHEMA)
    if have:
        release(*ALL[:have])
        close_writer(open_writer(str(tmp_path / "q.db")))
        release(*ALL)
    with storing(tmp_path / "q.db") as store:
        assert store.rows(SCHEMA) == wanted
        assert migrations.applied(store.conn) == [name for name, _ in ALL]
        assert store.value("SELECT value FROM store WHERE name = 'version'") == __version__


def test_forward_keeps_the_queue_and_makes_a_copy(tmp_path, release):
    """A later program changes the tables, keeps every text, and leaves a readable copy of the database from before that
    only its owner may read."""
    path = tmp_path / "q.db"
    with storing(path) as store:
        store.run(outbound.accept, [draft("kept")], NOW)
    release(*ALL, ("0098_later", later))
    with storing(path) as store:
        assert store.value("SELECT text FROM message") == "kept"
        assert store.rows("SELECT language FROM contact") == []
    copy = tmp_path / "q.db.before-0098_later"
    assert copy.stat().st_mode & 0o777 == 0o600
    with sql(copy) as conn:
        assert conn.execute("SELECT text FROM message").fetchall() == [("kept",)]
        assert migrations.applied(conn) == [name for name, _ in ALL]


def test_new_database_is_not_copied(tmp_path):
    """There is nothing to copy before the first tables are made, and nothing at a start without changes."""
    for _ in range(2):
        with storing(tmp_path / "q.db"):
            pass
    assert [p.name for p in tmp_path.iterdir()] == ["q.db"]


def test_failed_migration_leaves_nothing_half_written(tmp_path, release):
    """A migration that fails changes nothing; those before it stay; with a mended one the next start goes on, and the
    copy of the first try is replaced."""
    path = tmp_path / "q.db"
    with storing(path) as store:
        store.run(outbound.accept, [draft("kept")], NOW)
    release(*ALL, ("0098_later", later), ("0099_broken", broken))
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="nowhere"), storing(path):
            pass
        with sql(path) as conn:
            assert migrations.applied(conn)[-1] == "0098_later"
            assert conn.execute("SELECT text FROM message").fetchall() == [("kept",)]
            assert conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchone() is None
    release(*ALL, ("0098_later", later), ("0099_broken", lambda db: db.conn.execute("CREATE TABLE whole (x)")))
    with storing(path) as store:
        assert migrations.applied(store.conn)[-1] == "0099_broken"
        assert store.value("SELECT count(*) FROM whole") == 0


def test_first_migration_cut_off(tmp_path, release):
    """A start that ended while the first tables were made leaves a file that the next start takes for a new database."""
    release(("0001_first", broken))
    with pytest.raises(sqlite3.OperationalError), storing(tmp_path / "q.db"):
        pass
    release(*ALL)
    with storing(tmp_path / "q.db") as store:
        assert migrations.applied(store.conn) == [name for name, _ in ALL]


def test_reader_waits_for_the_daemon(tmp_path, release):
    """A reader never migrates: it says that the daemon must start once."""
    with storing(tmp_path / "q.db"):
        pass
    release(*ALL, ("0098_later", later))
    with pytest.raises(StoreUnavailable, match="start the daemon once"):
        open_reader(str(tmp_path / "q.db"))
