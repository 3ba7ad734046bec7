"""P20: a backup while the gateway runs; the restored queue holds what waited; a drill proves the whole way."""

import asyncio
import contextlib
import os
from types import SimpleNamespace

import pytest

from smsgwd.clock import SystemClock
from smsgwd.errors import Conflict, RequestRefused, StoreUnavailable, StoreUnusable
from smsgwd.keeping import erase
from smsgwd.model import Accepted, LinkState, MessageClass
from smsgwd.queue.care import copying, files
from smsgwd.queue.care.copying import write_copy
from smsgwd.queue.care.health import look_through
from smsgwd.queue.care.restoring import GAP
from smsgwd.queue.opening import Lock
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import (
    NOW,
    OURS,
    accept,
    all_messages,
    claim,
    consent,
    draft,
    reaction,
    received,
    sent,
    uncertain,
)
from tests.queue.copies import copied, put_back
from tests.queue.old import RELEASED, build, texts
from tests.store import StillClock


def opened(path):
    return open_queue(path, clock=StillClock(NOW))


async def filled(queue) -> SimpleNamespace:
    """A store in the middle of its work."""
    for link, number in OURS.items():
        await queue.record_link(link, "modem", number, LinkState.UP, "ready", NOW)
    done = await sent(queue, reference="1", text="sent")
    doubt, _ = await uncertain(queue, text="in doubt")
    half = await accept(queue, "half of it", parts=2, link="m2")
    await queue.record_result((await claim(queue, "m2")).submission, Accepted("2"), NOW)  # the second part is on the wire
    message = await received(queue, "My internet is down")
    await queue.react(await reaction(queue, message, forwards=("support",)), NOW)
    unseen = await received(queue, "Is anybody there")
    aside = await accept(queue, "held by a person")
    await queue.hold(aside.id, NOW)
    waits = [await accept(queue, class_.value, class_=class_) for class_ in (MessageClass.NORMAL, MessageClass.ALARM)]
    return SimpleNamespace(done=done, doubt=doubt, half=half, message=message, unseen=unseen, aside=aside, waits=waits)


@pytest.fixture
async def copy(tmp_path):
    """(what a store held when it was copied at work, the copy)."""
    async with opened(tmp_path / "first.db") as queue:
        world = await filled(queue)
        await asyncio.to_thread(copied, tmp_path / "first.db", tmp_path / "copy.db")
    return world, tmp_path / "copy.db"


# ---- backup --------------------------------------------------------------------------------------------------------


async def test_p20_backup_beside_the_writer(copy):
    """The copy of a store at work is whole, has all that was committed, and nobody but its owner may read it. Nothing lies
    beside it."""
    _, path = copy
    assert look_through(str(path), full=True, clock=SystemClock()).ok
    assert path.stat().st_mode & 0o777 == 0o600
    assert texts(path) == texts(path.with_name("first.db"))
    assert sorted(p.name for p in path.parent.glob("copy.db*")) == ["copy.db"]


async def test_p20_what_is_there_is_not_replaced(copy, tmp_path):
    """A file is replaced only by --force, the database and what belongs to it never, a folder not at all; each says why."""
    _, path = copy
    before = path.read_bytes()
    for target, why in (
        (path, "is there; --force replaces it"), (tmp_path / "first.db", "is the database itself"),
        (tmp_path / "first.db-wal", "is the database itself"), (tmp_path, "is a folder"),
    ):  # fmt: skip
        with pytest.raises(Conflict, match=why):
            copied(tmp_path / "first.db", target, force=target != path)
    assert path.read_bytes() == before
    copied(tmp_path / "first.db", path, force=True)
    with pytest.raises(StoreUnavailable, match="does not exist"):
        copied(tmp_path / "first.db", tmp_path / "no" / "copy.db")
    with pytest.raises(StoreUnavailable, match="no such file"):
        copied(tmp_path / "none.db", tmp_path / "x.db")


