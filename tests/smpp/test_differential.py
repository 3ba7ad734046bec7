"""Our codec against three that others wrote: smpp34 (Rust), smpplib and smpp.pdu3. PDUs are made by our field lists; what we
write must be what they write, octet for octet, and each must read the other's field by field, optional parameters too.

Left out is what they are known to do otherwise: lengths that lie, optional parameters that they do not know, octets that are
no ASCII, numbers outside the standard's lists (smpp.pdu3 refuses them), and passwords of more than 8 octets. None of them
knows replace_sm or submit_multi well enough to write one: those stand in the vectors of test_pdu.py.
"""

import io
import logging
from functools import cache
from typing import get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import BODIES, Body, DataSm, ShortMessage
from smsgwd.smpp.consts import CommandId, MessageState, Npi, Tag, Ton
from smsgwd.smpp.fields import Counted, CString, Octet, Tlv
from tests.smpp.bodies import octet, pdus

_C = CommandId
logging.getLogger("smpplib").setLevel(logging.CRITICAL)
PRINTABLE = [chr(n) for n in range(0x21, 0x7F)]
sequences = st.integers(1, 0x7FFFFFFF)
statuses = st.sampled_from([0, 0x08, 0x58, 0xFF])


@cache
def forms(kind: type[Body]) -> dict[str, CString | Octet | Counted]:
    """The mandatory fields of a body and how each stands on the wire."""
    hints = get_type_hints(kind, include_extras=True)
    return {f.name: get_args(hints[f.name])[1] for f in msgspec.structs.fields(kind) if f.name != "tlvs"}


@cache
def ascii_of(most: int, least: int = 0):
    return st.text(st.sampled_from(PRINTABLE), min_size=least, max_size=most)


def values_of(kind: type[Body], special=None):
    """Values as the libraries take them: text for C-strings, octets for the text, numbers."""
    plain = {
        name: octet if isinstance(form, Octet) else st.binary(max_size=form.size) if isinstance(form, Counted)
        else ascii_of(8 if name == "password" else form.size - 1)
        for name, form in forms(kind).items()
    }  # fmt: skip
    return st.fixed_dictionaries(plain | (special or {}))


def ours(kind: type[Body], values: dict, tlvs=()) -> Body:
    octets = {name: value.encode() if isinstance(value, str) else value for name, value in values.items()}
    return kind(**octets, tlvs=tuple(tlvs))


# ---- smpp34 ----------------------------------------------------------------------------------------------------------

#: smpp34 has a class for these two; everything else it reads as a header and the octets behind it
RUST = [pytest.param(_C.SUBMIT_SM, "SubmitSm", id="submit_sm"), pytest.param(_C.DELIVER_SM, "DeliverSm", id="deliver_sm")]
parameters = st.lists(st.tuples(st.sampled_from([*Tag]), st.binary(min_size=1, max_size=60)), max_size=4)


@pytest.mark.parametrize(("command", "name"), RUST)
@given(values=values_of(ShortMessage), more=parameters, sequence=sequences)
@settings(max_examples=150)
def test_smpp34(command, name, values, more, sequence):
    """The same octets out, and the same fields in, both ways."""
    smpp34 = pytest.importorskip("smpp34", reason="smpp34 is not installed")
    theirs = getattr(smpp34, name)(**values, tlvs=[smpp34.Tlv(*one) for one in more], sequence_number=sequence).encode()
    body = ours(ShortMessage, values, [Tlv(*one) for one in more])
    octets = pdu.pack(command, 0, sequence, body)
    assert octets == theirs
    assert pdu.unpack(theirs) == pdu.Pdu(command, 0, sequence, body)
    read = smpp34.decode(octets)
    assert {field: getattr(read, field) for field in values} == values
    assert [(t.tag, t.value) for t in read.tlvs] == more
    assert (read.command_id, read.sequence_number) == (command, sequence)


@given(pdus(commands=[c for c in BODIES if c not in (_C.SUBMIT_SM, _C.DELIVER_SM)]))
@settings(max_examples=100)
def test_smpp34_headers(made):
    """Command, status, number and length of all other PDUs."""
    smpp34 = pytest.importorskip("smpp34", reason="smpp34 is not installed")
    command, status, sequence, _ = made
    octets = pdu.pack(*made)
    read = smpp34.decode(octets)
    assert (read.command_id, read.command_status, read.sequence_number) == (command, status, sequence)
    assert read.body == octets[16:]


# ---- smpplib ---------------------------------------------------------------------------------------------------------

