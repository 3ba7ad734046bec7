"""A text's whole way through one zero-latency modem: accept → durable queue → attempt on disk → modem → sent.

The daemon runs as users run it; texts come in by HTTP on its unix socket in batches of 100, as a program would hand them
over. The same texts go through smstools and gammu-smsd by the kit in ``../shared/peers``, each with a reference modem of
its own, in the same run. The peers wait most of their time, so they run side by side.

* Our rate is from the first post to the last text known as sent; theirs from the first to the last text finished.
* CPU is user and system time of the daemon and its children. Each daemon runs twice, with few and with more texts: the
  difference is what a text costs, the whole is what a short life costs, start-up included.
* A library that sends in a loop, without a queue, shows what the modem itself allows.

Ours runs ``ROUNDS`` times; the figures are medians. When the reference modem did not get every text exactly once, the benchmark fails.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.figures import Row, row

PEERS = Path(__file__).resolve().parents[2] / "shared" / "peers"
TEXT = "Message {} hello from the bench, about fifty chars"
NUMBER = "+436641234567"
#: texts in a run with few and in one with more
FEW, OURS, THEIRS = 10, 2000, 40
#: texts of the library, which sends thousands in a second
LOOP = 500
#: ours; the peers have one each
ROUNDS = 3
LIMIT = 180.0

GATEWAY = """\
[gateway]
database = "{home}/smsgwd.db"
socket = "{home}/smsgwd.sock"
country = "AT"
rules = "{home}/rules.d"
templates = "{home}/templates"
"""
LINK = """
[[link]]
name = "{name}"
type = "modem"
port = "{port}"
"""


@contextmanager
def modem(home: Path, *options: str) -> Iterator[Path]:
    """A reference modem when the kit is there, else the project's own simulator; both know ``--latency S``."""
    tty = home / "tty"
    if (PEERS / "refsim.py").exists():
        command = [sys.executable, str(PEERS / "refsim.py"), str(tty), "--events", str(home / "events"), *options]
    else:
        command = [sys.executable, "-m", "smsgwd", "sim", "modem", "--link", str(tty),
                   "--journal", str(home / "journal"), *options]  # fmt: skip
    with program(command):
        until(tty.is_symlink, 10)
        yield tty


@contextmanager
def program(command: list[str], stdout: Any = subprocess.DEVNULL, stderr: Any = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs meanwhile; it ends by its pid, unless it was waited for."""
    process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@contextmanager
def gateway(home: Path, ports: Mapping[str, Path]) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon as users run it, with a link for each port by name. Its socket is ``home/smsgwd.sock``."""
    for part in ("rules.d", "templates"):
        (home / part).mkdir()
    config = home / "smsgwd.toml"
    links = [LINK.format(name=name, port=port) for name, port in ports.items()]
    config.write_text(GATEWAY.format(home=home) + "".join(links))
    with program([sys.executable, "-m", "smsgwd", "--config", str(config), "run", "--log-level", "warning"]) as daemon:
        yield daemon


def until(true: Any, limit: float, pause: float = 0.02) -> None:
    end = time.monotonic() + limit
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not in {limit} s")
        time.sleep(pause)


def call(socket_path: str, method: str, path: str, body: Any = None) -> Any:
    """One HTTP call over the unix socket."""
    with closing(http.client.HTTPConnection("localhost", timeout=60)) as connection:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(socket_path)
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        document = json.loads(answer.read())
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {document}")
    return document


def ours(count: int) -> dict[str, float]:
    """msg/s, CPU ms in all, RSS MiB of the daemon, durable accepts/s for ``count`` texts."""
    with tempfile.TemporaryDirectory(prefix="smsgwd-bench-", dir=folder()) as name:
        home = Path(name)
        with modem(home) as tty, gateway(home, {"modem1": tty}) as daemon:
            measured = _measure(daemon, str(home / "smsgwd.sock"), count)
        arrived(home / "events", count)
    return measured


def folder() -> str:
    """Where databases and spools lie: a disk that is to be judged, as for the store."""
    return os.environ.get("SMSGWD_BENCH_DIR") or tempfile.gettempdir()


def arrived(events: Path, count: int) -> None:
    """RuntimeError unless the reference modem got so many PDUs; our own simulator is tested elsewhere."""
    if events.exists():
        got = sum(json.loads(line)["ev"] == "pdu" for line in events.read_text().splitlines())
        if got != count:
            raise RuntimeError(f"the modem got {got} texts of {count}")


def _measure(daemon: subprocess.Popen[bytes], sock: str, count: int) -> dict[str, float]:
    until(lambda: states(sock) == ["up"], 40)
    start = time.monotonic()
    for first in range(0, count, 100):
        batch = [{"to": NUMBER, "text": TEXT.format(i)} for i in range(first, min(count, first + 100))]
        call(sock, "POST", "/v1/messages/batch", {"messages": batch})
    accepted = time.monotonic() - start
    until(lambda: sent(sock) >= count, LIMIT)
    seconds = time.monotonic() - start
    rss = resident(daemon.pid)
    daemon.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(daemon.pid, 0)
    daemon.returncode = os.waitstatus_to_exitcode(status)
    return {
        "rate": count / seconds, "cpu": 1000 * (usage.ru_utime + usage.ru_stime), "rss": rss,
        "accept": count / accepted,
    }  # fmt: skip


def resident(pid: int) -> float:
    """RSS of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def states(sock: str) -> list[str]:
    """The states of the daemon's links; none while it does not listen."""
    try:
        return [link["state"] for link in call(sock, "GET", "/v1/links")["items"]]
    except (FileNotFoundError, ConnectionRefusedError):  # not yet made, or made and not yet listened on
        return []


def sent(sock: str) -> int:
    """How many are sent, by the daemon's own daily counts."""
    return sum(row["messages"] for row in call(sock, "GET", "/v1/status")["today"] if row["state"] == "sent")


def theirs(script: str, count: int, *more: str) -> dict[str, Any] | None:
    """One peer with a reference modem of its own: the kit's line. None when the kit or the program is not there, or when
    it did not finish, which is told on stderr."""
    if not installed(script):
        return None
    with tempfile.TemporaryDirectory(prefix="smsgwd-bench-", dir=folder()) as name:
        home = Path(name)
        with modem(home) as tty:
            done = subprocess.run(
                [sys.executable, str(PEERS / script), str(tty), str(home / "work"), "-n", str(count), *more,
                 "--limit", str(LIMIT)], capture_output=True, text=True, timeout=LIMIT + 60,
            )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines or lines[-1]["sent"] < count:
        print(f"{script} did not send its {count} texts: {done.stdout[-300:]}{done.stderr[-300:]}", file=sys.stderr)
        return None
    line: dict[str, Any] = lines[-1]
    return line


def installed(script: str) -> bool:
    if not (PEERS / script).exists():
        return False
    if script == "run_gsmmodem.py":
        return importlib.util.find_spec("gsmmodem") is not None
    return shutil.which({"run_smstools.py": "smsd", "run_gammu.py": "gammu-smsd"}[script]) is not None


def daemons(few: int, count: int) -> dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None]]:
    """The peers' lines with few and with more texts, all at once."""
    kinds = {
        "smstools tuned": ("run_smstools.py", "--config", "tuned"),
        "gammu-smsd tuned": ("run_gammu.py", "--config", "tuned", "--backend", "sqlite"),
    }
    with ThreadPoolExecutor(2 * len(kinds)) as pool:
        runs = {
            name: [pool.submit(theirs, script, n, *more) for n in (few, count)] for name, (script, *more) in kinds.items()
        }
    return {name: (less.result(), more.result()) for name, (less, more) in runs.items()}


