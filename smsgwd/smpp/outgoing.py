"""From a Segment to submit_sm, as one link writes it. Pure.

A :class:`Writer` is made once for a link: what the configuration decides is worked out there, since thousands of texts a
second go through :meth:`Writer.submit_sm`.

============  =================================================================================================
``udh8``      esm_class 0x40, ``05 00 03 rr tt ss`` before the text
``udh16``     esm_class 0x40, ``06 08 04 rr rr tt ss``
``sar``       sar_msg_ref_num, sar_total_segments, sar_segment_seqnum, and no header
``payload``   the whole text in message_payload, sm_length 0; the carrier cuts it
============  =================================================================================================

National tables are named in a header, and then the concatenation stands there too, whatever the link says. Octets that
short_message cannot hold go to message_payload.
"""

from __future__ import annotations

from zlib import crc32

from smsgwd.config import SmppConfig
from smsgwd.errors import NotFound, PduError
from smsgwd.model import SUBMISSION, MessageClass, Segment, own_reference, row_id
from smsgwd.smpp.addresses import Addresses
from smsgwd.smpp.bodies import ShortMessage
from smsgwd.smpp.coding import Kind, Written
from smsgwd.smpp.consts import EsmClass, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.parameters import Sent
from smsgwd.smpp.times import absolute_time, relative_time
from smsgwd.sms import gsm7
from smsgwd.sms.udh import Concat, header_of

#: octets of short_message, section 5.2.21
_MOST_SHORT = 254
#: registered_delivery, section 5.2.17
_RECEIPTS = {"none": 0, "final": 1, "failure": 2}
_INTERMEDIATE = 0x10
#: dest_addr_subunit: the mobile's display
_DISPLAY = Tlv(Tag.DEST_ADDR_SUBUNIT, b"\1")


class Writer:
    """Writes the texts of one link."""

    def __init__(self, config: SmppConfig) -> None:
        self._addresses, self._written = Addresses(config), Written(config)
        self._sent = Sent(config.tlv, config.number)
        self._service_type = config.service_type.encode("ascii", "replace")
        self._protocol_id, self._esm_class = config.protocol_id, config.esm_mode
        self._replace = int(config.replace_if_present)
        self._priority = {class_: getattr(config.priority, class_.value) for class_ in MessageClass}
        receipt = _RECEIPTS[config.receipts]
        self._receipt = receipt | (_INTERMEDIATE if receipt and config.intermediate else 0)
        self._receipt_parts = config.receipt_parts
        self._absolute, self._longest = config.time == "absolute", config.max_validity
        self._scheduled = config.smsc_schedule
        self._packed = config.packed and config.default_alphabet == "gsm7"
        self._sar, self._wide = config.segmentation == "sar", config.segmentation == "udh16"
        self._whole = config.segmentation == "payload"
        self._on_display = config.flash == "dest_addr_subunit"
        self._referenced = config.user_message_reference
        #: optional parameters may be needed
        self._extra = bool(self._sent) or self._on_display or self._referenced or self._sar

    def submit_sm(self, segment: Segment, now: int) -> ShortMessage:
        """The submit_sm of one segment; ``now`` in milliseconds since 1970. PduError for what does not fit."""
        source_ton, source_npi, source = self._addresses.source(segment.sender)
        dest_ton, dest_npi, destination = self._addresses.destination(segment.to)
        kind, octets = self._written.write(segment)
        header = b""
        if segment.parts > 1 or segment.locking or segment.single:
            header = self._header(segment, kind)
        if self._packed and kind is Kind.DEFAULT:
            octets = gsm7.pack(octets, -8 * len(header) % 7)
        octets = header + octets
        tlvs: tuple[Tlv, ...] = tuple(self._parameters(segment, header)) if self._extra else ()
        if len(octets) > _MOST_SHORT or (self._whole and segment.parts == 1):
            tlvs, octets = (*tlvs, Tlv(Tag.MESSAGE_PAYLOAD, octets)), b""
        return ShortMessage(  # by place: names cost a third of the time
            self._service_type,
            source_ton,
            source_npi,
            source,
            dest_ton,
            dest_npi,
            destination,
            self._esm_class | EsmClass.UDHI.value if header else self._esm_class,
            self._protocol_id,
            self._priority[segment.class_],
            self._time(segment.schedule, now) if self._scheduled and segment.schedule > now else b"",
            self._validity(segment.validity, now) if segment.validity > 0 else b"",
            self._receipt if segment.report and (segment.parts == 1 or self._reported(segment)) else 0,
            self._replace,
            self._written.data_coding[kind, segment.flash],
            0,
            octets,
            tlvs,
        )

    # ---- parts -----------------------------------------------------------------------------------------------------

    def _header(self, segment: Segment, kind: Kind) -> bytes:
        """The user data header; empty where sar_* says the same, or there is nothing to say."""
        ref, part, parts = segment.ref, segment.part, segment.parts
        if not 1 <= part <= parts <= 255 or not 0 <= ref <= 0xFFFF:
            raise PduError(f"part {part} of {parts} with reference {ref} cannot be written")
        wide = self._wide or ref > 255
        if wide:
            ref = _wide(segment)
        if kind is Kind.DEFAULT and (segment.locking or segment.single):
            concat = Concat(ref, 16 if wide else 8, part, parts) if parts > 1 else None
            return header_of(concat=concat, locking=segment.locking, single=segment.single).encode()
        if parts == 1 or self._sar:
            return b""
        if wide:
            return bytes((6, 8, 4, ref >> 8, ref & 0xFF, parts, part))
        return bytes((5, 0, 3, ref, parts, part))

    def _reported(self, segment: Segment) -> bool:
        """A receipt is wanted of this part."""
        which = self._receipt_parts
        return which == "all" or segment.part == (1 if which == "first" else segment.parts)

    # ---- optional parameters ---------------------------------------------------------------------------------------

    def _parameters(self, segment: Segment, header: bytes) -> list[Tlv]:
        found = []
        if self._on_display and segment.flash:
            found.append(_DISPLAY)
        if self._sar and segment.parts > 1 and not header:
            found += [
                Tlv(Tag.SAR_MSG_REF_NUM, _wide(segment).to_bytes(2, "big")),
                Tlv(Tag.SAR_TOTAL_SEGMENTS, bytes((segment.parts,))),
                Tlv(Tag.SAR_SEGMENT_SEQNUM, bytes((segment.part,))),
            ]
        if self._referenced:
            found.append(Tlv(Tag.USER_MESSAGE_REFERENCE, _own(segment).to_bytes(2, "big")))
        return found + self._sent.of(segment)

    # ---- times -----------------------------------------------------------------------------------------------------

    def _validity(self, seconds: int, now: int) -> bytes:
        seconds = min(seconds, self._longest) if self._longest else seconds
        return absolute_time(now + 1000 * seconds) if self._absolute else relative_time(seconds)

    def _time(self, at: int, now: int) -> bytes:
        return absolute_time(at) if self._absolute else relative_time((at - now + 999) // 1000)


def _wide(segment: Segment) -> int:
    """A reference of 16 bits, the same for all parts: the stored one of 8 bits below bits of the message's id."""
    ref = segment.ref
    return ref if ref > 255 else crc32(segment.message.encode()) << 8 & 0xFF00 | ref


def _own(segment: Segment) -> int:
    try:
        return own_reference(row_id(SUBMISSION, segment.submission))
    except NotFound:
        raise PduError("the submission has no number that could be sent along") from None
