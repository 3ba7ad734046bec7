"""The codec: every PDU there and back, and what it does with octets that are none."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.errors import PduError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import (
    BODIES,
    AlertNotification,
    Bind,
    BindResp,
    CancelSm,
    DataSm,
    Empty,
    MessageResp,
    Outbind,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ShortMessage,
    SubmitMulti,
    SubmitMultiResp,
)
from smsgwd.smpp.consts import LARGEST_PDU, RESPONSE, CommandId, Tag, command_name, status_name
from smsgwd.smpp.fields import Destination, Tlv, Unsuccess
from tests.canaries import PASSWORD
from tests.smpp.bodies import pdus

_C = CommandId

#: written by hand from the tables of section 4: command, body, octets behind the header
VECTORS = [
    pytest.param(
        _C.BIND_TRANSCEIVER, Bind(b"u", b"pw", b"VMA", 0x34, 1, 2, b"1*"),
        b"u\0pw\0VMA\0\x34\x01\x021*\0", id="bind_transceiver",
    ),
    pytest.param(
        _C.BIND_TRANSCEIVER_RESP, BindResp(b"smsc", (Tlv(Tag.SC_INTERFACE_VERSION, b"\x50"),)),
        b"smsc\0\x02\x10\x00\x01\x50", id="bind_transceiver_resp",
    ),
    pytest.param(_C.OUTBIND, Outbind(b"s", b"p"), b"s\0p\0", id="outbind"),
    pytest.param(
        _C.SUBMIT_SM,
        ShortMessage(b"CMT", 1, 2, b"15", 3, 4, b"25", 0x40, 5, 6, b"s", b"v", 7, 8, 9, 10, b"hi", (Tlv(0x1401, b"abc"),)),
        b"CMT\0\x01\x0215\0\x03\x0425\0\x40\x05\x06s\0v\0\x07\x08\x09\x0a\x02hi\x14\x01\x00\x03abc", id="submit_sm",
    ),
    pytest.param(_C.DELIVER_SM, ShortMessage(), bytes(17), id="empty deliver_sm"),
    pytest.param(_C.SUBMIT_SM_RESP, MessageResp(b"39f99dd5"), b"39f99dd5\0", id="submit_sm_resp"),
    pytest.param(_C.DELIVER_SM_RESP, MessageResp(), b"\0", id="deliver_sm_resp"),
    pytest.param(
        _C.DATA_SM, DataSm(b"", 1, 1, b"1", 5, 0, b"ab", 4, 1, 8, (Tlv(Tag.MESSAGE_PAYLOAD, b"xy"),)),
        b"\0\x01\x011\0\x05\x00ab\0\x04\x01\x08\x04\x24\x00\x02xy", id="data_sm",
    ),
    pytest.param(
        _C.SUBMIT_MULTI, SubmitMulti(dest_address=(Destination(b"25", 1, 2), Destination(b"list", None)), short_message=b"x"),
        b"\0\0\0\0\x02\x01\x01\x0225\0\x02list\0" + bytes(9) + b"\x01x", id="submit_multi",
    ),
    pytest.param(
        _C.SUBMIT_MULTI_RESP, SubmitMultiResp(b"7", (Unsuccess(1, 2, b"25", 0x0B),)),
        b"7\0\x01\x01\x0225\0\0\0\0\x0b", id="submit_multi_resp",
    ),
    pytest.param(_C.QUERY_SM, QuerySm(b"7", 1, 1, b"25"), b"7\0\x01\x0125\0", id="query_sm"),
    pytest.param(
        _C.QUERY_SM_RESP, QuerySmResp(b"7", b"261123160000000+", 2, 0), b"7\x00261123160000000+\0\x02\0", id="query_sm_resp"
    ),
    pytest.param(
        _C.CANCEL_SM, CancelSm(b"CMT", b"7", 1, 1, b"15", 2, 2, b"25"), b"CMT\x007\0\x01\x0115\0\x02\x0225\0", id="cancel_sm"
    ),
    pytest.param(
        _C.REPLACE_SM, ReplaceSm(b"7", 1, 1, b"15", b"", b"v", 1, 2, b"new"), b"7\0\x01\x0115\0\0v\0\x01\x02\x03new",
        id="replace_sm",
    ),
    pytest.param(
        _C.ALERT_NOTIFICATION, AlertNotification(1, 1, b"15", 0, 0, b"e", (Tlv(Tag.MS_AVAILABILITY_STATUS, b"\0"),)),
        b"\x01\x0115\0\0\0e\0\x04\x22\x00\x01\0", id="alert_notification",
    ),
    pytest.param(_C.ENQUIRE_LINK, Empty(), b"", id="enquire_link"),
    pytest.param(_C.GENERIC_NACK, Empty(), b"", id="generic_nack"),
]  # fmt: skip


def frame(command: int, body: bytes = b"", status: int = 0, sequence: int = 1) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


@pytest.mark.parametrize(("command", "body", "octets"), VECTORS)
def test_vectors(command, body, octets):
    """Each field stands where section 4 puts it, both ways."""
    whole = frame(command, octets, 3, 0xFFFFFFFF)
    assert pdu.pack(command, 3, 0xFFFFFFFF, body) == whole
    assert pdu.unpack(whole) == pdu.Pdu(command, 3, 0xFFFFFFFF, body)


@given(pdus())
@settings(max_examples=300)
def test_round_trip(made):
    """Whatever may be written is read back as it was, with the length that its header names."""
    octets = pdu.pack(*made)
    assert pdu.unpack_header(octets).length == len(octets)
    assert pdu.unpack(octets) == pdu.Pdu(*made)


@given(pdus())
def test_truncated_anywhere(made):
    """Cut at every octet, with a length that agrees: a request is a PduError or keeps what is there; a response is always
    read, and never has more than was sent."""
    octets = pdu.pack(*made)
    for end in range(16, len(octets)):
        cut = end.to_bytes(4, "big") + octets[4:end]
        try:
            body = pdu.unpack(cut).body
        except PduError:
            assert not made[0] & RESPONSE
            continue
        assert type(body) is type(made[3])
        assert len(body.optional) <= len(made[3].optional)
        if not made[0] & RESPONSE:  # what was cut off a request that is still read are optional parameters
            assert body.optional == made[3].optional[: len(body.optional)]


@pytest.mark.parametrize("size", range(16))
def test_less_than_a_header(size):
    """Fewer than 16 octets are no header, however many they are."""
    with pytest.raises(PduError, match="16 octets"):
        pdu.unpack_header(frame(_C.ENQUIRE_LINK)[:size])


@pytest.mark.parametrize(
    "length", [0, 4, 15, LARGEST_PDU + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF], ids="length {}".format
)  # fmt: skip
def test_a_length_that_cannot_be(length):
    """Below 16 or above the cap: refused from the header alone, before anybody waits for the rest."""
    with pytest.raises(PduError, match=f"command_length {length} "):
        pdu.unpack_header(length.to_bytes(4, "big") + bytes(12))


@pytest.mark.parametrize("length", [16, LARGEST_PDU])
def test_the_smallest_and_the_largest_length(length):
    """The borders themselves are lengths."""
    assert pdu.unpack_header(length.to_bytes(4, "big") + bytes(12)).length == length


def test_a_header_in_the_middle():
    """The header is read where it stands, from any kind of octets."""
    assert pdu.unpack_header(bytearray(b"xyz" + frame(_C.UNBIND, sequence=9)), 3).sequence == 9


@pytest.mark.parametrize("more", [-1, 1], ids=["one short", "one trailing"])
def test_length_and_octets_disagree(more):
    """unpack takes one whole PDU, neither less nor more."""
    octets = frame(_C.SUBMIT_SM_RESP, b"12345\0")
    with pytest.raises(PduError, match="command_length is 22"):
        pdu.unpack(octets[:more] if more < 0 else octets + b"\0")


@pytest.mark.parametrize("command", [0, 0x0A, 0x123, 0x80000123, 0xFFFFFFFF], ids=hex)
def test_unknown_commands(command):
    """A command that the standard does not have is a PduError that names it."""
    with pytest.raises(PduError, match=command_name(command)):
        pdu.unpack(frame(command))


@given(st.binary(max_size=120), st.sampled_from([*BODIES, 0x123]))
@settings(max_examples=400)
def test_junk(body, command):
    """Any octets behind a good header: a PDU, or the one documented error."""
    try:
        got = pdu.unpack(frame(command, body))
    except PduError:
        return
    assert got.command_id == command


def test_unknown_parameters_are_kept_in_order():
    """A carrier's own parameters, repeated ones and empty ones are data like any other; tlv() gives the first."""
    tlvs = (Tlv(0x1401, b"a"), Tlv(0xFFFF, b""), Tlv(0x1401, b"b"))
    body = pdu.unpack(pdu.pack(_C.SUBMIT_SM_RESP, 0, 1, MessageResp(b"1", tlvs))).body
    assert body.optional == tlvs
    assert (body.tlv(0x1401), body.tlv(0xFFFF), body.tlv(0x1402)) == (b"a", b"", None)


