"""From a Segment to submit_sm, and from deliver_sm to an InboundSegment or a DeliveryReport. Pure.

Out: GSM-7 unpacked (one septet an octet, data_coding 0), UCS-2 as UTF-16BE (8), data (4); a user data header with
esm_class 0x40; flash as 0x10 and 0x18. In: data_coding 0 is unpacked GSM-7, but octets that are no septets show a carrier
whose default is Latin-1. Latin-1 and the other character sets are handed on as UCS-2, so that nothing behind this module
needs to know them.

Nothing that came in is refused here: what cannot be read becomes an InboundSegment with ``fault``, to be stored raw and
acknowledged. A refusal would bring it back for ever.
"""

from __future__ import annotations

from smsgwd.errors import PduError
from smsgwd.model import DeliveryReport, InboundSegment, MessageClass, Segment
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import EsmClass, Npi, Tag, Ton
from smsgwd.smpp.receipt import is_receipt, parse_receipt, text_of
from smsgwd.sms.address import Address, TypeOfNumber
from smsgwd.sms.encoding import Alphabet, decode_dcs
from smsgwd.sms.udh import NO_HEADER, Concat, UserDataHeader, decode_header
from smsgwd.sms.userdata import user_data

# ---- out -----------------------------------------------------------------------------------------------------------

_DATA_CODING = {Alphabet.GSM7: 0x00, Alphabet.DATA: 0x04, Alphabet.UCS2: 0x08}
#: longest validity_period that is written as a relative time: the field counts days up to the month
_MOST_DAYS = 30


def submit_sm(segment: Segment, number: str) -> ShortMessage:
    """The submit_sm of one segment; ``number`` is the link's own number. PduError for what does not fit."""
    header, payload = user_data(
        segment.text, segment.alphabet, segment.locking, segment.single, segment.ref, segment.part, segment.parts
    )
    source_ton, source_npi, source = source_address(number)
    return ShortMessage(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source,
        dest_addr_ton=segment.to.ton,
        dest_addr_npi=segment.to.npi,
        destination_addr=_octets(segment.to.digits),
        esm_class=EsmClass.UDHI if header else 0,
        priority_flag=1 if segment.class_ is MessageClass.ALARM else 0,
        validity_period=relative_time(segment.validity),
        registered_delivery=1 if segment.report else 0,
        data_coding=_DATA_CODING[segment.alphabet] | (0x10 if segment.flash else 0),
        short_message=header + payload,
    )


def source_address(number: str) -> tuple[int, int, bytes]:
    """(TON, NPI, octets) of our own number: E.164 with plus sign, a short code, or letters; empty = the SMSC's choice."""
    if not number:
        return Ton.UNKNOWN, Npi.UNKNOWN, b""
    if number.startswith("+"):
        return Ton.INTERNATIONAL, Npi.ISDN, _octets(number[1:])
    if number.isdigit():
        return Ton.NETWORK_SPECIFIC, Npi.UNKNOWN, _octets(number)
    return Ton.ALPHANUMERIC, Npi.UNKNOWN, _octets(number)


