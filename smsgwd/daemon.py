"""The composition root: builds everything, runs it, and takes it apart in the right order.

    open_queue ( flock, migrations, writer thread )
      └ TaskGroup of links          supervise(link) for each
          └ TaskGroup of workers    lanes, react, outbox, HTTP, log of events, the clock's own work

On SIGTERM the workers end at safe points first (what is on the wire is finished and recorded), then the links close, then
the queue. A second SIGTERM cuts that short: attempts still open are found at the next start and called uncertain.

``LinkError`` is caught in :meth:`Daemon.supervise` alone. Any other exception is a bug: it ends the daemon, systemd starts
it again, and ``recover()`` turns what was in flight into ``uncertain``.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import os
import random
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from smsgwd import __version__, log
from smsgwd.bounds import prices_of
from smsgwd.care import Care
from smsgwd.clock import Clock, SystemClock, any_came, came
from smsgwd.config import Config, LinkConfig, ModemConfig, SmppConfig, parse_rate
from smsgwd.config.file import load
from smsgwd.dispatch import Lane
from smsgwd.errors import ConfigError, LinkError, SmsgwdError, StoreUnavailable
from smsgwd.gateway import Gateway
from smsgwd.inquiry import Overdue
from smsgwd.intake import Intake
from smsgwd.keeping import Forgetting
from smsgwd.link import Carrier, Dialogue, Link, Remembers
from smsgwd.model import EventData, LinkState
from smsgwd.prices import Prices
from smsgwd.pulse import Pulse
from smsgwd.queue.capacity import SpaceLimits
from smsgwd.queue.interface import Queue
from smsgwd.queue.privacy.acting import Actor, acting
from smsgwd.queue.sqlite import Limits, open_queue
from smsgwd.react import React
from smsgwd.routing import Roster, RouteLink
from smsgwd.rules.load import load_rules
from smsgwd.rules.model import RuleSet
from smsgwd.timekeeper import Timekeeper
from smsgwd.watch import StoreWatch

#: seconds between two looks at what the clock alone makes due (expiry, incomplete sets)
TICK = 15.0
#: seconds that a line of the log may lag behind its event, so that a busy gateway reads events in rows of many
LOG_LAG = 0.05
#: seconds until the log looks again for events while the store is away
STORE_PAUSE = 1.0
#: pauses of a link that broke: doubling from the first to the last; a link that was up for a minute starts anew
FIRST_PAUSE, LAST_PAUSE = 1.0, 300.0
SETTLED = 60.0
#: milliseconds before a crash of which a link is reminded: what came then may come again. An answer leaves right behind
#: its commit; the longer this is, the sooner somebody's second text with the same words is taken for the first
UNANSWERED = 10_000

journal = log.get_logger("daemon")


def sd_notify(state: str) -> None:
    """Tells systemd (sd_notify(3)); nothing happens outside of it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as s, contextlib.suppress(OSError):
        s.connect("\0" + address[1:] if address.startswith("@") else address)
        s.send(state.encode())


