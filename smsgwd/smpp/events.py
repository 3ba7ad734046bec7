"""What :class:`smsgwd.smpp.session.Session` tells, one struct each. Pure."""

from __future__ import annotations

import msgspec

from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.pdu import Header


class Bound(msgspec.Struct, frozen=True):
    """bind_resp: we are in. ``version`` is sc_interface_version, 0 when the SMSC told none."""

    system_id: str
    version: int


class BindRefused(msgspec.Struct, frozen=True):
    status: int


class Answer(msgspec.Struct, frozen=True):
    """submit_sm_resp, or a generic_nack of the request; ``key`` is what :meth:`Session.submit` was given."""

    key: str
    status: int
    message_id: str
    late: bool = False


class Unanswered(msgspec.Struct, frozen=True):
    key: str


class Delivery(msgspec.Struct, frozen=True):
    """deliver_sm or data_sm; answer it. ``body`` is None when it could not be read, ``fault`` says why then."""

    header: Header
    octets: bytes
    body: ShortMessage | DataSm | None
    fault: str = ""


class Unbound(msgspec.Struct, frozen=True):
    """The session has ended in order. ``by_peer``: it was the SMSC that wanted it."""

    by_peer: bool


class Broken(msgspec.Struct, frozen=True):
    """The connection must be closed."""

    why: str


class Noted(msgspec.Struct, frozen=True):
    """Odd, but harmless."""

    what: str


Event = Bound | BindRefused | Answer | Unanswered | Delivery | Unbound | Broken | Noted
