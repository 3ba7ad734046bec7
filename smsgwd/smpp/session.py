"""One session with an SMSC, from bind to unbind (SMPP 3.4 section 2). Pure: octets and time in, events and octets out.

    session.bind(now)                      ->  octets = session.data_to_send()
    events = session.receive_data(octets, now)
    events = session.tick(now)                 what time alone brings: enquire_link, answers that never came
    session.next_tick(now)                     when to call tick at the latest

Octets are kept until a PDU is whole, so no pause of the peer loses any; a length that cannot be is fatal, since nothing
behind it can be found. enquire_link and unbind are answered here. deliver_sm and data_sm become :class:`Delivery` and are
answered by :meth:`Session.answer`, when the text is on disk.

A request that got no answer in time becomes :class:`Unanswered` and leaves the window, but its number stays known: a late
answer is still an :class:`Answer`, with ``late`` set. What the peer sends against the rules is answered with generic_nack
(requests) or noted (responses), and never ends the session.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum

import msgspec

from smsgwd.errors import PduError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import BODIES, Bind, BindResp, Body, DataSm, Empty, MessageResp, ShortMessage
from smsgwd.smpp.consts import (
    HEADER_SIZE,
    LAST_SEQUENCE,
    RESPONSE,
    CommandId,
    CommandStatus,
    Tag,
    command_name,
    status_name,
)
from smsgwd.smpp.events import Answer, BindRefused, Bound, Broken, Delivery, Event, Noted, Unanswered, Unbound
from smsgwd.smpp.pdu import Header

_C, _E = CommandId, CommandStatus

#: late answers remembered, and deliveries that came before bind_resp
_MOST_LATE, _MOST_EARLY = 10_000, 1_000
#: submissions without an answer, one after the other, that end the session
_MOST_UNANSWERED = 3


class State(StrEnum):
    """Section 2.2, and the state after our unbind."""

    OPEN = "open"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBINDING = "unbinding"
    CLOSED = "closed"


_S = State
#: bind kind -> (command, state after bind_resp)
BINDS: dict[str, tuple[CommandId, State]] = {
    "transmitter": (_C.BIND_TRANSMITTER, _S.BOUND_TX),
    "receiver": (_C.BIND_RECEIVER, _S.BOUND_RX),
    "transceiver": (_C.BIND_TRANSCEIVER, _S.BOUND_TRX),
}
_ALWAYS = frozenset({_C.ENQUIRE_LINK})
_TEXTS = frozenset({_C.DELIVER_SM, _C.DATA_SM, _C.ALERT_NOTIFICATION})
#: which requests of the SMSC a state takes (section 2.3); an outbind belongs to connections that the SMSC opens
TAKES: dict[State, frozenset[CommandId]] = {
    _S.OPEN: _ALWAYS | _TEXTS,
    _S.BOUND_TX: _ALWAYS | {_C.UNBIND},
    _S.BOUND_RX: _ALWAYS | _TEXTS | {_C.UNBIND},
    _S.BOUND_TRX: _ALWAYS | _TEXTS | {_C.UNBIND},
    _S.UNBINDING: _ALWAYS | _TEXTS | {_C.UNBIND},
    _S.CLOSED: frozenset(),
}
#: states in which we may submit
SENDS = frozenset({_S.BOUND_TX, _S.BOUND_TRX})
BOUND = frozenset({_S.BOUND_TX, _S.BOUND_RX, _S.BOUND_TRX})


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds (section 7.2)."""

    #: bind_resp
    bind: float = 30.0
    #: silence after which enquire_link is sent, and how long its answer may take
    enquire_link: float = 30.0
    enquire_timeout: float = 15.0
    #: submit_sm_resp
    response: float = 60.0
    #: the rest of a PDU that has begun
    pdu: float = 10.0
    #: unbind_resp
    unbind: float = 5.0


class _Waiting(msgspec.Struct):
    """A request of ours without an answer."""

    command: int
    key: str
    due: float


# ---- the session ---------------------------------------------------------------------------------------------------


