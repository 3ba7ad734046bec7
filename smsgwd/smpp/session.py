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
from itertools import takewhile

import msgspec

from smsgwd.errors import PduError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import BODIES, Bind, Body, Empty, MessageResp, ShortMessage
from smsgwd.smpp.consts import (
    HEADER_SIZE,
    LAST_SEQUENCE,
    RESPONSE,
    CommandId,
    CommandStatus,
    command_name,
    status_name,
)
from smsgwd.smpp.events import (
    BindRefused,
    Broken,
    Delivery,
    Event,
    Noted,
    Unanswered,
    Unbound,
    alert_of,
    answer_of,
    bound_of,
    delivery_of,
)
from smsgwd.smpp.pdu import Header
from smsgwd.smpp.states import ASKS, BINDS, BOUND, FROM_SMSC, SENDS, TAKES, State

__all__ = ["BOUND", "SENDS", "Session", "State", "Timers"]

_C, _E = CommandId, CommandStatus
#: plain integers for what every text needs
_SUBMIT_SM, _GENERIC_NACK = int(_C.SUBMIT_SM), int(_C.GENERIC_NACK)
#: deliver_sm_resp and data_sm_resp carry no message_id (sections 4.6.2, 4.7.2)
_NO_ID = MessageResp()

#: late answers remembered; deliveries that came before bind_resp, and their octets
_MOST_LATE, _MOST_EARLY, _MOST_EARLY_OCTETS = 10_000, 1_000, 1 << 20
#: submissions without an answer, one after the other, that end the session
_MOST_UNANSWERED = 3


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds (section 7.2)."""

    #: bind_resp
    bind: float = 30.0
    #: silence after which enquire_link is sent (0 = never), and how long its answer may take
    enquire_link: float = 30.0
    enquire_timeout: float = 15.0
    #: no PDU of any kind from the peer ends the session (0 = never)
    inactivity: float = 300.0
    #: submit_sm_resp, and the responses to what else we ask
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
        self._needed = HEADER_SIZE  # octets without which there is nothing to read
        self._sequence = 0
        #: what fills the window, in the order of its time-outs; beside it one bind, enquire_link and unbind at most
        self._window: dict[int, _Waiting] = {}
        self._beside: dict[int, _Waiting] = {}
        self._late: OrderedDict[int, _Waiting] = OrderedDict()
        self._early: list[tuple[Header, bytes]] = []
        self._early_octets = 0
        self._heard = 0.0
        self._partial_since: float | None = None
        self._silent = 0
        self._enquiring = self._leaving = False

    # -- what we want ------------------------------------------------------------------------------------------------

    def bind(self, now: float) -> None:
        self._heard = now
        self._request(self._beside, self._bind, self._credentials, "", now + self.timers.bind)

    def submit(self, body: ShortMessage, key: str, now: float) -> int:
        """Writes a submit_sm and returns its sequence number. PduError when a field does not fit, or when the state
        allows no submit_sm: nothing was written then."""
        if self.state not in SENDS:
            raise PduError(f"no submit_sm in state {self.state}")
        return self._request(self._window, _SUBMIT_SM, body, key, now + self.timers.response)

    def ask(self, command: int, body: Body, key: str, now: float) -> int:
        """As :meth:`submit`, for query_sm, cancel_sm, replace_sm, data_sm and submit_multi. They fill the window too."""
        if command not in ASKS or self.state not in SENDS:
            raise PduError(f"no {command_name(command)} in state {self.state}")
        return self._request(self._window, command, body, key, now + self.timers.response)

    def answer(self, delivery: Delivery, status: int) -> None:
        """deliver_sm_resp or data_sm_resp. Does nothing once the session has ended."""
        if self.state is not State.CLOSED:
            self._respond(delivery.header, status, _NO_ID)

    def unbind(self, now: float) -> None:
        """Asks for the end; :class:`Unbound` follows, or :class:`Broken` after the time-out.

        Before bind_resp there is nothing to unbind (section 2.3), but the SMSC may hold us for bound already, and would
        keep a session whose connection just vanishes. So unbind is written when bind_resp has come, in place of
        :class:`Bound`; bind_resp must come in the time that unbind_resp has.
        """
        if self.state in BOUND:
            self._leave(now)
        elif self.state is State.OPEN and not self._leaving:
            self._leaving = True
            for bind in self._beside.values():
                bind.due = min(bind.due, now + self.timers.unbind)
            if not self._beside:
                self.state = State.CLOSED

    def _leave(self, now: float) -> None:
        self.state = State.UNBINDING
        self._request(self._beside, _C.UNBIND, Empty(), "", now + self.timers.unbind)

    def close(self) -> list[str]:
        """The connection is gone: the keys of all that fills the window, in its order."""
        self.state = State.CLOSED
        keys = [waiting.key for waiting in self._window.values()]
        self._window.clear()
        self._beside.clear()
        return keys

    def data_to_send(self) -> bytes:
        """What is to be written now, once."""
        octets = bytes(self._out)
        self._out.clear()
        return octets

    @property
    def unanswered(self) -> int:
        """Requests that fill the window."""
        return len(self._window)

    # -- what comes --------------------------------------------------------------------------------------------------

    def receive_data(self, octets: bytes, now: float) -> list[Event]:
        """Takes what was read; the events in the order of the wire. Nothing once the session has ended."""
        if self.state is State.CLOSED:
            return []
        events: list[Event] = []
        self._heard = now
        self._in += octets
        taken = self._frames(bytes(self._in), now, events) if len(self._in) >= self._needed else 0
        del self._in[:taken]
        if not self._in:
            self._partial_since = None
        elif taken or self._partial_since is None:
            self._partial_since = now
        return events

    def _frames(self, octets: bytes, now: float, events: list[Event]) -> int:
        """Every PDU that is whole; how many octets they were."""
        at = 0
        while self.state is not State.CLOSED:
            self._needed = HEADER_SIZE
            if len(octets) - at < HEADER_SIZE:
                return at
            try:
                header = pdu.unpack_header(octets, at)
            except PduError as e:
                self._nack(0, _E.ESME_RINVCMDLEN)
                events.append(self._broken(f"the SMSC sent what is no PDU: {e}"))
                break
            end = at + header.length
            if end > len(octets):
                self._needed = header.length
                return at
            self._frame(header, octets[at:end], now, events)
            at = end
        return len(octets)

    def _frame(self, header: Header, frame: bytes, now: float, events: list[Event]) -> None:
        command = header.command_id
        if command >= RESPONSE:
            self._response(header, frame, now, events)
        elif command not in TAKES[self.state]:
            self._misplaced(header, events)
        elif command == _C.ENQUIRE_LINK:
            self._respond(header, _E.ESME_ROK, Empty())
        elif command == _C.UNBIND:
            self._respond(header, _E.ESME_ROK, Empty())
            self.state = State.CLOSED
            events.append(Unbound(by_peer=True))
        elif command == _C.ALERT_NOTIFICATION:
            events.append(alert_of(header, frame))
        elif self.state is State.OPEN:
            self._keep_early(header, frame, events)
        else:
            events.append(delivery_of(header, frame))

    def _misplaced(self, header: Header, events: list[Event]) -> None:
        """A request that the SMSC may not send, or not now; the session goes on. What has no response gets none."""
        command = header.command_id
        if command not in BODIES:
            self._nack(header.sequence, _E.ESME_RINVCMDID)
            events.append(Noted(f"the SMSC sent {command_name(command)}, which is unknown"))
            return
        if command in FROM_SMSC and command | RESPONSE in BODIES:
            self._respond(header, _E.ESME_RINVBNDSTS, BODIES[command | RESPONSE]())
        elif command | RESPONSE in BODIES:
            self._nack(header.sequence, _E.ESME_RINVCMDID)
        events.append(Noted(f"the SMSC sent {command_name(command)} in state {self.state}"))

    def _keep_early(self, header: Header, frame: bytes, events: list[Event]) -> None:
        """Some SMSCs write texts before bind_resp; they are answered once we are bound."""
        self._early.append((header, frame))
        self._early_octets += len(frame)
        if len(self._early) > _MOST_EARLY or self._early_octets > _MOST_EARLY_OCTETS:
            self._early.clear()
            events.append(self._broken("the SMSC sends texts without end, but no bind_resp"))

    # -- answers to us -----------------------------------------------------------------------------------------------

    def _response(self, header: Header, frame: bytes, now: float, events: list[Event]) -> None:
        sequence = header.sequence
        waiting = self._window.get(sequence) or self._beside.get(sequence) or self._late.get(sequence)
        if waiting is None:
            status = f" with {status_name(header.status)}" if header.status else ""
            events.append(Noted(f"{command_name(header.command_id)}{status} answers nothing of ours"))
        elif header.command_id != waiting.command | RESPONSE and header.command_id != _GENERIC_NACK:
            events.append(Noted(f"{command_name(header.command_id)} answers our {command_name(waiting.command)}"))
        elif self._beside.pop(sequence, None):
            self._answered_beside(waiting.command, header, frame, now, events)
        else:
            late = self._window.pop(sequence, None) is None
            if late:
                del self._late[sequence]
            self._silent = 0
            events.append(answer_of(waiting.command, waiting.key, header, frame, late=late))

    def _answered_beside(self, command: int, header: Header, frame: bytes, now: float, events: list[Event]) -> None:
        """Our bind, unbind or enquire_link; a refusal of the latter tells as well that somebody is there."""
        if command == _C.ENQUIRE_LINK:
            self._enquiring = False
        elif command == _C.UNBIND:
            self.state = State.CLOSED
            events.append(Unbound(by_peer=False))
        elif header.status or header.command_id == _C.GENERIC_NACK:
            self.state = State.CLOSED
            events.append(BindRefused(header.status or _E.ESME_RUNKNOWNERR))
        else:
            self.state = self._bound
            if self._leaving:
                self._leave(now)
            else:
                events.append(bound_of(header, frame))
            events += [delivery_of(*early) for early in self._early]
            self._early.clear()

    # -- time --------------------------------------------------------------------------------------------------------

    def next_tick(self, now: float) -> float:
        """When :meth:`tick` has something to do at the latest, on the clock of ``now``; also what may be asked for until
        then is not missed."""
        timers = self.timers
        dues = [now + timers.response, now + timers.unbind, *(waiting.due for waiting in self._beside.values())]
        if self._window:
            dues.append(next(iter(self._window.values())).due)
        if self.state in BOUND:
            if timers.enquire_link:
                dues.append((now if self._enquiring else self._heard) + timers.enquire_link)
            if timers.inactivity:
                dues.append(self._heard + timers.inactivity)
        if self._partial_since is not None:
            dues.append(self._partial_since + timers.pdu)
        return max(now, min(dues))

    def tick(self, now: float) -> list[Event]:
        """What the passing of time brings."""
        timers = self.timers
        if self.state is State.CLOSED:
            return []
        if self._partial_since is not None and now - self._partial_since >= timers.pdu:
            return [self._broken("the SMSC began a PDU and did not end it")]
        overdue = [*takewhile(lambda item: item[1].due <= now, self._window.items())]
        events: list[Event] = [self._unanswered(*item) for item in overdue]
        dead = next((waiting for waiting in self._beside.values() if waiting.due <= now), None)
        if dead is not None:
            events.append(self._broken(f"the SMSC does not answer {command_name(dead.command)}"))
        elif self._silent >= _MOST_UNANSWERED:
            events.append(self._broken(f"the SMSC left {self._silent} submissions in a row without an answer"))
        elif self.state in BOUND:
            silence = now - self._heard
            if timers.inactivity and silence >= timers.inactivity:
                events.append(self._broken(f"the SMSC said nothing for {timers.inactivity:g} s"))
            elif timers.enquire_link and silence >= timers.enquire_link and not self._enquiring:
                self._enquiring = True
                self._request(self._beside, _C.ENQUIRE_LINK, Empty(), "", now + timers.enquire_timeout)
        return events

    def _unanswered(self, sequence: int, waiting: _Waiting) -> Unanswered:
        """It leaves the window, but its number stays known. Only submissions count towards the end of the session: an
        SMSC may well not know what else we ask."""
        del self._window[sequence]
        self._late[sequence] = waiting
        if len(self._late) > _MOST_LATE:
            self._late.popitem(last=False)
        self._silent += waiting.command == _SUBMIT_SM
        return Unanswered(waiting.key, waiting.command)

    # -- writing -----------------------------------------------------------------------------------------------------

    def _request(self, where: dict[int, _Waiting], command: int, body: Body, key: str, due: float) -> int:
        sequence = self._sequence % LAST_SEQUENCE + 1
        while sequence in self._window or sequence in self._late or sequence in self._beside:
            sequence = sequence % LAST_SEQUENCE + 1
        self._out += pdu.pack(command, 0, sequence, body)
        self._sequence = sequence
        where[sequence] = _Waiting(command, key, due)
        return sequence

    def _respond(self, header: Header, status: int, body: Body) -> None:
        self._out += pdu.pack(header.command_id | RESPONSE, status, header.sequence, body)

    def _nack(self, sequence: int, status: int) -> None:
        self._out += pdu.pack(_C.GENERIC_NACK, status, sequence, Empty())

    def _broken(self, why: str) -> Broken:
        self.state = State.CLOSED
        return Broken(why)
