"""How much room the store has, as the queue's verbs tell it; and what it is bounded by.

New texts are refused *before* a disk is full. So what came of texts that are on their way, and what people write to us,
can still be stored: the last room is for those, and so is the reserve (:mod:`smsgwd.queue.space`).
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class SpaceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the store in bytes; 0 = none."""

    #: what lies beside the database to be given up on a full disk
    reserve: int = 0
    #: free space of the file system below which no new text is taken
    free: int = 0
    #: what the database may have before no new text is taken
    largest: int = 0
    #: size of the write-ahead log from which on somebody should look who keeps it from being reused
    log: int = 64 << 20


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen when somebody looked last; bytes."""

    #: why no new text is taken; empty = there is room
    low: str = ""
    #: free space of the file system
    free: int = 0
    #: what the database uses, and the file of its write-ahead log
    used: int = 0
    log: int = 0
    #: what of the reserve lies there
    reserve: int = 0
    #: the write-ahead log is larger than it should be
    long_log: bool = False


class CapacityVerbs(Protocol):
    """The room of the store. The topic ``store`` of :meth:`Queue.hint` is set when it became low, or is not any more."""

    def capacity(self) -> Capacity:
        """What was seen last: after a commit, or by :meth:`look_at_space`. Asks nobody."""
        ...

    async def look_at_space(self) -> Capacity:
        """Looks now, and makes the reserve again where there is room for it. Never raises: a file system that cannot be
        asked has no room."""
        ...

    def waiting_changes(self) -> int:
        """Verbs that wait for the disk."""
        ...

    def stuck_for(self) -> float:
        """Seconds since the thread that writes has begun what it does now; 0.0 when it waits for work."""
        ...
