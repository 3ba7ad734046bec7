"""What a network makes of a text for this phone, and of a text that the phone sent. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from smsgwd.errors import PduError
from smsgwd.sms.address import Address
from smsgwd.sms.deliver import Deliver
from smsgwd.sms.encoding import encode_dcs
from smsgwd.sms.split import split
from smsgwd.sms.status_report import StatusReport
from smsgwd.sms.submit import Submit
from smsgwd.sms.tpdu import decode_hex, with_smsc
from smsgwd.sms.udh import Concat
from smsgwd.sms.userdata import compose_user_data

SERVICE_CENTRE = "+15550100000"
#: parts of one text at most
MOST_PARTS = 255


def delivers(sender: str, text: str, ref: int, now: datetime) -> list[str]:
    """The SMS-DELIVERs of a text, in hex with the SMSC. ValueError for what no network would carry."""
    plan = split(text)
    parts = len(plan.cuts)
    if not text or parts > MOST_PARTS:
        raise ValueError(f"a text has 1 to {MOST_PARTS} parts")
    ends = [*plan.cuts[1:], len(plan.text)]
    try:
        made = [
            Deliver(
                tp_oa=Address.parse(sender),
                tp_dcs=encode_dcs(plan.alphabet),
                tp_scts=now.replace(microsecond=0),
                ud=compose_user_data(plan.text[start:end], plan.alphabet, plan.locking, plan.single, ref, i, parts),
                smsc=Address.parse(SERVICE_CENTRE),
            )
            for i, (start, end) in enumerate(zip(plan.cuts, ends, strict=True), 1)
        ]
        return [with_smsc(pdu).hex().upper() for pdu in made]
    except PduError as e:
        raise ValueError(str(e)) from None


def report(submit: Submit, mr: int, st: int, now: datetime) -> str:
    """The SMS-STATUS-REPORT on a text, in hex with the SMSC."""
    time = now.replace(microsecond=0)
    made = StatusReport(
        tp_mr=mr, tp_ra=submit.tp_da, tp_st=st, tp_scts=time, tp_dt=time, smsc=Address.parse(SERVICE_CENTRE)
    )
    return with_smsc(made).hex().upper()


def read_submit(pdu: str, octets: int) -> Submit:
    """The SMS-SUBMIT of a PDU in hex whose TPDU has ``octets``. PduError when it is none, or has another length."""
    raw = bytes.fromhex(pdu) if len(pdu) % 2 == 0 and all(c in "0123456789ABCDEFabcdef" for c in pdu) else b""
    if not raw or len(raw) - 1 - raw[0] != octets:
        raise PduError("not a PDU of the length that was announced")
    read = decode_hex(pdu, "mo", smsc=True)
    assert isinstance(read, Submit)
    if read.truncated or read.excess:
        raise PduError("the user data has another length than TP-UDL says")
    return read


def described_arrival(pdu: str) -> dict[str, Any]:
    """A text or report for the phone as the journal tells it; a report has ``st``. PduError for neither."""
    read = decode_hex(pdu, "mt", smsc=True)
    if isinstance(read, StatusReport):
        return {"from": "", "mr": read.tp_mr, "st": read.tp_st, "to": read.tp_ra.text}
    if not isinstance(read, Deliver):
        return {}
    return {"from": read.tp_oa.text, "text": read.text, **_place(read.concat)}


def _place(concat: Concat | None) -> dict[str, int | None]:
    return {
        "ref": concat.ref if concat else None,
        "part": concat.part if concat else 1,
        "parts": concat.parts if concat else 1,
    }


def described(submit: Submit) -> dict[str, Any]:
    """A submitted text as the journal tells it."""
    return {"to": submit.tp_da.text, "text": submit.text, **_place(submit.concat), "report": submit.tp_srr}


def tpdu_octets(pdu: str) -> int:
    """Octets of the TPDU behind the SMSC of a PDU in hex; 0 where the SMSC is longer than it all."""
    return max(0, len(pdu) // 2 - 1 - int(pdu[:2], 16))


def message_class(pdu: str) -> int | None:
    """The class of a text for the phone (TS 23.038 section 4); None for one without, and for what is no text."""
    try:
        read = decode_hex(pdu, "mt", smsc=True)
    except PduError:
        return None
    return read.message_class if isinstance(read, Deliver) else None
