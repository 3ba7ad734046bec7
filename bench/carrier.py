"""What stands around the gateway when it speaks SMPP: the SMSC, the desk that takes callbacks, the programs that post.

The SMSC is ``refsmsc.py`` of the kit in ``../shared/peers``; the same program stands behind every product. It counts what
it is sent, and is asked over a port of its own. ApacheBench posts. Every process ends by its own pid.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from bench.chain import PEERS, call, folder, program, states, until

REFSMSC = PEERS / "refsmsc.py"
KANNEL = PEERS / "kannel" / "bench.py"
JASMIN = PEERS / "jasmin" / "bench.py"
#: to whom, from whom and what: the kit of Kannel sends the same
TO, FROM, TEXT = "+254722999999", "+254722000000", "Test message hello world this is text"
#: of the link, and of ApacheBench; as the kit of Kannel has them
WINDOW, CONNECTIONS = 10, 50
#: seconds that one run of a peer's kit may take
LONGEST = 300.0

CONFIG = """\
[gateway]
database = "{home}/smsgwd.db"
socket = "{home}/smsgwd.sock"
country = "KE"
rules = "{home}/rules.d"
templates = "{home}/templates"

[api]
listen = "127.0.0.1:0"

[[link]]
name = "carrier"
type = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "u"
password = "p"
number = "{number}"
window = {window}

[[helpdesk]]
name = "desk"
type = "webhook"
url = "http://127.0.0.1:{desk}/hook"
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
events = ["message.delivered"]
"""


def missing(*programs: str) -> str:
    """Why nothing can be measured here; empty when it can."""
    if not REFSMSC.exists():
        return "the kit with refsmsc.py is not in ../shared/peers"
    absent = [name for name in programs if not shutil.which(name)]
    return f"not installed: {', '.join(absent)}" if absent else ""


# ---- the SMSC ------------------------------------------------------------------------------------------------------


class Smsc(NamedTuple):
    """Where it listens: for binds, and for questions."""

    port: int
    stats: int

    def ask(self, words: str) -> dict[str, Any]:
        """``get``, ``reset``, or ``mo N WINDOW``, which answers when all N are acknowledged."""
        with socket.create_connection(("127.0.0.1", self.stats), 120) as s:
            s.sendall(words.encode() + b"\n")
            answer: dict[str, Any] = json.loads(s.makefile().readline())
        return answer


@contextmanager
def smsc(place: Path, *options: str) -> Iterator[Smsc]:
    """The reference SMSC, ready."""
    out = place / "refsmsc.out"
    with out.open("wb") as file, program([sys.executable, str(REFSMSC), *options], stdout=file):
        until(lambda: out.read_text().endswith("\n"), 20)
        _, bind, _, stats = out.read_text().splitlines()[0].split()
        yield Smsc(*(int(address.rpartition(":")[2]) for address in (bind, stats)))


# ---- the desk ------------------------------------------------------------------------------------------------------


class Desk:
    """Takes every call with 204 and counts those that tell of a delivery. It lives in a thread of its own."""

    def __init__(self) -> None:
        self.port, self.delivered = 0, 0
        self.callers: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait(10)

    def _run(self) -> None:
        server = self._loop.run_until_complete(self._loop.create_server(lambda: _Calls(self), "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for caller in self.callers.copy():
            caller.abort()
        self._loop.run_until_complete(asyncio.sleep(0))  # they close in the next turn
        self._loop.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


class _Calls(asyncio.Protocol):
    """HTTP/1.1 as far as a webhook needs it."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._buffer = desk, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._desk.callers.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._desk.callers.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            size = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", self._buffer[:end])
            whole = end + 4 + (int(size[1]) if size else 0)
            if len(self._buffer) < whole:
                return
            if b'"message.delivered"' in self._buffer[end:whole]:
                self._desk.delivered += 1
            self._buffer = self._buffer[whole:]
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


# ---- the gateway ---------------------------------------------------------------------------------------------------


class Gateway(NamedTuple):
    """A running daemon, as its user knows it."""

    home: Path
    pid: int
    address: str
    token: str

    @property
    def sock(self) -> str:
        return str(self.home / "smsgwd.sock")

    def stored(self, query: str) -> int:
        """One number of the database, read without a word to the daemon."""
        with closing(sqlite3.connect(f"file:{self.home}/smsgwd.db?mode=ro", uri=True, timeout=10)) as db:
            return int(db.execute(query).fetchone()[0] or 0)

    def counted(self, state: str) -> int:
        """How many texts out came to this state, committed."""
        return self.stored(f"SELECT SUM(messages) FROM rollup WHERE direction = 'out' AND state = '{state}'")

    def told(self, state: str) -> int:
        """The same as the daemon itself counts it."""
        rows = call(self.sock, "GET", "/v1/status")["today"]
        return sum(row["messages"] for row in rows if row["state"] == state and row["direction"] == "out")

    def owed(self) -> int:
        """Calls about deliveries that are stored, told or not."""
        return self.stored("SELECT COUNT(*) FROM outbox WHERE kind = 'message.delivered'")


