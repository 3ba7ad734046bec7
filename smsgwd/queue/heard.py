"""What a carrier may say again after a crash: texts that were stored when the gateway died, the answer to which may never
have left. A text over SMPP has no number of its own, so only who remembers it can tell it from a second one."""

from __future__ import annotations

from typing import Protocol


class HeardVerbs(Protocol):
    """The part of :class:`smsgwd.queue.interface.Queue` that a link is reminded with at the start."""

    async def unanswered(self, link: str, within: int) -> list[bytes]:
        """The octets of what came over a link within so many milliseconds before the gateway was last alive, oldest first;
        nothing when the link ended in order. Ask before ``daemon.started`` is recorded."""
        ...
