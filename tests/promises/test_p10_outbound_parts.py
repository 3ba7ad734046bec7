"""P10: parts of an outbound text go in order, on one link, with one reference; what stops one stops those behind it."""

import pytest

from smsgwd.errors import Uncertain
from smsgwd.model import Accepted
from smsgwd.queue.interface import Settled
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, PERMANENT, TEMPORARY, accept
from tests.queue.plainlink import PlainLink, lanes, quiet, reaches, roster
from tests.store import StillClock

PARTS = 5
STOPS = [
    pytest.param(PERMANENT, "failed", "refused", id="refused for good"),
    pytest.param(TEMPORARY, "queued", "refused", id="refused for now"),
    pytest.param(Uncertain("no answer"), "uncertain", "uncertain", id="in doubt"),
]


@pytest.mark.parametrize("window", [1, 10], ids=["modem", "window"])
@pytest.mark.parametrize(("stop", "then", "called"), STOPS)
@pytest.mark.parametrize("at", range(1, PARTS + 1))
async def test_p10_stopped_at(tmp_path, window, stop, then, called, at):
    """Stopped at any part: those before went once, in order, with one reference; those behind never begin; the text says
    which went, and so does each part."""
    clock, link = StillClock(NOW), PlainLink(window=window, answers=[Accepted(str(n)) for n in range(1, at)] + [stop])
    async with open_queue(tmp_path / "q.db", clock=clock) as queue:
        message = await accept(queue, "abcde", parts=PARTS)
        async with lanes(queue, clock, [link], roster()):
            await reaches(queue, message, then)
            await quiet()
        found = await queue.message(message.id)
    assert [(s.part, s.text) for s in link.segments] == [(n, "abcde"[n - 1]) for n in range(1, at + 1)]
    assert len({(s.ref, s.parts) for s in link.segments}) == 1
    assert [s.state for s in found.segments] == ["accepted"] * (at - 1) + [called] + ["queued"] * (PARTS - at)
    assert f"part {at} of {PARTS}" in found.reason
    if then != "queued" and at > 1:
        assert ("part 1" if at == 2 else f"parts 1 to {at - 1}") + f" of {PARTS} went" in found.reason


@pytest.mark.parametrize("at", range(1, PARTS + 1))
@pytest.mark.parametrize("how", ["sent", "resend"])
async def test_p10_goes_on_after_a_doubt(tmp_path, at, how):
    """A person settles the part in doubt: as sent, the next part follows; sent again, that part alone goes twice. The
    reference stays."""
    clock = StillClock(NOW)
    link = PlainLink(answers=[Accepted(str(n)) for n in range(1, at)] + [Uncertain("no answer")])
    async with open_queue(tmp_path / "q.db", clock=clock) as queue:
        message = await accept(queue, "abcde", parts=PARTS)
        async with lanes(queue, clock, [link], roster()):
            await reaches(queue, message, "uncertain")
            await queue.settle(message.id, Settled(how, "ann"), NOW)
            await reaches(queue, message, "sent")
    again = [at] if how == "resend" else []
    assert [s.part for s in link.segments] == [*range(1, at + 1), *again, *range(at + 1, PARTS + 1)]
    assert len({s.ref for s in link.segments}) == 1


async def test_p10_a_crash_between_two_parts(tmp_path):
    """Killed after part 2 was taken and part 3 was claimed: after the start part 3 alone is in doubt, none goes again."""
    clock = StillClock(NOW)
    async with open_queue(tmp_path / "q.db", clock=clock) as queue:
        message = await accept(queue, "abcde", parts=PARTS)
        (segment,) = await queue.claim("m1", 5, NOW)
        for n in (1, 2):
            segment = await queue.record_result(segment.submission, Accepted(str(n)), NOW)
    async with open_queue(tmp_path / "q.db", clock=clock) as queue:
        await queue.recover(NOW)
        assert await queue.claim("m1", 5, NOW) == []
        states = [s.state for s in (await queue.message(message.id)).segments]
    assert states == ["accepted", "accepted", "uncertain", "queued", "queued"]
