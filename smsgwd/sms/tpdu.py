"""TPDUs: which one it is, and where it begins (3GPP TS 23.040 section 9.2.3.1).

A modem gives a TPDU behind the address of the SMSC (3GPP TS 27.005), a SIM dump or a log may lack that. When nobody says
which, both readings are tried and the one with fewer faults (a break, octets that are left over, a time that is none, an
address without digits) wins; on a tie the one with the SMSC.

TP-MTI by direction:

====  ==========================================  =====================
bits  ``mt`` (to us)                              ``mo`` (from us)
====  ==========================================  =====================
00    SMS-DELIVER                                 (SMS-DELIVER-REPORT)
01    SMS-SUBMIT: a stored text of our own [1]    SMS-SUBMIT
10    SMS-STATUS-REPORT                           (SMS-COMMAND)
11    reserved: "as if it were an SMS-DELIVER"    –
====  ==========================================  =====================

[1] On the air that would be an SMS-SUBMIT-REPORT; a modem never shows one, but shows stored outgoing texts.
What stands in brackets raises PduError, as does everything that cannot be read; nothing else is ever raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from smsgwd.errors import PduError
from smsgwd.sms.address import Address, encode_smsc, read_smsc
from smsgwd.sms.deliver import Deliver, read_deliver
from smsgwd.sms.octets import Octets
from smsgwd.sms.status_report import StatusReport, read_status_report
from smsgwd.sms.submit import Submit, read_submit, submit_for
from smsgwd.sms.userdata import user_data

__all__ = [
    "Deliver", "Direction", "Pdu", "StatusReport", "Submit", "decode_hex", "decode_pdu", "submit_for", "user_data",
    "with_smsc",
]  # fmt: skip

Pdu = Deliver | Submit | StatusReport
Direction = Literal["mt", "mo"]
_Read = Callable[[Octets, int, Address | None], Pdu]

_READERS: dict[Direction, dict[int, _Read]] = {
    "mt": {0: read_deliver, 1: read_submit, 2: read_status_report, 3: read_deliver},
    "mo": {1: read_submit},
}
_NAMES = {0: "SMS-DELIVER-REPORT", 2: "SMS-COMMAND", 3: "a reserved type"}


def decode_pdu(raw: bytes, direction: Direction, smsc: bool | None = None) -> Pdu:
    """Reads a TPDU. ``smsc``: with the SMSC before it or without; None = find out. Raises PduError alone.

    The result keeps ``raw``; its text is valid Unicode whatever the octets were.
    """
    if smsc is not None:
        return _read(raw, direction, smsc)
    try:
        with_it = _read(raw, direction, True)
    except PduError as error:
        try:
            return _read(raw, direction, False)
        except PduError:
            raise error from None
    if _faults(with_it):
        try:
            without = _read(raw, direction, False)
        except PduError:
            return with_it
        if _faults(without) < _faults(with_it):
            return without
    return with_it


def _read(raw: bytes, direction: Direction, smsc: bool) -> Pdu:
    octets = Octets(raw)
    centre = read_smsc(octets) if smsc else None
    first = octets.octet("its first octet")
    reader = _READERS[direction].get(first & 3)
    if reader is None:
        raise PduError(f"{_NAMES[first & 3]} is not read here")
    return reader(octets, first, centre)


def _faults(pdu: Pdu) -> int:
    """How unlikely it is that the octets were meant so."""
    if isinstance(pdu, Submit):
        timeless, party = pdu.tp_vpf == 3 and pdu.validity is None, pdu.tp_da
    elif isinstance(pdu, Deliver):
        timeless, party = pdu.tp_scts is None, pdu.tp_oa
    else:
        timeless, party = pdu.tp_scts is None, pdu.tp_ra
    numbered = all(a is None or a.digits for a in (pdu.smsc, party))
    return 2 * pdu.truncated + bool(pdu.excess) + 2 * timeless + (not numbered)


def decode_hex(text: str, direction: Direction, smsc: bool | None = None) -> Pdu:
    """The same from hexadecimal digits, as a modem writes them."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise PduError("the PDU is not written in pairs of hexadecimal digits") from None
    return decode_pdu(raw, direction, smsc)


def with_smsc(pdu: Pdu) -> bytes:
    """The SMSC (one zero octet for none) and the TPDU, as a modem shows them."""
    return encode_smsc(pdu.smsc) + pdu.encode()
