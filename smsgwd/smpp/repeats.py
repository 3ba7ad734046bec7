"""Which deliver_sm is the same one again, and which is a second text with the same words. Pure; time is an argument.

A deliver_sm has no time stamp and no number of its own, so "yes" twice is twice the same octets. An SMSC says a text
again when it saw no answer. Hence a *stamp* is put behind the octets that are stored: the store drops what it has seen
(by digest), and a repeat gets the stamp of the first.

It is a repeat when

* the same octets come with the same sequence number over the same connection within ten minutes, or
* a connection of the link broke after the first one came (or up to a minute after our answer, which may never have
  arrived), and the same octets come over any connection within ten minutes of the break. Each first counts for one
  repeat. After a crash the store says what came in the last seconds of the life before, as if its connection had broken
  now. A connection that ended in order, with unbind and its answer, leaves no doubt: all our answers arrived.
"""

from __future__ import annotations

import hashlib
import struct
from collections import OrderedDict
from collections.abc import Iterable

from smsgwd.smpp.consts import HEADER_SIZE
from smsgwd.smpp.pdu import Header

#: the optional parameter that carries the stamp in what is stored; of the vendors' range (section 5.3.2)
STAMP_TAG = 0x3FFF
MEMORY_SECONDS, DOUBT_SECONDS = 600.0, 60.0
#: most texts remembered of a connection, and of broken ones
CAPACITY = 20_000

_STAMPED = struct.pack(">HH", STAMP_TAG, 8)
_HEAD, _TAIL = struct.Struct(">IIII"), struct.Struct(">HHQ")


class Repeats:
    """The memory of one link; it outlives connections."""

    def __init__(self, epoch: int) -> None:
        """``epoch``: milliseconds since 1970; makes the stamps of two runs of the program differ."""
        self._stamp = epoch << 20
        self._doubt: OrderedDict[bytes, list[tuple[int, float]]] = OrderedDict()

    def connection(self) -> Heard:
        """The memory of a new connection."""
        return Heard(self)

    def find(self, digest: bytes, now: float) -> int:
        """The stamp of the oldest open doubt about this body; a new one when there is none."""
        doubts = self._doubt.get(digest) if self._doubt else None
        while doubts:
            stamp, broke = doubts.pop(0)
            if not doubts:
                del self._doubt[digest]
            if now - broke < MEMORY_SECONDS:
                return stamp
        self._stamp += 1
        return self._stamp

    def remember(self, stored: Iterable[bytes], now: float) -> None:
        """What was stored (see :meth:`Heard.stamped`) when the program died: its answer may never have left."""
        for octets in stored:
            tail = octets[-_TAIL.size :]
            if len(octets) < HEADER_SIZE + _TAIL.size or not tail.startswith(_STAMPED):
                continue
            self.doubt(_digest(octets[HEADER_SIZE : -_TAIL.size]), _TAIL.unpack(tail)[2], now)

    def doubt(self, digest: bytes, stamp: int, now: float) -> None:
        """It may come again over another connection."""
        self._doubt.setdefault(digest, []).append((stamp, now))
        while len(self._doubt) > CAPACITY:
            self._doubt.popitem(last=False)


class Heard:
    """What one connection brought, by sequence number and body."""

    def __init__(self, repeats: Repeats) -> None:
        self._repeats = repeats
        self._here: OrderedDict[tuple[int, bytes], tuple[int, float]] = OrderedDict()

    def stamped(self, header: Header, octets: bytes, now: float) -> bytes:
        """What is to be stored of a whole PDU: the same octets for a repeat and for nothing else. It is a PDU too, with
        sequence number 0 and the stamp as one more optional parameter."""
        body = octets[HEADER_SIZE:]
        tail = _TAIL.pack(STAMP_TAG, 8, self.stamp(header.sequence, body, now))
        return _HEAD.pack(len(octets) + len(tail), header.command_id, header.status, 0) + body + tail

    def stamp(self, sequence: int, body: bytes, now: float) -> int:
        """The stamp of a body that came with this sequence number."""
        digest = _digest(body)
        key = (sequence, digest)
        known = self._here.get(key)
        if known is not None and now - known[1] < MEMORY_SECONDS:
            return known[0]
        stamp = self._repeats.find(digest, now)
        self._here[key] = (stamp, now)
        if known is not None:
            self._here.move_to_end(key)
        if len(self._here) > CAPACITY:
            self._here.popitem(last=False)
        return stamp

    def forget(self, header: Header, octets: bytes) -> None:
        """It was refused, not stored: when it comes again it is the first one."""
        self._here.pop((header.sequence, _digest(octets[HEADER_SIZE:])), None)

    def broken(self, now: float) -> None:
        """The connection ended without unbind: what came in its last minute may come again."""
        for (_, digest), (stamp, came) in self._here.items():
            if now - came < DOUBT_SECONDS:
                self._repeats.doubt(digest, stamp, now)
        self._here.clear()


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()
