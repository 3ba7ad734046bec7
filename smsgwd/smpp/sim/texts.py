"""What a submit_sm says, and the deliver_sm of texts and receipts. Pure."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

from smsgwd.errors import PduError
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import EsmClass, MessageState, Npi, Tag, Ton
from smsgwd.smpp.fields import Tlv
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.join import text_of
from smsgwd.sms.split import split
from smsgwd.sms.udh import NO_HEADER, decode_header
from smsgwd.sms.userdata import user_data

_DATA_CODING = {Alphabet.GSM7: 0x00, Alphabet.DATA: 0x04, Alphabet.UCS2: 0x08}
MOST_PARTS = 255
#: state -> the word of appendix B
_WORDS = {MessageState.DELIVERED: "DELIVRD", MessageState.EXPIRED: "EXPIRED", MessageState.UNDELIVERABLE: "UNDELIV",
          MessageState.REJECTED: "REJECTD"}  # fmt: skip


def described(body: ShortMessage | DataSm) -> dict[str, Any]:
    """A submitted text as the journal tells it: to, from, pdu (octets of the text), text, ref, part, parts, report."""
    payload = body.tlv(Tag.MESSAGE_PAYLOAD)
    octets = payload if payload is not None else body.short_message if isinstance(body, ShortMessage) else b""
    header, start = NO_HEADER, 0
    if body.esm_class & EsmClass.UDHI:
        with contextlib.suppress(PduError):  # a header that lies: the octets are shown as they are
            header, start = decode_header(octets)
    concat = header.concat
    ref, part, parts = (concat.ref, concat.part, concat.parts) if concat else _sar(body)
    alphabet = {0x08: Alphabet.UCS2, 0x04: Alphabet.DATA}.get(body.data_coding & 0x0C, Alphabet.GSM7)
    return {
        "to": _shown(body.dest_addr_ton, body.destination_addr),
        "from": _shown(body.source_addr_ton, body.source_addr),
        "pdu": octets.hex().upper(),
        "text": text_of(alphabet, header.locking, header.single, octets[start:]),
        "ref": ref, "part": part, "parts": parts,
        "report": bool(body.registered_delivery & 3),
    }  # fmt: skip


def _sar(body: ShortMessage | DataSm) -> tuple[int | None, int, int]:
    values = [body.tlv(tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_SEGMENT_SEQNUM, Tag.SAR_TOTAL_SEGMENTS)]
    if not all(values):
        return None, 1, 1
    ref, part, parts = (int.from_bytes(v or b"", "big") for v in values)
    return ref, part, parts


def _shown(ton: int, octets: bytes) -> str:
    text = octets.decode("latin-1")
    return f"+{text}" if ton == Ton.INTERNATIONAL and text.isdigit() else text


def _address(text: str) -> tuple[int, int, bytes]:
    """(TON, NPI, octets). ValueError for what no address can hold."""
    octets = text.removeprefix("+").encode("ascii", "strict") if text.isascii() else b""
    if not 1 <= len(octets) <= 20:
        raise ValueError("an address has 1 to 20 ASCII characters")
    if text.startswith("+"):
        return Ton.INTERNATIONAL, Npi.ISDN, octets
    return (Ton.UNKNOWN if text.isdigit() else Ton.ALPHANUMERIC), Npi.UNKNOWN, octets


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


def receipt(body: ShortMessage, message_id: str, state: MessageState, now: datetime) -> ShortMessage:
    """The deliver_sm that reports on a text (appendix B), with the optional parameters beside the words."""
    stamp = now.strftime("%y%m%d%H%M")
    error = "000" if state is MessageState.DELIVERED else "001"
    words = (
        f"id:{message_id} sub:001 dlvrd:{'001' if state is MessageState.DELIVERED else '000'} submit date:{stamp} "
        f"done date:{stamp} stat:{_WORDS.get(state, 'UNKNOWN')} err:{error} text:"
    )
    return ShortMessage(
        source_addr_ton=body.dest_addr_ton, source_addr_npi=body.dest_addr_npi, source_addr=body.destination_addr,
        dest_addr_ton=body.source_addr_ton, dest_addr_npi=body.source_addr_npi, destination_addr=body.source_addr,
        esm_class=EsmClass.DELIVERY_RECEIPT, short_message=words.encode("ascii"),
        tlvs=(
            Tlv(Tag.RECEIPTED_MESSAGE_ID, message_id.encode("ascii") + b"\0"),
            Tlv(Tag.MESSAGE_STATE, bytes((state,))),
        ),
    )  # fmt: skip
