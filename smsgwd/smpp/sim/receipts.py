"""The deliver_sm or data_sm that reports on a text (appendix B), in the variants that carriers send. Pure.

An address of data_sm that is longer than deliver_sm has room for is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import EsmClass, MessageState, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.sim.texts import MOST_ADDRESS

#: message_state -> the word of appendix B
WORDS = {
    MessageState.SCHEDULED: "SCHEDULED", MessageState.ENROUTE: "ENROUTE", MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED", MessageState.DELETED: "DELETED", MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD", MessageState.UNKNOWN: "UNKNOWN", MessageState.REJECTED: "REJECTD",
    MessageState.SKIPPED: "SKIPPED",
}  # fmt: skip
#: registered_delivery bit 4: intermediate notification, section 5.2.17
_NOTIFY = 0x10


class Report(msgspec.Struct, frozen=True):
    """What a receipt says: id, state, and when the text was sent and is done."""

    id: str
    state: MessageState
    sent: datetime
    done: datetime

    @property
    def intermediate(self) -> bool:
        return self.state in (MessageState.SCHEDULED, MessageState.ENROUTE, MessageState.ACCEPTED)


def wants_report(registered_delivery: int, state: MessageState) -> bool:
    """Section 5.2.17: 1 = in any case, 2 = when it failed, 3 = when it succeeded (SMPP 5.0)."""
    asked = registered_delivery & 3
    return asked == 1 or asked == (3 if state is MessageState.DELIVERED else 2)


def wants_notification(registered_delivery: int) -> bool:
    """Section 5.2.17: news before the text is done."""
    return bool(registered_delivery & _NOTIFY)


def _words(report: Report, date: str = "%y%m%d%H%M") -> str:
    done = report.state is MessageState.DELIVERED
    dates = f"submit date:{report.sent:{date}} done date:{report.done:{date}} " if date else ""
    return (
        f"id:{report.id} sub:001 dlvrd:00{done:d} {dates}"
        f"stat:{WORDS[report.state]} err:{'000' if done else '001'} text:"
    )


def _upper(report: Report) -> str:
    """Keys in capitals, values as they are."""
    words = _words(report)
    for key in ("id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text"):
        words = words.replace(f"{key}:", f"{key.upper()}:", 1)
    return words


def _lower(report: Report) -> str:
    """All in small letters but the id, which is as it is."""
    own, _, rest = _words(report).partition(" ")
    return f"{own} {rest.lower()}"


#: variant -> (words, whether the optional parameters are there, where the words stand)
VARIANTS: Mapping[str, tuple[Callable[[Report], str], bool, str]] = {
    "standard": (_words, True, "short_message"),
    "text": (_words, False, "short_message"),
    "lower": (_lower, False, "short_message"),
    "upper": (_upper, False, "short_message"),
    "no-dates": (lambda report: _words(report, ""), False, "short_message"),
    "dates12": (lambda report: _words(report, "%y%m%d%H%M%S"), False, "short_message"),
    "tlv": (lambda report: "", True, "short_message"),
    "payload": (_words, False, "message_payload"),
    "data_sm": (_words, True, "data_sm"),
}


def receipt(body: ShortMessage | DataSm, report: Report, variant: str = "standard") -> ShortMessage | DataSm:
    """The receipt on a text."""
    words, parameters, place = VARIANTS[variant]
    text = words(report).encode("ascii")
    tlvs: tuple[Tlv, ...] = ()
    if parameters:
        tlvs = (
            Tlv(Tag.RECEIPTED_MESSAGE_ID, report.id.encode("ascii") + b"\0"),
            Tlv(Tag.MESSAGE_STATE, bytes((report.state,))),
        )
    if place != "short_message":
        tlvs += (Tlv(Tag.MESSAGE_PAYLOAD, text),)
    kind = EsmClass.INTERMEDIATE if report.intermediate else EsmClass.DELIVERY_RECEIPT
    if place == "data_sm":
        return DataSm(
            source_addr_ton=body.dest_addr_ton, source_addr_npi=body.dest_addr_npi, source_addr=body.destination_addr,
            dest_addr_ton=body.source_addr_ton, dest_addr_npi=body.source_addr_npi, destination_addr=body.source_addr,
            esm_class=kind, tlvs=tlvs,
        )  # fmt: skip
    return ShortMessage(
        source_addr_ton=body.dest_addr_ton, source_addr_npi=body.dest_addr_npi, source_addr=body.destination_addr[:MOST_ADDRESS],
        dest_addr_ton=body.source_addr_ton, dest_addr_npi=body.source_addr_npi, destination_addr=body.source_addr[:MOST_ADDRESS],
        esm_class=kind, short_message=text if place == "short_message" else b"", tlvs=tlvs,
    )  # fmt: skip
