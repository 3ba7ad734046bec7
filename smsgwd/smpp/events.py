"""What :class:`smsgwd.smpp.session.Session` tells, one struct each, and how a PDU becomes one. Pure."""

from __future__ import annotations

import msgspec

from smsgwd.errors import PduError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import (
    AlertNotification,
    BindResp,
    Body,
    DataSm,
    MessageResp,
    QuerySmResp,
    ShortMessage,
    SubmitMultiResp,
)
from smsgwd.smpp.consts import CommandId, CommandStatus, Tag
from smsgwd.smpp.pdu import Header


class Bound(msgspec.Struct, frozen=True):
    """bind_resp: we are in. ``version`` is sc_interface_version, 0 when the SMSC told none."""

    system_id: str
    version: int


class BindRefused(msgspec.Struct, frozen=True):
    status: int


class Answer(msgspec.Struct, frozen=True):
    """The response to a request of ours, or a generic_nack of it; ``key`` is what :meth:`Session.submit` was given.

    ``command`` is that of the request. ``body`` is the response's, None for a generic_nack. ``congestion`` is what the
    SMSC says of its load, 0 (idle) to 99 (overloaded), when it says so.
    """

    key: str
    status: int
    message_id: str
    late: bool = False
    command: int = CommandId.SUBMIT_SM
    body: Body | None = None
    congestion: int | None = None


class Unanswered(msgspec.Struct, frozen=True):
    """A request got no answer in time; it has left the window. A late answer may still come."""

    key: str
    command: int = CommandId.SUBMIT_SM


class Delivery(msgspec.Struct, frozen=True):
    """deliver_sm or data_sm; answer it. ``body`` is None when it could not be read, ``fault`` says why then."""

    header: Header
    octets: bytes
    body: ShortMessage | DataSm | None
    fault: str = ""


class Alert(msgspec.Struct, frozen=True):
    """alert_notification: a phone can be reached again. ``availability`` is ms_availability_status (section 5.3.2.30):
    0 available, 1 denied, 2 unavailable; None when it is not there."""

    source_addr: bytes
    ton: int
    npi: int
    availability: int | None


class Unbound(msgspec.Struct, frozen=True):
    """The session has ended in order. ``by_peer``: it was the SMSC that wanted it."""

    by_peer: bool


class Broken(msgspec.Struct, frozen=True):
    """The connection must be closed."""

    why: str


class Noted(msgspec.Struct, frozen=True):
    """Odd, but harmless."""

    what: str


Event = Bound | BindRefused | Answer | Unanswered | Delivery | Alert | Unbound | Broken | Noted


# ---- from PDUs -----------------------------------------------------------------------------------------------------


def bound_of(header: Header, frame: bytes) -> Bound:
    """A bind_resp with status 0, whatever else it lacks."""
    body = pdu.unpack_body(header, frame)
    if not isinstance(body, BindResp):
        return Bound("", 0)
    return Bound(body.system_id.decode("latin-1"), int.from_bytes(body.tlv(Tag.SC_INTERFACE_VERSION) or b"", "big"))


def answer_of(command: int, key: str, header: Header, frame: bytes, *, late: bool = False) -> Answer:
    """A generic_nack with status 0 is no acceptance."""
    if header.command_id == CommandId.GENERIC_NACK:
        return Answer(key, header.status or CommandStatus.ESME_RUNKNOWNERR, "", late, command)
    body = pdu.unpack_body(header, frame)
    message_id = body.message_id.decode("latin-1") if isinstance(body, _WITH_ID) else ""
    congestion = _octet(body, Tag.CONGESTION_STATE) if body.optional else None
    if congestion is not None and congestion > 99:
        congestion = None  # reserved
    return Answer(key, header.status, message_id, late, command, body, congestion)


def delivery_of(header: Header, frame: bytes) -> Delivery:
    """A deliver_sm or data_sm, also one that cannot be read."""
    try:
        body = pdu.unpack_body(header, frame)
    except PduError as e:
        return Delivery(header, frame, None, str(e))
    assert isinstance(body, ShortMessage | DataSm)
    return Delivery(header, frame, body)


def alert_of(header: Header, frame: bytes) -> Alert | Noted:
    try:
        body = pdu.unpack_body(header, frame)
    except PduError as e:
        return Noted(f"the SMSC sent an alert_notification that cannot be read: {e}")
    assert isinstance(body, AlertNotification)
    availability = _octet(body, Tag.MS_AVAILABILITY_STATUS)
    return Alert(body.source_addr, body.source_addr_ton, body.source_addr_npi, availability)


_WITH_ID = (MessageResp, QuerySmResp, SubmitMultiResp)


def _octet(body: Body, tag: int) -> int | None:
    """An optional parameter of one octet; None when it is not there or has another length."""
    value = body.tlv(tag)
    return value[0] if value is not None and len(value) == 1 else None
