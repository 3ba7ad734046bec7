"""Asking an SMSC about a text that it has taken: query_sm, cancel_sm and replace_sm (SMPP 3.4 sections
4.8 to 4.10). Pure.

All need the message_id that the SMSC gave, and the addresses as they were sent. So none can settle a text that is
uncertain: that one has no message_id. replace_sm has no esm_class, no data_coding and no optional parameters: it can only
bring octets that mean the same as the first ones did.
"""

from __future__ import annotations

from smsgwd.config import SmppConfig
from smsgwd.errors import PduError
from smsgwd.model import Accepted, DeliveryReport, Refusal, RefusalClass, ReportStatus, SubmitResult
from smsgwd.smpp.addresses import Addresses
from smsgwd.smpp.bodies import CancelSm, QuerySm, QuerySmResp, ReplaceSm, ShortMessage
from smsgwd.smpp.consts import CommandStatus, EsmClass, Tag
from smsgwd.smpp.events import Answer
from smsgwd.smpp.receipt import DELETED, STATES
from smsgwd.sms.address import Address


class Questions:
    """As one link writes them."""

    def __init__(self, config: SmppConfig) -> None:
        self._addresses = Addresses(config)
        self._service_type = config.service_type.encode("ascii", "replace")

    def query_sm(self, reference: str, sender: str) -> QuerySm:
        """PduError for what does not fit."""
        return QuerySm(_id(reference), *self._addresses.source(sender))

    def cancel_sm(self, reference: str, to: str, sender: str) -> CancelSm:
        """PduError for what does not fit."""
        source, destination = self._addresses.source(sender), self._addresses.destination(Address.parse(to))
        return CancelSm(self._service_type, _id(reference), *source, *destination)

    def replace_sm(self, reference: str, old: ShortMessage, new: ShortMessage) -> ReplaceSm:
        """Other words, from both texts as submit_sm has them; empty times leave the old ones. PduError for what does not
        fit."""
        for body in (old, new):
            if body.esm_class & EsmClass.UDHI:
                raise PduError("replace_sm cannot say that a text begins with a header")
            if body.tlv(Tag.MESSAGE_PAYLOAD) is not None:
                raise PduError("replace_sm has no message_payload")
        if old.data_coding != new.data_coding:
            raise PduError(f"replace_sm has no data_coding: it was {old.data_coding}, and the new text needs {new.data_coding}")
        return ReplaceSm(
            _id(reference), new.source_addr_ton, new.source_addr_npi, new.source_addr,
            registered_delivery=new.registered_delivery, short_message=new.short_message,
        )  # fmt: skip


def withdrawn(answer: Answer) -> SubmitResult | None:
    """What cancel_sm_resp tells; None for a status that says nothing of this command."""
    if answer.status == CommandStatus.ESME_ROK:
        return Accepted()
    if answer.status == CommandStatus.ESME_RCANCELFAIL:
        return Refusal("ESME 0x11", RefusalClass.PERMANENT, "it is too late to take it back")
    return None


def replaced(answer: Answer) -> SubmitResult | None:
    """What replace_sm_resp tells; None for a status that says nothing of this command."""
    if answer.status == CommandStatus.ESME_ROK:
        return Accepted()
    if answer.status == CommandStatus.ESME_RREPLACEFAIL:
        return Refusal("ESME 0x13", RefusalClass.PERMANENT, "it is too late to replace it")
    return None


def report_of(answer: Answer, reference: str, to: str) -> DeliveryReport | None:
    """What query_sm_resp tells; None when the SMSC refuses to tell, or knows no state."""
    body = answer.body
    if answer.status or not isinstance(body, QuerySmResp) or body.message_state not in STATES:
        return None
    status, word = STATES[body.message_state]
    code = f"error {body.error_code}" if body.error_code else ""
    reason = "" if status is ReportStatus.DELIVERED else f"the SMSC says {word}" + (f", {code}" if code else "")
    return DeliveryReport(
        reference=reference, status=status, code=code, reason=reason, recipient=Address.parse(to), deleted=word == DELETED
    )


def _id(reference: str) -> bytes:
    try:
        return reference.encode("latin-1")
    except UnicodeEncodeError:
        raise PduError("a message_id has characters of Latin-1 only") from None
