"""P4: sent at most once, unless you chose otherwise; then it is marked and counted.

The line cut at every octet is in tests/faults/test_cut_anywhere.py, kills are in tests/story and tests/queue.
"""

import itertools

import pytest

from smsgwd.config import Config
from smsgwd.daemon import queue_limits
from smsgwd.errors import Uncertain
from smsgwd.model import MessageClass
from smsgwd.queue.interface import MessageFilter
from smsgwd.queue.sqlite import open_queue
from smsgwd.queue.transaction import Limits
from tests.contract.making import NOW, accept, events
from tests.queue.plainlink import PlainLink, lanes, quiet, reaches, roster
from tests.store import StillClock

HOUR = 3600
_ALL = MessageFilter(direction="out")


async def _process_dies(home, policy: str) -> tuple[int, str]:
    """A crash while the attempt is open, again and again: how often the text was on the wire, and its state."""
    clock, sends = StillClock(NOW), 0
    for _ in range(4):
        async with open_queue(home / "q.db", clock=clock, limits=Limits(policies={})) as queue:
            if sends == 0:
                await accept(queue, uncertain=policy)
            await queue.recover(clock.now())
            clock.move(HOUR)
            sends += len(await queue.claim("m1", 10, clock.now()))
            page = await queue.messages(_ALL, "", 10)
    return sends, page.items[0].state.value


async def _no_answer(home, policy: str) -> tuple[int, str]:
    """Silence of the network, again and again."""
    clock = StillClock(NOW)
    link = PlainLink(answers=[Uncertain("no answer")] * 20)
    async with open_queue(home / "q.db", clock=clock, limits=Limits(policies={})) as queue:
        message = await accept(queue, uncertain=policy)
        async with lanes(queue, clock, [link], roster()):
            for _ in range(4):
                await quiet()
                clock.move(HOUR)
                queue.poke("link:m1")
            await quiet()
        return len(link.segments), (await queue.message(message.id)).state.value


@pytest.mark.parametrize("how", [_process_dies, _no_answer])
@pytest.mark.parametrize(
    ("policy", "most", "states"),
    [
        pytest.param("hold", 1, {"uncertain"}, id="hold"),
        pytest.param("assume-sent", 1, {"sent"}, id="assume-sent"),
        pytest.param("", 1, {"uncertain"}, id="nothing chosen"),
        pytest.param("retry", 5, {"queued", "sending"}, id="retry"),
    ],
)
async def test_p04_by_policy(tmp_path, how, policy, most, states):
    """However often it goes wrong, only `retry` sends a second time."""
    sends, state = await how(tmp_path, policy)
    assert 1 <= sends <= most
    assert (sends > 1) is (policy == "retry")
    assert state in states


async def test_p04_retry_is_marked_and_counted(tmp_path):
    """A second sending is told by an event, shown at the text, and counted."""
    clock = StillClock(NOW)
    link = PlainLink(answers=[Uncertain("no answer")])
    async with open_queue(tmp_path / "q.db", clock=clock, limits=Limits()) as queue:
        message = await accept(queue, class_=MessageClass.ALARM)
        async with lanes(queue, clock, [link], roster()):
            await reaches(queue, message, "queued")
            await quiet()
            clock.move(HOUR)
            queue.poke("link:m1")
            await reaches(queue, message, "sent")
        marked = [e.data["possible_duplicate"] for e in await events(queue, "message.retry", message)]
        assert (len(link.segments), marked) == (2, [True])
        assert (await queue.message(message.id)).possible_duplicate
        assert (await queue.doubts_settled())["retry"] == 1


@pytest.mark.parametrize(
    ("class_", "own"), list(itertools.product(["bulk", "normal"], ["", "hold", "assume-sent"])), ids=lambda x: x or "class"
)
async def test_p04_defaults_never_resend(tmp_path, class_, own):
    """With the shipped configuration only class alarm is sent again."""
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW), limits=queue_limits(Config())) as queue:
        await accept(queue, class_=MessageClass(class_), uncertain=own)
        await queue.claim("m1", 10, NOW)
        await queue.recover(NOW)
        assert await queue.claim("m1", 10, NOW + 10**9) == []
