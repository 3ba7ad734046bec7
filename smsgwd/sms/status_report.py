"""SMS-STATUS-REPORT, from the service centre to us (3GPP TS 23.040 section 9.2.2.3).

TP-PI and what it announces are optional; real reports break off in the middle of them, which harms nothing and is only
marked.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from smsgwd.errors import PduError
from smsgwd.sms.address import Address, encode_address, read_address
from smsgwd.sms.encoding import decode_dcs
from smsgwd.sms.octets import Octets
from smsgwd.sms.status import TpStatus, tp_status
from smsgwd.sms.timestamp import decode_time, encode_time
from smsgwd.sms.userdata import UserData, decode_user_data

MTI = 2
#: TP-PI, section 9.2.3.27; bit 7: another such octet follows
PID, DCS, UDL, MORE = 0x01, 0x02, 0x04, 0x80


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """SMS-STATUS-REPORT."""

    tp_mr: int
    tp_ra: Address
    #: TP-ST, section 9.2.3.15
    tp_st: int
    #: when the service centre got the text; None when the octets were no time
    tp_scts: datetime | None = None
    #: TP-DT: when it was delivered, or last tried
    tp_dt: datetime | None = None
    #: True: no more messages wait
    tp_mms: bool = True
    tp_lp: bool = False
    #: TP-SRQ: the report answers an SMS-COMMAND rather than an SMS-SUBMIT
    tp_srq: bool = False
    #: the optional fields; None where absent
    tp_pid: int | None = None
    tp_dcs: int | None = None
    ud: UserData | None = None
    smsc: Address | None = None
    raw: bytes = b""
    excess: int = 0
    #: the optional fields break off
    truncated: bool = False

    @property
    def status(self) -> TpStatus:
        """What TP-ST means."""
        return tp_status(self.tp_st)

    @property
    def text(self) -> str:
        """The text that came with the report, most often none."""
        return self.ud.text if self.ud is not None else ""

    def encode(self) -> bytes:
        """The TPDU, without the SMSC. PduError for what does not fit."""
        has_header = self.ud is not None and bool(self.ud.header.elements)
        first = MTI | self.tp_mms << 2 | self.tp_lp << 3 | self.tp_srq << 5 | has_header << 6
        times = encode_time(self.tp_scts) + encode_time(self.tp_dt)
        fixed = bytes((first, self.tp_mr)) + encode_address(self.tp_ra) + times + bytes((self.tp_st,))
        return fixed + self._optional()

    def _optional(self) -> bytes:
        indicator, octets = 0, b""
        if self.tp_pid is not None:
            indicator, octets = PID, bytes((self.tp_pid,))
        if self.tp_dcs is not None:
            indicator, octets = indicator | DCS, octets + bytes((self.tp_dcs,))
        if self.ud is not None:
            indicator, octets = indicator | UDL, octets + self.ud.encode()
        return bytes((indicator,)) + octets if indicator else b""


def read_status_report(octets: Octets, first: int, smsc: Address | None) -> StatusReport:
    """Reads what follows the first octet; PduError when the mandatory part is not whole."""
    reference = octets.octet("TP-MR")
    recipient = read_address(octets, "TP-RA")
    accepted = decode_time(octets.take(7, "TP-SCTS"))
    discharged = decode_time(octets.take(7, "TP-DT"))
    report = StatusReport(
        tp_mr=reference,
        tp_ra=recipient,
        tp_st=octets.octet("TP-ST"),
        tp_scts=accepted,
        tp_dt=discharged,
        tp_mms=bool(first & 0x04),
        tp_lp=bool(first & 0x08),
        tp_srq=bool(first & 0x20),
        smsc=smsc,
        raw=octets.raw,
    )
    return _read_optional(octets, bool(first & 0x40), report) if octets.left else report


def _read_optional(octets: Octets, has_header: bool, report: StatusReport) -> StatusReport:
    found: dict[str, int | UserData] = {}
    truncated = False
    try:
        indicator = more = octets.octet("TP-PI")
        while more & MORE:
            more = octets.octet("TP-PI")
        if indicator & PID:
            found["tp_pid"] = octets.octet("TP-PID")
        if indicator & DCS:
            found["tp_dcs"] = octets.octet("TP-DCS")
        if indicator & UDL:
            length = octets.octet("TP-UDL")
            dcs = found.get("tp_dcs", 0)
            assert isinstance(dcs, int)
            ud, used = decode_user_data(length, octets.rest(), has_header, decode_dcs(dcs))
            octets.at += used
            found["ud"], truncated = ud, ud.truncated
    except PduError:
        truncated = True
    return msgspec.structs.replace(report, **found, truncated=truncated, excess=octets.left)
