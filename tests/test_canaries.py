"""The watch for secrets: it finds them in every form and place, and fails the run."""

import io
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from smsgwd import log
from tests.canaries import CANARIES, LONG_PASSWORD, MARK, PASSWORD, PIN, TOKEN, WEBHOOK, WRONG_PASSWORD, Watch
from tests.watching import WATCH

ROOT = Path(__file__).resolve().parents[1]
#: no canary of the suite, so that these tests do not fail the run
OWN = "aviary-42"


@pytest.fixture
def watch(tmp_path):
    made = Watch((OWN,))
    made.folder = tmp_path
    return made


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"bind of {OWN}", id="as it is"),
        pytest.param(f"Bind(password=b'{OWN}')", id="octets as Python shows them"),
        pytest.param(OWN.encode().hex(), id="hex"),
        pytest.param("000000" + OWN.encode().hex().upper() + "00", id="in a PDU"),
        pytest.param(OWN.encode().hex(" "), id="octets apart"),
        pytest.param(OWN.encode().hex(":").upper(), id="as openssl writes it"),
    ],
)
def test_every_form_is_found(watch, text):
    """In whatever way it is written; the report names the line, and has no canary itself."""
    watch.see(f"ready\n{text}\nend", "somewhere")
    (found,) = watch.look()
    assert found.startswith("somewhere:2: ")
    assert text not in found
    assert "[canary]" in found


@pytest.mark.parametrize("name", ["daemon.log", "modem.out", "kit.err", "m1.journal", "stdout.txt", "journal"])
def test_files_are_looked_at(watch, tmp_path, name):
    """What programs said, wherever it lies; twice in a file is two findings."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / name).write_bytes(b"\xff\n\nready " + OWN.encode() + b"\n" + OWN.encode())
    assert [line.rpartition("/")[2] for line in watch.look()] == [f"{name}:3: ready [canary]", f"{name}:4: [canary]"]


def test_databases_are_looked_at(watch, tmp_path):
    """A row that holds one is found, also when it is in the write-ahead log alone."""
    with closing(sqlite3.connect(tmp_path / "q.db")) as conn:
        conn.execute("PRAGMA journal_mode = wal")
        conn.execute("CREATE TABLE event (data)")
        conn.execute("INSERT INTO event VALUES (?)", ('{"why": "bind with ' + OWN + '"}',))
        conn.commit()
        found = watch.look()
    assert found
    assert "q.db" in found[0]


def test_clean_is_silent(watch, tmp_path):
    """Half of one is none, and configuration may hold secrets; but something was looked at."""
    (tmp_path / "daemon.log").write_text(OWN[:-1])
    (tmp_path / "smsgwd.toml").write_text(f'password = "{OWN}"')
    watch.see(OWN[1:], "somewhere")
    assert watch.look() == []
    assert (watch.texts, watch.files) == (1, 1)


def test_the_log_is_watched():
    """A line of our log passes the watch, wherever it is written to."""
    out, before = io.StringIO(), WATCH.texts
    log.set_up("info", out)
    log.get_logger("test").info("one")
    log.get_logger("test").warning("two")
    assert WATCH.texts == before + 2
    assert len(out.getvalue().splitlines()) == 2


def test_commands_are_watched():
    """So does what a command answers."""
    before = WATCH.texts
    subprocess.run([sys.executable, "-c", "print('hello')"], capture_output=True, check=True)
    assert WATCH.texts == before + 1


def test_canaries_fit():
    """Passwords within SMPP's 8 and 16 octets, a PIN within 8 digits, and the mark by which all but it are found."""
    assert [len(p) for p in (PASSWORD, WRONG_PASSWORD, LONG_PASSWORD)] == [8, 8, 16]
    assert PIN.isdigit()
    assert len(PIN) <= 8
    assert all(MARK in secret for secret in (PASSWORD, WRONG_PASSWORD, LONG_PASSWORD, TOKEN, WEBHOOK))
    assert {MARK, PIN} == {*CANARIES}


@pytest.mark.parametrize(
    ("leak", "place"),
    [
        pytest.param("print(PASSWORD)", "Captured stdout call:1", id="printed"),
        pytest.param("structlog.PrintLogger().info(PASSWORD.encode().hex())", "the log:1", id="logged"),
        pytest.param("(tmp_path / 'daemon.log').write_text(PASSWORD)", "daemon.log:1", id="in a file"),
        pytest.param("assert PASSWORD", "", id="kept"),
    ],
)
def test_a_run_fails(tmp_path, leak, place):
    """A run whose only fault is a secret that showed fails, and says where; one without ends well."""
    place_of = tmp_path / "inner"
    place_of.mkdir()
    test = place_of / "test_leak.py"
    test.write_text(f"import structlog\nfrom tests.canaries import PASSWORD\n\ndef test_leak(tmp_path):\n    {leak}\n")
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.watching", "-p", "no:cacheprovider", "--rootdir", str(place_of),
             "-c", "/dev/null", f"--basetemp={place_of / 'temp'}", str(test)],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    finally:
        shutil.rmtree(place_of)
    assert "1 passed" in run.stdout, run.stdout
    assert run.returncode == (1 if place else 0)
    assert ("secrets that showed" in run.stdout) == bool(place)
    assert place in run.stdout
