"""Delivery receipts (SMPP 3.4 section 5.2.12 and appendix B), as carriers really send them. Pure.

The standard shows one text, ``id:IIII sub:SSS dlvrd:DDD submit date:… done date:… stat:DDDDDDD err:E text:…``, and says
itself that it is vendor specific. So fields are found by their names, in any order and any case, and any may be missing;
dates are not needed and not read. The optional parameters win over the text: receipted_message_id over ``id:``,
message_state over ``stat:``, network_error_code over ``err:``.

A state that is not final, or that nobody knows, changes nothing about a text: it is reported as pending, with its word as
the reason. So is every state of an intermediate notification.

Some carriers send receipts that nothing marks as such. A text that reads like one is a receipt only if it names a text of
ours, which the store alone knows: :meth:`Receipts.likely` makes the report, it goes along with the inbound text
(``InboundSegment.receipt``), and the store decides in the commit that keeps either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smsgwd.errors import PduError
from smsgwd.model import DeliveryReport, ReferenceMatch, ReportStatus
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import EsmClass, MessageState, Tag
from smsgwd.smpp.fields import CString
from smsgwd.sms.address import Address

if TYPE_CHECKING:
    from smsgwd.config import SmppConfig

_FIELD = re.compile(rb"\b(id|sub|dlvrd|submit date|done date|stat|err|text):", re.IGNORECASE)
_TERMINATED = CString(65)

#: the word for a text that somebody took back
DELETED = "DELETED"

_S = ReportStatus
#: message_state -> what it means for the text, and the word of appendix B
STATES: dict[int, tuple[ReportStatus, str]] = {
    MessageState.SCHEDULED: (_S.PENDING, "SCHEDULED"),
    MessageState.ENROUTE: (_S.PENDING, "ENROUTE"),
    MessageState.DELIVERED: (_S.DELIVERED, "DELIVRD"),
    MessageState.EXPIRED: (_S.EXPIRED, "EXPIRED"),
    MessageState.DELETED: (_S.FAILED, DELETED),
    MessageState.UNDELIVERABLE: (_S.FAILED, "UNDELIV"),
    MessageState.ACCEPTED: (_S.PENDING, "ACCEPTD"),
    MessageState.UNKNOWN: (_S.PENDING, "UNKNOWN"),
    MessageState.REJECTED: (_S.FAILED, "REJECTD"),
    MessageState.SKIPPED: (_S.FAILED, "SKIPPED"),
}
#: how the words of ``stat:`` begin; carriers write them out, cut them, or have their own
_WORDS: tuple[tuple[str, ReportStatus], ...] = (
    ("DELIV", _S.DELIVERED), ("UNDELIV", _S.FAILED), ("EXPIRED", _S.EXPIRED), (DELETED, _S.FAILED),
    ("REJECT", _S.FAILED), ("FAILED", _S.FAILED), ("SKIPPED", _S.FAILED), ("ENROUTE", _S.PENDING),
    ("ACCEPT", _S.PENDING), ("ACKED", _S.PENDING), ("BUFF", _S.PENDING), ("SCHEDULED", _S.PENDING),
    ("UNKNOWN", _S.PENDING),
)  # fmt: skip
#: how ``receipt_id`` of the configuration compares
_MATCH = {
    "auto": ReferenceMatch.AUTO, "same": ReferenceMatch.SAME, "string": ReferenceMatch.SAME,
    "hex>dec": ReferenceMatch.HEX_DEC, "dec>hex": ReferenceMatch.DEC_HEX,
}  # fmt: skip
#: octets of the longest text that is looked at for a receipt that nothing marks
_LONGEST = 400


class Receipts:
    """How the receipts of one link are read."""

    def __init__(self, config: SmppConfig) -> None:
        self.match = _MATCH[config.receipt_id]
        self._by_text = config.receipt_by_text and config.receipts != "none"
        self._own = config.user_message_reference

    def read(self, body: ShortMessage | DataSm, raw: bytes, recipient: Address) -> DeliveryReport:
        """See :func:`parse_receipt`."""
        return parse_receipt(body, raw, recipient, self.match, own=self._own)

    def likely(self, body: ShortMessage | DataSm, raw: bytes, sender: Address) -> DeliveryReport | None:
        """The report of a text that reads like a receipt; None for any other text."""
        if not self._by_text or body.esm_class & (EsmClass.KIND | EsmClass.UDHI) or not reads_like_receipt(text_of(body)):
            return None
        return self.read(body, raw, sender)


def reads_like_receipt(text: bytes) -> bool:
    """``id:… stat:…`` with a state that is known."""
    if len(text) > _LONGEST or b":" not in text:
        return False
    fields = receipt_fields(text)
    word = fields.get("stat", "").upper()
    return bool(fields.get("id")) and any(word.startswith(beginning) for beginning, _ in _WORDS)


def is_receipt(body: ShortMessage | DataSm) -> bool:
    """By esm_class, final or intermediate, or because it names a receipted message."""
    kind = body.esm_class & EsmClass.KIND
    return kind in (EsmClass.DELIVERY_RECEIPT, EsmClass.INTERMEDIATE) or body.tlv(Tag.RECEIPTED_MESSAGE_ID) is not None


def parse_receipt(
    body: ShortMessage | DataSm, raw: bytes = b"", recipient: Address | None = None,
    match: ReferenceMatch = ReferenceMatch.SAME, *, own: bool = False,
) -> DeliveryReport:  # fmt: skip
    """The report that a receipt makes. PduError when it names no message: nothing could be matched.

    ``recipient`` is who got the text: the receipt's source address. ``own``: we gave our texts numbers, so that a
    user_message_reference is ours.
    """
    fields = receipt_fields(text_of(body))
    named = body.tlv(Tag.RECEIPTED_MESSAGE_ID)
    reference = _TERMINATED.unpack(named, 0, True)[0].decode("latin-1").strip() if named else ""
    reference = reference or fields.get("id", "")
    if not reference:
        raise PduError("the delivery receipt names no message")
    status, word = _state(body, fields)
    if body.esm_class & EsmClass.KIND == EsmClass.INTERMEDIATE:
        status = _S.PENDING
    code = _error(body, fields)
    return DeliveryReport(
        reference=reference[:64], status=status, code=code, reason=_reason(status, word, code), recipient=recipient, raw=raw,
        match=match, own=_number(body) if own else None, deleted=status is _S.FAILED and word.startswith(DELETED),
    )  # fmt: skip


def text_of(body: ShortMessage | DataSm) -> bytes:
    """The octets of the text: short_message and message_payload, joined when both are filled."""
    short = body.short_message if isinstance(body, ShortMessage) else b""
    return short + (body.tlv(Tag.MESSAGE_PAYLOAD) or b"")


def receipt_fields(text: bytes) -> dict[str, str]:
    """``{"id": …, "stat": …}`` of a receipt's text; of a field that stands twice the first counts, and nothing is
    looked for behind ``text:``, where a person's words stand."""
    found: dict[str, str] = {}
    marks = list(_FIELD.finditer(text))
    for i, mark in enumerate(marks):
        name = mark[1].decode("ascii").lower()
        last = i + 1 == len(marks) or name == "text"
        value = text[mark.end() : None if last else marks[i + 1].start()].decode("latin-1").strip()
        found.setdefault(name, value if name == "text" else value.split(" ")[0])
        if name == "text":
            break
    return found


