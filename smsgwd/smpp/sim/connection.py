"""One ESME at the simulated SMSC: what it asks is answered in the turn of the event loop in which it came, and in order.

A late answer (``--delay``, a fault) waits beside the others and holds up nothing. Timers: a bind must come, a PDU that has
begun must end, silence brings enquire_link, and no answer to that ends the connection.
"""

from __future__ import annotations

import asyncio

from smsgwd.errors import PduError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import (
    BODIES,
    Bind,
    BindResp,
    Body,
    CancelSm,
    DataSm,
    Empty,
    MessageResp,
    Outbind,
    QuerySm,
    ReplaceSm,
    ShortMessage,
    SubmitMulti,
    SubmitMultiResp,
)
from smsgwd.smpp.consts import LAST_SEQUENCE, RESPONSE, CommandId, CommandStatus, Tag
from smsgwd.smpp.fields import Tlv, Unsuccess
from smsgwd.smpp.sim.accounts import Account, Delivery
from smsgwd.smpp.sim.answers import Answers
from smsgwd.smpp.sim.centre import Centre
from smsgwd.smpp.sim.stream import Stream

_C, _E = CommandId, CommandStatus
#: deliveries without an answer
WINDOW = 100
#: seconds to bind, to end a PDU, of silence before enquire_link and then to its answer, to answer a delivery or an unbind
BIND_TIME, PDU_TIME, ENQUIRE, ENQUIRE_TIME, ANSWER_TIME, UNBIND_TIME = 30.0, 10.0, 30.0, 15.0, 60.0, 2.0
#: seconds between two looks at the timers
TICK = 1.0
#: command -> (submits, receives)
_BINDS = {
    _C.BIND_TRANSMITTER: (True, False), _C.BIND_RECEIVER: (False, True), _C.BIND_TRANSCEIVER: (True, True),
}  # fmt: skip
_OUR_SYSTEM_ID = b"smsgwd-sim"


