"""The daemon in this process: its life, its signals, what it tells systemd, the clock's own work, and reloading."""

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from smsgwd import daemon as module
from smsgwd.clock import SystemClock
from smsgwd.daemon import Daemon, sd_notify
from smsgwd.errors import StoreUnavailable, StoreUnusable, Uncertain
from smsgwd.model import LinkState
from smsgwd.queue.sqlite import open_queue
from tests.contract.making import HOUR, NOW, OURS, accept, data, draft, events, kinds, part, state
from tests.helpdesk.worker import Flaky, until
from tests.queue.inprocess import built, furnished
from tests.queue.plainlink import PlainLink, quiet, reaches
from tests.store import StillClock

RULE = '[[rule]]\nid = "hi"\nthen = [ {{ reply = "{}" }} ]\n'


@pytest.fixture
def home(tmp_path):
    return furnished(tmp_path)


@pytest.fixture
def clock():
    return SystemClock()


@pytest.fixture
async def queue(home, clock):
    async with open_queue(home / "smsgwd.db", clock=clock) as opened:
        yield opened


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What systemd is told, in order: a function that gives the lines so far."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(tmp_path / "notify"))
        s.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        lines: list[str] = []

        def so_far() -> list[str]:
            while True:
                try:
                    lines.append(s.recv(4096).decode())
                except BlockingIOError:
                    return [line for line in lines if line != "WATCHDOG=1"]

        yield so_far


@asynccontextmanager
async def running(made: Daemon, told):
    """The daemon at work, from "ready" on; at the end it must stop by SIGTERM."""
    async with asyncio.timeout(10):
        before = told().count("READY=1")
        task = asyncio.create_task(made.run(), name="daemon")
        await until(lambda: told().count("READY=1") > before or task.done())
        assert not task.done(), task.exception()
        try:
            yield task
        finally:
            if not task.done() and not made.stop_workers.is_set():
                os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()


# ---- life ----------------------------------------------------------------------------------------------------------


async def test_life(home, queue, clock, told):
    """Ready when both doors are open; a text goes out; SIGTERM ends it in order, and systemd is told each step."""
    made = built(home, queue, clock)
    async with running(made, told):
        assert (home / "smsgwd.sock").exists()
        await reaches(queue, await accept(queue, now=clock.now()), "sent")
    assert told() == ["READY=1", "STOPPING=1"]
    seen = await kinds(queue)
    assert seen[0] == "daemon.started"
    assert seen.index("daemon.stopping") < seen.index("link.down")
    assert seen.count("message.sent") == 1


async def test_stop_waits_for_the_link(home, queue, clock, told):
    """SIGTERM while the link has a text in hand: the daemon ends when the answer is recorded, and nothing is uncertain."""
    link = PlainLink()
    link.gate.clear()
    message = await accept(queue, now=clock.now())
    async with running(built(home, queue, clock, link), told) as task:
        await until(lambda: link.under_way)
        os.kill(os.getpid(), signal.SIGTERM)
        await quiet()
        assert not task.done()
        link.gate.set()
    assert await state(queue, message) == "sent"
    assert await queue.recover(clock.now()) == 0


async def test_second_sigterm_cuts_short(home, queue, clock, told):
    """A second SIGTERM does not wait: what is on the wire is found open at the next start and called uncertain."""
    link = PlainLink()
    link.gate.clear()
    message = await accept(queue, now=clock.now())
    async with running(built(home, queue, clock, link), told) as task:
        await until(lambda: link.under_way)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
            await quiet()
        await asyncio.wait([task])
        assert task.cancelled()
    async with running(built(home, queue, clock), told):
        assert await state(queue, message) == "uncertain"
    assert (await data(queue, "daemon.started"))["recovered"] == 1


