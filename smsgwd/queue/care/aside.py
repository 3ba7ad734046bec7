"""What a restore has put aside, and how it is let go: see :mod:`smsgwd.queue.care.restored`."""

from __future__ import annotations

from typing import Protocol

import msgspec

#: the reason of what was put aside
REASON = "restored from a backup"
RELEASE, CANCEL, REPLAY = WAYS = ("release", "cancel", "replay")


class Some(msgspec.Struct, frozen=True, kw_only=True):
    """How many were done now and how many were left as they are; while there is ``more``, ask again with ``after``."""

    done: int
    left: int
    after: int
    more: bool


class RestoredVerbs(Protocol):
    """Verbs of the queue about what a restore has put aside."""

    async def let_go(self, what: str, after: int, limit: int, now: int) -> Some:
        """``release``: held texts wait for their turn again. ``cancel``: they are cancelled; one of which a part went stays
        held. ``replay``: calls are due now. Bounded by ``limit``."""
        ...
