"""Reading octets in order. The one place where "the PDU is too short" is found."""

from __future__ import annotations

from smsgwd.errors import PduError


class Octets:
    """A place in some octets. ``take`` moves on, or raises PduError with the name of what was missing."""

    __slots__ = ("at", "raw")

    def __init__(self, raw: bytes, at: int = 0) -> None:
        self.raw, self.at = raw, at

    @property
    def left(self) -> int:
        return len(self.raw) - self.at

    def octet(self, what: str) -> int:
        if self.at >= len(self.raw):
            raise PduError(f"the PDU ends before {what}")
        self.at += 1
        return self.raw[self.at - 1]

    def take(self, count: int, what: str) -> bytes:
        if count > self.left:
            raise PduError(f"the PDU ends in {what}")
        self.at += count
        return self.raw[self.at - count : self.at]

    def rest(self) -> bytes:
        return self.raw[self.at :]
