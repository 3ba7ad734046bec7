"""A GSM modem with its SIM, as a :class:`~smsgwd.link.Link`.

One loop, :meth:`ModemLink._serve`, owns the channel while the port is open, so that nothing is ever written between
AT+CMGS and its result. Its work, in this order, one piece at a time: what came unasked, a text to send, an errand (a USSD
code, the end of a call), a stored text to read, the regular look at storage, settings, registration and signal. It sleeps
until one of them is there.

    find the port → open → set up → drain the storage → wait for the network → up ⇄ starting → draining

Everything that breaks raises LinkError out of :meth:`run`; the supervisor opens the port anew after a pause. A text whose
last octet was handed over is then uncertain, one that was not goes back to the queue. A modem that stays silent over
several openings climbs the ladder of ``recovery.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from smsgwd.clock import Clock, came
from smsgwd.config import ModemConfig
from smsgwd.errors import CommandError, LinkError, StoreUnavailable
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.model import LinkState, Segment, SubmitResult
from smsgwd.modem import commands, ussd
from smsgwd.modem.at import Unsolicited
from smsgwd.modem.balance import Balance
from smsgwd.modem.calls import Calls
from smsgwd.modem.channel import Channel, ModemSilent
from smsgwd.modem.discover import Finder
from smsgwd.modem.doubt import Doubt
from smsgwd.modem.mapping import announced
from smsgwd.modem.network import Network
from smsgwd.modem.port import holder
from smsgwd.modem.profile import Profile, find_profile
from smsgwd.modem.recovery import Step, next_step
from smsgwd.modem.sending import Job, Sender
from smsgwd.modem.setup import Facts, Setup
from smsgwd.modem.status import StatusPort
from smsgwd.modem.storage import Storage, store
from smsgwd.modem.switch import run_command
from smsgwd.modem.ussd_session import UssdSession

#: seconds from the set-up to the first regular look: what nobody must wait for at the start is asked then. The pauses between
#: looks double from here to the profile's: a modem whose last program died and acknowledged nothing turns directly routed
#: codes off some time after we set them (TS 27.005 section 3.4.1)
FIRST_POLL = 10.0
#: kinds of unknown lines that are logged once each, per open port
_UNKNOWN_LINES = 50
#: errands that may wait; nobody asks for more in earnest
_MOST_ERRANDS = 20

#: what modems say when they start: whoever hears it unasked is before a modem with default settings
_RESTARTED = frozenset(
    {"RDY", "APP RDY", "^SYSSTART", "+CFUN", "+CPIN", "SMS Ready", "SMS READY", "SMS DONE", "Call Ready", "+PBREADY"}
)

log = get_logger("modem")


class ModemLink:
    """One modem. ``profile`` and ``finder`` are for tests; else the configuration and sysfs name them."""

    #: a modem takes one text at a time
    window = 1

    def __init__(
        self, config: ModemConfig, clock: Clock, profile: Profile | None = None, *, finder: Finder | None = None,
        profiles: str = "",
    ) -> None:  # fmt: skip
        self.config, self.clock = config, clock
        self.profile = profile or find_profile(config.profile, profiles)
        self._finder = finder or Finder(config, profiles)
        self._jobs: deque[Job] = deque()
        self._errands: deque[Callable[[], Awaitable[None]]] = deque(maxlen=_MOST_ERRANDS)
        self._wake = asyncio.Event()
        self._state, self._why = LinkState.DOWN, ""
        self._sink: LinkSink
        self._channel: Channel
        self._storage: Storage
        self._sender: Sender
        self._network: Network
        self._calls: Calls
        self._session: UssdSession | None = None
        self._status: StatusPort | None = None
        self._doubt = Doubt()
        self._facts = Facts()
        self._poll_at, self._pause = 0.0, FIRST_POLL
        #: nothing is read from the storage before: what was read last could not be stored
        self._read_at = 0.0
        self._strange: set[str] = set()
        #: the modem has started anew and forgotten its settings, PDU mode among them
        self._restarted = False
        #: openings in a row that found a silent modem
        self._silent = 0
        #: the speeds to try in turn, each for one opening that finds a silent modem; the one that answered stays
        self._speeds = deque(dict.fromkeys((config.baudrate, *self.profile.speeds)))

    @property
    def name(self) -> str:
        return self.config.name

    # ---- the face --------------------------------------------------------------------------------------------------

    async def run(self, sink: LinkSink, stop: asyncio.Event) -> None:
        self._sink = sink
        self._channel = Channel(self.profile, self._wake.set)
        try:
            port = await self._finder.find(sink)
            await self._channel.open(port, self._speeds[0])
            # only now: a port that is not there is down all the time, which is one event and not two at every try
            await self._change(LinkState.STARTING, f"{port} is open, the modem is set up")
            await self._live(stop, await asyncio.to_thread(self._finder.second, port))
        except ModemSilent as e:
            self._speeds.rotate(-1)
            await self._climb()
            other = await asyncio.to_thread(holder, port)
            raise ModemSilent(f"{e}; {other} has its port open too" if other else str(e)) from None
        finally:
            self._state = LinkState.DOWN
            self._channel.close()
            if self._session is not None:
                self._session.fail("the link went down before the network answered")
            self._errands.clear()
            while self._jobs:
                self._jobs.popleft().give(error=LinkError("the link went down before this text's turn"))

    async def submit(self, segment: Segment) -> SubmitResult:
        if self._state is not LinkState.UP:
            raise LinkError(f"{self.name} is {self._state.value}")
        job = Job(segment, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._wake.set()
        return await job.answer

    async def ussd(self, code: str, answers: Sequence[str] = ()) -> tuple[str, bool]:
        """See :class:`smsgwd.link.Dialogue`."""
        if self._state is not LinkState.UP or self._session is None:
            raise LinkError(f"{self.name} is {self._state.value}")
        answer = await self._session.talk(code, answers)
        return answer.text, answer.m is ussd.M.MORE

    # ---- life ------------------------------------------------------------------------------------------------------

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _live(self, stop: asyncio.Event, second: str) -> None:
        broken: LinkError | None = None
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(self._wake_on(stop), name=f"stop of {self.name}")]
            try:
                await self._set_up(found=True)
                if second:
                    self._status = StatusPort(self.config, self._channel.profile, second, self._sink, self.clock)
                    beside.append(group.create_task(self._status.run(), name=f"second port of {self.name}"))
                if self.config.balance:
                    balance = Balance(self.config, self._sink, self.clock, self.ussd)
                    beside.append(group.create_task(balance.run(), name=f"balance of {self.name}"))
                await self._serve(stop)
                await self._change(LinkState.DRAINING, "stopping")
            except LinkError as e:  # a TaskGroup would wrap it
                broken = e
            finally:
                for task in beside:
                    task.cancel()
        if broken is not None:
            raise broken

    async def _set_up(self, *, found: bool) -> None:
        """Also after a modem has restarted by itself and forgotten its settings."""
        channel, sink = self._channel, self._sink
        self._restarted = False
        self._facts = await Setup(self.config, self.profile, channel, sink, self.clock, self._finder.rows).run()
        profile = self._facts.profile or self.profile
        await self._finder.remember(sink, self._facts.imei)
        self._silent = 0
        self._storage = Storage(self.name, channel, sink, self.clock, self._facts.memory)
        self._sender = Sender(self.name, channel, profile, sink, self.clock, self._doubt, self._look_soon)
        self._network = Network(channel, roaming=self.config.roaming)
        self._calls = Calls(self.config, channel, sink, self.clock, self._errand)
        self._session = UssdSession(channel, profile.ussd, self._errand)
        log.info(
            "modem", link=self.name, device=self._facts.device, firmware=self._facts.firmware,
            memory=self._facts.memory, notify=",".join(map(str, self._facts.notify)), profile=profile.name,
        )  # fmt: skip
        await self._drain(found=found)
        await self._look_for_network()
        await sink.described(self.name, **self._facts.described())
        self._pause = FIRST_POLL
        self._poll_at = self.clock.monotonic() + min(profile.poll, self._pause)

    async def _serve(self, stop: asyncio.Event) -> None:
        while True:
            self._wake.clear()
            self._channel.check()
            await self._take_unsolicited()
            if self._restarted:
                # in text mode AT+CMGS=20 would send the PDU as words to the number 20
                log.warning("the modem has restarted, it is set up again", link=self.name)
                await self._set_up(found=False)
                continue
            if self._jobs:
                await self._sender.send(self._jobs.popleft())
            elif stop.is_set():
                return
            elif self._errands:
                await self._errands.popleft()()
            if self._storage.waiting and self.clock.monotonic() >= self._read_at:
                await self._guarded(self._storage.read_one())
            elif self.clock.monotonic() >= self._poll_at and not self._jobs:
                await self._poll()
            elif not self._jobs and not self._errands and not self._channel.unsolicited:
                await self._sleep()

    async def _sleep(self) -> None:
        await came(self._wake, max(self._poll_at - self.clock.monotonic(), 0.001))

    def _errand(self, work: Callable[[], Awaitable[None]]) -> None:
        self._errands.append(work)
        self._wake.set()

    def _look_soon(self) -> None:
        """Something about the modem or SIM has changed: look now, not in a minute."""
        self._poll_at = self.clock.monotonic()

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Reading of the storage; what cannot be stored or read now stays there, and is tried again after a pause."""
        try:
            await work
        except (StoreUnavailable, CommandError) as e:
            log.warning("texts stay in the modem for now", link=self.name, why=str(e))
            self._read_at = self.clock.monotonic() + self.profile.retry
            self._poll_at = min(self._poll_at, self._read_at)

    async def _climb(self) -> None:
        """The next step of the ladder, after another opening that found a silent modem."""
        self._silent += 1
        step = next_step(self._silent, restarts=self.profile.reset == "cfun", switch=bool(self.config.reset_command))
        why = ""
        if step is Step.RESTART:
            with contextlib.suppress(LinkError):
                await self._channel.blurt(commands.RESTART)
        elif step is Step.POWER:
            why = await run_command(self.config.reset_command)
        await self._sink.noticed(self.name, "link.recovery", step=step.value, silent=self._silent, why=why)

    # ---- what comes unasked ----------------------------------------------------------------------------------------

    async def _take_unsolicited(self) -> None:
        while self._channel.unsolicited:
            await self._take(self._channel.unsolicited.popleft())

    async def _take(self, code: Unsolicited) -> None:
        name = code.text.partition(":")[0]
        if name in ("+CMTI", "+CDSI"):
            found = commands.notification(code.text)
            if found is None or not self._storage.note(found):
                self._look_soon()
        elif name in ("+CMT", "+CDS"):
            await self._take_direct(code)
        elif name in ("+CREG", "+CGREG", "+CEREG"):
            if self._network.note(code.text):
                await self._judge()
        elif name == "+CMGS":
            await self._sender.late(code.text)
        elif name == "+CUSD":
            if self._session is None or not self._session.heard(code.text):
                await self._sink.noticed(self.name, "ussd.unasked")
        elif name in ("RING", "+CRING", "+CLIP"):
            await self._calls.rings(code.text)
        elif name == "^SMMEMFULL":
            self._look_soon()
        elif name in _RESTARTED:
            self._restarted = True
        elif not code.known and len(self._strange) < _UNKNOWN_LINES and name not in self._strange:
            self._strange.add(name)
            log.info("the modem says something unknown", link=self.name, starts=name[:12], octets=len(code.text))

    async def _take_direct(self, code: Unsolicited) -> None:
        """A text or report that is stored nowhere: committed first, then acknowledged. Without acknowledgement the
        network sends it again, and the modem turns such codes off, which the poll sets right."""
        if not code.pdu:
            self._look_soon()
            return
        if not announced(code.pdu, commands.direct_length(code.text)):
            log.warning("a text has another length than it says", link=self.name, octets=len(code.pdu) // 2)
        try:
            await store(self.name, self._sink, self.clock, code.pdu)
        except StoreUnavailable:
            return
        if self._facts.acknowledges:
            await self._channel.attempt(commands.ACKNOWLEDGE)

    # ---- the regular look ------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        """Settings first: a modem that restarted has forgotten them. Then texts that came without a notice."""
        self._pause = min(self._pause * 2, self.profile.poll)
        self._poll_at = self.clock.monotonic() + self._pause
        taken = commands.setting(await self._channel.first(commands.INDICATIONS))
        if self._facts.notify and taken and taken[: len(self._facts.notify)] != self._facts.notify:
            self._restarted = True
            return
        await self._drain(found=False)
        await self._look_for_network()
        if self._status is None or not self._status.serving:
            await self._sink.described(self.name, **await self._network.describe())

    async def _drain(self, *, found: bool) -> None:
        await self._guarded(self._storage.drain(found=found))

    async def _look_for_network(self) -> None:
        await self._network.look()
        await self._judge()

    async def _judge(self) -> None:
        sendable, why = self._network.judge()
        if sendable:
            await self._change(LinkState.UP, f"{self._facts.device}, {why}")
        else:
            await self._change(LinkState.STARTING, why)

    async def _change(self, state: LinkState, why: str) -> None:
        if state is not self._state or (state is LinkState.STARTING and why != self._why):
            self._state, self._why = state, why
            await self._sink.changed(self.name, state, why)