@pytest.mark.parametrize(
    ("tail", "kept"),
    [
        pytest.param(b"\0", 0, id="one stray octet"),
        pytest.param(b"\x04\x24\xea", 0, id="three stray octets"),
        pytest.param(b"\x04\x24\xea\x60abc", 0, id="longer than what follows"),
        pytest.param(b"\x14\x01\x00\x01a\x14\x02\x00\x02b", 1, id="the second one is cut"),
        pytest.param(b"\x14\x01\x00\x01a\0\0", 1, id="stray octets behind a good one"),
    ],
)
def test_a_cut_end_of_the_parameters(tail, kept):
    """What is cut is dropped; the fields and the parameters before it stay."""
    octets = pdu.pack(_C.DELIVER_SM, 0, 1, ShortMessage(short_message=b"hi"))[16:] + tail
    body = pdu.unpack(frame(_C.DELIVER_SM, octets)).body
    assert (body.short_message, len(body.optional)) == (b"hi", kept)


@pytest.mark.parametrize(
    ("octets", "message_id"),
    [
        pytest.param(b"", b"", id="header alone"),
        pytest.param(b"12ab", b"12ab", id="no NUL"),
        pytest.param(b"x" * 200 + b"\0", b"x" * 200, id="longer than the standard allows"),
        pytest.param(b"\0", b"", id="empty"),
    ],
)
def test_responses_as_carriers_cut_them(octets, message_id):
    """A response lacks what it lacks."""
    assert pdu.unpack(frame(_C.SUBMIT_SM_RESP, octets)).body == MessageResp(message_id)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="no body"),
        pytest.param(b"\0" * 16, id="no sm_length"),
        pytest.param(b"\0" * 16 + b"\xc8hi", id="sm_length lies"),
        pytest.param(b"CMT", id="a C-string without an end"),
    ],
)
def test_requests_that_do_not_fit(octets):
    """A request is not guessed at."""
    with pytest.raises(PduError):
        pdu.unpack(frame(_C.DELIVER_SM, octets))