#: commands that smpplib has a class for, by its names
LIBRARY = [
    _C.BIND_TRANSMITTER, _C.BIND_RECEIVER, _C.BIND_TRANSCEIVER, _C.BIND_TRANSMITTER_RESP, _C.BIND_RECEIVER_RESP,
    _C.BIND_TRANSCEIVER_RESP, _C.SUBMIT_SM, _C.SUBMIT_SM_RESP, _C.DELIVER_SM, _C.DELIVER_SM_RESP, _C.DATA_SM, _C.DATA_SM_RESP,
    _C.QUERY_SM, _C.QUERY_SM_RESP, _C.ALERT_NOTIFICATION, _C.UNBIND, _C.UNBIND_RESP, _C.ENQUIRE_LINK, _C.ENQUIRE_LINK_RESP,
    _C.GENERIC_NACK,
]  # fmt: skip


class Numbers:
    """smpplib takes sequence numbers from its client."""

    def next_sequence(self) -> int:
        return 1


@cache
def library(command: CommandId):
    """What smpplib can write of a command: values of the mandatory fields, and (name, value, octets) of the optional
    parameters in its order. It has lengths of its own, writes one version alone, and no text beside a payload."""
    smpp = pytest.importorskip("smpplib.smpp", reason="smpplib is not installed")
    consts = pytest.importorskip("smpplib.consts")
    model, kind = smpp.make_pdu(command.name.lower(), client=Numbers()), BODIES[command]
    params = {name: model.params[name] for name in model.params_order}
    special = {
        name: ascii_of(min(params[name].max, form.size) - 1, int((command, name) == (_C.QUERY_SM, "message_id")))
        for name, form in forms(kind).items()
        if isinstance(form, CString)
    }
    if "interface_version" in params:
        special["interface_version"] = st.just(0x34)
    optional = [
        _parameter(name, consts.OPTIONAL_PARAMS[name], param)
        for name, param in params.items()
        if name in consts.OPTIONAL_PARAMS and name not in forms(kind) and param.type.__name__ != "FlagType"
    ]
    some = st.tuples(*(st.none() | one for one in optional)).map(lambda chosen: [one for one in chosen if one])
    values = values_of(kind, special)
    if "message_payload" in params and "short_message" in params:
        return st.tuples(values, some).map(_text_or_payload)
    return st.tuples(values, some)


def _parameter(name: str, tag: int, param):
    if param.type is int:
        values = st.integers(0, 256**param.size - 1)
        return values.map(lambda value: (name, value, Tlv(tag, value.to_bytes(param.size, "big"))))
    if param.type is str:
        return ascii_of(min(20, param.max - 1), 1).map(lambda value: (name, value, Tlv(tag, value.encode() + b"\0")))
    return st.binary(min_size=1, max_size=20).map(lambda value: (name, value, Tlv(tag, value)))


def _text_or_payload(made):
    values, more = made
    return values, [one for one in more if one[0] != "message_payload" or not values["short_message"]]


@pytest.mark.parametrize("command", LIBRARY, ids=lambda c: c.name.lower())
@given(data=st.data(), status=statuses, sequence=sequences)
@settings(max_examples=25)
def test_smpplib(command, data, status, sequence):
    """The same octets out, and the same fields in, both ways."""
    smpp = pytest.importorskip("smpplib.smpp", reason="smpplib is not installed")
    values, more = data.draw(library(command))
    named = values | {name: value for name, value, _ in more}
    theirs = smpp.make_pdu(command.name.lower(), client=Numbers(), status=status, sequence=sequence, **named).generate()
    body = ours(BODIES[command], values, [tlv for _, _, tlv in more])
    octets = pdu.pack(command, status, sequence, body)
    assert octets == theirs
    assert pdu.unpack(theirs) == pdu.Pdu(command, status, sequence, body)
    read = smpp.parse_pdu(octets, client=Numbers())
    assert (read.status, read.sequence) == (status, sequence)
    for name, value in named.items():
        expected = value.encode() if isinstance(value, str) else value
        assert (getattr(read, name) or type(expected)()) == expected


# ---- smpp.pdu3 -------------------------------------------------------------------------------------------------------