def quieten_collector() -> None:
    """Once all is built: what is there now stays for good, so the garbage collector need not look through it any more, and
    it looks through the rest less often. A busy gateway makes much that lives for one commit, and hardly a cycle."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def route_links(config: Config) -> list[RouteLink]:
    """The links of a configuration as routing sees them, all down."""
    return [
        RouteLink(name=x.name, number=x.number, prefixes=x.prefixes, classes=x.classes, weight=x.weight,
                  failover=x.failover, denied=x.denied, countries=x.countries, prices=Prices(x.cost, x.costs),
                  senders=x.senders if isinstance(x, SmppConfig) else ())
        for x in config.link
        if x.enabled
    ]


def queue_limits(config: Config) -> Limits:
    """What the queue decides by."""
    return Limits(
        attempts=config.limits.attempts, policies=config.uncertain.policies, accounts=accounts(config), prices=prices_of(config),
        space=SpaceLimits(**{name: getattr(config.store, name) for name in SpaceLimits.__struct_fields__}),
    )  # fmt: skip


def accounts(config: Config) -> dict[str, tuple[str, ...]]:
    """For each link that shares its account (the same system_id at the same hosts) with others: all of them, itself first."""
    shared: dict[tuple[str, frozenset[str]], list[str]] = {}
    for x in config.link:
        if isinstance(x, SmppConfig) and x.system_id:
            shared.setdefault((x.system_id, frozenset((x.host, *x.hosts))), []).append(x.name)
    return {
        name: (name, *(other for other in names if other != name))
        for names in shared.values() if len(names) > 1
        for name in names
    }  # fmt: skip


def make_link(config: LinkConfig, clock: Clock, profiles: str = "") -> Link:
    """The concrete driver of a link; imported only when it is used. ``profiles``: the site's folder of modem profiles."""
    if isinstance(config, ModemConfig):
        from smsgwd.modem.link import ModemLink

        return ModemLink(config, clock, profiles=profiles)
    assert isinstance(config, SmppConfig)
    from smsgwd.smpp.link import SmppLink

    return SmppLink(config, clock)


def read_rules(config: Config) -> RuleSet:
    """The rule set of a configuration; ConfigError with every mistake."""
    return load_rules(config.gateway.rules, config.gateway.templates, desks=tuple(d.name for d in config.helpdesk))


def check_profiles(config: Config, file: str) -> None:
    """ConfigError with every mistake in the modem profiles that the links name."""
    from smsgwd.modem.profile import profile_problems

    if problems := profile_problems(config.profiles, config.gateway.modems, file):
        raise ConfigError(problems)