def test_a_longer_address_is_read():
    """Inbound C-strings may be longer than the standard allows."""
    octets = b"\0\1\1" + b"9" * 40 + b"\0" + bytes(14)
    assert pdu.unpack(frame(_C.DELIVER_SM, octets)).body.source_addr == b"9" * 40


@pytest.mark.parametrize(
    ("command", "body", "said"),
    [
        pytest.param(_C.SUBMIT_SM, ShortMessage(destination_addr=b"1" * 21), "destination_addr", id="address too long"),
        pytest.param(_C.SUBMIT_SM, ShortMessage(source_addr=b"a\0b"), "NUL", id="NUL in a C-string"),
        pytest.param(_C.SUBMIT_SM, ShortMessage(short_message=b"x" * 255), "short_message", id="text too long"),
        pytest.param(_C.SUBMIT_SM, ShortMessage(data_coding=256), "data_coding", id="integer too large"),
        pytest.param(_C.SUBMIT_SM, ShortMessage(esm_class=-1), "esm_class", id="integer below 0"),
        pytest.param(_C.SUBMIT_SM, ShortMessage(tlvs=(Tlv(0x10000, b""),)), "16 bits", id="tag too large"),
        pytest.param(_C.SUBMIT_SM, ShortMessage(tlvs=(Tlv(1, b"x" * 65536),)), "65535", id="value too long"),
        pytest.param(_C.SUBMIT_SM, ShortMessage(tlvs=(Tlv(1, b"x" * 65535),) * 2), "too long", id="PDU too long"),
        pytest.param(_C.BIND_RECEIVER, Bind(password=b"p" * 17), "password", id="password too long"),
        pytest.param(_C.SUBMIT_SM, MessageResp(), "no body MessageResp", id="the body of another"),
        pytest.param(0x123, Empty(), "0x00000123", id="unknown command"),
        pytest.param(_C.SUBMIT_MULTI, SubmitMulti(dest_address=(Destination(b"1"),) * 255), "254", id="too many addresses"),
        pytest.param(_C.SUBMIT_MULTI, SubmitMulti(dest_address=(Destination(b"1", 256),)), "dest_address", id="TON too large"),
        pytest.param(_C.SUBMIT_MULTI_RESP, SubmitMultiResp(unsuccess_sme=(Unsuccess(0, 0, b"1", 1 << 32),)), "unsuccess_sme",
                     id="status too large"),
        pytest.param(_C.SUBMIT_MULTI_RESP, SubmitMultiResp(unsuccess_sme=(Unsuccess(0, 0, b"1", 1),) * 256), "255",
                     id="too many refusals"),
    ],
)  # fmt: skip
def test_what_we_do_not_write(command, body, said):
    """What does not fit its field is our own mistake, and nothing is written."""
    with pytest.raises(PduError, match=said):
        pdu.pack(command, 0, 1, body)


@pytest.mark.parametrize(("status", "sequence"), [(-1, 1), (1 << 32, 1), (0, -1), (0, 1 << 32)])
def test_header_numbers_are_checked(status, sequence):
    """Status and sequence number have 4 octets."""
    with pytest.raises(PduError, match="4 octets"):
        pdu.pack(_C.ENQUIRE_LINK, status, sequence, Empty())


@pytest.mark.parametrize("octets", [b"\0\0\0\0\1\3", b"\0\0\0\0\2\1\0"], ids=["dest_flag 3", "the list ends early"])
def test_bad_destination_lists(octets):
    """A dest_address list that lies is a PduError."""
    with pytest.raises(PduError):
        pdu.unpack(frame(_C.SUBMIT_MULTI, octets))


@pytest.mark.parametrize("body", [Bind(b"user", PASSWORD.encode()), Outbind(b"user", PASSWORD.encode())], ids=["bind", "outbind"])
def test_passwords_do_not_show(body):
    """What a log or a traceback shows of a bind has no password."""
    assert PASSWORD not in repr(body)
    assert "user" in repr(body)


def test_names():
    """Numbers have the standard's names, or say that they have none."""
    assert (command_name(4), command_name(0x123)) == ("submit_sm", "command 0x00000123")
    assert (status_name(0x58), status_name(0x400)) == ("ESME_RTHROTTLED", "status 0x400")
