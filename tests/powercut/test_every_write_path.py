"""F53, P1: the power goes at any write of any write path, and nothing that was acknowledged is lost.

For each path of :data:`tests.powercut.paths.PATHS` histories are run (seed after seed) until :data:`CUTS` cuts have struck
that path: a cut counts where it fell into the commit of a step of this path, or just behind it, and left a disk that no
other cut of the same step left. :mod:`tests.powercut.lives` says what is compared. A history has several lives; each
begins with the disk that a cut of the one before left, so that what is cut has been cut before.

Everything follows from the seed, but for the salts that SQLite draws for its log. One seed again::

    POWERCUT_SEED=17 .venv/bin/python -m pytest 'tests/powercut/test_every_write_path.py' -k 'accept'

``POWERCUT_CUTS`` gives another number of cuts, for a night.
"""

from __future__ import annotations

import inspect
import os
import random
import re
import tempfile
from pathlib import Path

import pytest

from smsgwd.queue import sqlite, sqlite_carriers, sqlite_keeping
from smsgwd.queue.transaction import Limits
from tests.contract import making
from tests.powercut.lives import Bench, Life, Losses, empty, next_start
from tests.powercut.paths import FIRST, PATHS, SELDOM, USUAL
from tests.powercut.powervfs import PowerDisk, Replay
from tests.powercut.world import World

CUTS = int(os.environ.get("POWERCUT_CUTS", "2000"))
SEED = os.environ.get("POWERCUT_SEED")
#: histories that may be needed to strike a path so often
HISTORIES = 400
#: lives of a history, steps of a life
LIVES, STEPS = 3, 12
LIMITS = Limits(attempts=3)
ANY = (*USUAL, *(path for path in PATHS if path not in SELDOM))
#: what the writer is given that changes no row, or runs another verb
NO_PATH = {"doubt.set_policies", "stepping.doubt_clock", "acts.recorded"}


@pytest.fixture(scope="module")
def folder():
    """In memory where there is a place for it: these disks are looked at by the thousand."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="powercut-", dir=place) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def new(folder):
    return empty(folder)


@pytest.fixture(scope="module")
def disk():
    made = PowerDisk("every write path")
    yield made
    made.unregister()


class History:
    """Several lives by one seed; cuts in the steps of one path."""

    def __init__(self, path: str, seed: int, disk: PowerDisk, folder: Path, synchronous: str = "") -> None:
        self.path, self.disk, self.folder, self.synchronous = path, disk, folder, synchronous
        self.rng = random.Random(f"{path} {seed}")
        self.world, self.bench = World(self.rng), Bench(folder)
        self.found = Losses()
        self.verbs: set[str] = set()

    async def run(self, start: dict[str, bytes]) -> None:
        for n in range(LIVES):
            life = self.world.life = Life(self.disk, start, self.folder)
            await life.begin(self.synchronous, self.rng.choice((40, 90, 1000)), LIMITS)
            try:
                await self._live(life, first=n == 0)
                self._cut(life)
                start = next_start(life, self.rng)
            finally:
                await life.end()

    async def _live(self, life: Life, *, first: bool) -> None:
        await self._step(life, "recover")
        if first:
            await life.step("links", making.links_up(life.queue, "modem"))
            for path in FIRST:
                await self._step(life, path)
        for _ in range(STEPS):
            self.world.now += self.rng.choice((0, 1, 1000, 40_000))
            ours = self.path != "recover" and self.rng.random() < 0.4
            if not (ours and await self._step(life, self.path)):
                await self._step(life, self.rng.choice(ANY))

    async def _step(self, life: Life, path: str) -> bool:
        work = PATHS[path].step(self.world)
        if work is not None:
            await life.step(path, work)
        return work is not None

    def _cut(self, life: Life) -> None:
        replay = Replay(life.start, life.disk.journal)
        for step in life.steps:
            if step.path == self.path and step.end > step.begin:
                self.verbs |= step.verbs
                self.found += self.bench.cuts(life, step, replay, self.rng)


async def _struck(path: str, new: dict[str, bytes], disk: PowerDisk, folder: Path, cuts: int, **how: str) -> tuple[Losses, set[str]]:
    """What so many cuts of a path cost, and the verbs that were cut."""
    found, verbs = Losses(), set()
    for seed in [int(SEED)] if SEED else range(HISTORIES):
        history = History(path, seed, disk, folder, **how)
        await history.run(new)
        assert how or not history.found.any, f"POWERCUT_SEED={seed}: {history.found}"
        found += history.found
        verbs |= history.verbs
        if found.cuts >= cuts and verbs.issuperset(PATHS[path].verbs):
            break
    return found, verbs


@pytest.mark.parametrize("path", [pytest.param(path, id=path) for path in PATHS])
async def test_f53_power_goes_at_any_write(path, new, disk, folder):
    """No acknowledged row is lost, no sent mark is rolled back, no database is damaged, and no commit is there by half."""
    found, verbs = await _struck(path, new, disk, folder, CUTS)
    assert not found.any, found
    if not SEED:
        assert found.cuts >= CUTS
        assert verbs >= set(PATHS[path].verbs), "a verb was never cut"


async def test_the_same_with_synchronous_normal_loses(new, disk, folder):
    """The negative control: with synchronous=NORMAL the same cuts lose acknowledged texts and roll sent marks back."""
    found = Losses()
    for path in ("accept", "accepted"):
        found += (await _struck(path, new, disk, folder, CUTS // 5, synchronous="NORMAL"))[0]
    assert found.lost > 0
    assert found.rolled_back > 0
    assert found.corrupt == 0


def test_every_verb_that_writes_is_cut():
    """The paths are about all verbs that the queue gives to its writer."""
    bound = set(re.findall(r"_?put(?:_first)?\(\s*(\w+\.\w+)", "".join(map(inspect.getsource, (sqlite, sqlite_carriers, sqlite_keeping)))))
    named = {verb for path in PATHS.values() for verb in path.verbs}
    assert len(bound) > 30
    assert bound - named - NO_PATH == set()
