"""What a command_status other than 0 means. Pure; tables.

Carriers use the numbers loosely, so a number that is not in the table is a refusal for now, tried a few times more, and
never an exception; and the configuration of a link may give any number another meaning.

==========  ===========================================================================================================
``again``   we are too fast, or too many: later on the same link, without counting a try
``later``   after a pause, for some numbers a few times only
``few``     as ``later``, two tries: carriers use these numbers for what will not change
``perm``    never again for this text
``conf``    as ``perm``, and an operator is told: our PDU or our configuration is wrong
``rebind``  the session is in doubt: it is closed and bound anew, and the text goes again; once
==========  ===========================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smsgwd.model import Refusal, RefusalClass
from smsgwd.smpp.consts import CommandStatus, status_name

_S = CommandStatus
_C = RefusalClass

#: most characters of additional_status_info_text that are kept
_MOST_SAID = 80


class _Action(msgspec.Struct, frozen=True):
    class_: RefusalClass
    #: least seconds to the next try
    pause: float = 0.0
    tries: int = 0
    #: from which time within an hour an operator is alarmed; 0 = never
    alarm: int = 0
    #: refusals in a row, of different numbers, that make the link rest
    run: int = 0


ACTIONS: dict[str, _Action] = {
    "again": _Action(_C.BUSY, pause=1),
    "later": _Action(_C.TEMPORARY, pause=30, tries=5, run=10),
    "few": _Action(_C.TEMPORARY, pause=60, tries=2, run=10),
    "perm": _Action(_C.PERMANENT),
    "conf": _Action(_C.PERMANENT, alarm=1),
    "rebind": _Action(_C.LINK, tries=2, alarm=2),
}

#: submit_sm: status -> action, what an operator reads
_SUBMIT: dict[int, tuple[str, str]] = {
    _S.ESME_RINVMSGLEN: ("conf", "the SMSC says the message length is wrong"),
    _S.ESME_RINVCMDLEN: ("rebind", "the SMSC does not understand our PDUs (command length)"),
    _S.ESME_RINVCMDID: ("rebind", "the SMSC does not know this command"),
    _S.ESME_RINVBNDSTS: ("rebind", "the SMSC says we are not bound for sending"),
    _S.ESME_RALYBND: ("rebind", "the SMSC says we are bound already"),
    _S.ESME_RINVPRTFLG: ("conf", "the SMSC refuses the priority"),
    _S.ESME_RINVREGDLVFLG: ("conf", "the SMSC refuses the request for a delivery receipt"),
    _S.ESME_RSYSERR: ("later", "the SMSC has a system error"),
    _S.ESME_RINVSRCADR: ("perm", "the SMSC refuses our source address; check the link's number"),
    _S.ESME_RINVDSTADR: ("perm", "the SMSC refuses the destination address"),
    _S.ESME_RINVMSGID: ("perm", "the SMSC says the message id is invalid"),
    _S.ESME_RMSGQFUL: ("later", "the SMSC's queue is full"),
    _S.ESME_RINVSERTYP: ("conf", "the SMSC refuses the service type"),
    _S.ESME_RINVNUMDESTS: ("conf", "the SMSC refuses the number of destinations"),
    _S.ESME_RINVDLNAME: ("conf", "the SMSC refuses the distribution list"),
    _S.ESME_RINVDESTFLAG: ("conf", "the SMSC refuses the destination flag"),
    _S.ESME_RINVSUBREP: ("conf", "the SMSC refuses replace-if-present"),
    _S.ESME_RINVESMCLASS: ("conf", "the SMSC refuses the esm_class"),
    _S.ESME_RCNTSUBDL: ("conf", "the SMSC cannot submit to a distribution list"),
    _S.ESME_RSUBMITFAIL: ("few", "the SMSC could not take the text"),
    _S.ESME_RINVSRCTON: ("conf", "the SMSC refuses the type of our source address"),
    _S.ESME_RINVSRCNPI: ("conf", "the SMSC refuses the plan of our source address"),
    _S.ESME_RINVDSTTON: ("conf", "the SMSC refuses the type of the destination"),
    _S.ESME_RINVDSTNPI: ("conf", "the SMSC refuses the plan of the destination"),
    _S.ESME_RINVREPFLAG: ("conf", "the SMSC refuses replace-if-present"),
    _S.ESME_RINVNUMMSGS: ("conf", "the SMSC refuses the number of messages"),
    _S.ESME_RTHROTTLED: ("again", "the SMSC says we are too fast"),
    _S.ESME_RINVSCHED: ("conf", "the SMSC refuses the delivery time"),
    _S.ESME_RINVEXPIRY: ("conf", "the SMSC refuses the validity period"),
    _S.ESME_RINVDFTMSGID: ("conf", "the SMSC refuses the predefined message"),
    _S.ESME_RX_T_APPN: ("later", "the receiver has a passing fault"),
    _S.ESME_RX_P_APPN: ("perm", "the receiver refuses it for good"),
    _S.ESME_RX_R_APPN: ("perm", "the receiver rejects it"),
    _S.ESME_RINVOPTPARSTREAM: ("conf", "the SMSC refuses the optional parameters"),
    _S.ESME_ROPTPARNOTALLWD: ("conf", "the SMSC does not allow an optional parameter"),
    _S.ESME_RINVPARLEN: ("conf", "the SMSC says a parameter's length is wrong"),
    _S.ESME_RMISSINGOPTPARAM: ("conf", "the SMSC misses an optional parameter"),
    _S.ESME_RINVOPTPARAMVAL: ("conf", "the SMSC refuses an optional parameter's value"),
    _S.ESME_RDELIVERYFAILURE: ("later", "the SMSC could not deliver it"),
    _S.ESME_RUNKNOWNERR: ("later", "the SMSC has an unknown error"),
}
#: v5 statuses: service, operation, coding or address subunit not allowed
_SUBMIT |= dict.fromkeys(range(0x100, 0x107), ("conf", "the SMSC does not allow this"))
_OTHER = ("later", "the SMSC refuses it with a status of its own")

#: what a status has otherwise than others of its action; tries 0 = as the configuration says
_APART: dict[int, dict[str, float | int]] = {
    _S.ESME_RSYSERR: {"tries": 20, "run": 0},
    _S.ESME_RMSGQFUL: {"tries": 0},
    _S.ESME_RX_T_APPN: {"tries": 0},
    _S.ESME_RDELIVERYFAILURE: {"tries": 0},
    _S.ESME_RUNKNOWNERR: {"tries": 0},
    _S.ESME_RINVSRCADR: {"alarm": 2},
    _S.ESME_RINVBNDSTS: {"tries": 0, "alarm": 0},
    _S.ESME_RALYBND: {"tries": 0, "alarm": 0},
}


class Verdict(msgspec.Struct, frozen=True):
    """What an answer means for the text, and whether the session is to be closed and bound anew."""

    refusal: Refusal
    rebind: bool = False


class Statuses:
    """The meaning of every command_status on one link. ``status``: the link's own meanings, ``{"0x400": "perm"}``."""

    def __init__(self, status: Mapping[str, str] | None = None) -> None:
        self._own = {int(number, 0 if number[:2] in ("0x", "0X") else 10): action for number, action in (status or {}).items()}
        self._known: dict[tuple[int, bool], Verdict] = {}

    def verdict(self, status: int, said: bytes = b"", *, nack: bool = False) -> Verdict:
        """Of an answer to submit_sm with this status (not 0). ``said``: its additional_status_info_text; ``nack``: it was
        a generic_nack."""
        verdict = self._known.get((status, nack))
        if verdict is None:
            verdict = self._verdict(status, nack)
            if len(self._known) < 1_000:
                self._known[status, nack] = verdict
        words = printable(said) if said else ""
        if not words:
            return verdict
        refusal = msgspec.structs.replace(verdict.refusal, reason=f"{verdict.refusal.reason}: {words}")
        return Verdict(refusal, verdict.rebind)

    def _verdict(self, status: int, nack: bool) -> Verdict:
        usual, words = _SUBMIT.get(status, _OTHER)
        if nack and status == _S.ESME_RINVCMDID:
            usual = "conf"
        name = self._own.get(status, usual)
        action = ACTIONS[name]
        if name == usual and status in _APART:
            action = msgspec.structs.replace(action, **_APART[status])
        refusal = Refusal(
            f"ESME 0x{status:02X}", action.class_, f"{words} ({status_name(status)})", float(action.pause), action.tries,
            action.alarm, action.run,
        )  # fmt: skip
        return Verdict(refusal, name == "rebind")


def printable(said: bytes) -> str:
    """What an SMSC says in words, fit for an operator's screen: ASCII that prints, one blank for all else, cut."""
    text = "".join(c if " " <= c <= "~" else " " for c in said.split(b"\0")[0].decode("latin-1"))
    return " ".join(text.split())[:_MOST_SAID]


_USUAL = Statuses()


def submit_refusal(status: int) -> Refusal:
    """The refusal of a submit_sm by its command_status (not 0), where a link has no meanings of its own."""
    return _USUAL.verdict(status).refusal


# ---- bind ----------------------------------------------------------------------------------------------------------

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


def bind_refusal(status: int) -> tuple[str, float]:
    """Why a bind was refused, in one line, and the least pause in seconds before the next one."""
    words = _BIND_WORDS.get(status)
    name = status_name(status)
    return (f"{words} ({name})" if words else name), _BIND.get(status, _BIND_OTHER)