def each(few: int, cpu_few: float, count: int, cpu: float) -> float:
    """CPU of one text, start-up taken out by the difference of two runs."""
    return (cpu - cpu_few) / (count - few)


def of(line: dict[str, Any] | None, key: str) -> float | None:
    return None if line is None else float(line[key])


def _cost(few: int, less: dict[str, Any] | None, count: int, more: dict[str, Any] | None) -> float | None:
    """The same of a peer, whose lines have CPU divided by texts."""
    if less is None or more is None:
        return None
    return each(few, less["cpu_ms_per_msg"] * few, count, more["cpu_ms_per_msg"] * count)


def run(count: int = OURS, few: int = FEW, other: int = THEIRS, rounds: int = ROUNDS) -> list[Row]:
    runs = [(ours(other), ours(count)) for _ in range(rounds)]
    loop = theirs("run_gsmmodem.py", LOOP)
    peers = daemons(few, other)
    rates = [more["rate"] for _, more in runs]
    costs = [each(other, less["cpu"], count, more["cpu"]) for less, more in runs]
    least, most = ({key: statistics.median(run[i][key] for run in runs) for key in runs[0][i]} for i in (0, 1))
    speed = (min(rates), max(rates))
    return [
        row("enqueue → sent, one modem", "msg/s", most["rate"], {n: of(more, "msg_per_s") for n, (_, more) in peers.items()},
            "≥ 200", more_is_better=True, spread=speed),
        row("… beside a loop without a queue", "msg/s", most["rate"], {"python-gsmmodem-new": of(loop, "msg_per_s")},
            more_is_better=True, spread=speed),
        row("CPU a message", "ms", statistics.median(costs),
            {n: _cost(few, less, other, more) for n, (less, more) in peers.items()}, "≤ 3",
            spread=(min(costs), max(costs))),
        row(f"CPU a message, start-up and {count} texts", "ms", most["cpu"] / count, goal="≤ 3"),
        row(f"CPU a message, start-up and {other} texts", "ms", least["cpu"] / other,
            {n: of(more, "cpu_ms_per_msg") for n, (_, more) in peers.items()}),
        row("HTTP batch accept, durable", "msg/s", most["accept"]),
        row("RSS after the run", "MiB", most["rss"], goal="≤ 60"),
    ]  # fmt: skip
