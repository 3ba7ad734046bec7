"""Several modems as they are in life: slow, idle, or dead. Each part has a daemon of its own, as users run it.

* **Rate.** ``MODEMS`` simulated modems answer each text after ``LATENCY`` seconds. The time is from the first PDU at any
  modem to the last one, and the last one's latency. Nothing but the modems should take time: the ideal is one text for
  each modem in each latency.
* **Idle.** CPU and memory of a daemon with a few modems and nothing to do, after ``SETTLE`` seconds.
* **Queue to wire.** From the HTTP answer to a text until its AT+CMGS is read at the modem (``tty_modem.py``), one text
  after another on an idle link. A negative figure would mean that the modem heard of it before the program did.
* **Dead.** CPU of a daemon whose only modem never answers, from its start on, when it tries most often.

CPU is of all threads of the daemon, by its process clock. Idle and dead run side by side: neither takes a hundredth of a
core.
"""

from __future__ import annotations

import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from bench.chain import LIMIT, NUMBER, TEXT, call, folder, gateway, modem, program, resident, sent, states, until
from bench.figures import Row, row

MODEMS, LATENCY, TEXTS = 8, 2.0, 64
IDLE, SETTLE, WATCH = 4, 15.0, 20.0
SINGLE = 30


@contextmanager
def home() -> Iterator[Path]:
    """A folder for one daemon."""
    with tempfile.TemporaryDirectory(prefix="smsgwd-bench-", dir=folder()) as name:
        yield Path(name)


@contextmanager
def modems(place: Path, count: int, *options: str) -> Iterator[dict[str, Path]]:
    """So many simulated modems, each in a folder of its own: their ports by the names of their links."""
    with ExitStack() as stack:
        ports = {}
        for name in (f"modem{i}" for i in range(1, count + 1)):
            (place / name).mkdir()
            ports[name] = stack.enter_context(modem(place / name, *options))
        yield ports


# ---- rate ----------------------------------------------------------------------------------------------------------


def rate(count: int, texts: int, latency: float) -> float:
    """Messages/s of ``count`` modems; RuntimeError when they did not get each text exactly once."""
    with home() as place:
        with modems(place, count, "--latency", str(latency)) as ports, gateway(place, ports):
            sock = str(place / "smsgwd.sock")
            until(lambda: states(sock) == ["up"] * count, 60)
            for i in range(texts):
                call(sock, "POST", "/v1/messages", {"to": NUMBER, "text": TEXT.format(i)})
            until(lambda: sent(sock) >= texts, LIMIT, pause=0.2)
        return speed([moment for port in ports.values() for moment in pdus(port.parent)], texts, latency)


def speed(at: list[float], texts: int, latency: float) -> float:
    """Texts a second, by the moments of their PDUs. RuntimeError unless there is one for each text."""
    if len(at) != texts:
        raise RuntimeError(f"the modems got {len(at)} texts of {texts}")
    return texts / (max(at) - min(at) + latency)


def pdus(folder: Path) -> Iterable[float]:
    """When the modem of this folder took its PDUs, seconds since the epoch.

    The reference modem counts from its own start; its file was last written at the time of its last line, which sets the
    one against the other, to a few milliseconds.
    """
    events, journal = folder / "events", folder / "journal"
    if events.exists():
        lines = [json.loads(line) for line in events.read_text().splitlines()]
        start = events.stat().st_mtime - lines[-1]["t"] if lines else 0.0
        return [start + line["t"] for line in lines if line["ev"] == "pdu"]
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return [datetime.fromisoformat(line["at"]).timestamp() for line in lines if line["kind"] == "submit"]


# ---- nothing to do -------------------------------------------------------------------------------------------------


def cpu(daemon: subprocess.Popen[bytes], seconds: float) -> float:
    """Percent of a core that the daemon takes in the next ``seconds``. RuntimeError when it ended meanwhile."""
    clock = ~daemon.pid << 3 | 2  # the clock of another process, as clock_getcpuclockid(3) gives it
    used, began = time.clock_gettime(clock), time.monotonic()
    until(lambda: daemon.poll() is not None or time.monotonic() - began >= seconds, seconds + 10, pause=0.1)
    if daemon.returncode is not None:
        raise RuntimeError(f"the daemon ended with {daemon.returncode}")
    return 100 * (time.clock_gettime(clock) - used) / (time.monotonic() - began)


def idle(count: int, settle: float, watch: float) -> tuple[float, float]:
    """CPU % and RSS MiB of a daemon with so many modems and no text."""
    with home() as place, modems(place, count) as ports, gateway(place, ports) as daemon:
        until(lambda: states(str(place / "smsgwd.sock")) == ["up"] * count, 60)
        cpu(daemon, settle)
        return cpu(daemon, watch), resident(daemon.pid)


def dead(watch: float) -> float:
    """CPU % of a daemon whose modem takes every octet and never answers."""
    master, slave = pty.openpty()
    try:
        with home() as place, gateway(place, {"dead": Path(os.ttyname(slave))}) as daemon:
            until(lambda: states(str(place / "smsgwd.sock")), 40)
            return cpu(daemon, watch)
    finally:
        os.close(master)
        os.close(slave)


# ---- from the queue to the wire ------------------------------------------------------------------------------------


def to_wire(texts: int) -> list[float]:
    """Milliseconds from each accept to its AT+CMGS."""
    with home() as place:
        tty, notes, sock = place / "tty", place / "notes", str(place / "smsgwd.sock")
        with program([sys.executable, "-m", "bench.tty_modem", str(tty), str(notes)]):
            until(tty.is_symlink, 10)
            with gateway(place, {"modem1": tty}):
                until(lambda: states(sock) == ["up"], 40)
                accepted = [_accepted(sock, i) for i in range(texts)]
        at = [float(line) for line in notes.read_text().splitlines()]
    return [1000 * (wire - queue) for queue, wire in zip(accepted, at, strict=True)]


def _accepted(sock: str, number: int) -> float:
    """When the answer to one text was read; returns when that text is sent, so that the link is idle again."""
    call(sock, "POST", "/v1/messages", {"to": NUMBER, "text": TEXT.format(number)})
    moment = time.monotonic()
    until(lambda: sent(sock) > number, 10, pause=0.05)
    return moment


def run(
    count: int = MODEMS, texts: int = TEXTS, latency: float = LATENCY, quiet: int = IDLE, settle: float = SETTLE,
    watch: float = WATCH, single: int = SINGLE,
) -> list[Row]:  # fmt: skip
    ideal, reached = count / latency, rate(count, texts, latency)
    wire = to_wire(single)
    with ThreadPoolExecutor(2) as pool:
        resting, hopeless = pool.submit(idle, quiet, settle, watch), pool.submit(dead, watch)
        cpu_idle, rss = resting.result()
        cpu_dead = hopeless.result()
    return [
        row(f"{count} modems of {latency:g} s each, ideal {ideal:g}", "msg/s", reached, goal=f"≥ {0.97 * ideal:g}",
            more_is_better=True),
        row("accept → AT+CMGS, idle link", "ms", statistics.median(wire), goal="< 50", spread=(min(wire), max(wire))),
        row(f"idle with {quiet} modems, CPU", "%", cpu_idle, goal="< 1"),
        row(f"idle with {quiet} modems, RSS", "MiB", rss, goal="< 60"),
        row("a dead modem, CPU", "%", cpu_dead, goal="< 1"),
    ]  # fmt: skip
