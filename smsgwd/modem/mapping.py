"""Between TPDUs and the nouns that links speak: Segment → SMS-SUBMIT, and what a modem shows → text or report. Pure.

Whatever comes from a modem is kept: octets that cannot be read become an InboundSegment with ``fault``, stored raw and
then deleted from the SIM like any other, so that no slot leaks.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from smsgwd.errors import PduError
from smsgwd.model import DeliveryReport, InboundSegment, ReportStatus, Segment
from smsgwd.sms.address import Address
from smsgwd.sms.deliver import Deliver
from smsgwd.sms.status_report import StatusReport
from smsgwd.sms.submit import submit_for
from smsgwd.sms.tpdu import decode_pdu, with_smsc

#: a text that lay on the SIM longer than this when it is found is not answered by rules
STALE = timedelta(hours=1)


def tpdu_of(segment: Segment) -> tuple[int, str]:
    """(octets of the TPDU, hex with an empty SMSC): what AT+CMGS wants. PduError for what cannot be written."""
    submit = submit_for(
        to=segment.to,
        text=segment.text,
        alphabet=segment.alphabet,
        locking=segment.locking,
        single=segment.single,
        ref=segment.ref,
        part=segment.part,
        parts=segment.parts,
        flash=segment.flash,
        report=segment.report,
        validity=segment.validity,
    )
    octets = with_smsc(submit)
    return len(octets) - 1, octets.hex().upper()


def announced(pdu: str, length: int | None) -> bool:
    """Whether a PDU in hex has the octets that its head tells: those behind the SMSC (TS 27.005 section 3.1). True where
    the head tells none, and where it counts all octets, as some modems do."""
    octets = len(pdu) // 2
    return length is None or length in (octets, octets - 1 - int(pdu[:2], 16))


def read_pdu(pdu: str, now: datetime, *, stored: bool = False) -> InboundSegment | DeliveryReport:
    """What a PDU in hex says. ``stored``: it was found in the storage rather than notified. Never fails."""
    try:
        raw = bytes.fromhex(pdu)
    except ValueError:
        return _undecodable(pdu.encode("latin-1", "replace"), "not in pairs of hexadecimal digits")
    try:
        read = decode_pdu(raw, "mt")
    except PduError as e:
        return _undecodable(raw, str(e))
    if isinstance(read, StatusReport):
        status = read.status
        return DeliveryReport(
            reference=str(read.tp_mr),
            status=ReportStatus(status.category),
            code=f"0x{read.tp_st:02X}",
            reason=status.reason,
            recipient=read.tp_ra,
            sent_at=read.tp_scts,
            raw=raw,
        )
    if isinstance(read, Deliver):
        return _text(read, raw, stored and _stale(read.tp_scts, now))
    return _undecodable(raw, "a text of our own in the storage")


def _stale(sent_at: datetime | None, now: datetime) -> bool:
    return sent_at is None or now - sent_at > STALE


def _text(deliver: Deliver, raw: bytes, stored: bool) -> InboundSegment:
    concat = deliver.concat
    return InboundSegment(
        raw=raw,
        sender=deliver.tp_oa,
        payload=deliver.payload,
        alphabet=deliver.alphabet,
        locking=deliver.locking,
        single=deliver.single,
        ref=concat.ref if concat else 0,
        ref_bits=concat.ref_bits if concat else 0,
        part=concat.part if concat else 1,
        parts=concat.parts if concat else 1,
        dcs=deliver.tp_dcs,
        pid=deliver.tp_pid,
        message_class=deliver.message_class,
        service=deliver.service,
        sent_at=deliver.tp_scts,
        stored=stored,
    )


def _undecodable(raw: bytes, why: str) -> InboundSegment:
    return InboundSegment(raw=raw, sender=Address(""), fault=why)
