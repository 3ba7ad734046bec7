"""One connection writes and checkpoints; every other one cannot, and leaves the write-ahead log alone."""

import ast
import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smsgwd.clock import SystemClock
from smsgwd.queue.care.copying import backup
from smsgwd.queue.care.health import look_through
from smsgwd.queue.opening import connect, open_reader
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, draft
from tests.store import StillClock

SOURCE = Path(__file__).resolve().parents[2] / "smsgwd"
#: who opens a connection that may write: the one that writes, and the tables in memory that a check compares with
WRITING = {("queue/opening.py", "open_writer"), ("queue/care/health.py", "table_problems")}


def _calls() -> set[tuple[str, str, str]]:
    """(file, function, what opens) of every call in the package that opens a database."""
    found = set()
    for file in SOURCE.rglob("*.py"):
        for function in [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]:
            for call in [n for n in ast.walk(function) if isinstance(n, ast.Call)]:
                named = ast.unparse(call.func)
                if named in ("sqlite3.connect", "opening.connect") or (named == "connect" and "sqlite" in file.read_text()):
                    found.add((str(file.relative_to(SOURCE)), function.name, ast.unparse(call)))
    return found


def test_every_other_connection_is_for_looking():
    """In the whole package: `mode=ro` (or `immutable`), but for the one that writes."""
    calls = _calls()
    assert len(calls) >= 6
    odd = {(file, name) for file, name, call in calls
           if not ("'ro'" in call or "mode=ro" in call or "{mode}" in call)}  # fmt: skip
    assert odd == WRITING
    assert {(file, name) for file, name, call in calls if "{mode}" in call} == {("queue/opening.py", "connect")}


def test_no_statement_checkpoints_but_the_writers():
    """`wal_checkpoint` stands where the writer or its own new file is meant, nowhere else; no other program's SQLite is used."""
    named = {str(file.relative_to(SOURCE)) for file in SOURCE.rglob("*.py") if "PRAGMA wal_checkpoint" in file.read_text()}
    assert named <= {"queue/care/restoring.py", "queue/space.py", "queue/opening.py", "queue/privacy/shredding.py", "queue/writer.py"}
    assert "queue/care/restoring.py" in named
    assert [file.name for file in SOURCE.rglob("*.py") if "import apsw" in file.read_text()] == []


def _looks(path: str, tmp_path: Path) -> None:
    look_through(path, full=True, clock=SystemClock())


def _backs_up(path: str, tmp_path: Path) -> None:
    backup(path, str(tmp_path / "copy.db"), force=True, clock=SystemClock(), progress=lambda what, share: None)


def _reads(path: str, tmp_path: Path) -> None:
    with closing(open_reader(path)) as conn:
        conn.execute("SELECT count(*) FROM message").fetchone()


LOOKING = [
    pytest.param(_looks, id="db check"),
    pytest.param(_backs_up, id="db backup"),
    pytest.param(_reads, id="a reader"),
]


@pytest.mark.parametrize("look", LOOKING)
async def test_looking_leaves_the_log_alone(tmp_path, look):
    """Beside the daemon, and after one that was killed, where the one that looks is the last to close: the database and its
    log have not changed by an octet."""
    path = tmp_path / "q.db"
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        await queue.accept([draft(f"text {n}") for n in range(50)], NOW)
        before = path.read_bytes(), path.with_name("q.db-wal").read_bytes()
        await asyncio.to_thread(look, str(path), tmp_path)
        assert (path.read_bytes(), path.with_name("q.db-wal").read_bytes()) == before
    killed = tmp_path / "killed"
    killed.mkdir()
    for name, octets in zip(("q.db", "q.db-wal"), before, strict=True):
        (killed / name).write_bytes(octets)
    await asyncio.to_thread(look, str(killed / "q.db"), tmp_path)
    assert ((killed / "q.db").read_bytes(), (killed / "q.db-wal").read_bytes()) == before


async def test_looking_cannot_write(tmp_path):
    """Such a connection can neither write nor checkpoint, whoever asks it to."""
    path = tmp_path / "q.db"
    async with open_queue(path, clock=StillClock(NOW)) as queue:
        await queue.accept([draft("text")], NOW)
        with closing(connect(str(path), "ro")) as conn:
            for statement in ("DELETE FROM message", "PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM"):
                with pytest.raises(sqlite3.OperationalError):
                    conn.execute(statement)
        assert os.stat(f"{path}-wal").st_size > 0