class Daemon:
    """One running gateway."""

    def __init__(self, config_path: str, config: Config, rules: RuleSet, queue: Queue, clock: Clock) -> None:
        self.config_path, self.config, self.queue, self.clock = config_path, config, queue, clock
        self._started_with = config
        self.roster = Roster(route_links(config))
        self.gateway = Gateway(config, queue, self.roster, clock)
        self.react = React(queue, self.gateway, rules, clock)
        self.intake = Intake(queue, self.roster, clock, {x.name: x.type for x in config.link})
        self.links = [(x, make_link(x, clock, config.gateway.modems)) for x in config.link if x.enabled]
        self.gateway.carriers = {link.name: link for _, link in self.links if isinstance(link, Carrier)}
        self.gateway.modems = {link.name: link.ussd for _, link in self.links if isinstance(link, Dialogue)}
        self.stop_workers, self.stop_links, self._hup = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._hurry = 0
        self.timekeeper = Timekeeper(queue, clock)
        self.gateway.time = self.timekeeper.state

    # ---- life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        recovered = await self.queue.recover(self.clock.now())
        await self.timekeeper.begin()
        await self.gateway.begin()
        for status in await self.queue.links():
            self.roster.note(status.name, paused=status.paused)
        for _, link in self.links:
            if isinstance(link, Remembers):
                link.remember(await self.queue.unanswered(link.name, UNANSWERED))
        await self.queue.record_event(
            "daemon.started",
            self.clock.now(),
            {"version": __version__, "links": len(self.links), "recovered": recovered},
        )
        with self._signals():
            async with asyncio.TaskGroup() as links:
                for config, link in self.links:
                    links.create_task(self.supervise(config, link), name=f"link {link.name}")
                try:
                    async with asyncio.TaskGroup() as workers:
                        self._start_workers(workers)
                finally:
                    self.stop_links.set()

    def _start_workers(self, group: asyncio.TaskGroup) -> None:
        stop = self.stop_workers
        for config, link in self.links:
            lane = Lane(
                link, self.queue, self.roster, self.clock, self.gateway.replan, rate=parse_rate(config.rate),
                settled=self.gateway.settled,
            )  # fmt: skip
            group.create_task(lane.run(stop), name=f"lane {link.name}")
        group.create_task(self.react.run(stop), name="react")
        group.create_task(self._outbox(), name="outbox")
        group.create_task(self._serve(), name="http")
        group.create_task(self._log_events(), name="log of events")
        group.create_task(self._tick(), name="clock's own work")
        group.create_task(self.timekeeper.run(stop), name="clock")
        group.create_task(Overdue(self.gateway).run(stop), name="overdue receipts")
        group.create_task(Forgetting(self.queue, self.clock, lambda: self.config.retention, self.timekeeper.believed.is_set).run(stop), name="retention")
        group.create_task(self._care().run(stop), name="care of the store")
        group.create_task(self._reloads(), name="reload")
        group.create_task(self._watch_store(), name="end of the store")
        group.create_task(StoreWatch(self.queue, self.gateway.room, self.clock).run(stop), name="watch of the store")
        pulse = Pulse(self.queue.stuck_for, sd_notify)
        self.gateway.lag = pulse.lag
        group.create_task(pulse.run(stop), name="pulse")

    async def supervise(self, config: LinkConfig, link: Link) -> None:
        """Runs a link, again and again, with growing pauses between, or those that it asks for."""
        pause, again = FIRST_PAUSE, self.queue.hint(f"restart:{link.name}")
        while not self.stop_links.is_set():
            began = self.clock.monotonic()
            why, asked = "stopped", None
            try:
                await self._time_for(config, link)
                await link.run(self.intake, self.stop_links)
            except LinkError as e:
                why, asked = str(e), e.retry_after
            await self.intake.changed(link.name, LinkState.DOWN, why)
            if self.stop_links.is_set():
                return
            if self.clock.monotonic() - began >= SETTLED:
                pause = FIRST_PAUSE
            wait = pause * random.uniform(0.8, 1.2) if asked is None else asked
            await any_came((self.stop_links, again), wait)
            again.clear()
            pause = min(pause * 2, LAST_PAUSE)

    async def _time_for(self, config: LinkConfig, link: Link) -> None:
        """Before TLS the clock must be set: by a wrong one every certificate is invalid."""
        if isinstance(config, SmppConfig) and config.tls and not self.timekeeper.believed.is_set():
            why = f"waits for the clock: {self.timekeeper.state().why}"
            await self.intake.changed(link.name, LinkState.DOWN, why)
            await any_came((self.timekeeper.believed, self.stop_links), None)

    # ---- workers of the daemon itself -------------------------------------------------------------------------------

    def _care(self) -> Care:
        return Care(self.queue, self.config.gateway.database, self.config.store.check, self.clock)

    async def _outbox(self) -> None:
        from smsgwd.helpdesk.webhook import WebhookDesk
        from smsgwd.outbox import Outbox

        desks = [WebhookDesk(desk, self.clock, gateway=self.config.gateway.name) for desk in self.config.helpdesk]
        await Outbox(self.queue, desks, self.clock, begins=self.timekeeper.believed).run(self.stop_workers)

    async def _serve(self) -> None:
        from smsgwd.web.app import serve

        def listening(address: str) -> None:
            journal.info("ready", http=address, socket=self.config.gateway.socket, links=len(self.links))
            quieten_collector()
            sd_notify("READY=1")

        await serve(
            self.gateway, socket_path=self.config.gateway.socket, listen=self.config.api.listen,
            stop=self.stop_workers, listening=listening,
        )  # fmt: skip

    async def _log_events(self) -> None:
        """Every event is a line of the log, in order."""
        hint, position = self.queue.hint("events"), -1  # from the newest event on
        while True:
            hint.clear()
            try:
                events = await self.queue.events_after(position, 500)
            except StoreUnavailable as e:
                journal.warning("the store is away, events are logged later", why=str(e))
                if self.stop_workers.is_set():
                    return
                await came(self.stop_workers, STORE_PAUSE)
                continue
            log.write_events(journal, events)
            position = events[-1].id if events else position
            if self.stop_workers.is_set() and not events:
                return
            if len(events) < 500 and not self.stop_workers.is_set():
                await any_came((hint, self.stop_workers), 60.0)
                await self.clock.sleep(LOG_LAG)

    async def _tick(self) -> None:
        """What the clock alone makes due."""
        while not self.stop_workers.is_set():
            with contextlib.suppress(StoreUnavailable):
                await self.gateway.tell()
                while await self.queue.expire(self.clock.now()) and not self.stop_workers.is_set():
                    pass  # it is bounded: there may be more
            await came(self.stop_workers, TICK)
        with contextlib.suppress(StoreUnavailable):
            await self.queue.record_event("daemon.stopping", self.clock.now())

    async def _watch_store(self) -> None:
        """A store that failed for good (I/O error in a commit) ends the daemon: nothing may be called accepted."""
        await any_came((self.queue.failed, self.stop_workers), None)
        self.queue.check()

    # ---- signals ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        handlers: dict[int, Callable[[], None]] = {
            signal.SIGTERM: lambda: self._stop(task),
            signal.SIGINT: lambda: self._stop(task),
            signal.SIGHUP: self._hup.set,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _stop(self, task: asyncio.Task[None]) -> None:
        self._hurry += 1
        if self._hurry > 1:
            journal.warning("told twice to stop: what is on the wire is left open")
            task.cancel()
            return
        sd_notify("STOPPING=1")
        journal.info("stopping: finishing what is on the wire")
        self.stop_workers.set()
        for topic in ("events", "events:message.received"):
            self.queue.poke(topic)
        self.queue.poke("outbox")
        for _, link in self.links:
            self.queue.poke(f"link:{link.name}")

    async def _reloads(self) -> None:
        """SIGHUP: configuration and rules are read again; one wrong line and everything stays as it was."""
        while True:
            await any_came((self._hup, self.stop_workers), None)
            if self.stop_workers.is_set():
                return
            self._hup.clear()
            sd_notify("RELOADING=1")
            try:
                kind, note = "config.reloaded", self._reload()
            except ConfigError as e:
                journal.error(
                    "the new configuration is wrong, the old one stays", problems=[str(p) for p in e.problems]
                )
                kind, note = "config.refused", {"problems": len(e.problems)}
            sd_notify("READY=1")
            with contextlib.suppress(StoreUnavailable), acting(Actor("signal:HUP")):
                await self.queue.set_policies(self.config.uncertain.policies)
                await self.queue.record_event(kind, self.clock.now(), note)

    def _reload(self) -> EventData:
        """Swaps what may change while running; the sections that need a restart are named and stay as they were."""
        config = load(self.config_path)
        rules = read_rules(config)
        begun = self._started_with
        fixed = {name: getattr(begun, name) for name in ("link", "api", "helpdesk", "store")}
        restart = [name for name, old in fixed.items() if getattr(config, name) != old]
        restart += [
            f"{section}.{name}"
            for section, name in (("gateway", "database"), ("gateway", "socket"), ("limits", "attempts"))
            if getattr(getattr(config, section), name) != getattr(getattr(begun, section), name)
        ]
        self.config = self.gateway.config = msgspec.structs.replace(config, **fixed)
        self.react.rules = rules
        digest = hashlib.sha256(Path(self.config_path).read_bytes()).hexdigest()
        return {"config": digest[:12], "rules": rules.digest[:12], "needs_restart": ", ".join(restart)}


async def main(config_path: str) -> None:
    """Reads the configuration and runs until told to stop. ConfigError, StoreUnavailable, StoreUnusable."""
    config = load(config_path)
    rules = read_rules(config)
    check_profiles(config, config_path)
    clock = SystemClock()
    Path(config.gateway.socket).parent.mkdir(parents=True, exist_ok=True)
    async with open_queue(config.gateway.database, clock=clock, limits=queue_limits(config)) as queue:
        try:
            await Daemon(config_path, config, rules, queue, clock).run()
        except BaseExceptionGroup as group:
            # an expected error of a worker (a port in use, a store that failed) comes wrapped once for each TaskGroup
            expected, rest = group.split(SmsgwdError)
            if rest is not None or expected is None:
                raise
            raise _first(expected) from None


def _first(group: BaseExceptionGroup[SmsgwdError]) -> SmsgwdError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
