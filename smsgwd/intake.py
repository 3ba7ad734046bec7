"""What links tell: inbound segments, delivery reports, late answers, changes of state.

:class:`Intake` is the :class:`~smsgwd.link.LinkSink` of every link. Each method returns when the queue has committed;
only then does the link acknowledge to the network. A store that is away raises StoreUnavailable: the link then leaves
the text where it is (on the SIM, or with the SMSC).
"""

from __future__ import annotations

from collections.abc import Mapping

from smsgwd.clock import Clock
from smsgwd.errors import StoreUnavailable
from smsgwd.log import get_logger
from smsgwd.model import DeliveryReport, InboundSegment, LinkState, SubmitResult
from smsgwd.queue.interface import Queue
from smsgwd.routing import Roster

log = get_logger("intake")


class Intake:
    """The sink of all links. ``types`` says for each link name whether it is a modem or SMPP."""

    def __init__(self, queue: Queue, roster: Roster, clock: Clock, types: Mapping[str, str]) -> None:
        self.queue, self.roster, self.clock, self.types = queue, roster, clock, types

    async def received(self, link: str, segment: InboundSegment) -> None:
        await self.queue.receive(link, self._number(link), segment, self.clock.now())

    async def reported(self, link: str, report: DeliveryReport) -> None:
        await self.queue.record_report(link, report, self.clock.now())

    async def settled(self, link: str, submission: str, result: SubmitResult) -> None:
        following = await self.queue.record_result(submission, result, self.clock.now())
        if following is not None:
            # the lane has moved on long ago; the next part goes back and is claimed in its turn
            await self.queue.unsubmit(following.submission, "follows a late answer", self.clock.now())

    async def changed(self, link: str, state: LinkState, why: str) -> None:
        """A change that cannot be stored now is still acted upon: routing and lanes live by the roster."""
        self.roster.note(link, up=state == LinkState.UP)
        self.queue.poke(f"link:{link}")
        try:
            await self.queue.record_link(link, self.types[link], self._number(link), state, why, self.clock.now())
        except StoreUnavailable as e:
            log.error("a change of a link could not be stored", link=link, state=state.value, why=str(e))

    async def described(self, link: str, **facts: str | int | float | None) -> None:
        self.roster.describe(link, facts)

    async def called(self, link: str, number: str) -> None:
        await self.queue.called(link, self._number(link), number, self.clock.now())

    async def remember(self, name: str, value: str) -> None:
        await self.queue.remember(name, value)

    async def recall(self, name: str) -> str:
        return await self.queue.recall(name)

    async def noticed(self, link: str, kind: str, **data: str | int | float | bool | None) -> None:
        try:
            await self.queue.record_event(kind, self.clock.now(), data, link=link)
        except StoreUnavailable as e:
            log.error("a notice of a link could not be stored", link=link, kind=kind, why=str(e))

    def _number(self, link: str) -> str:
        row = self.roster.get(link)
        return row.number if row is not None else ""
