"""The octets of one TCP connection to the simulated SMSC: PDUs are found in what comes, and what is said goes out.

All that is said in one turn of the event loop goes out in one write. When the ESME does not read, reading stops too; when it
leaves too much unread, it is cut. TCP_QUICKACK is set again after each read, since a client that leaves Nagle's algorithm on
would wait 40 ms for each of our delayed acknowledgements.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from abc import abstractmethod

from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import Body, Empty
from smsgwd.smpp.consts import HEADER_SIZE, CommandId, CommandStatus

#: most octets of a PDU that is read
LARGEST = 65_536


class Stream(asyncio.Protocol):
    """``heard`` is when something came last, ``begun`` when a PDU began that is not whole yet."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ending = False
        self.heard = self.loop.time()
        self.begun: float | None = None
        self._transport: asyncio.Transport | None = None
        self._in = b""
        self._out: list[bytes] = []
        self._dripping: list[bytes] = []

    @abstractmethod
    def opened(self) -> None:
        """The connection is there."""

    @abstractmethod
    def closed(self) -> None:
        """The connection is gone."""

    @abstractmethod
    def take(self, frame: bytes) -> None:
        """One whole PDU."""

    # ---- in --------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._acknowledge_quickly()
        self.opened()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ending = True
        self._dripping.clear()
        self.closed()

    def pause_writing(self) -> None:
        """It does not read: then we do not either, and it is cut when it goes on so."""
        assert self._transport is not None
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, octets: bytes) -> None:
        self._acknowledge_quickly()
        self.heard = self.loop.time()
        buffer, at = self._in + octets if self._in else octets, 0
        while not self.ending and len(buffer) - at >= HEADER_SIZE:
            length = int.from_bytes(buffer[at : at + 4], "big")
            if not HEADER_SIZE <= length <= LARGEST:
                self.say(CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDLEN, 0, Empty())
                self.close()
                break
            if len(buffer) - at < length:
                break
            self.take(buffer[at : at + length])
            at += length
        self._in = buffer[at:]
        self.begun = self.heard if self._in else None
        self.flush()

    def _acknowledge_quickly(self) -> None:
        quick = getattr(socket, "TCP_QUICKACK", None)
        if quick is not None:
            with contextlib.suppress(OSError):  # the peer may have reset the connection meanwhile
                self._socket.setsockopt(socket.IPPROTO_TCP, quick, 1)

    # ---- out -------------------------------------------------------------------------------------------------------

    def say(self, command: int, status: int, sequence: int, body: Body) -> None:
        self.blurt(pdu.pack(command, status, sequence, body))

    def blurt(self, octets: bytes) -> None:
        """Sends octets as they are."""
        if not self._out:
            self.loop.call_soon(self.flush)
        self._out.append(octets)

    def flush(self) -> None:
        """Writes what was said; what is said while something drips waits for its end."""
        if self._dripping:
            return
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def drip(self, octets: bytes, seconds: float) -> None:
        """Sends octets one by one."""
        self.flush()
        self._dripping = [bytes((octet,)) for octet in reversed(octets)]
        self._drop(seconds)

    def _drop(self, seconds: float) -> None:
        if self._dripping and self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._dripping.pop())
            if self._dripping:
                self.loop.call_later(seconds, self._drop, seconds)
            else:
                self.flush()

    def close(self) -> None:
        """Ends the connection when what was said is written."""
        self.flush()
        self.ending = True
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Ends the connection at once by a reset, as a broken line does."""
        self.ending = True
        if self._transport is not None and not self._transport.is_closing():
            with contextlib.suppress(OSError):  # the peer may have ended it already
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
