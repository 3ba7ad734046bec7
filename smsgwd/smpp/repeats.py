"""Which deliver_sm is the same one again, and which is a second text with the same words. Pure; time is an argument.

A deliver_sm has no time stamp and no number of its own, so "yes" twice is twice the same octets. An SMSC says a text
again when it saw no answer. Hence a *stamp* is put behind the octets that are stored: the store drops what it has seen
(by digest), and a repeat gets the stamp of the first.

It is a repeat when

* the same octets come with the same sequence number over the same connection within ten minutes, or
* the connection broke after the first one came (or up to a minute after our answer, which may never have arrived), and
  the same octets come over a later connection within ten minutes of the break. Each first counts for one repeat.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from smsgwd.smpp.consts import HEADER_SIZE
from smsgwd.smpp.pdu import Header

#: the optional parameter that carries the stamp in what is stored; of the vendors' range (section 5.3.2)
STAMP_TAG = 0x3FFF
MEMORY_SECONDS, DOUBT_SECONDS = 600.0, 60.0
#: most texts remembered of a connection, and of broken ones
CAPACITY = 20_000


class Repeats:
    """The memory of one link; it outlives connections."""

    def __init__(self, epoch: int) -> None:
        """``epoch``: milliseconds since 1970; makes the stamps of two runs of the program differ."""
        self._stamp = epoch << 20
        self._here: OrderedDict[tuple[int, bytes], tuple[int, float]] = OrderedDict()
        self._doubt: OrderedDict[bytes, list[tuple[int, float]]] = OrderedDict()

    def stamped(self, header: Header, octets: bytes, now: float) -> bytes:
        """What is to be stored of a whole PDU: the same octets for a repeat and for nothing else. It is a PDU too, with
        sequence number 0 and the stamp as one more optional parameter."""
        body = octets[HEADER_SIZE:]
        stamp = self.stamp(header.sequence, body, now)
        tail = STAMP_TAG.to_bytes(2, "big") + b"\0\x08" + stamp.to_bytes(8, "big")
        head = (len(octets) + len(tail), header.command_id, header.status, 0)
        return b"".join(number.to_bytes(4, "big") for number in head) + body + tail

    def stamp(self, sequence: int, body: bytes, now: float) -> int:
        """The stamp of a body that came with this sequence number."""
        body = _digest(body)
        key = (sequence, body)
        known = self._here.get(key)
        if known is not None and now - known[1] < MEMORY_SECONDS:
            return known[0]
        stamp = self._earlier(body, now)
        if stamp is None:
            self._stamp += 1
            stamp = self._stamp
        self._here[key] = (stamp, now)
        self._here.move_to_end(key)
        while len(self._here) > CAPACITY:
            self._here.popitem(last=False)
        return stamp

    def forget(self, header: Header, octets: bytes) -> None:
        """It was refused, not stored: when it comes again it is the first one."""
        self._here.pop((header.sequence, _digest(octets[HEADER_SIZE:])), None)

    def _earlier(self, body: bytes, now: float) -> int | None:
        """The oldest open doubt about this body."""
        doubts = self._doubt.get(body)
        while doubts:
            stamp, broke = doubts.pop(0)
            if not doubts:
                del self._doubt[body]
            if now - broke < MEMORY_SECONDS:
                return stamp
        return None

    def broken(self, now: float) -> None:
        """The connection ended: what came in its last minute may come again."""
        for (_, body), (stamp, came) in self._here.items():
            if now - came < DOUBT_SECONDS:
                self._doubt.setdefault(body, []).append((stamp, now))
        self._here.clear()
        while len(self._doubt) > CAPACITY:
            self._doubt.popitem(last=False)


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()
