"""The bodies of all PDUs of SMPP 3.4, section 4. Pure; facts only.

Each struct *is* the field list: its annotations give the form of each mandatory field in the order of the wire, and
:mod:`smsgwd.smpp.pdu` packs and unpacks by them. Strings are octets without their NUL.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from smsgwd.smpp.consts import VERSION, CommandId
from smsgwd.smpp.fields import Counted, CString, Destination, Destinations, Octet, Tlv, Unsuccess, Unsuccesses

U1 = Annotated[int, Octet()]
Address = Annotated[bytes, CString(21)]
LongAddress = Annotated[bytes, CString(65)]
MessageId = Annotated[bytes, CString(65)]
Time = Annotated[bytes, CString(17)]
Tlvs = tuple[Tlv, ...]


class Body(msgspec.Struct, frozen=True):
    """What follows the header. ``tlvs`` is the last field of every body."""

    @property
    def optional(self) -> Tlvs:
        """The optional parameters, in the order of the wire."""
        tlvs: Tlvs = self.tlvs  # type: ignore[attr-defined]
        return tlvs

    def tlv(self, tag: int) -> bytes | None:
        """The value of the first optional parameter with this tag."""
        return next((t.value for t in self.optional if t.tag == tag), None)


class Empty(Body, frozen=True):
    """unbind, enquire_link, generic_nack and the responses without a field (sections 4.2, 4.3, 4.9, 4.10, 4.11)."""

    tlvs: Tlvs = ()


class Bind(Body, frozen=True):
    """bind_transmitter, bind_receiver, bind_transceiver, section 4.1."""

    system_id: Annotated[bytes, CString(16)] = b""
    #: 9 by the standard; carriers hand out longer ones
    password: Annotated[bytes, CString(17)] = b""
    system_type: Annotated[bytes, CString(13)] = b""
    interface_version: U1 = VERSION
    addr_ton: U1 = 0
    addr_npi: U1 = 0
    address_range: Annotated[bytes, CString(41)] = b""
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        return f"Bind(system_id={self.system_id!r}, password=***, system_type={self.system_type!r})"


class BindResp(Body, frozen=True):
    """Section 4.1.2 and following."""

    system_id: Annotated[bytes, CString(16)] = b""
    tlvs: Tlvs = ()


class Outbind(Body, frozen=True):
    """Section 4.1.7; it has no response."""

    system_id: Annotated[bytes, CString(16)] = b""
    password: Annotated[bytes, CString(17)] = b""
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        return f"Outbind(system_id={self.system_id!r}, password=***)"


class ShortMessage(Body, frozen=True):
    """submit_sm (section 4.4.1) and deliver_sm (section 4.6.1): the same fields."""

    service_type: Annotated[bytes, CString(6)] = b""
    source_addr_ton: U1 = 0
    source_addr_npi: U1 = 0
    source_addr: Address = b""
    dest_addr_ton: U1 = 0
    dest_addr_npi: U1 = 0
    destination_addr: Address = b""
    esm_class: U1 = 0
    protocol_id: U1 = 0
    priority_flag: U1 = 0
    schedule_delivery_time: Time = b""
    validity_period: Time = b""
    registered_delivery: U1 = 0
    replace_if_present_flag: U1 = 0
    data_coding: U1 = 0
    sm_default_msg_id: U1 = 0
    short_message: Annotated[bytes, Counted()] = b""
    tlvs: Tlvs = ()


class MessageResp(Body, frozen=True):
    """submit_sm_resp, deliver_sm_resp, data_sm_resp (sections 4.4.2, 4.6.2, 4.7.2)."""

    message_id: MessageId = b""
    tlvs: Tlvs = ()


class DataSm(Body, frozen=True):
    """data_sm, section 4.7.1; the text stands in message_payload."""

    service_type: Annotated[bytes, CString(6)] = b""
    source_addr_ton: U1 = 0
    source_addr_npi: U1 = 0
    source_addr: LongAddress = b""
    dest_addr_ton: U1 = 0
    dest_addr_npi: U1 = 0
    destination_addr: LongAddress = b""
    esm_class: U1 = 0
    registered_delivery: U1 = 0
    data_coding: U1 = 0
    tlvs: Tlvs = ()


class SubmitMulti(Body, frozen=True):
    """submit_multi, section 4.5.1."""

    service_type: Annotated[bytes, CString(6)] = b""
    source_addr_ton: U1 = 0
    source_addr_npi: U1 = 0
    source_addr: Address = b""
    dest_address: Annotated[tuple[Destination, ...], Destinations()] = ()
    esm_class: U1 = 0
    protocol_id: U1 = 0
    priority_flag: U1 = 0
    schedule_delivery_time: Time = b""
    validity_period: Time = b""
    registered_delivery: U1 = 0
    replace_if_present_flag: U1 = 0
    data_coding: U1 = 0
    sm_default_msg_id: U1 = 0
    short_message: Annotated[bytes, Counted()] = b""
    tlvs: Tlvs = ()


class SubmitMultiResp(Body, frozen=True):
    """submit_multi_resp, section 4.5.2."""

    message_id: MessageId = b""
    unsuccess_sme: Annotated[tuple[Unsuccess, ...], Unsuccesses()] = ()
    tlvs: Tlvs = ()


class QuerySm(Body, frozen=True):
    """query_sm, section 4.8.1."""

    message_id: MessageId = b""
    source_addr_ton: U1 = 0
    source_addr_npi: U1 = 0
    source_addr: Address = b""
    tlvs: Tlvs = ()


class QuerySmResp(Body, frozen=True):
    """query_sm_resp, section 4.8.2."""

    message_id: MessageId = b""
    final_date: Time = b""
    message_state: U1 = 0
    error_code: U1 = 0
    tlvs: Tlvs = ()


class CancelSm(Body, frozen=True):
    """cancel_sm, section 4.9.1."""

    service_type: Annotated[bytes, CString(6)] = b""
    message_id: MessageId = b""
    source_addr_ton: U1 = 0
    source_addr_npi: U1 = 0
    source_addr: Address = b""
    dest_addr_ton: U1 = 0
    dest_addr_npi: U1 = 0
    destination_addr: Address = b""
    tlvs: Tlvs = ()


class ReplaceSm(Body, frozen=True):
    """replace_sm, section 4.10.1."""

    message_id: MessageId = b""
    source_addr_ton: U1 = 0
    source_addr_npi: U1 = 0
    source_addr: Address = b""
    schedule_delivery_time: Time = b""
    validity_period: Time = b""
    registered_delivery: U1 = 0
    sm_default_msg_id: U1 = 0
    short_message: Annotated[bytes, Counted()] = b""
    tlvs: Tlvs = ()


class AlertNotification(Body, frozen=True):
    """alert_notification, section 4.12.1; it has no response."""

    source_addr_ton: U1 = 0
    source_addr_npi: U1 = 0
    source_addr: LongAddress = b""
    esme_addr_ton: U1 = 0
    esme_addr_npi: U1 = 0
    esme_addr: LongAddress = b""
    tlvs: Tlvs = ()


_C = CommandId
#: command_id -> the struct of its body
BODIES: dict[int, type[Body]] = {
    _C.BIND_RECEIVER: Bind,
    _C.BIND_TRANSMITTER: Bind,
    _C.BIND_TRANSCEIVER: Bind,
    _C.BIND_RECEIVER_RESP: BindResp,
    _C.BIND_TRANSMITTER_RESP: BindResp,
    _C.BIND_TRANSCEIVER_RESP: BindResp,
    _C.OUTBIND: Outbind,
    _C.UNBIND: Empty,
    _C.UNBIND_RESP: Empty,
    _C.ENQUIRE_LINK: Empty,
    _C.ENQUIRE_LINK_RESP: Empty,
    _C.GENERIC_NACK: Empty,
    _C.SUBMIT_SM: ShortMessage,
    _C.SUBMIT_SM_RESP: MessageResp,
    _C.DELIVER_SM: ShortMessage,
    _C.DELIVER_SM_RESP: MessageResp,
    _C.DATA_SM: DataSm,
    _C.DATA_SM_RESP: MessageResp,
    _C.SUBMIT_MULTI: SubmitMulti,
    _C.SUBMIT_MULTI_RESP: SubmitMultiResp,
    _C.QUERY_SM: QuerySm,
    _C.QUERY_SM_RESP: QuerySmResp,
    _C.CANCEL_SM: CancelSm,
    _C.CANCEL_SM_RESP: Empty,
    _C.REPLACE_SM: ReplaceSm,
    _C.REPLACE_SM_RESP: Empty,
    _C.ALERT_NOTIFICATION: AlertNotification,
}