def _number(body: ShortMessage | DataSm) -> int | None:
    """user_message_reference, section 5.3.2.17: two octets; one is met as well."""
    value = body.tlv(Tag.USER_MESSAGE_REFERENCE)
    return int.from_bytes(value, "big") if value and len(value) <= 2 else None


def _state(body: ShortMessage | DataSm, fields: dict[str, str]) -> tuple[ReportStatus, str]:
    value = body.tlv(Tag.MESSAGE_STATE)
    if value:
        number = int.from_bytes(value[:4], "big")  # one octet by the standard; a long one must not become a long number
        return STATES.get(number, (_S.PENDING, f"message_state {number}"))
    word = fields.get("stat", "").upper()
    status = next((status for beginning, status in _WORDS if word.startswith(beginning)), _S.PENDING)
    return status, word[:20]


def _error(body: ShortMessage | DataSm, fields: dict[str, str]) -> str:
    """``err:011`` or ``network 3:17``; empty when there is none, or it says 0."""
    value = body.tlv(Tag.NETWORK_ERROR_CODE)
    if value and len(value) == 3:
        number = int.from_bytes(value[1:], "big")
        return f"network {value[0]}:{number}" if number else ""
    error = fields.get("err", "")[:8]
    return f"err:{error}" if error.strip("0") else ""


def _reason(status: ReportStatus, word: str, code: str) -> str:
    if status is _S.DELIVERED:
        return ""
    said = f"the SMSC says {word}" if word else "the SMSC names no state"
    return f"{said}, {code}" if code else said
