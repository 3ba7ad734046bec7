"""Our codec against two that others wrote: smpp34 (Rust) and smpplib. What they are known to do otherwise (lengths that
lie, unknown optional parameters, octets that are no ASCII) is left out here."""

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import Bind, BindResp, DataSm, Empty, MessageResp, QuerySm, ShortMessage
from smsgwd.smpp.consts import CommandId, Tag
from smsgwd.smpp.fields import Tlv
from tests.smpp.bodies import octet

smpp34 = pytest.importorskip("smpp34")
smpplib_smpp = pytest.importorskip("smpplib.smpp")
smpplib_client = pytest.importorskip("smpplib.client")
logging.getLogger("smpplib").setLevel(logging.CRITICAL)

_C = CommandId


def ascii_of(most: int):
    return st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=most)


NUMBERS = (
    "source_addr_ton", "source_addr_npi", "dest_addr_ton", "dest_addr_npi", "esm_class", "protocol_id", "priority_flag",
    "registered_delivery", "replace_if_present_flag", "data_coding", "sm_default_msg_id",
)  # fmt: skip
STRINGS = {"service_type": 5, "source_addr": 20, "destination_addr": 20}
fields = st.fixed_dictionaries(
    dict.fromkeys(NUMBERS, octet) | {name: ascii_of(most) for name, most in STRINGS.items()}
    | {"short_message": st.binary(max_size=254)}
)  # fmt: skip
tags = st.sampled_from([Tag.USER_MESSAGE_REFERENCE, Tag.SOURCE_PORT, Tag.SAR_MSG_REF_NUM, Tag.MESSAGE_PAYLOAD])
parameters = st.lists(st.tuples(tags, st.binary(min_size=2, max_size=2)), max_size=3)


def ours(values: dict, more=()) -> ShortMessage:
    octets = {name: value.encode() for name, value in values.items() if name in STRINGS}
    return ShortMessage(**values | octets, tlvs=tuple(Tlv(tag, value) for tag, value in more))


def library_client():
    """smpplib wants a client for everything; this one never connects."""
    return smpplib_client.Client("127.0.0.1", 1, allow_unknown_opt_params=True)


@pytest.mark.parametrize(("command", "kind"), [(_C.SUBMIT_SM, "SubmitSm"), (_C.DELIVER_SM, "DeliverSm")])
@given(values=fields, more=parameters, sequence=st.integers(1, 0x7FFFFFFF))
@settings(max_examples=150)
def test_smpp34_agrees(command, kind, values, more, sequence):
    """The same octets out, and the same fields in."""
    theirs = getattr(smpp34, kind)(
        **values, tlvs=[smpp34.Tlv(tag, value) for tag, value in more], sequence_number=sequence
    )
    octets = pdu.pack(command, 0, sequence, ours(values, more))
    assert octets == theirs.encode()
    read = smpp34.decode(octets)
    body = pdu.unpack(theirs.encode()).body
    for name, value in values.items():
        assert getattr(read, name) == value
        assert getattr(body, name) == (value.encode() if isinstance(value, str) else value)
    assert [(t.tag, t.value) for t in read.tlvs] == [(t.tag, t.value) for t in body.tlvs] == more


@given(st.sampled_from([_C.ENQUIRE_LINK, _C.UNBIND, _C.BIND_TRANSCEIVER_RESP, _C.GENERIC_NACK]), st.integers(0, 0xFFFFFFFF))
@settings(max_examples=40)
def test_smpp34_reads_our_headers(command, status):
    """Command, status and length of what has no class of its own there."""
    body = BindResp(b"smsc") if command == _C.BIND_TRANSCEIVER_RESP else Empty()
    read = smpp34.decode(pdu.pack(command, status, 7, body))
    assert (read.command_id, read.command_status, read.sequence_number) == (command, status, 7)
    assert read.body == (b"smsc\0" if command == _C.BIND_TRANSCEIVER_RESP else b"")


@given(values=fields)
@settings(max_examples=60)
def test_smpplib_writes_what_we_write(values):
    """submit_sm: the same body, field by field in the same order."""
    theirs = smpplib_smpp.make_pdu("submit_sm", client=library_client(), **values).generate()
    assert pdu.pack(_C.SUBMIT_SM, 0, 1, ours(values))[16:] == theirs[16:]


@given(values=fields)
@settings(max_examples=60)
def test_smpplib_reads_what_we_write(values):
    """deliver_sm: the same fields."""
    read = smpplib_smpp.parse_pdu(pdu.pack(_C.DELIVER_SM, 0, 1, ours(values)), client=library_client())
    for name, value in values.items():
        got = getattr(read, name)
        assert (got or b"" if not isinstance(value, int) else got) == (value.encode() if isinstance(value, str) else value)


OTHERS = [
    pytest.param(
        "bind_transceiver", _C.BIND_TRANSCEIVER, Bind(b"user", b"pw", b"VMA", 0x34, 1, 2, b"1"),
        {"system_id": "user", "password": "pw", "system_type": "VMA", "interface_version": 0x34, "addr_ton": 1, "addr_npi": 2,
         "address_range": "1"}, id="bind_transceiver",
    ),
    pytest.param("enquire_link", _C.ENQUIRE_LINK, Empty(), {}, id="enquire_link"),
    pytest.param("unbind", _C.UNBIND, Empty(), {}, id="unbind"),
    pytest.param("submit_sm_resp", _C.SUBMIT_SM_RESP, MessageResp(b"1f"), {"message_id": "1f"}, id="submit_sm_resp"),
    pytest.param("query_sm", _C.QUERY_SM, QuerySm(b"1f", 1, 1, b"15"),
                 {"message_id": "1f", "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": "15"}, id="query_sm"),
    pytest.param(
        "data_sm", _C.DATA_SM, DataSm(b"CMT", 1, 1, b"15", 2, 2, b"25", 4, 1, 8, (Tlv(Tag.MESSAGE_PAYLOAD, b"hi"),)),
        {"service_type": "CMT", "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": "15", "dest_addr_ton": 2,
         "dest_addr_npi": 2, "destination_addr": "25", "esm_class": 4, "registered_delivery": 1, "data_coding": 8,
         "message_payload": b"hi"}, id="data_sm",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "command", "body", "values"), OTHERS)
def test_smpplib_writes_the_others(name, command, body, values):
    """What smpplib writes is what we read, and the same as what we write."""
    theirs = smpplib_smpp.make_pdu(name, client=library_client(), **values).generate()
    read = pdu.unpack(theirs)
    assert (read.command_id, read.body) == (command, body)
    assert pdu.pack(command, 0, read.sequence, body) == theirs