async def test_paused_stays_paused_over_a_restart(home, queue, clock, told):
    """A link that an operator paused is still paused after a restart."""
    await queue.record_link("m1", "modem", OURS["m1"], LinkState.UP, "registered", NOW)
    await queue.pause_link("m1", True, NOW)
    link, message = PlainLink(), await accept(queue, now=clock.now())
    async with running(built(home, queue, clock, link), told):
        await quiet()
    assert (link.segments, await state(queue, message)) == ([], "queued")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_store_that_failed_ends_the_daemon(home, queue, clock, told):
    """When the store failed for good the daemon ends with the reason: it must not go on calling texts accepted."""

    def bug(tx):
        raise RuntimeError("a bug")

    async def life() -> None:
        async with running(built(home, queue, clock), told):
            with pytest.raises(StoreUnusable):
                await queue._put(bug)
            await asyncio.wait_for(queue.failed.wait(), 5)

    with pytest.raises(ExceptionGroup) as caught:
        await life()
    assert caught.group_contains(StoreUnusable, match="ended by a bug")


async def test_bug_in_a_link_ends_the_daemon(home, queue, clock, told):
    """An error that no link may raise is not swallowed: the daemon ends, and systemd starts it again."""
    link = PlainLink()
    link.runs.append(ZeroDivisionError("a bug"))
    link.gate.clear()

    async def life() -> None:
        async with running(built(home, queue, clock, link), told) as task:
            link.gate.set()
            await asyncio.wait([task])

    with pytest.raises(ExceptionGroup) as caught:
        await life()
    assert caught.group_contains(ZeroDivisionError)


async def test_main_says_what_is_expected_in_one_error(home, clock):
    """A database that another has is one expected error, not a group of them."""
    async with open_queue(home / "smsgwd.db", clock=clock):
        with pytest.raises(StoreUnavailable, match="another smsgwd"):
            await module.main(str(home / "smsgwd.toml"))


# ---- systemd -------------------------------------------------------------------------------------------------------


def test_sd_notify(told):
    """A line for systemd is one datagram."""
    sd_notify("READY=1")
    sd_notify("STATUS=busy")
    assert told() == ["READY=1", "STATUS=busy"]


def test_sd_notify_in_the_abstract_namespace(monkeypatch):
    """An address with @ is an abstract socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(f"\0smsgwd-test-{os.getpid()}")
        s.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@smsgwd-test-{os.getpid()}")
        sd_notify("READY=1")
        assert s.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify"])
def test_sd_notify_without_systemd(monkeypatch, address):
    """Without systemd, or with a socket that is gone, nothing happens and nothing breaks."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert sd_notify("READY=1") is None


# ---- the clock's own work, and the log ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tick", "away"), [pytest.param(60, 0, id="in one tick"), pytest.param(0.01, 2, id="after the store was away")]
)
async def test_tick_does_all_that_is_due(home, queue, monkeypatch, tick, away):
    """One tick expires everything that is due, however much; a store that is away for a moment does not end the ticks."""
    monkeypatch.setattr(module, "TICK", tick)
    clock = StillClock(NOW)
    await queue.accept([draft(expires=NOW + HOUR)] * 1100, NOW)
    clock.move(HOUR / 1000)
    flaky = Flaky(queue, expire=away)
    made = built(home, flaky, clock)

    async def none_left() -> bool:
        return await queue.depth(clock.now()) == []

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(made._tick(), name="tick")
        await until(none_left)
        made.stop_workers.set()
    assert flaky.times["expire"] == 0
    assert (await events(queue, "daemon.stopping"))[0].at == clock.now()


async def test_every_event_is_a_line(home, queue, monkeypatch):
    """Events come as lines of the log in their order, each once, also over a moment in which the store cannot be read."""
    monkeypatch.setattr(module, "LOG_LAG", 0.0)
    monkeypatch.setattr(module, "STORE_PAUSE", 0.001)
    await queue.record_event("daemon.started", NOW)
    flaky = Flaky(queue)
    made = built(home, flaky, StillClock(NOW))
    with capture_logs() as lines:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(made._log_events(), name="log")
            await until(lambda: lines)
            flaky.times["events_after"] = 2
            for n in range(5):
                await queue.receive("m1", OURS["m1"], part(f"text {n}"), NOW)
                await quiet()
            made.stop_workers.set()
            queue.poke("events")
    numbers = [line["event_id"] for line in lines if "event_id" in line]
    assert numbers == list(range(1, len(await queue.events_after(0, 1000)) + 1))
    assert flaky.times["events_after"] == 0


