"""What a submit_sm says, and the deliver_sm of texts, in parts as networks make them. Pure."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from smsgwd.errors import PduError
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import EsmClass, Npi, Tag, Ton
from smsgwd.smpp.fields import Tlv
from smsgwd.sms.encoding import Alphabet, decode_dcs
from smsgwd.sms.join import text_of
from smsgwd.sms.split import split
from smsgwd.sms.udh import NO_HEADER, UserDataHeader, decode_header
from smsgwd.sms.userdata import user_data

_DATA_CODING = {Alphabet.GSM7: 0x00, Alphabet.DATA: 0x04, Alphabet.UCS2: 0x08}
_IA5, _LATIN1 = 0x01, 0x03
MOST_PARTS, MOST_ADDRESS = 255, 20
#: long texts of which parts are missing, at most
MOST_OPEN = 10_000
#: how the parts of a text to the ESME are marked, and where they stand
FORMS = ("udh8", "udh16", "sar", "payload", "data_sm")


# ---- what came -----------------------------------------------------------------------------------------------------


class Taken:
    """The text in a submit_sm or data_sm."""

    def __init__(self, body: ShortMessage | DataSm) -> None:
        self.body = body
        self.octets = body.tlv(Tag.MESSAGE_PAYLOAD) or (body.short_message if isinstance(body, ShortMessage) else b"")
        self.header, start = NO_HEADER, 0
        if body.esm_class & EsmClass.UDHI:
            with contextlib.suppress(PduError):  # a header that lies: the octets are shown as they are
                self.header, start = decode_header(self.octets)
        concat = self.header.concat
        self.ref, self.part, self.parts = (concat.ref, concat.part, concat.parts) if concat else _sar(body)
        self.payload = self.octets[start:]
        self.text = _text(body.data_coding, self.header, self.payload)

    def told(self) -> dict[str, Any]:
        """As the journal tells it: to, from, pdu (octets of short_message or message_payload), text, ref, part, parts."""
        body = self.body
        return {
            "to": _shown(body.dest_addr_ton, body.destination_addr), "from": _shown(body.source_addr_ton, body.source_addr),
            "pdu": self.octets.hex().upper(), "text": self.text, "ref": self.ref, "part": self.part, "parts": self.parts,
        }  # fmt: skip


def described(body: ShortMessage | DataSm) -> dict[str, Any]:
    """A text as the journal tells it."""
    return Taken(body).told()


def fields_of(body: ShortMessage | DataSm) -> dict[str, Any]:
    """The other fields of a submission, as the journal tells them; optional parameters by tag, their octets in hex."""
    plain = body if isinstance(body, ShortMessage) else None
    return {
        "from_ton": body.source_addr_ton, "from_npi": body.source_addr_npi,
        "to_ton": body.dest_addr_ton, "to_npi": body.dest_addr_npi,
        "data_coding": body.data_coding, "esm_class": body.esm_class, "registered_delivery": body.registered_delivery,
        "service_type": body.service_type.decode("latin-1"),
        "validity": plain.validity_period.decode("latin-1") if plain else "",
        "schedule": plain.schedule_delivery_time.decode("latin-1") if plain else "",
        "priority": plain.priority_flag if plain else 0, "protocol_id": plain.protocol_id if plain else 0,
        "replace_if_present": plain.replace_if_present_flag if plain else 0,
        "tlvs": {f"0x{tlv.tag:04X}": tlv.value.hex() for tlv in body.optional if tlv.tag != Tag.MESSAGE_PAYLOAD},
    }  # fmt: skip


class Joiner:
    """Joins the parts of long texts, as the phone does. Their octets are joined before they are read, since senders cut
    within a surrogate pair."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[object, ...], dict[int, tuple[str, Taken]]] = OrderedDict()

    def add(self, account: bytes, message_id: str, taken: Taken) -> dict[str, Any] | None:
        """A part; what the journal tells when it was the last one that was missing."""
        body = taken.body
        if taken.parts < 2 or not 1 <= taken.part <= taken.parts <= MOST_PARTS:
            return None
        key = (account, body.source_addr, body.destination_addr, taken.ref, taken.parts)
        parts = self._open.setdefault(key, {})
        parts[taken.part] = (message_id, taken)
        if len(parts) < taken.parts:
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
            return None
        del self._open[key]
        found = [parts[n] for n in range(1, taken.parts + 1)]
        text = _text(body.data_coding, taken.header, b"".join(part.payload for _, part in found))
        told = taken.told()
        return {k: told[k] for k in ("to", "from", "ref", "parts")} | {"text": text, "ids": [own for own, _ in found]}


