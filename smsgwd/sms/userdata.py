"""TP-UDL, TP-UDHI and TP-UD (3GPP TS 23.040 sections 9.2.3.16, .23 and .24): the header and what follows it.

The *payload* is the user data without its header: septets one an octet for GSM-7, octets otherwise. That is the form in
which parts are stored, joined, and sent over SMPP. In a TPDU, septets begin at a septet border after the header, hence
fill bits; TP-UDL counts septets, header and fill included, or octets.

User data shorter than TP-UDL says is read as far as it goes and marked ``truncated``.
"""

from __future__ import annotations

import msgspec

from smsgwd.errors import PduError
from smsgwd.sms import gsm7
from smsgwd.sms.encoding import Alphabet, DataCoding, encode_ucs2
from smsgwd.sms.join import text_of
from smsgwd.sms.udh import NO_HEADER, Concat, UserDataHeader, decode_header, header_of

#: octets of TP-UD
MOST_OCTETS = 140
MOST_SEPTETS = 160


class UserData(msgspec.Struct, frozen=True):
    """TP-UD, taken apart."""

    alphabet: Alphabet = Alphabet.GSM7
    payload: bytes = b""
    header: UserDataHeader = NO_HEADER
    #: the PDU ended before TP-UDL was reached
    truncated: bool = False

    @property
    def text(self) -> str:
        """The text of this part alone; "" for data."""
        return text_of(self.alphabet, self.header.locking, self.header.single, self.payload)

    def encode(self) -> bytes:
        """TP-UDL and TP-UD. PduError when it does not fit in 140 octets."""
        head = self.header.encode()
        if self.alphabet is Alphabet.GSM7:
            septets = (8 * len(head) + 6) // 7
            octets = head + gsm7.pack(self.payload, 7 * septets - 8 * len(head))
            length = septets + len(self.payload)
        else:
            octets = head + self.payload
            length = len(octets)
        if len(octets) > MOST_OCTETS:
            raise PduError(f"the user data takes {len(octets)} octets; {MOST_OCTETS} are the most")
        return bytes((length,)) + octets


def decode_user_data(length: int, rest: bytes, has_header: bool, coding: DataCoding) -> tuple[UserData, int]:
    """Reads the user data whose TP-UDL is ``length`` from what is left of the PDU.

    Returns it and how many octets it took. PduError when the header is longer than the user data.
    """
    packed = coding.alphabet is Alphabet.GSM7
    size = (7 * length + 7) // 8 if packed else length
    octets = rest[:size]
    header, start = decode_header(octets) if has_header else (NO_HEADER, 0)
    if packed:
        septets = (8 * start + 6) // 7
        payload = gsm7.unpack(octets[start:], length - septets, 7 * septets - 8 * start)
    else:
        payload = octets[start:]
    return UserData(coding.alphabet, payload, header, len(octets) < size), len(octets)


def payload_of(text: str, alphabet: Alphabet, locking: int = 0, single: int = 0) -> bytes:
    """Septets or octets of a text. For DATA each character is one octet (0..255). PduError for what cannot be written."""
    if alphabet is Alphabet.GSM7:
        return gsm7.encode(text, locking, single)
    if alphabet is Alphabet.UCS2:
        return encode_ucs2(text)
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise PduError("data is given as characters 0 to 255, one an octet") from None


def compose_user_data(
    text: str, alphabet: Alphabet, locking: int = 0, single: int = 0, ref: int = 0, part: int = 1, parts: int = 1
) -> UserData:
    """The user data of one outgoing part. ``ref`` is used when ``parts`` > 1; above 255 it takes the 16-bit form."""
    concat = None
    if parts > 1:
        concat = Concat(ref, 8 if ref < 256 else 16, part, parts)
        if not (concat.valid and parts < 256 and 0 <= ref < 65536):
            raise PduError(f"part {part} of {parts} with reference {ref} cannot be written")
    if concat is None and not locking and not single:
        return UserData(alphabet, payload_of(text, alphabet))
    header = header_of(concat=concat, locking=locking, single=single)
    return UserData(alphabet, payload_of(text, alphabet, locking, single), header)


def user_data(
    text: str, alphabet: Alphabet, locking: int = 0, single: int = 0, ref: int = 0, part: int = 1, parts: int = 1
) -> tuple[bytes, bytes]:
    """(header with UDHL or ``b""``, payload) of one outgoing part: what SMPP puts in ``short_message``."""
    made = compose_user_data(text, alphabet, locking, single, ref, part, parts)
    return made.header.encode(), made.payload
