"""P11: at most one automatic answer to a text by each rule, and so many for a person; never to services or ourselves.

Two gateways that answer each other are in tests/faults/test_f59_two_bots.py, senders in test_f66_senders.py, bounds in
tests/rules/test_guard.py.
"""

import pytest

from smsgwd.errors import SmsgwdError
from smsgwd.model import Origin
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import NOW, all_messages, draft, reaction, received
from tests.store import StillClock


def answer(message, rule: str = "hi", text: str = "Hello"):
    return draft(text, conversation=message.conversation, answers=message.id, rule=rule, origin=Origin.RULE)


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
async def test_p11_one_answer_of_a_rule(tmp_path, restart):
    """The reaction to a text is recorded again (a restart before its cursor moved, two workers): one answer is stored."""
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
        came = await received(queue)
        first = await reaction(queue, came, replies=(answer(came),))
        await queue.react(first, NOW)
        if not restart:
            await queue.react(first, NOW)
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
        await queue.react(first, NOW)
        assert len(await all_messages(queue, direction="out")) == 1


async def test_p11_the_store_says_so_itself(tmp_path):
    """Not even a draft that comes another way is a second answer of the same rule; another rule's is one."""
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
        came = await received(queue)
        taken = await queue.accept([answer(came), answer(came, text="Hello again"), answer(came, "other")], NOW)
        assert [isinstance(x, SmsgwdError) for x in taken] == [False, True, False]
        assert len(await all_messages(queue, direction="out")) == 2


async def test_p11_the_next_text_is_another(tmp_path):
    """The same words again are another text, and may be answered again (as far as the bounds allow)."""
    async with open_queue(tmp_path / "q.db", clock=StillClock(NOW)) as queue:
        for n in range(2):
            came = await received(queue, raw=f"pdu {n}".encode())
            await queue.react(await reaction(queue, came, replies=(answer(came),)), NOW)
        assert len(await all_messages(queue, direction="out")) == 2