# ---- reload --------------------------------------------------------------------------------------------------------


async def reloaded(queue, made, kind: str):
    """Asks for a reload by SIGHUP and gives the data of the event that follows."""
    before = len(await events(queue, kind))
    os.kill(os.getpid(), signal.SIGHUP)

    async def came() -> bool:
        return len(await events(queue, kind)) > before

    await until(came)
    return await data(queue, kind)


def change(home, old: str, new: str) -> None:
    path = home / "smsgwd.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def test_reload_takes_rules_and_limits(home, queue, clock, told):
    """SIGHUP: new rules and caps hold from then on; systemd is told when it began and ended."""
    made = built(home, queue, clock)
    async with running(made, told):
        (home / "rules.d" / "10.toml").write_text(RULE.format("Hello"))
        change(home, "[api]", "[limits]\nsegments = 3\n[api]")
        assert (await reloaded(queue, made, "config.reloaded"))["needs_restart"] == ""
        assert (made.gateway.config.limits.segments, len(made.react.rules.rules)) == (3, 1)
    assert told() == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]


async def test_reload_takes_policies_of_doubt(home, queue, clock, told):
    """SIGHUP: a class has its new policy from then on; both words for sending again mean the same."""
    link = PlainLink(answers=[Uncertain("no answer")] * 2)
    made = built(home, queue, clock, link)
    async with running(made, told):
        await reaches(queue, await accept(queue, "one", now=clock.now()), "uncertain")
        change(home, "[api]", '[uncertain]\nnormal = "resend"\n[api]')
        await reloaded(queue, made, "config.reloaded")
        await reaches(queue, again := await accept(queue, "two", now=clock.now()), "queued")
        await until(lambda: len(link.segments) == 2)
        await reaches(queue, again, "queued")
        assert (await queue.message(again.id)).possible_duplicate


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        pytest.param('port = "/dev/none"', 'port = "/dev/other"', "link", id="a link"),
        pytest.param("127.0.0.1:0", "127.0.0.1:1", "api", id="the door"),
        pytest.param("smsgwd.db", "other.db", "gateway.database", id="the database"),
        pytest.param("smsgwd.sock", "other.sock", "gateway.socket", id="the socket"),
        pytest.param("[api]", "[limits]\nattempts = 3\n[api]", "limits.attempts", id="tries"),
    ],
)
async def test_reload_names_what_needs_a_restart(home, queue, clock, told, old, new, named):
    """What cannot change while running is named, each time until the restart, and stays as it was."""
    made = built(home, queue, clock)
    links = made.config.link
    async with running(made, told):
        change(home, old, new)
        for _ in range(2):
            assert (await reloaded(queue, made, "config.reloaded"))["needs_restart"] == named
        assert made.config.link == links
        change(home, new, old)
        assert (await reloaded(queue, made, "config.reloaded"))["needs_restart"] == ""


@pytest.mark.parametrize("what", ["config", "rules", "gone"])
async def test_reload_of_something_wrong(home, queue, clock, told, what):
    """A mistake in the configuration or the rules, or a file that is gone: an event says so, everything stays as it was,
    and the daemon goes on."""
    (home / "rules.d" / "10.toml").write_text(RULE.format("Hello"))
    made = built(home, queue, clock)
    before = made.react.rules, made.gateway.config
    async with running(made, told):
        if what == "config":
            change(home, "country", "contry")
        elif what == "rules":
            (home / "rules.d" / "10.toml").write_text("[[rule]]\nid = 5\n")
        else:
            (home / "smsgwd.toml").unlink()
        assert (await reloaded(queue, made, "config.refused"))["problems"] >= 1
        assert (made.react.rules, made.gateway.config) == before
        await reaches(queue, await accept(queue, now=clock.now()), "sent")
    assert await events(queue, "config.reloaded") == []
