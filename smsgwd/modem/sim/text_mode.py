"""Text mode, AT+CMGF=1 (TS 27.005 sections 3.1 and 3.4): PDUs shown as fields, and texts that come without a PDU. Pure.

Strings are in the character set of AT+CSCS: GSM is the septets as octets, IRA is ASCII with ``?`` for the rest, UCS2 is
UTF-16BE in hex. As section 3.1 demands, user data in UCS-2 or 8 bits is shown in hex whatever the character set is.
"""

from __future__ import annotations

from datetime import datetime

from smsgwd.errors import PduError
from smsgwd.sms import gsm7
from smsgwd.sms.address import Address
from smsgwd.sms.deliver import Deliver
from smsgwd.sms.encoding import Alphabet, decode_dcs, decode_ucs2, encode_ucs2
from smsgwd.sms.status_report import StatusReport
from smsgwd.sms.submit import RELATIVE, Submit, submit_for
from smsgwd.sms.tpdu import decode_hex

#: <stat> in words, by its number in PDU mode
STATES = ("REC UNREAD", "REC READ", "STO UNSENT", "STO SENT", "ALL")


def stat_of(word: str) -> int | None:
    """The number of a <stat> in words; None for none."""
    return STATES.index(word.upper()) if word.upper() in STATES else None


def shown(pdu: str, cscs: str, *, full: bool, state: str = "", listed: bool = False) -> tuple[str, str]:
    """Fields and text of a PDU in hex, as +CMGR, +CMT and +CDS show them, and +CMGL where it is ``listed``. ``state`` in
    quotes stands before them when it is given, ``full`` is AT+CSDH=1. PduError for one that is none."""
    read = decode_hex(pdu, "mt", smsc=True)
    first = str(int(pdu[2 + 2 * int(pdu[:2], 16) :][:2], 16))
    fields = [f'"{state}"'] if state else []
    if isinstance(read, StatusReport):
        times = [_time(read.tp_scts), _time(read.tp_dt)]
        fields += [first, str(read.tp_mr), _quoted(read.tp_ra.text, cscs), str(read.tp_ra.toa), *times, str(read.tp_st)]
        return ",".join(fields), ""
    party = read.tp_oa if isinstance(read, Deliver) else read.tp_da
    fields += [_quoted(party.text, cscs), ""]
    if isinstance(read, Deliver):
        fields.append(_time(read.tp_scts))
    if full:
        fields.append(str(party.toa))
        if not listed:
            fields += [first, str(read.tp_pid), str(read.tp_dcs)]
            fields += [str(read.tp_vp[0]) if read.tp_vpf == RELATIVE else ""] if isinstance(read, Submit) else []
            fields += [f'"{read.smsc.text}"', str(read.smsc.toa)] if read.smsc else ["", ""]
        fields.append(str(len(read.payload)))
    return ",".join(fields), _text(read.alphabet, read.payload, read.text, cscs)


def _time(at: datetime | None) -> str:
    if at is None:
        return '""'
    offset = at.utcoffset()
    quarters = int(offset.total_seconds() // 900) if offset is not None else 0
    return f'"{at:%y/%m/%d,%H:%M:%S}{quarters:+03}"'


def _quoted(text: str, cscs: str) -> str:
    return f'"{encode_ucs2(text).hex().upper() if cscs == "UCS2" else text}"'


def _text(alphabet: Alphabet, payload: bytes, text: str, cscs: str) -> str:
    if alphabet != Alphabet.GSM7:
        return payload.hex().upper()
    if cscs == "UCS2":
        return encode_ucs2(text).hex().upper()
    return payload.decode("latin-1") if cscs == "GSM" else text.encode("ascii", "replace").decode("ascii")


def written(number: str, octets: bytes, cscs: str, csmp: tuple[int, int, int, int]) -> Submit:
    """The SMS-SUBMIT of what was typed behind the prompt, in the character set ``cscs`` and with the parameters of
    AT+CSMP. PduError for what does not fit into one part or is not in that character set."""
    first, validity, pid, dcs = csmp
    coding = decode_dcs(dcs)
    if cscs == "UCS2":
        number = _from_hex(number.encode("ascii", "replace"))
    text = _typed(octets, coding.alphabet, cscs)
    made = submit_for(
        to=Address.parse(number), text=text, alphabet=coding.alphabet, report=bool(first & 0x20),
        flash=coding.message_class == 0,
    )  # fmt: skip
    relative = first >> 3 & 3 == RELATIVE
    made = Submit(
        tp_da=made.tp_da, tp_pid=pid, tp_dcs=dcs, tp_srr=made.tp_srr, ud=made.ud,
        tp_vpf=RELATIVE if relative else made.tp_vpf, tp_vp=bytes((validity,)) if relative else b"",
    )  # fmt: skip
    made.encode()  # what is too long shows here
    return made


def _typed(octets: bytes, alphabet: Alphabet, cscs: str) -> str:
    if alphabet == Alphabet.DATA:
        return _octets(octets).decode("latin-1")
    if alphabet == Alphabet.UCS2 or cscs == "UCS2":
        return decode_ucs2(_octets(octets))
    return gsm7.decode(octets) if cscs == "GSM" else octets.decode("ascii", "replace")


def _octets(typed: bytes) -> bytes:
    try:
        return bytes.fromhex(typed.decode("ascii", "replace"))
    except ValueError:
        raise PduError("the text is not written in pairs of hexadecimal digits") from None


def _from_hex(typed: bytes) -> str:
    return decode_ucs2(_octets(typed))
