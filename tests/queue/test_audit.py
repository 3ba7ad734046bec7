"""The audit table: an entry for each act, in the act's own commit, and none for anything else."""

import json
import sqlite3

import pytest

from smsgwd.errors import Conflict, StoreUnavailable
from smsgwd.keeping import verify
from smsgwd.model import Reaction
from smsgwd.queue.interface import Settled
from smsgwd.queue.privacy.acting import Actor, acting
from smsgwd.queue.privacy.chain import Head
from tests.contract.making import NOW, THEM, accept, claim, draft, links_up, received, sent, uncertain
from tests.queue.storing import sql
from tests.store import StillClock, store


@pytest.fixture
async def queue(tmp_path):
    async with store(tmp_path, StillClock(NOW)) as opened:
        await links_up(opened, "modem")
        yield opened


async def entries(queue) -> list[tuple[str, str, dict, dict]]:
    """(act, who, of, what is personal) of all entries."""
    found = await queue.audit_entries(0, 1000)
    bodies = [json.loads(e.body) for e in found]
    return [(b["act"], b["who"], b["of"], json.loads(e.data) if e.data else {}) for b, e in zip(bodies, found, strict=True)]


async def _hold(queue):
    m = await accept(queue)
    await queue.hold(m.id, NOW)
    return "message.hold", {"message": m.id}, {"number": THEM}


async def _release(queue):
    m = await accept(queue, held=True)
    await queue.release(m.id, NOW)
    return "message.release", {"message": m.id}, {"number": THEM}


async def _cancel(queue):
    m = await accept(queue)
    await queue.cancel(m.id, NOW)
    return "message.cancel", {"message": m.id}, {"number": THEM}


async def _retry(queue):
    m = await accept(queue)
    await queue.retry(m.id, NOW)
    return "message.retry", {"message": m.id}, {"number": THEM}


async def _settle(queue):
    m, _ = await uncertain(queue)
    await queue.settle(m.id, Settled("fail", "anna", "asked them"), NOW)
    return "message.settle", {"message": m.id, "how": "fail"}, {"number": THEM, "by": "anna", "why": "asked them"}


async def _pause(queue):
    await queue.pause_link("m1", True, NOW)
    return "link.pause", {"link": "m1"}, {}


async def _resume(queue):
    await queue.pause_link("m1", False, NOW)
    return "link.resume", {"link": "m1"}, {}


async def _accept_device(queue):
    await queue.accept_device("m1", NOW)
    return "link.accept", {"link": "m1"}, {}


async def _contact(queue):
    await queue.set_contact(THEM, name="Ada", now=NOW)
    return "contact.set", {"fields": ["name"]}, {"number": THEM}


async def _close(queue):
    m = await received(queue)
    await queue.close_conversation(m.conversation, NOW)
    return "conversation.close", {"conversation": m.conversation}, {"number": THEM}


async def _token(queue):
    token = await queue.add_token(b"d", ("admin",), NOW)
    return "token.create", {"token": token.id, "scopes": ["admin"], "caps": {}}, {}


async def _reload(queue):
    await queue.record_event("config.reloaded", NOW, {"rules": "abc"})
    return "config.reloaded", {"rules": "abc"}, {}


async def _note(queue):
    await queue.record_act("store.restore", NOW, {"held": 3})
    return "store.restore", {"held": 3}, {}


@pytest.mark.parametrize(
    "act",
    [_hold, _release, _cancel, _retry, _settle, _pause, _resume, _accept_device, _contact, _close, _token, _reload, _note],
)
async def test_each_act_is_one_entry(queue, act):
    """Who, what and why; what is personal lies beside it, and the chain is whole."""
    with acting(Actor("uid:1000", "because")):
        name, of, personal = await act(queue)
    (entry,) = await entries(queue)
    assert entry == (name, "uid:1000", of, {**personal, "reason": "because"})
    assert (await verify(queue)).head.seq == 1


async def test_revoking_a_token_names_it(queue):
    """A token that was made and revoked stands there twice, never with its digest."""
    with acting(Actor("tok_0000000000001")):
        token = await queue.add_token(b"d", ("admin",), NOW)
        await queue.revoke_token(token.id, NOW)
    _, revoked = await entries(queue)
    assert revoked == ("token.revoke", "tok_0000000000001", {"token": token.id}, {})


async def test_texts_are_no_acts(queue):
    """Accepting, sending, receiving, reacting and ordinary events leave nothing in the chain: it costs them nothing."""
    await sent(queue)
    await accept(queue)
    segment = await claim(queue)
    await queue.unsubmit(segment.submission, "left", NOW)
    m = await received(queue)
    event = (await queue.events_after(-1, 1))[0].id
    await queue.react(Reaction(event=event, message=m.id, conversation=m.conversation), NOW)
    await queue.record_event("link.notice", NOW, link="m1")
    assert await queue.audit_head() == Head()


async def test_what_was_refused_is_no_act(queue):
    """A verb that raises has done nothing, and the chain says so."""
    m = await accept(queue)
    await queue.cancel(m.id, NOW)
    with pytest.raises(Conflict):
        await queue.cancel(m.id, NOW)
    assert len(await entries(queue)) == 1


async def test_act_and_entry_are_one_commit(queue, tmp_path):
    """When the entry cannot be written the act is not done either."""
    m = await accept(queue)
    await queue.hold(m.id, NOW)
    with sql(tmp_path / "smsgwd.db", "rw") as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        await queue.release(m.id, NOW)
    assert (await queue.message(m.id)).state == "held"
    assert len(await entries(queue)) == 1


async def test_many_at_once_are_one_chain(queue):
    """Acts that share a commit follow each other."""
    import asyncio

    texts = await queue.accept([draft(f"{i}") for i in range(50)], NOW)
    await asyncio.gather(*(queue.hold(m.id, NOW) for m in texts))
    found = await verify(queue)
    assert (found.head.seq, found.broken) == (50, 0)


@pytest.mark.parametrize("statement", ["UPDATE audit SET body = '{}' WHERE seq = 1", "DELETE FROM audit WHERE seq = 1"])
async def test_rows_cannot_be_changed(queue, tmp_path, statement):
    """A statement that changes or deletes an entry is refused by the database itself."""
    await queue.pause_link("m1", True, NOW)
    with sql(tmp_path / "smsgwd.db", "rw") as other, pytest.raises(sqlite3.IntegrityError, match="audit: rows are never"):
        other.execute(statement)


async def test_the_first_broken_row_is_named(queue, tmp_path):
    """Somebody with all rights drops the trigger and changes one entry: that one is named."""
    for paused in (True, False, True):
        await queue.pause_link("m1", paused, NOW)
    with sql(tmp_path / "smsgwd.db", "rw") as other:
        other.execute("DROP TRIGGER audit_no_update")
        other.execute("UPDATE audit SET body = replace(body, 'link.resume', 'link.pause') WHERE seq = 2")
    found = await verify(queue)
    assert (found.broken, found.why) == (2, "it was changed")


async def test_a_reader_writes_nothing(tmp_path):
    """A queue that is opened for looking takes no act."""
    from smsgwd.queue.sqlite import open_queue

    async with store(tmp_path, StillClock(NOW)):
        pass
    async with open_queue(tmp_path / "smsgwd.db", clock=StillClock(NOW), readonly=True) as queue:
        with pytest.raises(StoreUnavailable):
            await queue.record_act("x", NOW)
