"""SMS-DELIVER, from the service centre to us (3GPP TS 23.040 section 9.2.2.1)."""

from __future__ import annotations

from datetime import datetime

from smsgwd.sms.address import Address, encode_address, read_address
from smsgwd.sms.encoding import decode_dcs
from smsgwd.sms.octets import Octets
from smsgwd.sms.short_message import ShortMessage
from smsgwd.sms.timestamp import decode_time, encode_time
from smsgwd.sms.userdata import decode_user_data

MTI = 0


class Deliver(ShortMessage, frozen=True, kw_only=True):
    """SMS-DELIVER."""

    tp_oa: Address
    #: None when the octets were no time
    tp_scts: datetime | None = None
    #: True: no more messages wait (the bit as sent, section 9.2.3.2)
    tp_mms: bool = True
    #: TP-LP: forwarded or spawned
    tp_lp: bool = False
    #: TP-SRI: the sender gets a status report
    tp_sri: bool = False

    def encode(self) -> bytes:
        """The TPDU, without the SMSC. PduError for what does not fit."""
        first = (
            MTI | self.tp_mms << 2 | self.tp_lp << 3 | self.tp_sri << 5
            | bool(self.ud.header.elements) << 6 | self.tp_rp << 7
        )  # fmt: skip
        middle = bytes((self.tp_pid, self.tp_dcs)) + encode_time(self.tp_scts)
        return bytes((first,)) + encode_address(self.tp_oa) + middle + self.ud.encode()


def read_deliver(octets: Octets, first: int, smsc: Address | None) -> Deliver:
    """Reads what follows the first octet; PduError."""
    sender = read_address(octets, "TP-OA")
    pid, dcs = octets.octet("TP-PID"), octets.octet("TP-DCS")
    time = decode_time(octets.take(7, "TP-SCTS"))
    length = octets.octet("TP-UDL")
    ud, used = decode_user_data(length, octets.rest(), bool(first & 0x40), decode_dcs(dcs))
    return Deliver(
        tp_oa=sender,
        tp_pid=pid,
        tp_dcs=dcs,
        tp_scts=time,
        ud=ud,
        tp_mms=bool(first & 0x04),
        tp_lp=bool(first & 0x08),
        tp_sri=bool(first & 0x20),
        tp_rp=bool(first & 0x80),
        smsc=smsc,
        raw=octets.raw,
        excess=octets.left - used,
    )