async def test_p20_no_room_for_a_copy(copy, tmp_path, monkeypatch):
    """A copy that would not leave room on the disk is not begun."""
    found = os.statvfs(tmp_path)
    small = SimpleNamespace(f_bavail=16, f_frsize=found.f_frsize)
    monkeypatch.setattr(os, "statvfs", lambda path: small)
    with pytest.raises(StoreUnavailable, match="the copy needs"):
        copied(tmp_path / "first.db", tmp_path / "x.db")
    assert list(tmp_path.glob("x.db*")) == []


async def test_p20_damage_is_not_copied(copy, tmp_path):
    """A damaged database gives no copy: the file that is there from before stays, and the error says what to do."""
    _, path = copy
    before = path.read_bytes()
    with (tmp_path / "first.db").open("r+b") as f:
        f.seek(3 * 1024)
        f.write(b"\xff" * 4096)
    with pytest.raises(StoreUnusable, match=r"damaged|not whole"):
        copied(tmp_path / "first.db", path, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*.part")) == []


async def test_p20_a_copy_counts_when_it_was_read_through(copy, tmp_path, monkeypatch):
    """A copy that its own disk spoilt does not get its name; the one from before stays."""
    _, path = copy
    before = path.read_bytes()

    def on_a_bad_disk(database, part, progress):
        write_copy(database, part, progress)
        with open(part, "r+b") as f:
            f.seek(5 * 1024)
            f.write(bytes(600))

    monkeypatch.setattr(copying, "write_copy", on_a_bad_disk)
    with pytest.raises(StoreUnusable, match="the copy is not whole"):
        copied(tmp_path / "first.db", path, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*.part")) == []


async def test_p20_half_a_copy_of_a_killed_backup_is_swept(copy, tmp_path):
    """What a backup that was killed has left goes with the next one; that of one that runs stays."""
    gone, runs = tmp_path / "x.db.999999999.part", tmp_path / f"x.db.{os.getppid()}.part"
    for left in (gone, runs):
        left.write_bytes(b"half")
    copied(tmp_path / "first.db", tmp_path / "x.db")
    assert (gone.exists(), runs.exists()) == (False, True)


# ---- restore -------------------------------------------------------------------------------------------------------


async def test_p20_a_restored_queue_does_not_send(copy, tmp_path):
    """Every text that waited is held, every attempt that was open is in doubt, also that of an alarm; no link gets a segment,
    no desk a call, and no inbound text meets the rules again."""
    world, path = copy
    done = put_back(path, tmp_path / "q.db")
    assert (done.held, done.uncertain, done.calls, done.unanswered) == (2, 2, 1, 1)
    async with opened(tmp_path / "q.db") as queue:
        await queue.recover(NOW)
        await queue.owe_events({"support": frozenset({"message.sent", "message.failed"})})
        for link in OURS:
            assert await queue.claim(link, 100, NOW + 86_400_000) == []
        assert await queue.owed("support", 100, NOW) == []
        states = {m.id: (m.state.value, m.reason) for m in await all_messages(queue, direction="out")}
        assert [states[m.id] for m in world.waits] == [("held", "restored from a backup")] * 2
        assert states[world.doubt.id][0] == states[world.half.id][0] == "uncertain"
        assert states[world.aside.id] == ("held", "")
        assert states[world.done.id][0] == "sent"
        assert await queue.cursor("react") > 0
        assert [e.message for e in await queue.events_after(await queue.cursor("react"), 100, "message.received")] == []


async def test_p20_letting_go(copy, tmp_path):
    """Released texts are sent and replayed calls made, each once; what a person had held before stays held."""
    world, path = copy
    put_back(path, tmp_path / "q.db")
    async with opened(tmp_path / "q.db") as queue:
        some = await queue.let_go("release", 0, 1, NOW)
        assert (some.done, some.more) == (1, True)
        assert (await queue.let_go("release", some.after, 10, NOW)).done == 1
        assert (await queue.let_go("release", 0, 10, NOW)).done == 0
        assert [s.text for s in await queue.claim("m1", 100, NOW)] == ["alarm", "normal"]
        assert (await queue.let_go("replay", 0, 10, NOW)).done == 1
        assert len(await queue.owed("support", 100, NOW)) == 1
        assert (await queue.message(world.aside.id)).state == "held"


async def test_p20_dropping(tmp_path):
    """Texts that are dropped are cancelled; one of which a part went already is left for a person."""
    async with opened(tmp_path / "first.db") as queue:
        await queue.record_link("m1", "modem", OURS["m1"], LinkState.UP, "ready", NOW)
        half = await accept(queue, "half of it", parts=2)
        following = await queue.record_result((await claim(queue)).submission, Accepted("2"), NOW)
        await queue.unsubmit(following.submission, "the modem went away", NOW)
        whole = await accept(queue, "whole")
    copied(tmp_path / "first.db", tmp_path / "copy.db")
    put_back(tmp_path / "copy.db", tmp_path / "q.db")
    async with opened(tmp_path / "q.db") as queue:
        some = await queue.let_go("cancel", 0, 10, NOW)
        assert (some.done, some.left) == (1, 1)
        assert (await queue.message(whole.id)).state == "cancelled"
        assert (await queue.message(half.id)).state == "held"


async def test_p20_what_is_replaced_stays_and_is_not_forgotten(copy, tmp_path):
    """The database that is replaced lies beside the new one, whole, with its write-ahead log. A PIN that was tried since the
    copy is not tried again, a token that was revoked stays so, who opted out since is still opted out, and events go on
    behind the newest number that anybody has seen."""
    _, path = copy
    home = tmp_path / "q.db"
    put_back(path, home)
    async with opened(home) as queue:
        token = await queue.add_token(b"\x01" * 32, ("messages:send",), NOW)
    copied(home, path, force=True)
    async with opened(home) as queue:
        await queue.remember("pin abc", "m1")
        await queue.revoke_token(token.id, NOW)
        stop = await received(queue, "STOP", sender="+15550100888")
        await queue.react(await reaction(queue, stop, consent=consent("opt_out", "+15550100888")), NOW)
        newest = (await queue.events_after(0, 1000))[-1].id
    done = put_back(path, home)
    assert done.carried
    assert look_through(done.kept, full=True, clock=SystemClock()).ok
    async with opened(home) as queue:
        assert await queue.recall("pin abc") == "m1"
        assert [t.revoked for t in await queue.tokens()] == [NOW]
        assert (await queue.contact("+15550100888")).consent == "opted_out"
        (event,) = await queue.events_after(newest, 1000, "store.restored")
        assert event.id == newest + 1
        assert event.data["held"] == done.held


async def test_p20_who_was_erased_stays_erased(tmp_path):
    """A copy from before the erasure of a person brings nothing of them back, also no text that waited; who was erased before
    the copy was made and wrote again is left alone."""
    home, copy = tmp_path / "q.db", tmp_path / "copy.db"
    clock = StillClock(NOW)
    gone, back = "+15550100888", "+15550100999"
    async with open_queue(home, clock=clock) as queue:
        for number in (gone, back):
            await received(queue, f"Hello from {number}", sender=number)
        await erase(queue, back, clock)
        clock.move(60)
        await received(queue, "Hello again", sender=back, now=clock.now())
        stop = await received(queue, "STOP", sender=gone, now=clock.now())
        waits = await accept(queue, "to nobody", to=gone, class_=MessageClass.ALARM)
        copied(home, copy)
        clock.move(60)
        await queue.react(await reaction(queue, stop, consent=consent("opt_out", gone)), clock.now())
        await erase(queue, gone, clock)
    done = put_back(copy, home)
    assert done.erased == 1
    async with open_queue(home, clock=clock) as queue:
        assert (await queue.message(waits.id)).state == "cancelled"
        assert [m.text for m in await all_messages(queue, direction="in") if m.text] == ["Hello again"]
        (refused,) = await queue.accept([draft("Hello?", to=gone)], clock.now())
        assert isinstance(refused, RequestRefused), "the opt-out outlives it all"
    octets = home.read_bytes()
    assert gone.encode() not in octets
    assert b"Hello from" not in octets


async def test_p20_in_the_place_of_a_damaged_one(copy, tmp_path):
    """A database that cannot be read any more is replaced all the same and kept as it is; its mark does not outlive it, and
    numbers of events leave a gap for those that it may have told."""
    _, path = copy
    home = tmp_path / "q.db"
    home.write_bytes(b"no database at all" * 500)
    (tmp_path / "q.db.damaged").write_text("page 7\n")
    done = put_back(path, home)
    assert not done.carried
    with open(done.kept, "rb") as kept:
        assert kept.read(18) == b"no database at all"
    async with opened(home) as queue:
        assert (await queue.events_after(GAP, 1))[0].kind == "store.restored"
    assert not (tmp_path / "q.db.damaged").exists()


@pytest.mark.parametrize("released", RELEASED, ids=lambda p: p.stem)
async def test_p20_a_copy_of_an_earlier_version(tmp_path, released):
    """A copy that an earlier version made is brought to today's tables; the copy itself is not changed."""
    source = build(released, tmp_path / "old.db")
    before = texts(source)
    done = put_back(source, tmp_path / "q.db")
    assert (done.held, done.uncertain, done.calls) == (5, 3, 1)  # one of them was put off for a day
    assert texts(source) == before
    assert look_through(str(tmp_path / "q.db"), full=True, clock=SystemClock()).ok


async def test_p20_not_under_a_running_daemon(copy, tmp_path):
    """While somebody has the database nothing is done, and the way to stop it is named."""
    _, path = copy
    lock = Lock(str(tmp_path / "q.db"))
    try:
        with pytest.raises(StoreUnavailable, match=r"another smsgwd \(pid \d+\).*systemctl stop smsgwd"):
            put_back(path, tmp_path / "q.db")
    finally:
        lock.release()
    with pytest.raises(Conflict, match="itself"):
        put_back(path, path)


class Cut(Exception):
    """The power went."""


@pytest.mark.parametrize("step", range(5), ids=lambda n: f"after step {n}")
async def test_p20_a_restore_that_is_cut_off(copy, tmp_path, monkeypatch, step):
    """Cut off between any two steps of the last move: the next opening finds the restored database, with nothing that sends
    by itself, and the old one is kept with its log. The old log never meets the new database."""
    _, path = copy
    home = tmp_path / "q.db"
    put_back(path, home)
    async with opened(home) as queue:
        await accept(queue, "after the copy")
        octets, log = home.read_bytes(), (tmp_path / "q.db-wal").read_bytes()
    home.write_bytes(octets)
    (tmp_path / "q.db-wal").write_bytes(log)
    taken = []

    def cut(real):
        def call(*args):
            if len(taken) == step:
                raise Cut
            taken.append(args)
            return real(*args)

        return call

    def finish(where):
        """The last move, with the power going after so many steps; before the new database has its name there is none."""
        if not os.path.exists(files.restoring(where)):
            return ""
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", SimpleNamespace(**{**vars(os), "replace": cut(os.replace), "unlink": cut(os.unlink)}))
            return files.finish(where)

    monkeypatch.setattr("smsgwd.queue.care.restoring.finish", finish)
    with pytest.raises(Cut) if step < 4 else contextlib.nullcontext():
        put_back(path, home)
    assert len(taken) == step
    async with opened(home) as queue:
        assert [m.text for m in await all_messages(queue, state="queued")] == []
        assert len(await all_messages(queue, state="held")) == 3
    assert look_through(str(home), full=True, clock=SystemClock()).ok
    kept = [p for p in tmp_path.glob("q.db.before-restore-*") if not p.name.endswith(("-wal", "-shm"))]
    newest = max(kept, key=lambda p: "after the copy" in str(texts(p)))
    assert "after the copy" in str(texts(newest))