@contextmanager
def gateway(place: Path, port: int, desk: int, window: int = WINDOW) -> Iterator[Gateway]:
    """The daemon as users run it, bound to the SMSC at ``port``: its log into a file, a token made by the command."""
    for part in ("rules.d", "templates"):
        (place / part).mkdir()
    config, log = place / "smsgwd.toml", place / "smsgwd.log"
    config.write_text(CONFIG.format(home=place, port=port, desk=desk, number=FROM, window=window))
    command = [sys.executable, "-m", "smsgwd", "--config", str(config)]
    with log.open("wb") as file, program([*command, "run"], stdout=file, stderr=file) as daemon:
        until(lambda: states(str(place / "smsgwd.sock")) == ["up"] or daemon.poll() is not None, 60)
        if daemon.returncode is not None:
            raise RuntimeError(f"smsgwd ended with {daemon.returncode}: {log.read_text()[-500:]}")
        made = subprocess.run([*command, "--json", "token", "create", "--scope", "messages:send"], check=True,
                              capture_output=True, text=True)  # fmt: skip
        ready = next(line for line in map(json.loads, log.read_text().splitlines()) if line.get("http"))
        yield Gateway(place, daemon.pid, ready["http"], json.loads(made.stdout)["token"])


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process, by the clock that clock_getcpuclockid(3) gives."""
    return time.clock_gettime(~pid << 3 | 2)


# ---- who posts -----------------------------------------------------------------------------------------------------


class Posted(NamedTuple):
    """What ApacheBench says: requests a second, the slowest hundredth in ms."""

    rate: float
    p99_ms: float


def posting(
    to: Gateway, texts: int, *, receipts: bool, each: int = 1, connections: int = 0
) -> subprocess.Popen[bytes]:
    """ApacheBench, posting so many texts, ``each`` in one request (1: a single one)."""
    text = {"to": TO, "text": TEXT, **({"callback": "desk"} if receipts else {})}
    body = to.home / "body.json"
    body.write_text(json.dumps(text if each == 1 else {"messages": [text] * each}))
    path, usual = ("/v1/messages", CONNECTIONS) if each == 1 else ("/v1/messages/batch", 4)
    requests = texts // each
    return subprocess.Popen(
        ["ab", "-q", "-k", "-l", "-n", str(requests), "-c", str(min(connections or usual, requests)), "-p", str(body),
         "-T", "application/json", "-H", f"Authorization: Bearer {to.token}", f"http://{to.address}{path}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def posted(out: str) -> Posted:
    """RuntimeError unless every request was taken."""

    def number(pattern: str) -> float:
        found = re.search(pattern, out)
        return float(found[1]) if found else 0.0

    lost = number(r"Failed requests:\s+(\d+)") + number(r"Non-2xx responses:\s+(\d+)")
    rate = number(r"Requests per second:\s+([\d.]+)")
    if lost or not rate:
        raise RuntimeError(f"ab: {lost:.0f} requests failed: {out[-300:]}")
    return Posted(rate, number(r"99%\s+(\d+)"))


# ---- the peers -----------------------------------------------------------------------------------------------------


def kannel(texts: int, *options: str) -> dict[str, Any] | None:
    """One run of Kannel with its spool by the kit: its line; None, told on stderr, when it did not do it."""
    return _kit("Kannel", [str(KANNEL)], "--store", "spool", "--messages", str(texts), *options)


def jasmin(venv: Path, texts: int, *options: str) -> dict[str, Any] | None:
    """One run of Jasmin by the kit."""
    return _kit("Jasmin", [str(JASMIN)], "--venv", str(venv), "--messages", str(texts), *options)


def _kit(name: str, command: list[str], *options: str) -> dict[str, Any] | None:
    """A kit ends what it started when it is told to end, so it is never killed."""
    with tempfile.TemporaryDirectory(prefix="smsgwd-bench-", dir=folder()) as place:
        out, errors = Path(place, "out"), Path(place, "errors")
        with out.open("wb") as file, errors.open("wb") as more:
            command = [sys.executable, *command, f"{place}/work", *options]
            with program(command, stdout=file, stderr=more) as kit, suppress(subprocess.TimeoutExpired):
                kit.wait(LONGEST)
        lines = [json.loads(line) for line in out.read_text().splitlines() if line.startswith("{")]
        why = errors.read_text().strip()[-300:]
    if not lines:
        print(f"{name} gave no figures: {why}", file=sys.stderr)
        return None
    line: dict[str, Any] = lines[-1]
    return line


def kannel_is_there() -> str:
    """Why Kannel is left out; empty when it is there."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    if not KANNEL.exists():
        return "its kit is not in ../shared/peers/kannel"
    absent = [name for name in ("bearerbox", "smsbox") if not shutil.which(name, path=path)]
    return f"not installed: {', '.join(absent)}" if absent else ""
