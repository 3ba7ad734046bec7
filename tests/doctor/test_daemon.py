"""What a daemon says of itself, and what answers when there is none."""

import asyncio
import contextlib
import fcntl
import json
import os
import re

import pytest

from smsgwd import __version__
from smsgwd.config.file import parse
from smsgwd.doctor import daemon
from smsgwd.doctor.places import Places
from tests.doctor.trees import lines, places

LINK = {"name": "m1", "type": "modem", "state": "up", "reason": "Acme M1, home network", "paused": False, "facts": {}}
STATUS = {"version": __version__, "links": [LINK], "queue": [], "outbox": {"pending": 0, "dead": 0}}


def config(home):
    return parse(
        f'[gateway]\ndatabase = "{home}/smsgwd.db"\nsocket = "{home}/s.sock"\n'
        '[[link]]\nname = "m1"\ntype = "modem"\nport = "/dev/none"\n'
    )


@contextlib.asynccontextmanager
async def answering(home, body: bytes, *, silent: bool = False):
    """Something that listens on the socket."""
    done = asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if silent:
            await done.wait()
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, home / "s.sock"):
        yield
        done.set()


async def test_none(tmp_path):
    """No socket, and nobody has the database: a warning with the command, and the ports are free to be asked."""
    presence = await daemon.ask(config(tmp_path), places(tmp_path))
    assert not presence.runs
    assert [(c.level, c.mend) for c in presence.checks] == [("warning", "sudo systemctl start smsgwd")]


async def test_a_socket_that_nobody_listens_on(tmp_path):
    """What a crash leaves behind is not a daemon."""
    async with answering(tmp_path, b""):
        pass
    assert (tmp_path / "s.sock").exists()
    assert not (await daemon.ask(config(tmp_path), places(tmp_path))).runs


async def test_one_that_has_the_database_alone(tmp_path):
    """A daemon that holds the lock and does not listen is an error, and its ports are not opened."""
    with (tmp_path / "smsgwd.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        presence = await daemon.ask(config(tmp_path), Places(run=tmp_path))
    assert (presence.runs, presence.pid) == (True, os.getpid())
    assert [check.level for check in presence.checks] == ["error"]


async def test_one_that_answers(tmp_path):
    """It is named with its pid and version."""
    async with answering(tmp_path, json.dumps(STATUS).encode()):
        presence = await daemon.ask(config(tmp_path), places(tmp_path))
    assert presence.pid == os.getpid()
    assert presence.status == STATUS
    assert [(c.level, c.message) for c in presence.checks] == [("ok", f"runs (pid {os.getpid()}), smsgwd {__version__}")]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"version": "1"}', b"null", b"\xff"])
async def test_something_else_answers(tmp_path, body):
    """What is no smsgwd is an error, whatever it says."""
    async with answering(tmp_path, body):
        presence = await daemon.ask(config(tmp_path), places(tmp_path))
    assert presence.status is None
    assert [check.level for check in presence.checks] == ["error"]


async def test_one_that_is_silent(tmp_path, monkeypatch):
    """It costs its time-out, and one line."""
    monkeypatch.setattr(daemon, "TIMEOUT", 0.1)
    async with answering(tmp_path, b"", silent=True):
        presence = await daemon.ask(config(tmp_path), places(tmp_path))
    assert (presence.runs, presence.status) == (True, None)
    assert "0.1 s" in presence.checks[0].message


async def test_what_waits(tmp_path):
    """Another version, calls given up, uncertain texts and old ones each have a line; young ones have none."""
    queue = [
        {"link": "m1", "state": "uncertain", "count": 2, "oldest_age": 5},
        {"link": "", "state": "queued", "count": 1, "oldest_age": 11 * 60_000},
        {"link": "c", "state": "queued", "count": 9, "oldest_age": 60_000},
    ]
    status = {**STATUS, "version": "9.9", "queue": queue, "outbox": {"pending": 1, "dead": 3}}
    async with answering(tmp_path, json.dumps(status).encode()):
        checks = (await daemon.ask(config(tmp_path), places(tmp_path))).checks
    assert [(c.name, c.subject) for c in checks if c.level == "warning"] == [
        ("daemon", ""), ("outbox", ""), ("queue", "m1"), ("queue", "any link"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("link", "levels", "mend"),
    [
        pytest.param({}, ["ok"], "", id="up"),
        pytest.param({"paused": True}, ["ok", "warning"], "smsgwd links resume m1", id="paused"),
        pytest.param({"state": "starting", "reason": "no network: searching"}, ["warning"], "links show m1", id="starting"),
        pytest.param({"state": "down", "reason": "the modem does not answer"}, ["error"], "journalctl", id="down"),
        pytest.param({"state": "down", "reason": "another SIM (…1); if that is meant: smsgwd links accept m1"}, ["error"],
                     "smsgwd links accept m1", id="another sim"),
        pytest.param({"state": "down", "reason": "the SIM wants its PIN; set `pin`"}, ["error"], "set `pin`", id="pin"),
        pytest.param({"name": "other"}, ["error"], "restart smsgwd", id="not known to it"),
    ],
)  # fmt: skip
def test_links(tmp_path, link, levels, mend):
    """A link that is not up has the daemon's own reason, and the command that comes next."""
    checks = daemon.link(config(tmp_path).link[0], {**STATUS, "links": [{**LINK, **link}]})
    assert [check.level for check in checks] == levels
    assert mend in checks[-1].mend


def test_facts(tmp_path):
    """Its facts are lines as if the modem had been asked; of IMEI and numbers four digits are left."""
    facts = {
        "device": "Acme M1", "firmware": "1.0", "imei": "861121778331597", "sim": "…0001", "profile": "generic",
        "operator": "Op", "access": "LTE", "signal_dbm": -110,
    }  # fmt: skip
    reason = "this modem has IMEI 861121778331597, the configuration wants 861121778331590"
    told = {**LINK, "facts": facts, "state": "down", "reason": reason}
    checks = daemon.link(config(tmp_path).link[0], {**STATUS, "links": [told]})
    assert [check.name for check in checks] == ["link", "modem", "sim", "network", "signal"]
    assert lines(checks, "modem")[0].message == "Acme M1, 1.0, profile generic, IMEI …1597"
    assert lines(checks, "signal")[0].level == "warning"
    assert not re.search("[0-9]{8}", " ".join(check.message for check in checks))
