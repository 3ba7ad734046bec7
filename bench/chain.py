"""A text's whole way through one zero-latency modem: accept → durable queue → attempt on disk → modem → sent.

The daemon runs as users run it; texts come in by HTTP on its unix socket in batches of 100, as a program would hand them
over. The same number of the same texts goes through smstools and gammu-smsd by the kit in ``../shared/peers``, each with
a reference modem of its own, in the same run. Rates are first to last text finished; CPU is the whole life of the daemon,
start-up included, so a small count looks worse than a long life.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PEERS = Path(__file__).resolve().parents[2] / "shared" / "peers"
TEXT = "Message {} hello from the bench, about fifty chars"
NUMBER = "+436641234567"
OURS, THEIRS = 2000, 20
LIMIT = 180.0

CONFIG = """\
[gateway]
database = "{home}/smsgwd.db"
socket = "{home}/smsgwd.sock"
country = "AT"
rules = "{home}/rules.d"
templates = "{home}/templates"

[[link]]
name = "modem1"
type = "modem"
port = "{home}/tty"
"""


@contextmanager
def modem(home: Path):
    """A reference modem when the kit is there, else the project's own simulator; ends by its pid."""
    tty = home / "tty"
    if (PEERS / "refsim.py").exists():
        command = [sys.executable, str(PEERS / "refsim.py"), str(tty), "--events", str(home / "events")]
    else:
        command = [sys.executable, "-m", "smsgwd", "sim", "modem", "--link", str(tty)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _until(tty.is_symlink, 10)
        yield tty
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _until(true: Any, limit: float, pause: float = 0.02) -> None:
    end = time.monotonic() + limit
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not in {limit} s")
        time.sleep(pause)


def call(socket_path: str, method: str, path: str, body: Any = None) -> Any:
    """One HTTP call over the unix socket."""
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(socket_path)
    connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    document = json.loads(answer.read())
    connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {document}")
    return document


def ours(count: int) -> dict[str, float]:
    """msg/s, CPU ms a message, RSS MiB of the daemon for ``count`` texts."""
    with tempfile.TemporaryDirectory(prefix="smsgwd-bench-") as folder:
        home = Path(folder)
        for name in ("rules.d", "templates"):
            (home / name).mkdir()
        (home / "smsgwd.toml").write_text(CONFIG.format(home=home))
        with modem(home):
            daemon = subprocess.Popen(
                [sys.executable, "-m", "smsgwd", "--config", str(home / "smsgwd.toml"), "run", "--log-level", "warning"],
                stdout=subprocess.DEVNULL,
            )
            try:
                return _measure(daemon, str(home / "smsgwd.sock"), home, count)
            finally:
                if daemon.returncode is None:
                    daemon.send_signal(signal.SIGTERM)
                    daemon.wait(30)


def _measure(daemon: subprocess.Popen[bytes], sock: str, home: Path, count: int) -> dict[str, float]:
    _until(lambda: os.path.exists(sock), 20)
    _until(lambda: any(x["state"] == "up" for x in call(sock, "GET", "/v1/links")["items"]), 20)
    start = time.monotonic()
    for first in range(0, count, 100):
        batch = [{"to": NUMBER, "text": TEXT.format(i)} for i in range(first, min(count, first + 100))]
        call(sock, "POST", "/v1/messages/batch", {"messages": batch})
    accepted = time.monotonic() - start
    _until(lambda: _sent(sock) >= count, LIMIT)
    seconds = time.monotonic() - start
    status_file = Path(f"/proc/{daemon.pid}/status").read_text()
    rss = next(int(line.split()[1]) for line in status_file.splitlines() if line.startswith("VmRSS"))
    daemon.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(daemon.pid, 0)
    daemon.returncode = os.waitstatus_to_exitcode(status)
    return {
        "rate": count / seconds, "cpu": 1000 * (usage.ru_utime + usage.ru_stime) / count, "rss": rss / 1024,
        "accept": count / accepted,
    }  # fmt: skip


def _sent(sock: str) -> int:
    """How many are sent, by the daemon's own daily counts."""
    return sum(row["messages"] for row in call(sock, "GET", "/v1/status")["today"] if row["state"] == "sent")


def theirs(script: str, *more: str) -> dict[str, Any] | None:
    """One peer with its own reference modem; None when the kit or the program is not there."""
    program = {"run_smstools.py": "smsd", "run_gammu.py": "gammu-smsd"}[script]
    if not (PEERS / script).exists() or not shutil.which(program):
        return None
    with tempfile.TemporaryDirectory(prefix="smsgwd-bench-") as folder:
        home = Path(folder)
        with modem(home) as tty:
            done = subprocess.run(
                [sys.executable, str(PEERS / script), str(tty), str(home / "work"), "-n", str(THEIRS), *more,
                 "--limit", str(LIMIT)], capture_output=True, text=True, timeout=LIMIT + 60,
            )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return lines[-1] if lines else None


def run() -> list[dict[str, Any]]:
    mine = ours(OURS)
    peers = {
        "smstools tuned": theirs("run_smstools.py", "--config", "tuned"),
        "gammu-smsd tuned": theirs("run_gammu.py", "--config", "tuned", "--backend", "sqlite"),
    }
    rate = {name: row and row["msg_per_s"] for name, row in peers.items()}
    cpu = {name: row and row["cpu_ms_per_msg"] for name, row in peers.items()}
    best = max((r for r in rate.values() if r), default=None)
    least = min((c for c in cpu.values() if c), default=None)
    return [
        {"what": "enqueue → sent, one modem", "unit": "msg/s", "smsgwd": mine["rate"], "peers": rate,
         "ratio": best and mine["rate"] / best, "goal": "≥ 200"},
        {"what": "CPU a message", "unit": "ms", "smsgwd": mine["cpu"], "peers": cpu,
         "ratio": least and least / mine["cpu"], "goal": "≤ 3"},
        {"what": "HTTP batch accept, durable", "unit": "msg/s", "smsgwd": mine["accept"], "peers": {}, "goal": ""},
        {"what": "RSS after the run", "unit": "MiB", "smsgwd": mine["rss"], "peers": {}, "goal": "≤ 60"},
    ]  # fmt: skip
