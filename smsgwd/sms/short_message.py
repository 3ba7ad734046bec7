"""What SMS-DELIVER and SMS-SUBMIT have in common: protocol identifier, data coding and user data."""

from __future__ import annotations

import msgspec

from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet, decode_dcs
from smsgwd.sms.udh import Concat
from smsgwd.sms.userdata import UserData

#: TP-PID, TS 23.040 section 9.2.3.9: type 0 (silent), ANSI-136 R-DATA, ME data download, ME de-personalisation,
#: (U)SIM data download. None of them is for a person's eye.
SILENT_PIDS = frozenset({0x40, 0x7C, 0x7D, 0x7E, 0x7F})


class ShortMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Fields and views of a text that goes either way."""

    #: TP-RP: a reply path exists
    tp_rp: bool = False
    tp_pid: int = 0
    tp_dcs: int = 0
    ud: UserData = UserData()
    #: the SMSC before the TPDU; None where there was none
    smsc: Address | None = None
    #: the octets this was read from, with the SMSC; empty for one that was made
    raw: bytes = b""
    #: octets after the end of the user data
    excess: int = 0

    @property
    def payload(self) -> bytes:
        """User data without header: septets one an octet for GSM7, octets otherwise."""
        return self.ud.payload

    @property
    def alphabet(self) -> Alphabet:
        return self.ud.alphabet

    @property
    def locking(self) -> int:
        return self.ud.header.locking

    @property
    def single(self) -> int:
        return self.ud.header.single

    @property
    def concat(self) -> Concat | None:
        """The place among parts; None for a text in one part and for numbers that make no sense."""
        return self.ud.header.concat

    @property
    def message_class(self) -> int | None:
        return decode_dcs(self.tp_dcs).message_class

    @property
    def service(self) -> bool:
        """For machines, not for a person: message waiting, application port, silent type, (U)SIM toolkit."""
        waiting = decode_dcs(self.tp_dcs).waiting is not None
        return waiting or self.tp_pid in SILENT_PIDS or self.ud.header.for_machines

    @property
    def truncated(self) -> bool:
        """The user data ends before its length says."""
        return self.ud.truncated

    @property
    def text(self) -> str:
        """The text of this part alone, always valid Unicode; "" for data."""
        return self.ud.text