def _text(data_coding: int, header: UserDataHeader, octets: bytes) -> str:
    """The text of a part; "" for data. The default alphabet is unpacked GSM-7; octets that are no septets are Latin-1."""
    if data_coding >= 0xC0 or 0x10 <= data_coding < 0x20:
        alphabet = decode_dcs(data_coding).alphabet
    else:
        alphabet = {0x02: Alphabet.DATA, 0x04: Alphabet.DATA, 0x08: Alphabet.UCS2}.get(data_coding, Alphabet.GSM7)
    if data_coding in (_IA5, _LATIN1) or (alphabet is Alphabet.GSM7 and not octets.isascii()):
        return octets.decode("latin-1")
    return text_of(alphabet, header.locking, header.single, octets)


def _sar(body: ShortMessage | DataSm) -> tuple[int | None, int, int]:
    values = [body.tlv(tag) for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_SEGMENT_SEQNUM, Tag.SAR_TOTAL_SEGMENTS)]
    ref, part, parts = (
        int.from_bytes((value or b"")[:4], "big") for value in values
    )  # a journal has no longer numbers
    return (ref, part, parts) if all(values) else (None, 1, 1)


def _shown(ton: int, octets: bytes) -> str:
    text = octets.decode("latin-1")
    return f"+{text}" if ton == Ton.INTERNATIONAL and text.isdigit() else text


# ---- what goes -----------------------------------------------------------------------------------------------------


def address(text: str) -> tuple[int, int, bytes]:
    """(TON, NPI, octets). ValueError for what no address can hold."""
    if not (text.isascii() and text.isprintable() and 1 <= len(text.removeprefix("+")) <= MOST_ADDRESS):
        raise ValueError(f"an address has 1 to {MOST_ADDRESS} ASCII characters")
    if text[0] == "+" and text[1:].isdigit():
        return Ton.INTERNATIONAL, Npi.ISDN, text[1:].encode()
    return (Ton.UNKNOWN if text.isdigit() else Ton.ALPHANUMERIC), Npi.UNKNOWN, text.encode()


def delivers(sender: str, to: str, text: str, ref: int, form: str = "udh8") -> list[ShortMessage | DataSm]:
    """The bodies of a text, in parts as a network makes them; ``payload`` and ``data_sm`` hold it whole. ValueError for
    what none would carry."""
    if form not in FORMS:
        raise ValueError(f"`as` is one of: {', '.join(FORMS)}")
    plan = split(text, wide_ref=form == "udh16")
    parts = len(plan.cuts)
    if not text or parts > MOST_PARTS:
        raise ValueError(f"a text has 1 to {MOST_PARTS} parts")
    source, destination = address(sender), address(to)
    fields: dict[str, Any] = {
        "source_addr_ton": source[0], "source_addr_npi": source[1], "source_addr": source[2],
        "dest_addr_ton": destination[0], "dest_addr_npi": destination[1], "destination_addr": destination[2],
        "data_coding": _DATA_CODING[plan.alphabet],
    }  # fmt: skip
    made = [user_data(part, plan.alphabet, plan.locking, plan.single, ref & 0xFF, i, parts)
            for i, part in enumerate(plan.texts, 1)]  # fmt: skip
    if form in ("payload", "data_sm"):
        return [_whole(fields, b"".join(payload for _, payload in made), form)]
    return [_part(fields, header, payload, form, ref, (i, parts)) for i, (header, payload) in enumerate(made, 1)]


def _whole(fields: Mapping[str, Any], octets: bytes, form: str) -> ShortMessage | DataSm:
    tlvs = (Tlv(Tag.MESSAGE_PAYLOAD, octets),)
    return DataSm(**fields, tlvs=tlvs) if form == "data_sm" else ShortMessage(**fields, tlvs=tlvs)


def _part(
    fields: Mapping[str, Any], header: bytes, payload: bytes, form: str, ref: int, place: tuple[int, int]
) -> ShortMessage:
    if not header:
        return ShortMessage(**fields, short_message=payload)
    if form == "sar":
        values = (
            (Tag.SAR_MSG_REF_NUM, ref, 2),
            (Tag.SAR_TOTAL_SEGMENTS, place[1], 1),
            (Tag.SAR_SEGMENT_SEQNUM, place[0], 1),
        )
        tlvs = tuple(Tlv(tag, value.to_bytes(size, "big")) for tag, value, size in values)
        return ShortMessage(**fields, short_message=payload, tlvs=tlvs)
    if form == "udh16":
        header = _sixteen(header, ref)
    return ShortMessage(**fields, esm_class=EsmClass.UDHI, short_message=header + payload)


def _sixteen(header: bytes, ref: int) -> bytes:
    """The header with a reference of 16 bits instead of 8: IE 0x08 instead of 0x00 (TS 23.040 section 9.2.3.24.8)."""
    elements, at = b"", 1
    while at < len(header):
        size = header[at + 1]
        element = header[at : at + 2 + size]
        elements += b"\x08\x04" + ref.to_bytes(2, "big") + element[3:] if element[0] == 0 else element
        at += 2 + size
    return bytes((len(elements),)) + elements