STRICT = [
    _C.BIND_TRANSMITTER, _C.BIND_RECEIVER, _C.BIND_TRANSCEIVER, _C.BIND_TRANSCEIVER_RESP, _C.OUTBIND, _C.SUBMIT_SM,
    _C.SUBMIT_SM_RESP, _C.DELIVER_SM, _C.DELIVER_SM_RESP, _C.DATA_SM, _C.DATA_SM_RESP, _C.QUERY_SM, _C.QUERY_SM_RESP,
    _C.CANCEL_SM, _C.CANCEL_SM_RESP, _C.REPLACE_SM_RESP, _C.ALERT_NOTIFICATION, _C.UNBIND, _C.UNBIND_RESP, _C.ENQUIRE_LINK,
    _C.ENQUIRE_LINK_RESP, _C.GENERIC_NACK,
]  # fmt: skip
_ton, _npi = st.sampled_from([int(x) for x in Ton]), st.sampled_from([int(x) for x in Npi])
_time = st.sampled_from(["", "261123160000000+", "000001000000000R", "261231235959948-"])
#: what the standard lists, for fields whose other values smpp.pdu3 refuses
LISTED = {
    "interface_version": st.just(0x34), "sm_default_msg_id": st.integers(0, 254), "priority_flag": st.integers(0, 3), "replace_if_present_flag": st.integers(0, 1),
    "esm_class": st.sampled_from([0, 1, 2, 3, 4, 0x08, 0x10, 0x40, 0x43, 0x80, 0xC0]),
    "registered_delivery": st.sampled_from([0, 1, 2, 4, 8, 0x10, 0x11, 0x1D]), "data_coding": st.sampled_from([0, 1, 3, 4, 8, 0xF1]),
    "message_state": st.sampled_from([int(s) for s in MessageState if 1 <= s <= 8]),
    "schedule_delivery_time": _time, "validity_period": _time, "final_date": st.sampled_from(["", "261123160000000+"]),
} | {f"{whose}_addr_{what}": _ton if what == "ton" else _npi for whose in ("source", "dest", "esme") for what in ("ton", "npi")} | {
    "addr_ton": _ton, "addr_npi": _npi,
}  # fmt: skip
#: fields that the standard wants empty
NOTHING = {_C.DELIVER_SM: {"schedule_delivery_time": st.just("")}, _C.DELIVER_SM_RESP: {"message_id": st.just("")}}
two = st.binary(min_size=2, max_size=2)
#: optional parameters in the order in which smpp.pdu3 writes them
STRICT_TLVS = {
    ShortMessage: [
        (Tag.USER_MESSAGE_REFERENCE, two), (Tag.SOURCE_PORT, two), (Tag.DESTINATION_PORT, two), (Tag.SAR_MSG_REF_NUM, two),
        (Tag.SAR_TOTAL_SEGMENTS, st.just(b"\2")), (Tag.SAR_SEGMENT_SEQNUM, st.just(b"\1")),
        (Tag.MESSAGE_PAYLOAD, st.binary(min_size=1, max_size=300)),
    ],
    DataSm: [(Tag.MESSAGE_PAYLOAD, st.binary(min_size=1)), (Tag.RECEIPTED_MESSAGE_ID, st.just(b"1f\0"))],
}  # fmt: skip


@cache
def strict(command: CommandId):
    """Bodies with nothing but what the standard lists."""
    kind = BODIES[command]
    listed = {name: form for name, form in LISTED.items() if name in forms(kind)}
    values = values_of(kind, listed | NOTHING.get(command, {}))
    known = [st.none() | value.map(lambda value, tag=tag: Tlv(tag, value)) for tag, value in STRICT_TLVS.get(kind, [])]
    return st.builds(lambda values, tlvs: ours(kind, values, filter(None, tlvs)), values, st.tuples(*known))


@pytest.mark.parametrize("command", STRICT, ids=lambda c: c.name.lower())
@given(data=st.data(), sequence=sequences)
@settings(max_examples=25)
def test_smpp_pdu3(command, data, sequence):
    """It reads what we write, writes it again as it was, and has the same strings under the same names."""
    encoding = pytest.importorskip("smpp.pdu.pdu_encoding", reason="smpp.pdu3 is not installed")
    body = data.draw(strict(command))
    octets = pdu.pack(command, 0, sequence, body)
    read = encoding.PDUEncoder().decode(io.BytesIO(octets))
    assert encoding.PDUEncoder().encode(read) == octets
    assert (read.seqNum, read.commandId.name) == (sequence, command.name.lower())
    for name, form in forms(type(body)).items():
        if isinstance(form, CString | Counted) and name not in LISTED:
            assert (read.params[name] or b"") == getattr(body, name)
    for tlv in body.optional:
        assert Tag(tlv.tag).name.lower() in read.params
