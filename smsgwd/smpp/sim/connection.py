"""One TCP connection of an ESME to the simulated SMSC.

Octets are kept until a PDU is whole; requests are answered in the turn of the event loop in which they came, in order, and
all answers of one read go out in one write. A slow answer (a fault) waits beside the others and holds up nothing. When the
ESME does not read, reading stops too; when it leaves too much unread, it is cut.

Timers: a bind must come, a PDU that has begun must end, silence brings enquire_link, and no answer to that ends the
connection. TCP_QUICKACK is set again after each read, since a client that leaves Nagle's algorithm on would wait 40 ms for
each of our delayed acknowledgements.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from smsgwd.errors import PduError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import BODIES, Bind, BindResp, Body, DataSm, Empty, MessageResp, ShortMessage
from smsgwd.smpp.consts import HEADER_SIZE, LAST_SEQUENCE, RESPONSE, CommandId, CommandStatus, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.sim.accounts import Account, Delivery
from smsgwd.smpp.sim.centre import Centre

_C, _E = CommandId, CommandStatus
#: most octets of a PDU that is read
LARGEST = 65_536
#: deliveries without an answer, and answers that are late on purpose
WINDOW, MOST_SLOW = 100, 1_000
#: seconds to bind, to end a PDU, of silence before enquire_link and then to its answer, to answer a delivery or an unbind
BIND_TIME, PDU_TIME, ENQUIRE, ENQUIRE_TIME, ANSWER_TIME, UNBIND_TIME = 30.0, 10.0, 30.0, 15.0, 60.0, 2.0
#: seconds between two looks at the timers
TICK = 1.0
#: command -> (submits, receives)
_BINDS = {
    _C.BIND_TRANSMITTER: (True, False), _C.BIND_RECEIVER: (False, True), _C.BIND_TRANSCEIVER: (True, True),
}  # fmt: skip
_OUR_SYSTEM_ID = b"smsgwd-sim"


class Connection(asyncio.Protocol):
    """One ESME."""

    def __init__(self, centre: Centre) -> None:
        self.account: Account | None = None
        self._centre, self._loop = centre, asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._in = b""
        self._out: list[bytes] = []
        self._submits = self._receives = self._ending = False
        self._sequence = 0
        self._given: dict[int, tuple[Delivery, float]] = {}
        self._slow: set[asyncio.TimerHandle] = set()
        self._since = self._heard = self._loop.time()
        self._begun: float | None = None
        self._enquired: float | None = None
        self._ticking: asyncio.TimerHandle | None = None

    # ---- the socket ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._acknowledge_quickly()
        self._centre.joined(self)
        self._tick()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ending = True
        for timer in (*self._slow, *([self._ticking] if self._ticking else [])):
            timer.cancel()
        self._centre.left(self, [delivery for delivery, _ in self._given.values()])
        self._given.clear()

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
        self._heard, self._enquired = self._loop.time(), None
        buffer, at = self._in + octets if self._in else octets, 0
        while not self._ending and len(buffer) - at >= HEADER_SIZE:
            length = int.from_bytes(buffer[at : at + 4], "big")
            if not HEADER_SIZE <= length <= LARGEST:
                self._say(_C.GENERIC_NACK, _E.ESME_RINVCMDLEN, 0, Empty())
                self._close()
                break
            if len(buffer) - at < length:
                break
            self._take(buffer[at : at + length])
            at += length
        self._in = buffer[at:]
        self._begun = self._heard if self._in else None
        self._flush()

    def _acknowledge_quickly(self) -> None:
        quick = getattr(socket, "TCP_QUICKACK", None)
        if quick is not None:
            with contextlib.suppress(OSError):  # the peer may have reset the connection meanwhile
                self._socket.setsockopt(socket.IPPROTO_TCP, quick, 1)

    # ---- what comes ------------------------------------------------------------------------------------------------

    def _take(self, frame: bytes) -> None:
        header = pdu.unpack_header(frame)
        if self._centre.faults.take("mute"):
            return
        if header.command_id & RESPONSE:
            self._answer_came(header)
            return
        try:
            body = pdu.unpack(frame).body
        except PduError:
            status = _E.ESME_RINVCMDLEN if header.command_id in BODIES else _E.ESME_RINVCMDID
            self._say(_C.GENERIC_NACK, status, header.sequence, Empty())
            return
        self._request_came(header, body)

    def _request_came(self, header: pdu.Header, body: Body) -> None:
        match header.command_id:
            case _C.BIND_TRANSMITTER | _C.BIND_RECEIVER | _C.BIND_TRANSCEIVER:
                assert isinstance(body, Bind)
                self._bind(header, body)
            case _C.ENQUIRE_LINK:
                self._say(_C.ENQUIRE_LINK_RESP, _E.ESME_ROK, header.sequence, Empty())
            case _C.UNBIND:
                self._say(_C.UNBIND_RESP, _E.ESME_ROK, header.sequence, Empty())
                self._close()
            case _C.SUBMIT_SM | _C.DATA_SM:
                assert isinstance(body, ShortMessage | DataSm)
                self._submit(header, body)
            case _:
                self._say(_C.GENERIC_NACK, _E.ESME_RINVCMDID, header.sequence, Empty())

    def _answer_came(self, header: pdu.Header) -> None:
        if header.command_id == _C.UNBIND_RESP:
            self._close()
        given, _ = self._given.pop(header.sequence, (None, 0.0))
        if given is not None and self.account is not None:
            self._centre.answered(self.account, given, header.status)
            self._centre.bring(self.account)

    def _bind(self, header: pdu.Header, bind: Bind) -> None:
        admitted = _E.ESME_RALYBND if self.account else self._centre.admit(bind)
        good = isinstance(admitted, Account)
        status = _E.ESME_ROK if isinstance(admitted, Account) else int(admitted)
        kind = CommandId(header.command_id)
        self._centre.journal.note(
            "bind", system_id=bind.system_id.decode("latin-1"), mode=kind.name.lower().removeprefix("bind_"), status=status
        )
        version = (Tlv(Tag.SC_INTERFACE_VERSION, b"\x34"),) if good else ()
        self._say(kind | RESPONSE, status, header.sequence, BindResp(_OUR_SYSTEM_ID, version))
        if isinstance(admitted, Account):
            self.account = admitted
            self._submits, self._receives = _BINDS[kind]
            self._centre.bring(admitted)

    def _submit(self, header: pdu.Header, body: ShortMessage | DataSm) -> None:
        faults, respond = self._centre.faults, header.command_id | RESPONSE
        if not self._submits or self.account is None:
            self._say(respond, _E.ESME_RINVBNDSTS, header.sequence, MessageResp())
        elif error := faults.take("error"):
            self._say(respond, int(error["code"]), header.sequence, MessageResp())
        elif nack := faults.take("nack"):
            self._say(_C.GENERIC_NACK, int(nack["code"]), header.sequence, Empty())
        elif (drop := faults.take("drop")) and not drop["taken"]:
            self.cut()
        else:
            taken = self._centre.submit(self.account, body)
            if drop:
                self.cut()
            elif isinstance(taken, CommandStatus):
                self._say(respond, taken, header.sequence, MessageResp())
            else:
                self._accept(respond, header.sequence, taken)

    def _accept(self, respond: int, sequence: int, message_id: str) -> None:
        faults = self._centre.faults
        if faults.take("no-answer"):
            return
        answer = MessageResp(b"" if faults.take("no-id") else message_id.encode("ascii"))
        slow = faults.take("slow") if len(self._slow) < MOST_SLOW else None
        if slow is None:
            self._say(respond, _E.ESME_ROK, sequence, answer)
            return

        def late() -> None:
            self._slow.discard(timer)
            self._say(respond, _E.ESME_ROK, sequence, answer)
            self._flush()

        timer = self._loop.call_later(slow["seconds"], late)
        self._slow.add(timer)

    # ---- what we ask -----------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        return self._receives and not self._ending and len(self._given) < WINDOW

    def deliver(self, delivery: Delivery) -> None:
        self._given[self._ask(_C.DELIVER_SM, delivery.body)] = (delivery, self._loop.time())

    def unbind(self) -> None:
        """Asks for the end, and ends without an answer after UNBIND_TIME; at once when nobody is bound."""
        if self.account is None:
            self._close()
        elif not self._ending:
            self._receives = self._submits = False
            self._ask(_C.UNBIND, Empty())
            self._flush()
            self._slow.add(self._loop.call_later(UNBIND_TIME, self.cut))

    def cut(self) -> None:
        """Ends the connection at once, as a broken line does."""
        self._ending = True
        if self._transport is not None:
            self._transport.abort()

    def babble(self) -> None:
        """Sends a length that no PDU has."""
        self._out.append(b"\0\0\0\x04junk of the simulator")
        self._flush()

    def _tick(self) -> None:
        now = self._loop.time()
        unbound = self.account is None and now - self._since >= BIND_TIME
        half = self._begun is not None and now - self._begun >= PDU_TIME
        silent = self._enquired is not None and now - self._enquired >= ENQUIRE_TIME
        if unbound or half or silent:
            self.cut()
            return
        if self.account is not None and self._enquired is None and now - self._heard >= ENQUIRE:
            self._ask(_C.ENQUIRE_LINK, Empty())
            self._enquired = now
            self._flush()
        self._repeat(now)
        self._ticking = self._loop.call_later(TICK, self._tick)

    def _repeat(self, now: float) -> None:
        """Deliveries that got no answer in time come again."""
        late = [sequence for sequence, (_, since) in self._given.items() if now - since >= ANSWER_TIME]
        if late and self.account is not None:
            self._centre.again(self.account, [self._given.pop(sequence)[0] for sequence in late])

    # ---- writing ---------------------------------------------------------------------------------------------------

    def _ask(self, command: CommandId, body: Body) -> int:
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        self._say(command, _E.ESME_ROK, self._sequence, body)
        return self._sequence

    def _say(self, command: int, status: int, sequence: int, body: Body) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(pdu.pack(command, status, sequence, body))

    def _flush(self) -> None:
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _close(self) -> None:
        """Ends the connection when what was said is written."""
        self._flush()
        self._ending = True
        if self._transport is not None:
            self._transport.close()