class Connection(Stream):
    """``outbind``: what is said first, on a connection that we opened (section 4.1.7)."""

    def __init__(self, centre: Centre, outbind: Outbind | None = None) -> None:
        super().__init__()
        self.account: Account | None = None
        self.receives = False
        self._submits = False
        self._centre, self._outbind = centre, outbind
        self._answers = Answers(centre, self)
        self._sequence = 0
        self._given: dict[int, tuple[Delivery, float]] = {}
        self._since = self.heard
        self._enquired: float | None = None
        self._timers: list[asyncio.TimerHandle] = []

    def opened(self) -> None:
        self._centre.joined(self)
        if self._outbind is not None:
            self._ask(_C.OUTBIND, self._outbind)
        self._tick()

    def closed(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._answers.end()
        self._centre.left(self, [delivery for delivery, _ in self._given.values()])
        self._given.clear()

    # ---- what comes ------------------------------------------------------------------------------------------------

    def data_received(self, octets: bytes) -> None:
        self._enquired = None
        super().data_received(octets)

    def take(self, frame: bytes) -> None:
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
            self.say(_C.GENERIC_NACK, status, header.sequence, Empty())
            return
        self._request_came(header, body)

    def _request_came(self, header: pdu.Header, body: Body) -> None:
        match body:
            case Bind():
                self._bind(header, body)
            case ShortMessage() | DataSm() if header.command_id in (_C.SUBMIT_SM, _C.DATA_SM):
                self._submit(header, body)
            case SubmitMulti() | QuerySm() | CancelSm() | ReplaceSm():
                self._other(header, body)
            case _ if header.command_id == _C.ENQUIRE_LINK:
                if not self._centre.faults.take("no-enquire"):
                    self.say(_C.ENQUIRE_LINK_RESP, _E.ESME_ROK, header.sequence, Empty())
            case _ if header.command_id == _C.UNBIND:
                self.say(_C.UNBIND_RESP, _E.ESME_ROK, header.sequence, Empty())
                self.close()
            case _:
                self.say(_C.GENERIC_NACK, _E.ESME_RINVCMDID, header.sequence, Empty())

    def _answer_came(self, header: pdu.Header) -> None:
        if header.command_id == _C.UNBIND_RESP:
            self.close()
        given, _ = self._given.get(header.sequence, (None, 0.0))
        if given is None or self.account is None:
            return
        if self._centre.faults.take("lost-answer"):
            self.cut()
            return
        del self._given[header.sequence]
        self._centre.answered(self.account, given, header.status)
        self._centre.bring(self.account)

    def _bind(self, header: pdu.Header, bind: Bind) -> None:
        admitted = _E.ESME_RALYBND if self.account else self._centre.admit(bind)
        good = isinstance(admitted, Account)
        status = _E.ESME_ROK if isinstance(admitted, Account) else int(admitted)
        kind = CommandId(header.command_id)
        self._centre.journal.note(
            "bind",
            system_id=bind.system_id.decode("latin-1"),
            mode=kind.name.lower().removeprefix("bind_"),
            status=status,
        )
        version = (Tlv(Tag.SC_INTERFACE_VERSION, b"\x34"),) if good else ()
        self.say(kind | RESPONSE, status, header.sequence, BindResp(_OUR_SYSTEM_ID, version))
        if isinstance(admitted, Account):
            self.account = admitted
            self._submits, self.receives = _BINDS[kind]
            self._centre.bring(admitted)

    def _submit(self, header: pdu.Header, body: ShortMessage | DataSm) -> None:
        faults, respond = self._centre.faults, header.command_id | RESPONSE
        if not self._submits or self.account is None:
            self.say(respond, _E.ESME_RINVBNDSTS, header.sequence, MessageResp())
        elif (full := self._answers.full) is not None:
            self.say(respond, full, header.sequence, MessageResp())
        elif error := faults.take("error"):
            self.say(respond, error["code"], header.sequence, MessageResp())
        elif nack := faults.take("nack"):
            self.say(_C.GENERIC_NACK, nack["code"], header.sequence, Empty())
        elif (drop := faults.take("drop")) and not drop["taken"]:
            self.cut()
        else:
            taken = self._centre.submit(self.account, body, header.sequence)
            if drop:
                self.cut()
            elif isinstance(taken, CommandStatus):
                self.say(respond, taken, header.sequence, MessageResp())
            else:
                self._answers.accept(respond, header.sequence, taken)

    def _other(self, header: pdu.Header, body: SubmitMulti | QuerySm | CancelSm | ReplaceSm) -> None:
        """submit_multi is refused for each destination: one answer for many texts is not what this SMSC gives."""
        centre, status, answer = self._centre, _E.ESME_RINVBNDSTS, BODIES[header.command_id | RESPONSE]()
        if self.account is not None and self._submits:
            match body:
                case QuerySm():
                    status, answer = centre.query(self.account, body)
                case CancelSm():
                    status = centre.cancel(self.account, body)
                case ReplaceSm():
                    status = centre.replace(self.account, body)
                case SubmitMulti():
                    status = _E.ESME_RSUBMITFAIL
                    answer = SubmitMultiResp(b"", tuple(
                        Unsuccess(to.ton or 0, to.npi, to.address[:20], status) for to in body.dest_address))  # fmt: skip
        self.say(header.command_id | RESPONSE, status, header.sequence, answer)

    # ---- what we ask -----------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        return self.receives and not self.ending and len(self._given) < WINDOW

    def deliver(self, delivery: Delivery, drip: float | None = None) -> None:
        body = delivery.body
        command = _C.DATA_SM if isinstance(body, DataSm) else _C.DELIVER_SM
        if drip is None:
            sequence = self._ask(command, body)
        else:
            sequence = self._next()
            self.drip(pdu.pack(command, _E.ESME_ROK, sequence, body), drip)
        self._given[sequence] = (delivery, self.loop.time())

    def tell(self, command: CommandId, body: Body) -> None:
        self._ask(command, body)

    def unbind(self) -> None:
        """Asks for the end, and ends without an answer after UNBIND_TIME; at once when nobody is bound."""
        if self.account is None:
            self.close()
        elif not self.ending:
            self.receives = self._submits = False
            self._ask(_C.UNBIND, Empty())
            self.flush()
            self._timers.append(self.loop.call_later(UNBIND_TIME, self.cut))

    def _tick(self) -> None:
        now = self.loop.time()
        unbound = self.account is None and now - self._since >= BIND_TIME
        half = self.begun is not None and now - self.begun >= PDU_TIME
        silent = self._enquired is not None and now - self._enquired >= ENQUIRE_TIME
        if unbound or half or silent:
            self.cut()
            return
        if self.account is not None and self._enquired is None and now - self.heard >= ENQUIRE:
            self._ask(_C.ENQUIRE_LINK, Empty())
            self._enquired = now
            self.flush()
        self._repeat(now)
        self._timers = [timer for timer in self._timers if timer.when() > now]
        self._timers.append(self.loop.call_later(TICK, self._tick))

    def _repeat(self, now: float) -> None:
        """Deliveries that got no answer in time come again."""
        late = [sequence for sequence, (_, since) in self._given.items() if now - since >= ANSWER_TIME]
        if late and self.account is not None:
            self._centre.again(self.account, [self._given.pop(sequence)[0] for sequence in late])

    def _ask(self, command: CommandId, body: Body) -> int:
        sequence = self._next()
        self.say(command, _E.ESME_ROK, sequence, body)
        return sequence

    def _next(self) -> int:
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        return self._sequence
