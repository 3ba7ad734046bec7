"""The instruments tell a durable setting from one that only looks durable.

SQLite with synchronous=OFF and NORMAL must lose acknowledged rows, FULL must lose none; plain ``kill -9`` must lose none
even with OFF, which is why it proves nothing about power.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.powercut.powervfs import MODES, PowerDisk, Replay
from tests.powercut.shim import Power, build

SCHEMA = "CREATE TABLE q(id INTEGER PRIMARY KEY, body TEXT, state INTEGER)"
SEED = 20261127


@dataclass
class Tally:
    """What came of many cuts."""

    acked: int = 0
    lost: int = 0  # acknowledged, not there
    rolled_back: int = 0  # acknowledged as sent, stands as queued: would be sent twice
    corrupt: int = 0

    def check(self, connect: Callable[[], Any], acked: dict[int, int]) -> None:
        """Compares the database after the cut with what was acknowledged before it."""
        self.acked += len(acked)
        try:
            with contextlib.closing(connect()) as con:
                verdict = next(iter(con.execute("PRAGMA integrity_check")))[0]
                have = dict(con.execute("SELECT id, state FROM q"))
        except (sqlite3.Error, apsw.Error, UnicodeDecodeError):  # malformed, not a database
            verdict, have = "unreadable", {}
        self.corrupt += verdict != "ok"
        self.lost += sum(i not in have for i in acked)
        self.rolled_back += sum(i in have and have[i] < state for i, state in acked.items())

    @property
    def loses(self) -> bool:
        return bool(self.lost or self.rolled_back or self.corrupt)


@pytest.fixture
def disk():
    made = PowerDisk(f"instrument {random.random()}")
    yield made
    made.unregister()


def _begun(disk: PowerDisk) -> None:
    """An empty database is on the disk."""
    disk.load({})
    con = disk.connect("/q.db")
    con.execute(SCHEMA)
    list(con.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    con.close()
    disk.settle()


def _commit(con: apsw.Connection, rng: random.Random, n: int) -> dict[int, int]:
    """Some rows from ``n`` on, and some of the older ones marked as sent; what the commit acknowledges."""
    batch = {}
    con.execute("BEGIN IMMEDIATE")
    for i in range(n, n + rng.choice((1, 1, 3, 10))):
        con.execute("INSERT INTO q VALUES(?, ?, 0)", (i, "x" * 140))
        batch[i] = 0
    for (i,) in list(con.execute("SELECT id FROM q WHERE state = 0 LIMIT 3")):
        con.execute("UPDATE q SET state = 1 WHERE id = ?", (i,))
        batch[i] = 1
    con.execute("COMMIT")
    return batch


@pytest.mark.parametrize("mode", [pytest.param(mode, id=mode) for mode in MODES])
@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL", "FULL"])
def test_disk_in_memory(disk, synchronous, mode):
    """Whatever survives of what was not synced: FULL loses nothing, the others do."""
    rng, tally = random.Random(SEED), Tally()
    for _ in range(60):
        _begun(disk)
        acked: dict[int, int] = {}
        with disk.outage(rng, mode=mode, ops=(5, 400)):
            con = disk.connect("/q.db", synchronous=synchronous)
            while True:
                acked |= _commit(con, rng, len(acked) + 1)  # the ack: only after COMMIT has returned
        tally.check(lambda: disk.connect("/q.db"), acked)
    assert tally.acked > 0
    assert tally.loses == (synchronous != "FULL"), tally


def test_replayed_is_as_live(disk):
    """The journal gives the disk of any moment: what is durable, and what the next cut may take."""
    rng, n, live = random.Random(SEED), 1, []
    _begun(disk)
    start = {path: bytes(node.cache) for path, node in disk.files.items()}
    disk.load(start)
    con = disk.connect("/q.db", synchronous="NORMAL", checkpoint=20)
    for _ in range(60):
        n += len(_commit(con, rng, n))
        live.append((len(disk.journal), {path: (x.durable, [*x.pending]) for path, x in disk.files.items()}))
    replay = Replay(start, disk.journal)
    for done, files in live:
        replay.to(done)
        assert {path: (x.durable, x.pending) for path, x in replay.files.items()} == files
    assert any(x.pending for x in replay.files.values())
    assert len({files["/q.db"][0] for _, files in live}) > 3, "no checkpoint was among it"


# ---- the shim ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return build(tmp_path_factory.mktemp("shim").resolve())


def _killed(power: Power | None, rng: random.Random, *args: str) -> list[bytes]:
    """Runs a victim until it has told so much, kills it and cuts its power; all that it told."""
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.powercut.victims", *args], stdout=subprocess.PIPE, env=power.env if power else None
    )
    assert victim.stdout is not None
    told, enough = b"", rng.randrange(1, 6000)
    while len(told) < enough and (more := os.read(victim.stdout.fileno(), 1 << 16)):
        told += more
    victim.kill()
    told += victim.stdout.read()
    victim.stdout.close()
    assert victim.wait() == -9, "it ended by itself"
    if power:
        power.cut(rng if rng.random() < 0.5 else None)
    return told.split(b"\n")[:-1]


def _database(home: Path) -> Path:
    with contextlib.closing(sqlite3.connect(home / "q.db")) as con:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute(SCHEMA)
    return home / "q.db"


@pytest.mark.parametrize(
    ("synchronous", "power", "loses"),
    [
        pytest.param("OFF", True, True, id="power, OFF"),
        pytest.param("NORMAL", True, True, id="power, NORMAL"),
        pytest.param("FULL", True, False, id="power, FULL"),
        pytest.param("OFF", False, False, id="kill alone, OFF"),
    ],
)
def test_shim(shim, tmp_path, synchronous, power, loses):
    """A program under the shim loses what it did not sync, and only when the power goes."""
    rng, tally = random.Random(SEED), Tally()
    for run in range(6):
        home = tmp_path.resolve() / str(run)
        home.mkdir()
        path = _database(home)
        cut = Power(shim, home, tmp_path / "undo.log") if power else None
        told = _killed(cut, rng, "sqlite", str(path), synchronous)
        acked = dict(sorted((int(i), int(state)) for i, state in (line.split() for line in told)))
        tally.check(lambda path=path: sqlite3.connect(path), acked)
    assert tally.acked > 0
    assert tally.loses == loses, tally


@pytest.mark.parametrize("kind", ["append", "append+fsync", "replace", "replace+fsync"])
def test_shim_on_plain_files(shim, tmp_path, kind):
    """Lines at the end of a file, and a file that is replaced whole: both need the sync."""
    rng, lost = random.Random(SEED), 0
    for run in range(4):
        home = tmp_path.resolve() / str(run)
        home.mkdir()
        told = _killed(Power(shim, home, tmp_path / "undo.log"), rng, kind, str(home / "f"))
        text = (home / "f").read_bytes() if (home / "f").exists() else b""
        if kind.startswith("append"):
            lost += len(set(told) - set(text.split(b"\n")[:-1]))
        else:  # the last acknowledged version, or a later one, must be there whole
            whole = text.startswith(b"<") and text.endswith(b">")
            lost += not whole or int(text[1:].split(b" ")[0]) < int(told[-1])
    assert bool(lost) == ("fsync" not in kind)
