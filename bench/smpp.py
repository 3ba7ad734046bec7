"""The gateway at a carrier's SMSC: HTTP → durable queue → submit_sm → durably sent, beside Kannel with its spool.

Each product runs as its users run it, on the same file system, with window 10, and is driven by ApacheBench over kept
connections; they take turns on the same machine, and behind each is the same SMSC. Figures are medians of the rounds.

* **single**: one text a post. The rate is that of the SMSC, from its first to its last submit_sm. *Durably sent* counts
  from the first post until the database says so for every text.
* **wide**: the same with a window of 50.
* **batch**: the same by posts of ``EACH`` texts.
* **receipts**: the SMSC sends a receipt for every text, and a desk wants to be called. *Callback owed* counts from the
  first post until the call about every delivery is on disk; Kannel's figure beside it is the rate of its submit_sm, since
  it keeps nothing of the kind. *Callbacks arrived* counts to the last call at the desk; Kannel makes two for each text,
  and its figure is halved.
* **ACKs delayed**: the same at an SMSC that leaves TCP's delayed acknowledgements on.
* **inbound**: texts from the SMSC, 10 unanswered at most, each acknowledged after its commit.

We sync every commit. Kannel's spool does not. When a text is missing at the SMSC, or there twice, the benchmark fails.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.carrier import (
    TEXT,
    TO,
    WINDOW,
    Desk,
    Gateway,
    Smsc,
    cpu_seconds,
    gateway,
    jasmin,
    kannel,
    kannel_is_there,
    missing,
    posted,
    posting,
    smsc,
)
from bench.chain import LIMIT, call, folder, resident, until
from bench.figures import Row, row

#: the window of a carrier that allows more
WIDE = 50
#: texts in one request of a batch
EACH = 100
#: seconds between two looks at the database
PAUSE = 0.02


class Amount(NamedTuple):
    """How many texts of each kind, and how often."""

    single: int = 10_000
    batch: int = 10_000
    receipts: int = 5_000
    delayed: int = 2_000
    inbound: int = 10_000
    jasmin: int = 1_500
    rounds: int = 3


FULL = Amount()
QUICK = Amount(3_000, 5_000, 1_500, 600, 3_000, 500, 1)

Figures = dict[str, float]


# ---- one run of ours -----------------------------------------------------------------------------------------------


class Scene(NamedTuple):
    """A daemon, bound, between an SMSC and a desk."""

    center: Smsc
    desk: Desk
    gateway: Gateway


@contextmanager
def scene(*options: str, window: int = WINDOW) -> Iterator[Scene]:
    """``options`` are the SMSC's."""
    desk = Desk()
    try:
        with tempfile.TemporaryDirectory(prefix="smsgwd-bench-", dir=folder()) as name:
            place = Path(name)
            with smsc(place, *options) as center, gateway(place, center.port, desk.port, window) as ours:
                yield Scene(center, desk, ours)
    finally:
        desk.close()


def outbound(
    texts: int, *, each: int = 1, receipts: bool = False, delayed: bool = False, window: int = WINDOW
) -> Figures:
    """One run. RuntimeError unless the SMSC got each text once and the daemon says the same as its database."""
    options = [*(["--dlr"] if receipts else []), *(["--no-quickack"] if delayed else [])]
    with scene(*options, window=window) as (center, desk, ours):
        state = "delivered" if receipts else "sent"
        warm_up(ours, state, receipts)
        marks: dict[str, Callable[[], int]] = {state: lambda: ours.counted(state)}
        if receipts:
            marks |= {"owed": ours.owed, "told": lambda: desk.delivered}
        goals = {name: count() + texts for name, count in marks.items()}
        center.ask("reset")
        used, began = cpu_seconds(ours.pid), time.monotonic()
        with posting(ours, texts, receipts=receipts, each=each) as ab:
            reached = watch(marks, goals, began)
            assert ab.stdout is not None
            accepted = posted(ab.stdout.read().decode())
        used, seen = cpu_seconds(ours.pid) - used, center.ask("get")
        once(seen, texts)
        if (told := ours.told(state)) != texts + 1:  # the first one warmed up
            raise RuntimeError(f"the daemon counts {told - 1} texts as {state}, not {texts}")
        return {
            "smsc": seen["msg_per_s"], "dlr": seen["dlr_per_s"], "p99": accepted.p99_ms, "cpu": used / texts * 1e6,
            "accept": accepted.rate * each, "rss": resident(ours.pid), "batch_max": seen["batch_max"],
            **{name: texts / seconds for name, seconds in reached.items()},
        }  # fmt: skip


