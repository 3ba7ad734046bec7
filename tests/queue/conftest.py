"""A store with carrier links."""

import pytest

from smsgwd.model import LinkState
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from tests.contract.making import NOW
from tests.store import StillClock


@pytest.fixture
async def queue(tmp_path):
    """c1 and c2 are one account, c3 is another."""
    limits = Limits(accounts={"c1": ("c1", "c2"), "c2": ("c2", "c1")})
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW), limits=limits) as opened:
        for link in ("c1", "c2", "c3"):
            await opened.record_link(link, "smpp", "+15550100100", LinkState.UP, "bound", NOW)
        yield opened
