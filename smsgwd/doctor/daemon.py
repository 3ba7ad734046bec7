"""The daemon: does it run, and what does it say of its links, its queue and its outbox?

One request on its unix socket. It is asked without the ways of ``smsgwd.cli.door``, which would open the store to write
when no daemon answers.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import msgspec

from smsgwd import __version__
from smsgwd.config import Config, LinkConfig
from smsgwd.doctor.places import Places, lock_owner, myself
from smsgwd.doctor.report import Check, error, hidden, listed, short, warning, well

#: seconds for its answer
TIMEOUT = 5.0
#: a text that waits so long (ms) waits for something
LONG = 10 * 60_000
#: dBm below which texts fail now and then
WEAK = -105

Document = dict[str, Any]


class Presence(msgspec.Struct, frozen=True):
    """What answered on the socket."""

    #: the daemon has the database and the ports, whether it answers or not
    runs: bool = False
    pid: int | None = None
    #: its /v1/status; None when it does not answer us
    status: Document | None = None
    checks: tuple[Check, ...] = ()


async def ask(config: Config, places: Places) -> Presence:
    """Asks for /v1/status; whatever happens is a line."""
    path = config.gateway.socket
    try:
        async with asyncio.timeout(TIMEOUT):
            pid, answer = await _get(path)
    except PermissionError:
        why = f"{myself()} may not use its socket {path}"
        return Presence(True, None, None, (warning("daemon", "", why, "sudo smsgwd doctor"),))
    except (FileNotFoundError, ConnectionRefusedError):
        return _absent(config, places)
    except TimeoutError:
        return Presence(True, None, None, (_silent(f"it does not answer in {TIMEOUT:g} s"),))
    except OSError as e:
        return Presence(True, None, None, (_silent(e.strerror or str(e)),))
    try:
        status = msgspec.json.decode(answer)
        checks = _judge(status, pid)
    except (msgspec.DecodeError, KeyError, TypeError):
        return Presence(True, pid, None, (error("daemon", "", f"what answers on {path} is no smsgwd", f"ps {pid}"),))
    return Presence(True, pid, status, tuple(checks))


async def _get(path: str) -> tuple[int, bytes]:
    """The pid of who listens, and the body that it answers with."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        writer.write(b"GET /v1/status HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")
        answer = await reader.read(-1)
    finally:
        writer.close()
    return struct.unpack("iII", peer)[0], answer.partition(b"\r\n\r\n")[2]


def _absent(config: Config, places: Places) -> Presence:
    owner = lock_owner(places.proc, f"{config.gateway.database}.lock")
    if owner is not None:
        why = f"process {owner} has the database and does not listen on {config.gateway.socket}; it may be starting"
        mend = "systemctl status smsgwd; has it been started with another configuration?"
        return Presence(True, owner, None, (error("daemon", "", why, mend),))
    return Presence(checks=(warning("daemon", "", "does not run: nothing is sent or received", "sudo systemctl start smsgwd"),))


def _silent(why: str) -> Check:
    return error("daemon", "", why, "journalctl -u smsgwd -n 50; sudo systemctl restart smsgwd")


def _judge(status: Document, pid: int) -> list[Check]:
    checks = [well("daemon", "", f"runs (pid {pid}), smsgwd {status['version']}")]
    if status["version"] != __version__:
        why = f"it is smsgwd {status['version']}, this command is {__version__}"
        checks = [warning("daemon", "", why, "sudo systemctl restart smsgwd")]
    room = status.get("store") or {}
    if room.get("low"):
        checks.append(error("store", "", f"new texts are refused: {room['low']}", "make room on the disk of the database: df -h, du -x"))
    time = status.get("clock") or {}
    if time.get("state", "set") != "set":
        why = f"webhooks, TLS and expiry wait for it, {time['seconds']} s more at most: {time['why']}"
        checks.append(warning("clock", "", why, "sudo timedatectl set-ntp true; timedatectl timesync-status"))
    if status["outbox"]["dead"]:
        checks.append(warning("outbox", "", f"{status['outbox']['dead']} calls to helpdesks were given up",
                              "smsgwd outbox list --dead, then: smsgwd outbox replay ID"))  # fmt: skip
    for row in status["queue"]:
        subject = row["link"] or "any link"
        if row["state"] == "uncertain" and row["count"]:
            checks.append(warning("queue", subject, f"{row['count']} texts are uncertain", "smsgwd queue settle ID --sent|--resend|--fail"))
        elif row["state"] == "queued" and row["oldest_age"] > LONG:
            minutes = row["oldest_age"] // 60_000
            checks.append(warning("queue", subject, f"a text has waited for {minutes} minutes", "smsgwd queue list --state queued"))
    return checks


def link(config: LinkConfig, status: Document) -> list[Check]:
    """What a running daemon says of one link."""
    name = config.name
    found = next((x for x in status["links"] if x["name"] == name), None)
    if found is None:
        return [error("link", name, "the daemon does not know it", "sudo systemctl restart smsgwd")]
    reason = hidden(str(found["reason"]))
    checks = [_state(name, str(found["state"]), reason)]
    if found["paused"]:
        checks.append(warning("link", name, "paused: it sends nothing", f"smsgwd links resume {name}"))
    return checks + _facts(name, found.get("facts") or {})


def _state(name: str, state: str, reason: str) -> Check:
    said = f"{state}: {reason}" if reason else state
    if state == "up":
        return well("link", name, said)
    if "links accept" in reason:
        return error("link", name, said, f"smsgwd links accept {name}")
    if "`pin`" in reason:
        return error("link", name, said, "set `pin`, then: sudo systemctl restart smsgwd")
    judge = error if state == "down" else warning
    return judge("link", name, said, f"smsgwd links show {name}; journalctl -u smsgwd -n 50")


def _facts(name: str, facts: Document) -> list[Check]:
    """The device and the network as the daemon sees them."""
    checks = []
    device = listed([facts.get("device"), facts.get("firmware")])
    if device:
        imei = f"IMEI {short(str(facts['imei']))}" if facts.get("imei") else ""
        profile = f"profile {facts['profile']}" if facts.get("profile") else ""
        checks.append(well("modem", name, listed([device, profile, imei])))
    if facts.get("sim"):
        checks.append(well("sim", name, f"SIM {facts['sim']}"))
    if facts.get("operator") or facts.get("access"):
        checks.append(well("network", name, listed([facts.get("operator"), facts.get("access")])))
    dbm = facts.get("signal_dbm")
    if isinstance(dbm, int):
        checks.append(signal(name, dbm))
    return checks


def signal(name: str, dbm: int | None) -> Check:
    """How well the modem hears the network."""
    if dbm is None:
        return warning("signal", name, "the modem knows none", "look at the antenna and its plug")
    if dbm < WEAK:
        return warning("signal", name, f"{dbm} dBm is weak", "move the antenna, or take a better one")
    return well("signal", name, f"{dbm} dBm")
