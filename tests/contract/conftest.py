"""The engines that keep the contract. A new engine is one more function and one more line in ``ENGINES``."""

from contextlib import asynccontextmanager

import pytest

from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, links_up
from tests.store import StillClock


@asynccontextmanager
async def sqlite(folder):
    """A real file, every commit synced."""
    async with open_queue(folder / "smsgwd.db", clock=StillClock(NOW)) as queue:
        yield queue


ENGINES = {"sqlite": sqlite}


@pytest.fixture(params=ENGINES)
async def queue(request, tmp_path):
    """An open, empty queue with the links m1 and m2 up."""
    async with ENGINES[request.param](tmp_path) as opened:
        await links_up(opened, "modem")
        yield opened