class Session:
    """Our side of one connection."""

    def __init__(self, kind: str, credentials: Bind, timers: Timers | None = None) -> None:
        """``kind`` is transceiver, transmitter or receiver."""
        self.state = State.OPEN
        self._bind, self._bound = BINDS[kind]
        self._credentials, self.timers = credentials, timers or Timers()
        self._in, self._out = bytearray(), bytearray()
        self._sequence = 0
        self._waiting: dict[int, _Waiting] = {}
        self._late: OrderedDict[int, str] = OrderedDict()
        self._early: list[tuple[Header, bytes]] = []
        self._heard = 0.0
        self._partial_since: float | None = None
        self._silent = 0

    # -- what we want ------------------------------------------------------------------------------------------------

    def bind(self, now: float) -> None:
        self._heard = now
        self._request(self._bind, self._credentials, "", now + self.timers.bind)

    def submit(self, body: ShortMessage, key: str, now: float) -> int:
        """Writes a submit_sm and returns its sequence number. PduError when a field does not fit, or when the state
        allows no submit_sm: nothing was written then."""
        if self.state not in SENDS:
            raise PduError(f"no submit_sm in state {self.state}")
        return self._request(_C.SUBMIT_SM, body, key, now + self.timers.response)

    def answer(self, delivery: Delivery, status: int) -> None:
        """deliver_sm_resp or data_sm_resp. Does nothing once the session has ended."""
        if self.state is not State.CLOSED:
            self._respond(delivery.header, status, MessageResp())

    def unbind(self, now: float) -> None:
        """Asks for the end; :class:`Unbound` follows, or :class:`Broken` after the time-out."""
        if self.state in BOUND:
            self.state = State.UNBINDING
            self._request(_C.UNBIND, Empty(), "", now + self.timers.unbind)

    def close(self) -> list[str]:
        """The connection is gone: the keys of all submissions without an answer."""
        self.state = State.CLOSED
        keys = [w.key for w in self._waiting.values() if w.command == _C.SUBMIT_SM]
        self._waiting.clear()
        return keys

    def data_to_send(self) -> bytes:
        """What is to be written now, once."""
        octets = bytes(self._out)
        self._out.clear()
        return octets

    @property
    def unanswered(self) -> int:
        """Submissions that fill the window."""
        return sum(w.command == _C.SUBMIT_SM for w in self._waiting.values())

    # -- what comes --------------------------------------------------------------------------------------------------

    def receive_data(self, octets: bytes, now: float) -> list[Event]:
        """Takes what was read; the events in the order of the wire."""
        events: list[Event] = []
        self._heard = now
        self._in += octets
        at = 0
        try:
            while self.state is not State.CLOSED and len(self._in) - at >= HEADER_SIZE:
                header = pdu.unpack_header(self._in, at)
                if len(self._in) - at < header.length:
                    break
                frame = bytes(self._in[at : at + header.length])
                at += header.length
                events += self._frame(header, frame, now)
        except PduError as e:
            self._nack(0, _E.ESME_RINVCMDLEN)
            events.append(self._broken(f"the SMSC sent what is no PDU: {e}"))
            at = len(self._in)
        del self._in[:at]
        if not self._in:
            self._partial_since = None
        elif at or self._partial_since is None:
            self._partial_since = now
        return events

    def _frame(self, header: Header, frame: bytes, now: float) -> list[Event]:
        if header.command_id & RESPONSE:
            return self._response(header, frame)
        command = header.command_id
        if command not in BODIES:
            self._nack(header.sequence, _E.ESME_RINVCMDID)
            return [Noted(f"the SMSC sent {command_name(command)}, which is unknown")]
        if command not in TAKES[self.state]:
            if command != _C.OUTBIND:
                self._nack(header.sequence, _E.ESME_RINVBNDSTS)
            return [Noted(f"the SMSC sent {command_name(command)} in state {self.state}")]
        return self._request_of_peer(header, frame)

    def _request_of_peer(self, header: Header, frame: bytes) -> list[Event]:
        match header.command_id:
            case _C.ENQUIRE_LINK:
                self._respond(header, _E.ESME_ROK, Empty())
                return []
            case _C.UNBIND:
                self._respond(header, _E.ESME_ROK, Empty())
                self.state = State.CLOSED
                return [Unbound(by_peer=True)]
            case _C.ALERT_NOTIFICATION:
                return [Noted("the SMSC sent alert_notification")]
        if self.state is State.OPEN:
            return self._keep_early(header, frame)
        return [_delivery(header, frame)]

    def _keep_early(self, header: Header, frame: bytes) -> list[Event]:
        """Some SMSCs write texts before bind_resp; they are answered once we are bound."""
        if len(self._early) >= _MOST_EARLY:
            return [self._broken("the SMSC sends texts without end, but no bind_resp")]
        self._early.append((header, frame))
        return []

    # -- answers to us -----------------------------------------------------------------------------------------------

    def _response(self, header: Header, frame: bytes) -> list[Event]:
        waiting = self._waiting.get(header.sequence)
        if waiting is None:
            return self._unexpected(header, frame)
        if header.command_id not in (waiting.command | RESPONSE, _C.GENERIC_NACK):
            return [Noted(f"{command_name(header.command_id)} answers our {command_name(waiting.command)}")]
        del self._waiting[header.sequence]
        if waiting.command == _C.SUBMIT_SM:
            self._silent = 0
            return [_answer(waiting.key, header, frame)]
        if waiting.command == self._bind:
            return self._bind_answered(header, frame)
        if waiting.command == _C.UNBIND:
            self.state = State.CLOSED
            return [Unbound(by_peer=False)]
        return []  # enquire_link_resp, or a refusal of it: somebody is there

    def _unexpected(self, header: Header, frame: bytes) -> list[Event]:
        key = self._late.get(header.sequence)
        if key is not None and header.command_id in (_C.SUBMIT_SM_RESP, _C.GENERIC_NACK):
            del self._late[header.sequence]
            self._silent = 0
            return [_answer(key, header, frame, late=True)]
        status = f" with {status_name(header.status)}" if header.status else ""
        return [Noted(f"{command_name(header.command_id)}{status} answers nothing of ours")]

    def _bind_answered(self, header: Header, frame: bytes) -> list[Event]:
        if header.status or header.command_id == _C.GENERIC_NACK:
            self.state = State.CLOSED
            return [BindRefused(header.status or _E.ESME_RUNKNOWNERR)]
        self.state = self._bound
        body = _body(frame)
        system_id, version = (body.system_id, body.tlv(Tag.SC_INTERFACE_VERSION)) if isinstance(body, BindResp) else (b"", b"")
        events: list[Event] = [Bound(system_id.decode("latin-1"), int.from_bytes(version or b"", "big"))]
        events += [_delivery(*early) for early in self._early]
        self._early.clear()
        return events

    # -- time --------------------------------------------------------------------------------------------------------

    def next_tick(self, now: float) -> float:
        """When :meth:`tick` has something to do at the latest, on the clock of ``now``; also what may be asked for until
        then is not missed."""
        timers = self.timers
        dues = [now + timers.response, now + timers.unbind]
        dues += [w.due for w in self._waiting.values() if w.command != _C.SUBMIT_SM]
        first = next((w for w in self._waiting.values() if w.command == _C.SUBMIT_SM), None)
        if first is not None:
            dues.append(first.due)
        if self.state in BOUND and timers.enquire_link:
            dues.append(max(self._heard + timers.enquire_link, now) if not self._enquiring else now + timers.enquire_link)
        if self._partial_since is not None:
            dues.append(self._partial_since + timers.pdu)
        return max(now, min(dues))

    def tick(self, now: float) -> list[Event]:
        """What the passing of time brings."""
        if self.state is State.CLOSED:
            return []
        if self._partial_since is not None and now - self._partial_since >= self.timers.pdu:
            return [self._broken("the SMSC began a PDU and did not end it")]
        events: list[Event] = []
        for sequence, waiting in [(s, w) for s, w in self._waiting.items() if w.due <= now]:
            events += self._overdue(sequence, waiting)
        silent = now - self._heard >= self.timers.enquire_link
        if self.state in BOUND and self.timers.enquire_link and silent and not self._enquiring:
            self._request(_C.ENQUIRE_LINK, Empty(), "", now + self.timers.enquire_timeout)
        return events

    @property
    def _enquiring(self) -> bool:
        return any(w.command == _C.ENQUIRE_LINK for w in self._waiting.values())

    def _overdue(self, sequence: int, waiting: _Waiting) -> list[Event]:
        del self._waiting[sequence]
        if waiting.command != _C.SUBMIT_SM:
            return [self._broken(f"the SMSC does not answer {command_name(waiting.command)}")]
        self._late[sequence] = waiting.key
        while len(self._late) > _MOST_LATE:
            self._late.popitem(last=False)
        self._silent += 1
        events: list[Event] = [Unanswered(waiting.key)]
        if self._silent >= _MOST_UNANSWERED:
            events.append(self._broken(f"the SMSC left {self._silent} submissions in a row without an answer"))
        return events

    # -- writing -----------------------------------------------------------------------------------------------------

    def _request(self, command: CommandId, body: Body, key: str, due: float) -> int:
        sequence = self._sequence
        while True:
            sequence = sequence % LAST_SEQUENCE + 1
            if sequence not in self._waiting and sequence not in self._late:
                break
        self._out += pdu.pack(command, _E.ESME_ROK, sequence, body)
        self._sequence = sequence
        self._waiting[sequence] = _Waiting(command, key, due)
        return sequence

    def _respond(self, header: Header, status: int, body: Body) -> None:
        self._out += pdu.pack(header.command_id | RESPONSE, status, header.sequence, body)

    def _nack(self, sequence: int, status: int) -> None:
        self._out += pdu.pack(_C.GENERIC_NACK, status, sequence, Empty())

    def _broken(self, why: str) -> Broken:
        self.state = State.CLOSED
        return Broken(why)


def _body(frame: bytes) -> Body | None:
    """The body of a response; None when it cannot be read. Then its header says all that is needed."""
    try:
        return pdu.unpack(frame).body
    except PduError:
        return None


def _answer(key: str, header: Header, frame: bytes, *, late: bool = False) -> Answer:
    """A generic_nack with status 0 is no acceptance."""
    if header.command_id == _C.GENERIC_NACK:
        return Answer(key, header.status or _E.ESME_RUNKNOWNERR, "", late)
    body = _body(frame)
    message_id = body.message_id.decode("latin-1") if isinstance(body, MessageResp) else ""
    return Answer(key, header.status, message_id, late)


def _delivery(header: Header, frame: bytes) -> Delivery:
    try:
        body = pdu.unpack(frame).body
    except PduError as e:
        return Delivery(header, frame, None, str(e))
    assert isinstance(body, ShortMessage | DataSm)
    return Delivery(header, frame, body)
