"""What a command_status other than 0 means for a text. Pure; a table.

Carriers use the numbers loosely, so a number that is not in the table is a refusal for now, tried a few times more, and
never an exception. ``retry_after`` is the least pause in seconds before the next try.
"""

from __future__ import annotations

from smsgwd.model import Refusal, RefusalClass
from smsgwd.smpp.consts import CommandStatus, status_name

_S = CommandStatus
_P, _T, _L = RefusalClass.PERMANENT, RefusalClass.TEMPORARY, RefusalClass.LINK

#: submit_sm: status -> class, pause, what an operator reads
_SUBMIT: dict[int, tuple[RefusalClass, float, str]] = {
    _S.ESME_RINVMSGLEN: (_P, 0, "the SMSC says the message length is wrong"),
    _S.ESME_RINVCMDLEN: (_L, 0, "the SMSC does not understand our PDUs (command length)"),
    _S.ESME_RINVCMDID: (_P, 0, "the SMSC does not know this command"),
    _S.ESME_RINVBNDSTS: (_L, 0, "the SMSC says we are not bound for sending"),
    _S.ESME_RALYBND: (_L, 0, "the SMSC says we are bound already"),
    _S.ESME_RINVPRTFLG: (_P, 0, "the SMSC refuses the priority"),
    _S.ESME_RINVREGDLVFLG: (_P, 0, "the SMSC refuses the request for a delivery receipt"),
    _S.ESME_RSYSERR: (_T, 30, "the SMSC has a system error"),
    _S.ESME_RINVSRCADR: (_P, 0, "the SMSC refuses our source address; check the link's number"),
    _S.ESME_RINVDSTADR: (_P, 0, "the SMSC refuses the destination address"),
    _S.ESME_RINVMSGID: (_P, 0, "the SMSC says the message id is invalid"),
    _S.ESME_RMSGQFUL: (_T, 30, "the SMSC's queue is full"),
    _S.ESME_RINVSERTYP: (_P, 0, "the SMSC refuses the service type"),
    _S.ESME_RINVDESTFLAG: (_P, 0, "the SMSC refuses the destination flag"),
    _S.ESME_RINVSUBREP: (_P, 0, "the SMSC refuses replace-if-present"),
    _S.ESME_RINVESMCLASS: (_P, 0, "the SMSC refuses the esm_class"),
    _S.ESME_RSUBMITFAIL: (_T, 60, "the SMSC could not take the text"),
    _S.ESME_RINVSRCTON: (_P, 0, "the SMSC refuses the type of our source address"),
    _S.ESME_RINVSRCNPI: (_P, 0, "the SMSC refuses the plan of our source address"),
    _S.ESME_RINVDSTTON: (_P, 0, "the SMSC refuses the type of the destination"),
    _S.ESME_RINVDSTNPI: (_P, 0, "the SMSC refuses the plan of the destination"),
    _S.ESME_RINVREPFLAG: (_P, 0, "the SMSC refuses replace-if-present"),
    _S.ESME_RTHROTTLED: (_T, 1, "the SMSC says we are too fast"),
    _S.ESME_RINVSCHED: (_P, 0, "the SMSC refuses the delivery time"),
    _S.ESME_RINVEXPIRY: (_P, 0, "the SMSC refuses the validity period"),
    _S.ESME_RINVDFTMSGID: (_P, 0, "the SMSC refuses the predefined message"),
    _S.ESME_RX_T_APPN: (_T, 30, "the receiver has a passing fault"),
    _S.ESME_RX_P_APPN: (_P, 0, "the receiver refuses it for good"),
    _S.ESME_RX_R_APPN: (_P, 0, "the receiver rejects it"),
    _S.ESME_RINVOPTPARSTREAM: (_P, 0, "the SMSC refuses the optional parameters"),
    _S.ESME_ROPTPARNOTALLWD: (_P, 0, "the SMSC does not allow an optional parameter"),
    _S.ESME_RINVPARLEN: (_P, 0, "the SMSC says a parameter's length is wrong"),
    _S.ESME_RMISSINGOPTPARAM: (_P, 0, "the SMSC misses an optional parameter"),
    _S.ESME_RINVOPTPARAMVAL: (_P, 0, "the SMSC refuses an optional parameter's value"),
    _S.ESME_RDELIVERYFAILURE: (_T, 30, "the SMSC could not deliver it"),
    _S.ESME_RUNKNOWNERR: (_T, 30, "the SMSC has an unknown error"),
}
#: v5 statuses: service, operation, coding or address subunit not allowed
_SUBMIT |= dict.fromkeys(range(0x100, 0x107), (_P, 0, "the SMSC does not allow this"))
_OTHER = (_T, 30.0, "the SMSC refuses it with a status of its own")

#: bind: status -> least pause in seconds before the next bind. A carrier locks an account that knocks too often; after a
#: break it may hold the old session for two minutes
_BIND: dict[int, float] = {
    _S.ESME_RALYBND: 30,
    _S.ESME_RSYSERR: 1,
    _S.ESME_RINVPASWD: 300,
    _S.ESME_RINVSYSID: 300,
    _S.ESME_RINVSYSTYP: 300,
}
_BIND_OTHER = 10.0
_BIND_WORDS: dict[int, str] = {
    _S.ESME_RALYBND: "it says we are bound already",
    _S.ESME_RBINDFAIL: "it gives no reason",
    _S.ESME_RINVPASWD: "wrong password",
    _S.ESME_RINVSYSID: "unknown system_id",
    _S.ESME_RINVSYSTYP: "wrong system_type",
    _S.ESME_RSYSERR: "it has a system error",
}


def submit_refusal(status: int) -> Refusal:
    """The refusal of a submit_sm by its command_status (not 0)."""
    class_, pause, reason = _SUBMIT.get(status, _OTHER)
    return Refusal(f"ESME 0x{status:02X}", class_, f"{reason} ({status_name(status)})", float(pause))


def bind_refusal(status: int) -> tuple[str, float]:
    """Why a bind was refused, in one line, and the least pause in seconds before the next one."""
    words = _BIND_WORDS.get(status)
    name = status_name(status)
    return (f"{words} ({name})" if words else name), _BIND.get(status, _BIND_OTHER)
