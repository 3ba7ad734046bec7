"""SMS-SUBMIT, from us to the service centre (3GPP TS 23.040 section 9.2.2.2)."""

from __future__ import annotations

from datetime import datetime

from smsgwd.sms.address import Address, encode_address, read_address
from smsgwd.sms.encoding import Alphabet, decode_dcs, encode_dcs
from smsgwd.sms.octets import Octets
from smsgwd.sms.short_message import ShortMessage
from smsgwd.sms.timestamp import decode_relative, decode_time, encode_relative
from smsgwd.sms.userdata import compose_user_data, decode_user_data

MTI = 1
#: TP-VPF (section 9.2.3.3): bits 4–3 of the first octet, and the size of TP-VP
NONE, ENHANCED, RELATIVE, ABSOLUTE = 0, 1, 2, 3
_VP_SIZE = (0, 7, 1, 7)


class Submit(ShortMessage, frozen=True, kw_only=True):
    """SMS-SUBMIT."""

    tp_da: Address
    #: the modem writes its own; +CMGS tells which
    tp_mr: int = 0
    #: TP-RD: the service centre rejects duplicates
    tp_rd: bool = False
    #: TP-SRR: a status report is wanted
    tp_srr: bool = False
    #: NONE, ENHANCED, RELATIVE or ABSOLUTE
    tp_vpf: int = NONE
    #: TP-VP as sent: 0, 7, 1 or 7 octets
    tp_vp: bytes = b""

    @property
    def validity(self) -> int | datetime | None:
        """Seconds for the relative form, a time for the absolute one; None without one, and for the enhanced form,
        which is kept raw in ``tp_vp``."""
        if self.tp_vpf == RELATIVE:
            return decode_relative(self.tp_vp[0])
        return decode_time(self.tp_vp) if self.tp_vpf == ABSOLUTE else None

    def encode(self) -> bytes:
        """The TPDU, without the SMSC. PduError for what does not fit."""
        first = (
            MTI | self.tp_rd << 2 | self.tp_vpf << 3 | self.tp_srr << 5
            | bool(self.ud.header.elements) << 6 | self.tp_rp << 7
        )  # fmt: skip
        head = bytes((first, self.tp_mr)) + encode_address(self.tp_da)
        return head + bytes((self.tp_pid, self.tp_dcs)) + self.tp_vp + self.ud.encode()


def read_submit(octets: Octets, first: int, smsc: Address | None) -> Submit:
    """Reads what follows the first octet; PduError."""
    reference = octets.octet("TP-MR")
    recipient = read_address(octets, "TP-DA")
    pid, dcs = octets.octet("TP-PID"), octets.octet("TP-DCS")
    vpf = first >> 3 & 3
    vp = octets.take(_VP_SIZE[vpf], "TP-VP")
    length = octets.octet("TP-UDL")
    ud, used = decode_user_data(length, octets.rest(), bool(first & 0x40), decode_dcs(dcs))
    return Submit(
        tp_mr=reference,
        tp_da=recipient,
        tp_pid=pid,
        tp_dcs=dcs,
        tp_vpf=vpf,
        tp_vp=vp,
        ud=ud,
        tp_rd=bool(first & 0x04),
        tp_srr=bool(first & 0x20),
        tp_rp=bool(first & 0x80),
        smsc=smsc,
        raw=octets.raw,
        excess=octets.left - used,
    )


def submit_for(
    *,
    to: Address,
    text: str,
    alphabet: Alphabet,
    locking: int = 0,
    single: int = 0,
    ref: int = 0,
    part: int = 1,
    parts: int = 1,
    flash: bool = False,
    report: bool = False,
    validity: int = 0,
) -> Submit:
    """The SMS-SUBMIT of one part. ``validity`` in seconds, 0 = the network's own; ``text`` is this part's alone.

    PduError when the tables lack a character, or the part number makes no sense; a part that is too long shows in
    :meth:`Submit.encode`.
    """
    return Submit(
        tp_da=to,
        tp_dcs=encode_dcs(alphabet, 0 if flash else None),
        tp_srr=report,
        tp_vpf=RELATIVE if validity > 0 else NONE,
        tp_vp=bytes((encode_relative(validity),)) if validity > 0 else b"",
        ud=compose_user_data(text, alphabet, locking, single, ref, part, parts),
    )
