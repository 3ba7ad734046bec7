"""A GSM modem with its SIM, as a :class:`~smsgwd.link.Link`.

One loop, :meth:`ModemLink._serve`, owns the channel while the port is open, so that nothing is ever written between
AT+CMGS and its result. Its work, in this order, one piece at a time: what came unasked, a text to send, a stored text to
read, the regular look at storage, settings, registration and signal. It sleeps until one of them is there.

    open port → set up → drain the storage → wait for the network → up ⇄ starting (registration lost) → draining

Everything that breaks raises LinkError out of :meth:`run`; the supervisor opens the port anew after a pause. A text whose
last octet was handed over is then uncertain, one that was not goes back to the queue. When the modem is silent for
``answer`` seconds the text is called uncertain, but the modem is left alone until ``silence`` is over: a result that comes
late settles its own text.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable

import msgspec

from smsgwd.clock import Clock
from smsgwd.config import ModemConfig
from smsgwd.errors import CommandError, LinkError, PduError, StoreUnavailable, Uncertain
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.model import Accepted, LinkState, Refusal, RefusalClass, Segment, SubmitResult
from smsgwd.modem import commands
from smsgwd.modem.at import Unsolicited
from smsgwd.modem.causes import Unknown, cause_of
from smsgwd.modem.channel import Channel
from smsgwd.modem.mapping import tpdu_of
from smsgwd.modem.pin import PinGuard
from smsgwd.modem.profile import Profile, find_profile
from smsgwd.modem.setup import Facts, Setup
from smsgwd.modem.storage import Storage, store

#: RINGs of one call are at most so many seconds apart
_CALL = 6.0
#: kinds of unknown lines that are logged once each, per open port
_UNKNOWN_LINES = 50

log = get_logger("modem")


class _Job(msgspec.Struct, eq=False):
    """A segment on its way into the modem, and who waits for what comes of it."""

    segment: Segment
    answer: asyncio.Future[SubmitResult]


class ModemLink:
    """One modem. ``profile`` is for tests; else the configuration names it."""

    #: a modem takes one text at a time
    window = 1

    def __init__(self, config: ModemConfig, clock: Clock, profile: Profile | None = None) -> None:
        self.config, self.clock = config, clock
        self.profile = profile or find_profile(config.profile)
        self._pins = PinGuard()
        self._jobs: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._state, self._why = LinkState.DOWN, ""
        self._sink: LinkSink
        self._channel: Channel
        self._storage: Storage
        self._facts = Facts()
        self._registered: dict[str, int] = {}
        self._poll_at = 0.0
        self._last_ring = float("-inf")
        self._strange: set[str] = set()
        #: the submission whose result may still come
        self._unsettled = ""

    @property
    def name(self) -> str:
        return self.config.name

    # ---- the face --------------------------------------------------------------------------------------------------

    async def run(self, sink: LinkSink, stop: asyncio.Event) -> None:
        self._sink = sink
        self._channel = Channel(self.profile, self._wake.set)
        try:
            await self._channel.open(self.config.port, self.config.baudrate)
            # only now: a port that is not there is down all the time, which is one event and not two at every try
            await self._change(LinkState.STARTING, f"{self.config.port} is open, the modem is set up")
            await self._live(stop)
        finally:
            self._state = LinkState.DOWN
            self._channel.close()
            while self._jobs:
                self._answer(self._jobs.popleft(), error=LinkError("the link went down before this text's turn"))

    async def submit(self, segment: Segment) -> SubmitResult:
        if self._state is not LinkState.UP:
            raise LinkError(f"{self.name} is {self._state.value}")
        job = _Job(segment, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._wake.set()
        return await job.answer

    # ---- life ------------------------------------------------------------------------------------------------------

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _live(self, stop: asyncio.Event) -> None:
        broken: LinkError | None = None
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._wake_on(stop), name=f"stop of {self.name}")
            try:
                await self._set_up(found=True)
                await self._serve(stop)
                await self._change(LinkState.DRAINING, "stopping")
            except LinkError as e:  # a TaskGroup would wrap it
                broken = e
            finally:
                watch.cancel()
        if broken is not None:
            raise broken

    async def _set_up(self, *, found: bool) -> None:
        """Also after a modem has restarted by itself and forgotten its settings."""
        self._facts = await Setup(
            self.config, self.profile, self._channel, self._sink, self.clock, self._pins
        ).run()
        self._storage = Storage(self.name, self._channel, self._sink, self.clock, self._facts.memory)
        log.info(
            "modem", link=self.name, device=self._facts.device, firmware=self._facts.firmware,
            memory=self._facts.memory, notify=",".join(map(str, self._facts.notify)), profile=self.profile.name,
        )  # fmt: skip
        await self._drain(found=found)
        await self._look_for_network()
        self._poll_at = self.clock.monotonic() + self.profile.poll

    async def _serve(self, stop: asyncio.Event) -> None:
        while True:
            self._wake.clear()
            self._channel.check()
            await self._take_unsolicited()
            if self._jobs:
                await self._send(self._jobs.popleft())
            elif stop.is_set():
                return
            if self._storage.waiting:
                await self._guarded(self._storage.read_one())
            elif self.clock.monotonic() >= self._poll_at and not self._jobs:
                await self._poll()
            elif not self._jobs and not self._channel.unsolicited:
                await self._sleep()

    async def _sleep(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(self._poll_at - self.clock.monotonic(), 0.001))

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Reading of the storage; what cannot be stored or read now stays there until the next poll."""
        try:
            await work
        except (StoreUnavailable, CommandError) as e:
            log.warning("texts stay in the modem for now", link=self.name, why=str(e))
            self._poll_at = min(self._poll_at, self.clock.monotonic() + self.profile.retry)

    # ---- sending ---------------------------------------------------------------------------------------------------

    async def _send(self, job: _Job) -> None:
        """One text through the modem; its answer is given in every case."""
        segment = job.segment
        try:
            octets, pdu = tpdu_of(segment)
        except PduError as e:
            self._answer(job, Refusal("PDU", RefusalClass.PERMANENT, str(e)))
            return
        self._unsettled = ""
        try:
            await self._channel.prompt(octets)
        except CommandError as e:
            self._answer(job, self._refused(e))
            return
        except LinkError as e:
            self._answer(job, error=e)
            raise
        try:
            reference = await self._channel.hand_over(pdu)
        except CommandError as e:
            self._answer_refused(job, e)
        except LinkError as e:
            self._answer(job, error=e)
            raise
        except Uncertain as e:
            self._answer(job, error=e)
            await self._wait_in_silence(segment.submission)
        else:
            self._answer(job, Accepted(reference))

    def _answer_refused(self, job: _Job, error: CommandError) -> None:
        if cause_of(error).class_ is Unknown.UNKNOWN:
            self._answer(job, error=Uncertain(f"the modem says {error}, which tells nothing about the network"))
        else:
            self._answer(job, self._refused(error))

    def _refused(self, error: CommandError) -> Refusal:
        """The refusal of an error. One before the PDU was never sent: what is unknown after it is temporary then."""
        cause = cause_of(error)
        code = f"{error.kind} {error.code}" if error.kind and error.code >= 0 else str(error)
        if isinstance(cause.class_, Unknown):
            return Refusal(code, RefusalClass.TEMPORARY, str(error), 10.0)
        if cause.class_ is RefusalClass.LINK:
            # something about the modem or SIM has changed: look now, not in a minute
            self._poll_at = self.clock.monotonic()
        return Refusal(code, cause.class_, str(error), cause.pause)

    async def _wait_in_silence(self, submission: str) -> None:
        """After an unanswered PDU nothing is written until the longest known answer time is over."""
        self._unsettled = submission
        self._channel.check()
        try:
            async with asyncio.timeout(max(self.profile.silence - self.profile.answer, 0.0)):
                reference = await self._channel.result()
        except TimeoutError:
            await self._channel.resync()
        except CommandError as e:
            if cause_of(e).class_ is not Unknown.UNKNOWN:
                await self._settle(self._refused(e))
        else:
            await self._settle(Accepted(reference))

    async def _settle(self, result: SubmitResult) -> None:
        """A late answer. The text stays uncertain when the store is away: an operator decides."""
        submission, self._unsettled = self._unsettled, ""
        if submission:
            with contextlib.suppress(StoreUnavailable):
                await self._sink.settled(self.name, submission, result)

    def _answer(self, job: _Job, result: SubmitResult | None = None, error: Exception | None = None) -> None:
        if job.answer.done():  # the waiter was cancelled
            return
        if error is not None:
            job.answer.set_exception(error)
        elif result is not None:
            job.answer.set_result(result)

    # ---- what comes unasked ----------------------------------------------------------------------------------------

    async def _take_unsolicited(self) -> None:
        while self._channel.unsolicited:
            await self._take(self._channel.unsolicited.popleft())

    async def _take(self, code: Unsolicited) -> None:
        name = code.text.partition(":")[0]
        if name in ("+CMTI", "+CDSI"):
            found = commands.notification(code.text)
            if found is None or not self._storage.note(found):
                self._poll_at = self.clock.monotonic()
        elif name in ("+CMT", "+CDS"):
            await self._take_direct(code)
        elif name in ("+CREG", "+CGREG", "+CEREG"):
            await self._note_registration(code.text)
        elif name == "+CMGS":
            await self._settle(Accepted(commands.reference(code.text)))
        elif name in ("RING", "+CRING"):
            await self._ring()
        elif name in ("^SMMEMFULL", "+CPIN", "+CFUN", "RDY", "^SYSSTART") or name.upper() in ("SMS READY", "APP RDY"):
            # full storage, or a modem that has restarted: the poll finds out
            self._poll_at = self.clock.monotonic()
        elif not code.known and len(self._strange) < _UNKNOWN_LINES and name not in self._strange:
            self._strange.add(name)
            log.info("the modem says something unknown", link=self.name, starts=name[:12], octets=len(code.text))

    async def _take_direct(self, code: Unsolicited) -> None:
        """A text or report that is stored nowhere: committed first, then acknowledged. Without acknowledgement the
        network sends it again, and the modem turns such codes off, which the poll sets right."""
        if not code.pdu:
            self._poll_at = self.clock.monotonic()
            return
        try:
            await store(self.name, self._sink, self.clock, code.pdu)
        except StoreUnavailable:
            return
        if self._facts.acknowledges:
            await self._channel.attempt(commands.ACKNOWLEDGE)

    async def _ring(self) -> None:
        now = self.clock.monotonic()
        if now - self._last_ring > _CALL:
            await self._sink.noticed(self.name, "call.incoming")
        self._last_ring = now

    # ---- the network -----------------------------------------------------------------------------------------------

    async def _note_registration(self, line: str) -> None:
        found = commands.registration(line)
        if found is not None:
            self._registered[found[0]] = found[1]
            await self._judge_registration()

    async def _look_for_network(self) -> None:
        self._registered.clear()
        for name, command in commands.REGISTRATION.items():
            found = commands.registration(await self._channel.first(command) or "+:")
            if found is not None:
                self._registered[name] = found[1]
        await self._judge_registration()

    async def _judge_registration(self) -> None:
        """Up when any of the three domains can send: LTE-only modems are never registered in +CREG. A modem that
        answers none of the three is tried: the error table decides then."""
        stats = set(self._registered.values())
        sendable = {s for s in stats if commands.REGISTRATION_STATES.get(s, ("", False))[1]}
        if not self.config.roaming:
            sendable -= commands.ROAMING
        if sendable or not stats:
            names = ", ".join(commands.REGISTRATION_STATES[s][0] for s in sorted(sendable)) or "registration unknown"
            await self._change(LinkState.UP, f"{self._facts.device}, {names}")
            return
        names = ", ".join(sorted({commands.REGISTRATION_STATES.get(s, (f"state {s}", False))[0] for s in stats}))
        roaming = " (`roaming` is off)" if stats & commands.ROAMING else ""
        await self._change(LinkState.STARTING, f"no network: {names}{roaming}")

    async def _change(self, state: LinkState, why: str) -> None:
        if state is not self._state or (state is LinkState.STARTING and why != self._why):
            self._state, self._why = state, why
            await self._sink.changed(self.name, state, why)

    # ---- the regular look ------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        """Settings first: a modem that restarted has forgotten them. Then texts that came without a notice."""
        self._poll_at = self.clock.monotonic() + self.profile.poll
        taken = commands.setting(await self._channel.first(commands.INDICATIONS))
        if self._facts.notify and taken and taken[: len(self._facts.notify)] != self._facts.notify:
            log.warning("the modem has forgotten its settings, it is set up again", link=self.name)
            await self._set_up(found=False)
            return
        await self._drain(found=False)
        await self._look_for_network()
        dbm = commands.signal_dbm(await self._channel.first(commands.SIGNAL) or "+CSQ: 99")
        log.debug("signal", link=self.name, dbm=dbm)

    async def _drain(self, *, found: bool) -> None:
        await self._guarded(self._storage.drain(found=found))