def warm_up(ours: Gateway, state: str, receipts: bool) -> None:
    """One text all the way."""
    call(ours.sock, "POST", "/v1/messages", {"to": TO, "text": TEXT, **({"callback": "desk"} if receipts else {})})
    until(lambda: ours.counted(state) == 1 and (not receipts or ours.owed() == 1), 30)
    time.sleep(0.5 if receipts else 0.1)  # the call to the desk, and what the daemon logs behind it


def watch(marks: dict[str, Callable[[], int]], goals: dict[str, int], began: float) -> dict[str, float]:
    """Seconds from ``began`` until each count came to its goal; TimeoutError when one does not."""
    reached: dict[str, float] = {}
    while len(reached) < len(goals):
        for name in goals.keys() - reached.keys():
            if marks[name]() >= goals[name]:
                reached[name] = time.monotonic() - began
        if time.monotonic() - began > LIMIT:
            raise TimeoutError(f"not in {LIMIT:g} s: " + ", ".join(sorted(goals.keys() - reached.keys())))
        time.sleep(PAUSE)
    return reached


def once(seen: dict[str, Any], texts: int) -> None:
    """RuntimeError unless the SMSC got so many texts."""
    if seen["submits"] != texts:
        raise RuntimeError(f"the SMSC got {seen['submits']} texts of {texts}")


def inbound(texts: int) -> Figures:
    """Texts from the SMSC. RuntimeError unless all are stored when they are acknowledged."""
    with scene() as (center, _, ours):
        center.ask("mo 50 10")
        before, used = stored(ours), cpu_seconds(ours.pid)
        said = center.ask(f"mo {texts} 10")
        if (came := stored(ours) - before) != texts:
            raise RuntimeError(f"{came} texts are stored, {texts} were acknowledged")
        used = cpu_seconds(ours.pid) - used
        return {"rate": said["mo_per_s"], "p99": said["ack_p99_ms"], "cpu": used / texts * 1e6, "rss": resident(ours.pid)}


def stored(ours: Gateway) -> int:
    """Texts that came in and are committed."""
    return ours.stored("SELECT COUNT(*) FROM message WHERE direction = 'in'")


# ---- all runs ------------------------------------------------------------------------------------------------------


class Runs:
    """What each run gave, by name; a median where there is one."""

    def __init__(self) -> None:
        self.all: dict[str, list[Any]] = {}

    def add(self, name: str, line: dict[str, Any] | None, *keys: str) -> None:
        """Keeps a run, and tells of it."""
        self.all.setdefault(name, []).append(line)
        told = "  ".join(f"{key} {line[key]:,.0f}" for key in keys) if line else "absent"
        print(f"  {name}: {told}", file=sys.stderr)

    def values(self, name: str, key: str) -> list[float]:
        return [float(line[key]) for line in self.all.get(name, ()) if line and line.get(key)]

    def median(self, name: str, key: str) -> float | None:
        values = self.values(name, key)
        return statistics.median(values) if values else None

    def row(
        self, what: str, unit: str, run: str, key: str, peers: dict[str, float | None] | None = None, goal: str = "",
        aim: str = "", *, more: bool = False,
    ) -> Iterable[Row]:  # fmt: skip
        """A row of our figure; none when that was not measured."""
        if values := self.values(run, key):
            yield row(what, unit, statistics.median(values), peers, goal, aim=aim, more_is_better=more,
                      spread=(min(values), max(values)))  # fmt: skip


def measure(amount: Amount, venv: Path | None) -> Runs:
    """The products in turn, round by round."""
    runs, absent = Runs(), kannel_is_there()
    if absent:
        print(f"  Kannel is left out: {absent}", file=sys.stderr)

    def beside(name: str, texts: int, *options: str) -> None:
        line = None if absent else kannel(texts, *options)
        runs.add(f"Kannel {name}", line, "msg_per_s", "cpu_us_per_msg")

    for _ in range(amount.rounds):
        runs.add("single", outbound(amount.single), "smsc", "sent", "cpu")
        beside("single", amount.single)
        runs.add("wide", outbound(amount.single, window=WIDE), "smsc", "sent", "cpu")
        runs.add("batch", outbound(amount.batch, each=EACH), "smsc", "sent", "cpu")
        runs.add("receipts", outbound(amount.receipts, receipts=True), "smsc", "dlr", "owed", "told", "cpu")
        beside("receipts", amount.receipts, "--dlr")
        runs.add("delayed", outbound(amount.delayed, receipts=True, delayed=True), "smsc", "dlr", "owed", "told")
        beside("delayed", amount.delayed, "--dlr", "--no-quickack")
        runs.add("inbound", inbound(amount.inbound), "rate", "p99", "cpu")
    if venv is not None:
        runs.add("Jasmin single", jasmin(venv, amount.jasmin), "msg_per_s")
        runs.add("Jasmin receipts", jasmin(venv, amount.jasmin, "--dlr"), "msg_per_s")
    return runs