def _octets(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise PduError("an address has ASCII characters only") from None


def relative_time(seconds: int) -> bytes:
    """``000001000000000R`` for a day (section 7.1.1.2); empty for 0; 30 days at most."""
    if seconds <= 0:
        return b""
    minutes, second = divmod(min(seconds, _MOST_DAYS * 86400), 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return b"0000%02d%02d%02d%02d000R" % (day, hour, minute, second)


# ---- in ------------------------------------------------------------------------------------------------------------

_LATIN1 = "latin-1"
#: data_coding -> Python's codec (section 5.2.19)
_CODECS = {0x01: _LATIN1, 0x03: _LATIN1, 0x05: "shift_jis", 0x06: "iso8859-5", 0x07: "iso8859-8", 0x0E: "euc_kr"}
_DATA = frozenset({0x02, 0x04, 0x09, 0x0A, 0x0D})


def read_deliver(body: ShortMessage | DataSm, raw: bytes) -> InboundSegment | DeliveryReport:
    """A text or a receipt. ``raw`` is what is stored of it."""
    sender = _address(body.source_addr_ton, body.source_addr_npi, body.source_addr)
    if is_receipt(body):
        try:
            return parse_receipt(body, raw, sender)
        except PduError as e:
            return unreadable(raw, str(e), sender)
    header, octets, fault = _split(body)
    concat = header.concat or _sar(body)
    coding = decode_dcs(body.data_coding) if _gsm_coding(body.data_coding) else None
    alphabet, payload = _payload(body.data_coding, octets)
    return InboundSegment(
        raw=raw,
        sender=sender,
        payload=payload,
        alphabet=alphabet,
        locking=header.locking,
        single=header.single,
        ref=concat.ref if concat else 0,
        ref_bits=concat.ref_bits if concat else 0,
        part=concat.part if concat else 1,
        parts=concat.parts if concat else 1,
        dcs=body.data_coding,
        pid=body.protocol_id if isinstance(body, ShortMessage) else 0,
        message_class=coding.message_class if coding else None,
        service=header.for_machines or bool(coding and coding.waiting) or body.tlv(Tag.DESTINATION_PORT) is not None,
        to=_address(body.dest_addr_ton, body.dest_addr_npi, body.destination_addr).text,
        fault=fault,
    )


def unreadable(raw: bytes, fault: str, sender: Address | None = None) -> InboundSegment:
    """Octets that are kept as they are because nobody can read them."""
    return InboundSegment(raw=raw, sender=sender or Address(""), alphabet=Alphabet.DATA, fault=fault)


def _split(body: ShortMessage | DataSm) -> tuple[UserDataHeader, bytes, str]:
    """(header, text, fault): a header whose length lies leaves the octets as they are."""
    octets = text_of(body)
    if not body.esm_class & EsmClass.UDHI:
        return NO_HEADER, octets, ""
    try:
        header, end = decode_header(octets)
    except PduError as e:
        return NO_HEADER, octets, str(e)
    return header, octets[end:], ""


def _sar(body: ShortMessage | DataSm) -> Concat | None:
    """The concatenation that the sar_* parameters tell, sections 5.3.2.22 to .24."""
    values = [body.tlv(tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_SEGMENT_SEQNUM, Tag.SAR_TOTAL_SEGMENTS)]
    ref, part, parts = (int.from_bytes(v, "big") if v else 0 for v in values)
    concat = Concat(ref & 0xFFFF, 16, part & 0xFF, parts & 0xFF)
    return concat if concat.valid and concat.parts > 1 else None


def _gsm_coding(data_coding: int) -> bool:
    """Values that carriers take from TS 23.038: message waiting and classes; 0x10 to 0x1F by custom."""
    return data_coding >= 0xC0 or 0x10 <= data_coding < 0x20


def _payload(data_coding: int, octets: bytes) -> tuple[Alphabet, bytes]:
    """The payload as the model has it: septets one an octet, UTF-16BE, or octets."""
    if _gsm_coding(data_coding):
        alphabet = decode_dcs(data_coding).alphabet
    elif data_coding == 0x08:
        alphabet = Alphabet.UCS2
    elif data_coding in _DATA:
        alphabet = Alphabet.DATA
    elif data_coding in _CODECS:
        return _as_ucs2(octets, _CODECS[data_coding])
    else:
        alphabet = Alphabet.GSM7
    if alphabet is Alphabet.GSM7 and not octets.isascii():
        return _as_ucs2(octets, _LATIN1)
    return alphabet, octets


def _as_ucs2(octets: bytes, codec: str) -> tuple[Alphabet, bytes]:
    return Alphabet.UCS2, octets.decode(codec, "replace").encode("utf-16-be", "replace")


_DIGITS = frozenset(b"0123456789")


def _address(ton: int, npi: int, octets: bytes) -> Address:
    """An address as it came. Types of number that the standard does not have are unknown ones; letters are letters
    whatever the type says; a plus sign says international."""
    text = octets.decode(_LATIN1)
    if text.startswith("+") and frozenset(octets[1:]) <= _DIGITS and len(text) > 1:
        return Address(text[1:], TypeOfNumber.INTERNATIONAL, npi)
    if not frozenset(octets) <= _DIGITS | frozenset(b"*#"):
        return Address(text, TypeOfNumber.ALPHANUMERIC, npi)
    known = ton in (Ton.INTERNATIONAL, Ton.NATIONAL, Ton.NETWORK_SPECIFIC, Ton.SUBSCRIBER_NUMBER, Ton.ABBREVIATED)
    return Address(text, TypeOfNumber(ton) if known else TypeOfNumber.UNKNOWN, npi)
