"""F72: the database is of a later version than the program."""

import sqlite3
from contextlib import closing

import pytest

from smsgwd.queue.migrations import MIGRATIONS
from smsgwd.queue.opening import close_writer, open_writer
from tests.story.programs import journal, modem, smsgwd, write_config

pytestmark = pytest.mark.story


@pytest.mark.parametrize("command", [("run",), ("send", "--to", "+15550100777", "Hello"), ("queue", "list")], ids=lambda c: c[0])
def test_f72_newer_schema_is_refused(tmp_path, command):
    """Whatever needs the store ends with 78 and one line that names both schemas and the version to install. The database is
    not touched, and no octet goes to a modem."""
    config, path = write_config(tmp_path), tmp_path / "smsgwd.db"
    close_writer(open_writer(str(path)))
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('smsgwd', '0999_later')")
        conn.execute("UPDATE store SET value = '9.1.0' WHERE name = 'version'")
    before = path.read_bytes()
    with modem(tmp_path):
        done = smsgwd("--config", str(config), *command)
    assert done.returncode == 78
    assert done.stderr == (
        f"smsgwd: {path} has schema {len(MIGRATIONS) + 1} (0999_later), this program knows schema {len(MIGRATIONS)}: "
        "use smsgwd 9.1.0 or newer\n"
    )
    assert path.read_bytes() == before
    assert journal(tmp_path, "command") == journal(tmp_path, "submit") == []
