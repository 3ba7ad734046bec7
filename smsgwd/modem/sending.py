"""One text through the modem: prompt, PDU, result, and what to make of an error or of silence.

Every job is answered, whatever happens: accepted, refused, uncertain (the last octet was handed over and nobody knows), or
LinkError (it was not). After silence the modem is left alone until the longest known answer time is over; a result that
comes late settles its own text, one that comes after a reopen belongs to none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from smsgwd.clock import Clock
from smsgwd.errors import CommandError, LinkError, PduError, StoreUnavailable, Uncertain
from smsgwd.link import LinkSink
from smsgwd.model import Accepted, Refusal, RefusalClass, Segment, SubmitResult
from smsgwd.modem import commands
from smsgwd.modem.causes import Unknown, cause_of
from smsgwd.modem.channel import Channel
from smsgwd.modem.doubt import Doubt
from smsgwd.modem.mapping import tpdu_of
from smsgwd.modem.profile import Profile

#: the memory is full: what lies there is taken now, not at the next regular look
_FULL = frozenset({("CMS", 322), ("CME", 20)})


class Job(msgspec.Struct, eq=False):
    """A segment on its way into the modem, and who waits for what comes of it."""

    segment: Segment
    answer: asyncio.Future[SubmitResult]

    def give(self, result: SubmitResult | None = None, error: Exception | None = None) -> None:
        if self.answer.done():  # the waiter was cancelled
            return
        if error is not None:
            self.answer.set_exception(error)
        elif result is not None:
            self.answer.set_result(result)


class Sender:
    """Sends over one open modem. ``look_soon`` is called when an error says that the modem or SIM has changed or
    is full."""

    def __init__(
        self, link: str, channel: Channel, profile: Profile, sink: LinkSink, clock: Clock, doubt: Doubt,
        look_soon: Callable[[], None],
    ) -> None:  # fmt: skip
        self.link, self.channel, self.profile, self.sink, self.clock = link, channel, profile, sink, clock
        self._doubt, self._look_soon = doubt, look_soon
        #: the segment whose result may still come
        self._unsettled: Segment | None = None
        self._held_open = False

    async def send(self, job: Job) -> None:
        """One text; LinkError when the modem broke, after the job was answered."""
        segment = job.segment
        try:
            octets, pdu = tpdu_of(segment)
        except PduError as e:
            job.give(Refusal("PDU", RefusalClass.PERMANENT, str(e)))
            return
        self._unsettled = None
        try:
            await self._hold_open(segment)
            await self.channel.prompt(octets)
        except CommandError as e:
            job.give(self._refused(segment, e))
            return
        except LinkError as e:
            job.give(error=e)
            raise
        await self._hand_over(job, pdu)

    async def _hand_over(self, job: Job, pdu: str) -> None:
        segment = job.segment
        try:
            reference = await self.channel.hand_over(pdu)
        except CommandError as e:
            self._answer_refused(job, e)
        except LinkError as e:
            job.give(error=e)
            raise
        except Uncertain as e:
            job.give(error=e)
            await self._wait_in_silence(segment)
        else:
            self._doubt.sent(self.clock.monotonic())
            job.give(Accepted(reference))

    async def _hold_open(self, segment: Segment) -> None:
        """AT+CMMS keeps the radio connection between the parts of a text, where the profile says that it works
        (TS 27.005 section 3.5.6)."""
        more = segment.part < segment.parts
        if self.profile.cmms and more != self._held_open:
            self._held_open = more
            await self.channel.attempt(commands.HOLD_OPEN if more else commands.HOLD_NO_MORE)

    def _answer_refused(self, job: Job, error: CommandError) -> None:
        if cause_of(error, self.profile.cms).class_ is Unknown.UNKNOWN:
            job.give(error=Uncertain(f"the modem says {error}, which tells nothing about the network"))
        else:
            job.give(self._refused(job.segment, error))

    def _refused(self, segment: Segment, error: CommandError) -> Refusal:
        """The refusal of an error. One before the PDU was never sent: what is unknown after it is temporary then."""
        cause = cause_of(error, self.profile.cms)
        code = f"{error.kind} {error.code}" if error.kind and error.code >= 0 else str(error)
        if isinstance(cause.class_, Unknown):
            return Refusal(code, RefusalClass.TEMPORARY, str(error), 10.0)
        if cause.class_ is RefusalClass.LINK or (error.kind, error.code) in _FULL:
            self._look_soon()
        refusal = Refusal(code, cause.class_, str(error), cause.pause)
        return self._doubt.believed(segment.message, refusal, self.clock.monotonic())

    # ---- silence ---------------------------------------------------------------------------------------------------

    async def _wait_in_silence(self, segment: Segment) -> None:
        """After an unanswered PDU nothing is written until the longest known answer time is over."""
        self._unsettled = segment
        self.channel.check()
        try:
            async with asyncio.timeout(max(self.profile.silence - self.profile.answer, 0.0)):
                reference = await self.channel.result()
        except TimeoutError:
            await self.channel.resync()
        except CommandError as e:
            if cause_of(e, self.profile.cms).class_ is not Unknown.UNKNOWN:
                await self._settle(self._refused(segment, e))
        else:
            await self._settle(Accepted(reference))

    async def late(self, line: str) -> None:
        """A ``+CMGS`` that nobody waits for."""
        await self._settle(Accepted(commands.reference(line)))

    async def _settle(self, result: SubmitResult) -> None:
        """A late answer. The text stays uncertain when the store is away: an operator decides."""
        segment, self._unsettled = self._unsettled, None
        if segment is not None:
            with contextlib.suppress(StoreUnavailable):
                await self.sink.settled(self.link, segment.submission, result)
