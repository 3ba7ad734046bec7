"""What a desk needs, and no more: a name, what it wants to hear of, and one way to be told.

A new kind of desk is one file with one class that has these members. The outbox worker knows desks by this file alone.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell a desk, with everything in it; the same ``id`` at every try, so that the desk can see a copy."""

    id: str
    #: event kind, such as ``message.received``
    kind: str
    #: when it happened, milliseconds since 1970 UTC
    at: int
    #: the body's ``data``
    data: dict[str, Any]


class Taken(msgspec.Struct, frozen=True):
    """The desk took it. ``ticket`` is its own name for the conversation, where it told one."""

    ticket: str = ""


class NotNow(msgspec.Struct, frozen=True):
    """Not taken, to be tried again."""

    reason: str
    #: the least pause in seconds that the desk asked for; it holds for the desk's other calls too
    after: float = 0.0
    #: the call itself is what the desk cannot take: a few tries, so that it does not hold its conversation for days
    poison: bool = False


class Never(msgspec.Struct, frozen=True):
    """Not taken, and no try will change that."""

    reason: str


Delivery = Taken | NotNow | Never


class Desk(Protocol):
    """A helpdesk or another endpoint."""

    @property
    def name(self) -> str: ...

    @property
    def events(self) -> frozenset[str]:
        """Event kinds that it wants besides the conversations that rules forward to it."""
        ...

    async def tell(self, call: Call) -> Delivery:
        """Tells it, within a bounded time. Every failure of network or desk is a Delivery, never an exception; reasons
        hold no text of anybody, no number and no secret."""
        ...

    async def close(self) -> None: ...
