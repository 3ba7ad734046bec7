"""States of a session, and what each of them allows (SMPP 3.4 sections 2.2 and 2.3). Pure; tables."""

from __future__ import annotations

from enum import StrEnum

from smsgwd.smpp.consts import CommandId

_C = CommandId


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
#: what an SMSC may ask in some state; all else that has a response comes from an ESME alone
FROM_SMSC = _TEXTS | {_C.ENQUIRE_LINK, _C.UNBIND}
#: states in which we may submit and ask
SENDS = frozenset({_S.BOUND_TX, _S.BOUND_TRX})
BOUND = frozenset({_S.BOUND_TX, _S.BOUND_RX, _S.BOUND_TRX})
#: requests that :meth:`Session.ask` writes
ASKS = frozenset({_C.QUERY_SM, _C.CANCEL_SM, _C.REPLACE_SM, _C.DATA_SM, _C.SUBMIT_MULTI})
