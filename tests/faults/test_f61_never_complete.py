"""F61: first parts of texts whose other parts never come, from very many senders."""

import resource
import time
from pathlib import Path

import pytest

from tests.contract.making import HOUR, SECOND
from tests.faults.arriving import concat, gate, number, ucs2

pytestmark = pytest.mark.timeout(400)

SENDERS = 100_000
#: MiB by which this process may grow; the octets of all parts alone, kept in memory, would take more
MOST_GROWTH = 64
#: most rows that one step of the clock's work may change, and seconds that it may take
STEP, LONGEST_STEP = 500, 2.0


def resident() -> float:
    """MiB of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / (1 << 20)


def first_part(n: int, part: int = 1) -> str:
    """Part 1 of 2 of what the person with this number writes, or part 2."""
    return ucs2(f"half {part} of {n} ", header=concat(part, 2), sender=number(f"+1555{n:07}"))


async def test_f61_a_hundred_thousand_first_parts(tmp_path):
    """100,000 people each send part 1 of 2 and never the rest: every part is on disk when it is acknowledged, and none is
    kept in memory. After an hour each becomes a partial text, in steps that are bounded in rows and time; none is lost.
    A part 2 that comes later still completes its text."""
    async with gate(tmp_path) as door:
        await door.takes(first_part(0))
        before = resident()
        for start in range(0, SENDERS, 2000):
            await door.takes_at_once([first_part(n) for n in range(start, start + 2000)])
        assert resident() - before < MOST_GROWTH
        assert door.rows("SELECT count(*) FROM inbound_part WHERE message IS NULL") == [(SENDERS,)]
        door.clock.move(HOUR / SECOND - 1)
        assert await door.queue.expire(door.clock.now()) == 0
        door.clock.move(1)
        changed, longest = await steps(door)
        assert resident() - before < MOST_GROWTH
        assert longest < LONGEST_STEP
        assert changed == SENDERS
        assert door.rows("SELECT count(*), count(DISTINCT peer), count(DISTINCT text), min(state), max(state) FROM message") == [
            (SENDERS, SENDERS, SENDERS, "partial", "partial")
        ]  # fmt: skip
        await door.takes(first_part(4711, 2))
        assert door.rows("SELECT text, state FROM message WHERE peer = '+15550004711'") == [
            ("half 1 of 4711 half 2 of 4711 ", "received")
        ]


async def steps(door) -> tuple[int, float]:
    """Does the clock's work to the end: (rows that changed, seconds of the longest step)."""
    changed, longest = 0, 0.0
    while True:
        began = time.monotonic()
        step = await door.queue.expire(door.clock.now())
        longest = max(longest, time.monotonic() - began)
        assert step <= STEP
        if not step:
            return changed, longest
        changed += step
