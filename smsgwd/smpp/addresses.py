"""Addresses in PDUs: type of number, numbering plan and octets, as one link wants them. Pure.

=====================  ===========================================================================================
``+`` and digits       1/1, without the plus sign (``plus``: with it)
up to 8 digits         a short code: ``short_code``, since carriers disagree
more digits            a national number: 2/1
letters                5/0, at most 11 of them, in ``address_charset``. ``@`` is 0x00 in GSM-7 and would end the
                       C-string, so that alphabet is none of the choices
nothing                0/0: the SMSC's choice
=====================  ===========================================================================================

``source_ton``, ``source_npi``, ``dest_ton`` and ``dest_npi`` of the configuration win over this table.
"""

from __future__ import annotations

from functools import lru_cache

from smsgwd.config import SmppConfig
from smsgwd.errors import PduError
from smsgwd.smpp.consts import Npi, Ton
from smsgwd.sms.address import Address, TypeOfNumber

#: TON, NPI, octets
Written = tuple[int, int, bytes]

_SHORT_CODE = 8
_MOST_LETTERS = 11
_DIGITS = frozenset(b"0123456789")
_DIALLED = _DIGITS | frozenset(b"*#")
_KNOWN = (Ton.INTERNATIONAL, Ton.NATIONAL, Ton.NETWORK_SPECIFIC, Ton.SUBSCRIBER_NUMBER, Ton.ABBREVIATED)
_TYPES = {int(ton): TypeOfNumber(ton) for ton in _KNOWN}
_LATIN1 = "latin-1"


class Addresses:
    """Writes and reads the addresses of one link."""

    def __init__(self, config: SmppConfig) -> None:
        self._number, self._charset = config.number, config.address_charset
        ton, _, npi = config.short_code.partition("/")
        self._short = int(ton), int(npi)
        self._plus = b"+" if config.plus else b""
        self._source_fixed = config.source_ton, config.source_npi
        self._dest_fixed = config.dest_ton, config.dest_npi
        self._dest_abroad = _fixed(self._dest_fixed, (Ton.INTERNATIONAL, Npi.ISDN))
        self.source = lru_cache(maxsize=256)(self._source)

    def _source(self, sender: str) -> Written:
        """Of the sender that a text names, or of the link's own number. PduError for letters that do not fit."""
        sender = sender or self._number
        if not sender:
            return (*_fixed(self._source_fixed, (Ton.UNKNOWN, Npi.UNKNOWN)), b"")
        if sender[0] == "+" and _is_number(sender[1:]):
            return (*_fixed(self._source_fixed, (Ton.INTERNATIONAL, Npi.ISDN)), self._plus + sender[1:].encode())
        if _is_number(sender):
            return (*_fixed(self._source_fixed, self._digits(sender)), sender.encode())
        if len(sender) > _MOST_LETTERS:
            raise PduError(f"a sender of letters has at most {_MOST_LETTERS} characters")
        return (*_fixed(self._source_fixed, (Ton.ALPHANUMERIC, Npi.UNKNOWN)), _octets(sender, self._charset))

    def destination(self, to: Address) -> Written:
        """Of the person that a text goes to."""
        octets = _octets(to.digits, "ascii")
        if to.ton is TypeOfNumber.INTERNATIONAL:
            return (*self._dest_abroad, self._plus + octets)
        short = to.ton is TypeOfNumber.UNKNOWN and _is_number(to.digits)
        return (*_fixed(self._dest_fixed, self._digits(to.digits) if short else (to.ton, to.npi)), octets)

    def _digits(self, digits: str) -> tuple[int, int]:
        return self._short if len(digits) <= _SHORT_CODE else (Ton.NATIONAL, Npi.ISDN)

    def read(self, ton: int, npi: int, octets: bytes) -> Address:
        """An address as it came. Types of number that the standard does not have are unknown ones; letters are letters
        whatever the type says; a plus sign says international."""
        if octets.isdigit():
            return Address(octets.decode(), _TYPES.get(ton, TypeOfNumber.UNKNOWN), npi)
        text = octets.decode(_LATIN1)
        kinds = frozenset(octets)
        if text.startswith("+") and frozenset(octets[1:]) <= _DIGITS and len(text) > 1:
            return Address(text[1:], TypeOfNumber.INTERNATIONAL, npi)
        if not kinds <= _DIALLED:
            return Address(self._letters(octets), TypeOfNumber.ALPHANUMERIC, npi)
        return Address(text, _TYPES.get(ton, TypeOfNumber.UNKNOWN), npi)

    def _letters(self, octets: bytes) -> str:
        try:
            return octets.decode(self._charset)
        except UnicodeDecodeError:
            return octets.decode(_LATIN1)


def _fixed(fixed: tuple[int, int], by_number: tuple[int, int]) -> tuple[int, int]:
    """What the configuration says, or else (-1) what the number says."""
    return fixed[0] if fixed[0] >= 0 else int(by_number[0]), fixed[1] if fixed[1] >= 0 else int(by_number[1])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _octets(text: str, charset: str) -> bytes:
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        raise PduError(f"an address has characters that {charset} lacks") from None
