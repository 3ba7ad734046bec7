"""From deliver_sm and data_sm to an InboundSegment or a DeliveryReport, as one link reads them. Pure.

Nothing that came in is refused here: what cannot be read becomes an InboundSegment with ``fault``, to be stored raw and
acknowledged. A refusal would bring it back for ever. :func:`oddities` tells what an operator should know of a text that
was read all the same.
"""

from __future__ import annotations

from smsgwd.config import SmppConfig
from smsgwd.errors import PduError
from smsgwd.model import DeliveryReport, InboundSegment
from smsgwd.smpp.addresses import Addresses
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.coding import Read, by_gsm, is_reserved
from smsgwd.smpp.consts import EsmClass, Tag
from smsgwd.smpp.parameters import Kept
from smsgwd.smpp.receipt import Receipts, is_receipt, text_of
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet, decode_dcs
from smsgwd.sms.udh import NO_HEADER, Concat, UserDataHeader, decode_header


class Reader:
    """Reads what comes over one link."""

    def __init__(self, config: SmppConfig) -> None:
        self._addresses, self._read, self._kept = Addresses(config), Read(config), Kept(config.tlv)
        self._receipts = Receipts(config)

    def read(self, body: ShortMessage | DataSm, raw: bytes) -> InboundSegment | DeliveryReport:
        """A text or a receipt. ``raw`` is what is stored of it."""
        sender = self._addresses.read(body.source_addr_ton, body.source_addr_npi, body.source_addr)
        if is_receipt(body):
            try:
                return self._receipts.read(body, raw, sender)
            except PduError as e:
                return unreadable(raw, str(e), sender)
        return self._text(body, raw, sender)

    def _text(self, body: ShortMessage | DataSm, raw: bytes, sender: Address) -> InboundSegment:
        header, octets, start, fault = _split(body)
        headed = header is not NO_HEADER
        concat = (header.concat if headed else None) or _sar(body)
        coding = decode_dcs(body.data_coding) if by_gsm(body.data_coding) else None
        alphabet, payload = self._read.payload(body.data_coding, octets, start, concat is not None)
        return InboundSegment(
            raw=raw,
            sender=sender,
            payload=payload,
            alphabet=alphabet,
            locking=header.locking if headed else 0,
            single=header.single if headed else 0,
            ref=concat.ref if concat else 0,
            ref_bits=concat.ref_bits if concat else 0,
            part=concat.part if concat else 1,
            parts=concat.parts if concat else 1,
            dcs=body.data_coding,
            pid=body.protocol_id if isinstance(body, ShortMessage) else 0,
            message_class=coding.message_class if coding else None,
            service=(headed and header.for_machines)
            or (coding is not None and coding.waiting is not None)
            or (bool(body.optional) and body.tlv(Tag.DESTINATION_PORT) is not None),
            to=self._addresses.read(body.dest_addr_ton, body.dest_addr_npi, body.destination_addr).text,
            meta=self._kept.of(body.optional) if body.optional else {},
            fault=fault,
            receipt=None if concat or fault else self._receipts.likely(body, raw, sender),
        )


def unreadable(raw: bytes, fault: str, sender: Address | None = None) -> InboundSegment:
    """Octets that are kept as they are because nobody can read them."""
    return InboundSegment(raw=raw, sender=sender or Address(""), alphabet=Alphabet.DATA, fault=fault)


def oddities(body: ShortMessage | DataSm) -> tuple[str, ...]:
    """What is odd about a text that can be read, one line each, for an event."""
    found = []
    if isinstance(body, ShortMessage) and body.short_message and body.tlv(Tag.MESSAGE_PAYLOAD):
        found.append("short_message and message_payload are both filled; they are joined")
    if is_reserved(body.data_coding):
        found.append(f"data_coding 0x{body.data_coding:02X} is reserved; the text is read in the default alphabet")
    return tuple(found)


def _split(body: ShortMessage | DataSm) -> tuple[UserDataHeader, bytes, int, str]:
    """(header, text, octets of the header, fault): a header whose length lies leaves the octets as they are."""
    octets = text_of(body)
    if not body.esm_class & EsmClass.UDHI:
        return NO_HEADER, octets, 0, ""
    try:
        header, end = decode_header(octets)
    except PduError as e:
        return NO_HEADER, octets, 0, str(e)
    return header, octets[end:], end, ""


def _sar(body: ShortMessage | DataSm) -> Concat | None:
    """The concatenation that the sar_* parameters tell, sections 5.3.2.22 to .24."""
    if not body.optional:
        return None
    values = [body.tlv(tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_SEGMENT_SEQNUM, Tag.SAR_TOTAL_SEGMENTS)]
    ref, part, parts = (int.from_bytes(v, "big") if v else 0 for v in values)
    concat = Concat(ref & 0xFFFF, 16, part & 0xFF, parts & 0xFF)
    return concat if concat.valid and concat.parts > 1 else None
