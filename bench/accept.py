"""Texts taken over HTTP by the daemon as users run it, each answered after its commit; the link is paused, so that nothing
else is measured. ApacheBench posts, over kept connections, with a token."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator

from bench.carrier import missing, posted, posting
from bench.chain import call
from bench.figures import Row, row
from bench.smpp import EACH, cpu_seconds, scene

ROUNDS = 3


def accepted(texts: int, *, each: int = 1, connections: int) -> tuple[float, float]:
    """(texts a second, CPU microseconds a text) of one run. RuntimeError unless all of them are stored."""
    with scene() as (_, _, ours):
        call(ours.sock, "POST", "/v1/links/carrier/pause")
        with posting(ours, 10 * each, receipts=False, each=each) as ab:
            ab.wait()
        before, used = ours.stored("SELECT count(*) FROM message"), cpu_seconds(ours.pid)
        with posting(ours, texts, receipts=False, each=each, connections=connections) as ab:
            assert ab.stdout is not None
            rate = posted(ab.stdout.read().decode()).rate * each
        used = cpu_seconds(ours.pid) - used
        if (stored := ours.stored("SELECT count(*) FROM message") - before) != texts:
            raise RuntimeError(f"{stored} texts are stored, {texts} were taken")
    return rate, used / texts * 1e6


def run(quick: bool = False) -> list[Row]:
    if why := missing("ab"):
        print(f"  left out: {why}", file=sys.stderr)
        return []
    return list(_rows(1 if quick else ROUNDS))


def _rows(rounds: int) -> Iterator[Row]:
    kinds = (
        ("single posts taken, 1 connection", 1_000, 1, 1, ""),
        ("single posts taken, 32 connections", 10_000, 1, 32, "≥ 7000"),
        (f"batches of {EACH} taken, 4 connections", 40_000, EACH, 4, "≥ 25000"),
    )
    for what, texts, each, connections, goal in kinds:
        runs = [accepted(texts, each=each, connections=connections) for _ in range(rounds)]
        rates, costs = zip(*runs, strict=True)
        yield row(what, "texts/s", statistics.median(rates), goal=goal, more_is_better=True, spread=(min(rates), max(rates)))
        yield row("… CPU", "µs/text", statistics.median(costs), spread=(min(costs), max(costs)))