def outbound_rows(runs: Runs) -> Iterator[Row]:
    def spool(name: str, key: str, share: float = 1.0) -> dict[str, float | None]:
        value = runs.median(f"Kannel {name}", key)
        return {"Kannel spool": value * share if value else None}

    yield from runs.row("single posts → submit_sm, window 10", "msg/s", "single", "smsc", spool("single", "msg_per_s"),
                        "≥ 0.7×", "≥ 1.0×", more=True)
    yield from runs.row("… first post → all durably sent", "msg/s", "single", "sent")
    yield from runs.row("… posts taken, 99 % within", "ms", "single", "p99", spool("single", "accept_p99_ms"))
    yield from runs.row("… CPU", "µs/msg", "single", "cpu", spool("single", "cpu_us_per_msg"))
    yield from runs.row(f"single posts → submit_sm, window {WIDE}", "msg/s", "wide", "smsc", more=True)
    yield from runs.row("… first post → all durably sent", "msg/s", "wide", "sent", goal="≥ 5000", more=True)
    yield from runs.row("… CPU", "µs/msg", "wide", "cpu")
    yield from runs.row(f"batches of {EACH} → submit_sm, window 10", "msg/s", "batch", "smsc",
                        spool("single", "msg_per_s"), more=True)
    yield from runs.row("… first post → all durably sent", "msg/s", "batch", "sent")
    yield from runs.row("… CPU", "µs/msg", "batch", "cpu", spool("single", "cpu_us_per_msg"))
    yield from runs.row("receipts → callback owed durably", "msg/s", "receipts", "owed",
                        spool("receipts", "msg_per_s"), "≥ 1.5×", "≥ 3×", more=True)
    yield from runs.row("… submit_sm at the SMSC", "msg/s", "receipts", "smsc", spool("receipts", "msg_per_s"), more=True)
    yield from runs.row("… receipts acknowledged, after the commit", "1/s", "receipts", "dlr",
                        spool("receipts", "dlr_per_s"), more=True)
    yield from runs.row("… callbacks arrived", "msg/s", "receipts", "told", spool("receipts", "callbacks_per_s", 0.5),
                        more=True)
    yield from runs.row("… CPU", "µs/msg", "receipts", "cpu", spool("receipts", "cpu_us_per_msg"))
    yield from runs.row("receipts, ACKs delayed → callback owed", "msg/s", "delayed", "owed",
                        spool("delayed", "msg_per_s"), "≥ 5×", more=True)
    yield from runs.row("… at least", "msg/s", "delayed", "owed", goal="≥ 3000")
    fast, slow = runs.median("receipts", "owed"), runs.median("delayed", "owed")
    if fast and slow:
        yield row("… to the same with quick ACKs", "times", slow / fast, aim="≥ 0.9", more_is_better=True)


def other_rows(runs: Runs) -> Iterator[Row]:
    yield from runs.row("inbound texts, acknowledged after fsync", "msg/s", "inbound", "rate", goal="≥ 3000",
                        aim="≥ 8000", more=True)
    yield from runs.row("… acknowledged, 99 % within", "ms", "inbound", "p99", goal="≤ 20")
    yield from runs.row("… CPU", "µs/msg", "inbound", "cpu")
    yield from runs.row("RSS after single posts", "MiB", "single", "rss", goal="≤ 80", aim="≤ 60")
    yield from runs.row("RSS after receipts", "MiB", "receipts", "rss", goal="≤ 80", aim="≤ 60")
    for name, key in (("single", "smsc"), ("receipts", "owed")):
        if f"Jasmin {name}" in runs.all:
            peer = {"Jasmin": runs.median(f"Jasmin {name}", "msg_per_s")}
            yield from runs.row(f"{name}, beside Jasmin", "msg/s", name, key, peer, "≥ 10×", "≥ 15×", more=True)


def run(quick: bool = False, jasmin: Path | None = None) -> list[Row]:
    if why := missing("ab"):
        print(f"  left out: {why}", file=sys.stderr)
        return []
    runs = measure(QUICK if quick else FULL, jasmin)
    return [*outbound_rows(runs), *other_rows(runs)]
