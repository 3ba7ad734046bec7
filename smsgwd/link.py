"""The one face of everything that reaches the network: a modem with its SIM, or one SMPP bind.

A link acknowledges to the network (``AT+CNMA``, ``AT+CMGD``, ``deliver_sm_resp``) only after the sink's coroutine has
*returned*; returned means committed with fsync. It never touches the queue, and it knows nothing of rules or routing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from smsgwd.model import DeliveryReport, InboundSegment, LinkState, Segment, SubmitResult


class LinkSink(Protocol):
    """Where a link puts what comes from the network. Implemented by :mod:`smsgwd.intake`."""

    async def received(self, link: str, segment: InboundSegment) -> None:
        """Stores an inbound segment. Raises StoreUnavailable when it could not: then do not acknowledge."""
        ...

    async def reported(self, link: str, report: DeliveryReport) -> None:
        """Stores a delivery report. Raises StoreUnavailable as above."""
        ...

    async def settled(self, link: str, submission: str, result: SubmitResult) -> None:
        """A late answer to a submission that :meth:`Link.submit` had to call uncertain."""
        ...

    async def changed(self, link: str, state: LinkState, why: str) -> None:
        """The link changed its state. ``why`` is one line for an operator, without secrets."""
        ...

    async def described(self, link: str, **facts: str | int | float | None) -> None:
        """What the link knows of its device and network now (model, operator, signal …), for people; None = unknown.
        Kept while the gateway runs."""
        ...

    async def called(self, link: str, number: str) -> None:
        """Somebody called the link's number by voice: kept like an inbound text without words, so that rules may
        answer. Raises StoreUnavailable."""
        ...

    async def remember(self, name: str, value: str) -> None:
        """Keeps a small fact over restarts; "" forgets it. Raises StoreUnavailable: then it is not kept."""
        ...

    async def recall(self, name: str) -> str:
        """What was remembered under a name; "" for nothing. Raises StoreUnavailable."""
        ...

    async def noticed(self, link: str, kind: str, **data: str | int | float | bool | None) -> None:
        """Something an operator should see (an event kind of :mod:`smsgwd.events`): storage at 80 %, PIN refused …"""
        ...


@runtime_checkable
class Dialogue(Protocol):
    """A link that can also ask its network by USSD."""

    async def ussd(self, code: str, answers: Sequence[str] = ()) -> tuple[str, bool]:
        """What the network says at last to a code, and to the answers to its menus; and whether it waited for more. The
        session is ended then. LinkError when no answer can be had."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A link whose network may say texts again that nothing in them tells from new ones."""

    def remember(self, stored: Sequence[bytes]) -> None:
        """Octets of segments that were stored just before the gateway died, and may not have been acknowledged."""
        ...


@runtime_checkable
class Carrier(Protocol):
    """A link that can also ask its network about texts that it has taken. ``reference`` is what Accepted had, ``to`` and
    ``sender`` are the numbers as the text has them (``sender`` empty = the link's own). LinkError when the link is not
    up, or is not configured for it; Uncertain when no answer came."""

    async def query(self, reference: str, to: str, sender: str) -> DeliveryReport | None:
        """What became of a text; None when the network does not say."""
        ...

    async def withdraw(self, reference: str, to: str, sender: str) -> SubmitResult:
        """Takes a text back: Accepted when it will not be delivered, else a Refusal with the reason; mostly that it was
        too late."""
        ...

    async def replace(self, reference: str, old: Segment, new: Segment) -> SubmitResult:
        """Other words for a text in one part: Accepted when they will be delivered instead, else a Refusal with the
        reason. LinkError also for words that need another coding than the old ones."""
        ...


class Link(Protocol):
    """One live way to the network."""

    @property
    def name(self) -> str: ...

    @property
    def window(self) -> int:
        """How many segments may be in :meth:`submit` at once; 1 for a modem. It may change with each ``changed``."""
        ...

    async def run(self, sink: LinkSink, stop: asyncio.Event) -> None:
        """Opens, sets up, and serves until ``stop``; then drains and closes. Raises LinkError when it breaks, with
        ``retry_after`` when it knows better than others how long to wait."""
        ...

    async def submit(self, segment: Segment) -> SubmitResult:
        """Hands one segment to the network. Its Submission is already committed.

        Returns Accepted or Refusal; raises Uncertain when nobody can know, and LinkError when the link is not up or
        broke before a byte that could send the text was written (nothing was sent).
        """
        ...
