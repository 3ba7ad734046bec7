"""What a submit_sm says, and the deliver_sm of texts and receipts. Pure."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

from smsgwd.errors import PduError
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import EsmClass, MessageState, Npi, Tag, Ton
from smsgwd.smpp.fields import Tlv
from smsgwd.sms.encoding import Alphabet, decode_dcs
from smsgwd.sms.join import text_of
from smsgwd.sms.split import split
from smsgwd.sms.udh import NO_HEADER, UserDataHeader, decode_header
from smsgwd.sms.userdata import user_data

_DATA_CODING = {Alphabet.GSM7: 0x00, Alphabet.DATA: 0x04, Alphabet.UCS2: 0x08}
_LATIN1 = 0x03
MOST_PARTS, MOST_ADDRESS = 255, 20
#: message_state -> the word of appendix B
WORDS = {
    MessageState.SCHEDULED: "SCHEDULED", MessageState.ENROUTE: "ENROUTE", MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED", MessageState.DELETED: "DELETED", MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD", MessageState.UNKNOWN: "UNKNOWN", MessageState.REJECTED: "REJECTD",
    MessageState.SKIPPED: "SKIPPED",
}  # fmt: skip
_INTERMEDIATE = (MessageState.SCHEDULED, MessageState.ENROUTE, MessageState.ACCEPTED)


def described(body: ShortMessage | DataSm) -> dict[str, Any]:
    """A text as the journal tells it: to, from, pdu (octets of short_message or message_payload), text, ref, part, parts."""
    octets = body.tlv(Tag.MESSAGE_PAYLOAD) or (body.short_message if isinstance(body, ShortMessage) else b"")
    header, start = NO_HEADER, 0
    if body.esm_class & EsmClass.UDHI:
        with contextlib.suppress(PduError):  # a header that lies: the octets are shown as they are
            header, start = decode_header(octets)
    concat = header.concat
    ref, part, parts = (concat.ref, concat.part, concat.parts) if concat else _sar(body)
    return {
        "to": _shown(body.dest_addr_ton, body.destination_addr),
        "from": _shown(body.source_addr_ton, body.source_addr),
        "pdu": octets.hex().upper(),
        "text": _text(body.data_coding, header, octets[start:]),
        "ref": ref, "part": part, "parts": parts,
    }  # fmt: skip


def wants_report(body: ShortMessage | DataSm, state: MessageState) -> bool:
    """registered_delivery, section 5.2.17: 1 = in any case, 2 = when it failed, 3 = when it succeeded (SMPP 5.0)."""
    asked = body.registered_delivery & 3
    return asked == 1 or asked == (3 if state is MessageState.DELIVERED else 2)


def _text(data_coding: int, header: UserDataHeader, octets: bytes) -> str:
    """The text of a part; "" for data. The default alphabet is unpacked GSM-7; octets that are no septets are Latin-1."""
    if data_coding >= 0xC0 or 0x10 <= data_coding < 0x20:
        alphabet = decode_dcs(data_coding).alphabet
    else:
        alphabet = {0x02: Alphabet.DATA, 0x04: Alphabet.DATA, 0x08: Alphabet.UCS2}.get(data_coding, Alphabet.GSM7)
    if data_coding == _LATIN1 or (alphabet is Alphabet.GSM7 and not octets.isascii()):
        return octets.decode("latin-1")
    return text_of(alphabet, header.locking, header.single, octets)


def _sar(body: ShortMessage | DataSm) -> tuple[int | None, int, int]:
    values = [body.tlv(tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_SEGMENT_SEQNUM, Tag.SAR_TOTAL_SEGMENTS)]
    ref, part, parts = (int.from_bytes((value or b"")[:4], "big") for value in values)  # a journal has no longer numbers
    return (ref, part, parts) if all(values) else (None, 1, 1)


def _shown(ton: int, octets: bytes) -> str:
    text = octets.decode("latin-1")
    return f"+{text}" if ton == Ton.INTERNATIONAL and text.isdigit() else text


def _address(text: str) -> tuple[int, int, bytes]:
    """(TON, NPI, octets). ValueError for what no address can hold."""
    if not (text.isascii() and text.isprintable() and 1 <= len(text.removeprefix("+")) <= MOST_ADDRESS):
        raise ValueError(f"an address has 1 to {MOST_ADDRESS} ASCII characters")
    if text[0] == "+" and text[1:].isdigit():
        return Ton.INTERNATIONAL, Npi.ISDN, text[1:].encode()
    return (Ton.UNKNOWN if text.isdigit() else Ton.ALPHANUMERIC), Npi.UNKNOWN, text.encode()


def delivers(sender: str, to: str, text: str, ref: int) -> list[ShortMessage]:
    """The deliver_sm bodies of a text, in parts as a network makes them. ValueError for what none would carry."""
    plan = split(text)
    parts = len(plan.cuts)
    if not text or parts > MOST_PARTS:
        raise ValueError(f"a text has 1 to {MOST_PARTS} parts")
    source, destination = _address(sender), _address(to)
    bodies = []
    for i, part in enumerate(plan.texts, 1):
        header, payload = user_data(part, plan.alphabet, plan.locking, plan.single, ref, i, parts)
        bodies.append(
            ShortMessage(
                source_addr_ton=source[0], source_addr_npi=source[1], source_addr=source[2],
                dest_addr_ton=destination[0], dest_addr_npi=destination[1], destination_addr=destination[2],
                esm_class=EsmClass.UDHI if header else 0, data_coding=_DATA_CODING[plan.alphabet],
                short_message=header + payload,
            )
        )  # fmt: skip
    return bodies


def receipt(body: ShortMessage | DataSm, message_id: str, state: MessageState, sent: datetime, now: datetime) -> ShortMessage:
    """The deliver_sm that reports on a text (appendix B), with the optional parameters beside the words. An address of
    data_sm that is longer than deliver_sm has room for is cut."""
    done = state is MessageState.DELIVERED
    words = (
        f"id:{message_id} sub:001 dlvrd:00{done:d} submit date:{sent:%y%m%d%H%M} done date:{now:%y%m%d%H%M} "
        f"stat:{WORDS[state]} err:{'000' if done else '001'} text:"
    )
    return ShortMessage(
        source_addr_ton=body.dest_addr_ton, source_addr_npi=body.dest_addr_npi, source_addr=body.destination_addr[:MOST_ADDRESS],
        dest_addr_ton=body.source_addr_ton, dest_addr_npi=body.source_addr_npi, destination_addr=body.source_addr[:MOST_ADDRESS],
        esm_class=EsmClass.INTERMEDIATE if state in _INTERMEDIATE else EsmClass.DELIVERY_RECEIPT,
        short_message=words.encode("ascii"),
        tlvs=(
            Tlv(Tag.RECEIPTED_MESSAGE_ID, message_id.encode("ascii") + b"\0"),
            Tlv(Tag.MESSAGE_STATE, bytes((state,))),
        ),
    )  # fmt: skip
