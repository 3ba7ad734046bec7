"""USSD codes and answers in the codings that modems use (3GPP TS 27.007 section 7.15, TS 23.038 section 5). Pure.

``AT+CUSD=1,"*100#",15`` asks; ``+CUSD: <m>[,<str>,<dcs>]`` answers, before or after the OK. By the standard <str> is in the
character set of the modem; real ones write plain text, UCS-2 in hex, or packed septets in hex, and some want the code
packed too. The profile's key ``ussd`` says how the code is written; an answer is read by what it says of itself (<dcs>)
and by what it looks like.
"""

from __future__ import annotations

import re
from enum import IntEnum

import msgspec

from smsgwd.modem import commands
from smsgwd.modem.commands import Command
from smsgwd.sms import gsm7
from smsgwd.sms.encoding import decode_ucs2

#: seconds that a network may take
PATIENCE = 60.0
_CODE = re.compile(r"[*#0-9]{1,30}").fullmatch
_CR = 0x0D


class M(IntEnum):
    """<m> of +CUSD, TS 27.007 section 7.15."""

    #: no further action
    DONE = 0
    #: the network wants an answer
    MORE = 1
    #: ended by the network
    ENDED = 2
    #: another client answered
    ELSEWHERE = 3
    NOT_SUPPORTED = 4
    #: the network did not answer in its time
    TIMED_OUT = 5


class Answer(msgspec.Struct, frozen=True):
    """What the network said to a code."""

    m: M
    text: str


def ask(code: str, how: str) -> Command:
    """``AT+CUSD=1,…`` for a code. ValueError for what is no code; ``how``: text, ucs2 or packed."""
    if not _CODE(code):
        raise ValueError("a USSD code has only digits, * and #")
    written = {"ucs2": lambda: code.encode("utf-16-be").hex().upper(), "packed": lambda: pack(code)}.get(how, lambda: code)()
    return Command(f'AT+CUSD=1,"{written}",15', shown="AT+CUSD=1,…")


def pack(code: str) -> str:
    """Septets of a code as hex; where seven bits are left over, they are CR and not 0, which would read as @
    (TS 23.038 section 6.1.2.3.1)."""
    septets = gsm7.encode(code)
    return gsm7.pack(septets + bytes([_CR]) if len(septets) % 8 == 7 else septets).hex().upper()


def read(line: str, how: str) -> Answer | None:
    """``+CUSD: 0,"…",15``; None for a line without a number."""
    parts = commands.fields(line)
    m = commands.number(parts[0])
    if m is None:
        return None
    text = parts[1] if len(parts) > 1 else ""
    dcs = commands.number(parts[2]) if len(parts) > 2 else None
    return Answer(M(m) if m in set(M) else M.ENDED, _text(text, 15 if dcs is None else dcs, how).strip())


def _text(text: str, dcs: int, how: str) -> str:
    octets = _octets(text)
    if octets is None:
        return text
    if _is_ucs2(dcs) or (how == "ucs2" and len(octets) % 2 == 0):
        return decode_ucs2(octets)
    if how == "packed":
        return gsm7.decode(gsm7.unpack(octets, len(octets) * 8 // 7)).rstrip("\r")
    return text


def _octets(text: str) -> bytes | None:
    """The octets of a text that is nothing but pairs of hexadecimal digits, four digits at least."""
    return bytes.fromhex(text) if re.fullmatch(r"(?:[0-9A-Fa-f]{2}){2,}", text) else None


def _is_ucs2(dcs: int) -> bool:
    """TS 23.038 section 5: 0001 0001 (UCS-2 with a language), and the general group with alphabet 10."""
    return dcs == 0x11 or (dcs & 0xC0 == 0x40 and dcs & 0x0C == 0x08)
