"""What a broken or hostile SMSC may say to the session: a defined event each, bounded memory, and never an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import BindResp, DataSm, Empty, MessageResp, ShortMessage
from smsgwd.smpp.consts import RESPONSE, CommandId, CommandStatus, command_name
from smsgwd.smpp.events import Broken, Delivery, Noted
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.session import BOUND, State, Timers
from tests.smpp.dialogue import HELLO, Dialogue, answered, header_only
from tests.smpp.test_pdu import frame

_C, _E = CommandId, CommandStatus

# ---- octets --------------------------------------------------------------------------------------------------------

STREAM = (
    pdu.pack(_C.BIND_TRANSCEIVER_RESP, 0, 1, BindResp(b"smsc"))
    + pdu.pack(_C.DELIVER_SM, 0, 7, HELLO)
    + header_only(0x123, 8)
    + header_only(_C.ENQUIRE_LINK, 9)
    + pdu.pack(_C.DELIVER_SM, 0, 10, ShortMessage(short_message=bytes(254)))
)  # fmt: skip


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
@settings(max_examples=60)
def test_any_cut_of_the_stream(cuts):
    """Whole, or in pieces that end anywhere: the same events and the same answers."""
    whole, pieces = Dialogue(bound=False), Dialogue(bound=False)
    expected = whole.hear(STREAM)
    ends = sorted({*cuts, len(STREAM)})
    got = [e for a, b in zip([0, *ends], ends, strict=False) for e in pieces.hear(STREAM[a:b])]
    assert got == expected
    assert pieces.session.data_to_send() == whole.session.data_to_send()


def test_byte_by_byte():
    """One octet at a time."""
    whole, drip = Dialogue(bound=False), Dialogue(bound=False)
    expected = whole.hear(STREAM)
    assert [e for octet in STREAM for e in drip.hear(bytes((octet,)))] == expected
    assert len(expected) == 4


@pytest.mark.parametrize("length", [0, 1, 8, 15, 70_001, 1 << 31, 0xFFFFFFFF], ids="length {}".format)
def test_a_length_that_cannot_be(length):
    """0, 15, 2^31 …: fatal at once, after what came before it: generic_nack, Broken, and nothing more is read or kept."""
    talk = Dialogue()
    events = talk.hear(pdu.pack(_C.DELIVER_SM, 0, 7, HELLO) + length.to_bytes(4, "big") + bytes(12) + STREAM)
    assert [type(e) for e in events] == [Delivery, Broken]
    assert str(length) in events[1].why
    assert talk.written() == [pdu.Pdu(_C.GENERIC_NACK, _E.ESME_RINVCMDLEN, 0, Empty())]
    assert talk.hear(STREAM) == []
    assert talk.hear(b"x") == []
    assert talk.wait(3600) == []
    assert _kept(talk) == 0


@given(st.lists(st.binary(max_size=60) | st.sampled_from([0x80000004, 5, 0x15, 6, 0x103, 0x102, 0x80000000]), max_size=8))
@settings(max_examples=200)
def test_junk(pieces):
    """Any octets, framed or not: events, never an exception; and what is written back are whole PDUs."""
    talk = Dialogue()
    talk.submit()
    for piece in pieces:
        talk.hear(piece if isinstance(piece, bytes) else header_only(piece, 2))
        talk.written()


def test_a_body_where_none_belongs():
    """A PDU whose body is not looked at may have any."""
    talk = Dialogue()
    assert talk.hear(frame(_C.ENQUIRE_LINK, b"stray")) == []
    assert [p.command_id for p in talk.written()] == [_C.ENQUIRE_LINK_RESP]


@pytest.mark.parametrize("state", ["open", "bound", "unbinding"])
def test_a_length_that_cannot_be_in_any_state(state):
    """The end, wherever the session stands."""
    talk = Dialogue(bound=state != "open")
    if state == "unbinding":
        talk.session.unbind(talk.now)
    assert [type(e) for e in talk.hear(bytes(16))] == [Broken]
    assert talk.session.state is State.CLOSED


def test_truncated():
    """A PDU that stops: nothing is told of it, what came before it is; after 10 s the session is broken."""
    octets = pdu.pack(_C.DELIVER_SM, 0, 8, HELLO)
    for end in range(1, len(octets)):
        talk = Dialogue()
        assert [e.header.sequence for e in talk.hear(pdu.pack(_C.DELIVER_SM, 0, 7, HELLO) + octets[:end])] == [7]
        assert talk.wait(9.9) == []
        assert talk.wait(0.2) == [Broken("the SMSC began a PDU and did not end it")]
        assert talk.session.data_to_send() == b""


def test_one_octet_a_second():
    """A header that comes so slowly has no end in 10 s."""
    talk = Dialogue()
    octets, events = pdu.pack(_C.DELIVER_SM, 0, 7, HELLO), []
    for octet in octets:
        events += talk.hear(bytes((octet,)))
        events += talk.wait(1)
    assert events == [Broken("the SMSC began a PDU and did not end it")]
    assert talk.now == 1000 + len(octets)


def test_one_octet_a_second_when_there_is_time():
    """The same is taken when pdu_timeout allows it: no octet is lost by waiting."""
    octets = pdu.pack(_C.DELIVER_SM, 0, 7, HELLO)
    talk, events = Dialogue(timers=Timers(pdu=100)), []
    for octet in octets:
        events += talk.hear(bytes((octet,)))
        events += talk.wait(1)
    assert [(type(e), e.body) for e in events] == [(Delivery, HELLO)]


def test_the_largest_pdu_in_single_octets():
    """Octets of a PDU that is not whole are kept once and let go; a short one behind it waits for nothing more."""
    talk = Dialogue()
    octets = pdu.pack(_C.DATA_SM, 0, 7, DataSm(tlvs=(Tlv(0x0424, bytes(65_535)),)))
    assert [e for octet in octets[:-1] for e in talk.hear(bytes((octet,)))] == []
    assert _kept(talk) == len(octets) - 1
    (delivery,) = talk.hear(octets[-1:])
    assert delivery.octets == octets
    assert _kept(talk) == 0
    assert [e.header.sequence for e in talk.say(_C.DELIVER_SM, 8, HELLO)] == [8]


@pytest.mark.parametrize("sequence", [0, 1, 99, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF], ids=hex)
@pytest.mark.parametrize("command", [c for c in _C if c & RESPONSE], ids=lambda c: c.name.lower())
def test_unknown_sequence_numbers(command, sequence):
    """A response to nothing of ours: noted, never answered, and the session goes on."""
    talk = Dialogue()
    (noted,) = talk.hear(header_only(command, sequence))
    assert isinstance(noted, Noted)
    assert noted.what == f"{command_name(command)} answers nothing of ours"
    assert talk.session.data_to_send() == b""
    assert talk.session.state in BOUND


@given(st.permutations(range(8)))
@settings(max_examples=40)
def test_answers_out_of_order(order):
    """Each finds its request, whatever the order."""
    talk = Dialogue()
    numbers = [talk.submit(f"s{n}") for n in range(8)]
    events = [e for n in order for e in talk.answer(numbers[n], 0, b"%d" % n)]
    assert events == [answered(f"s{n}", 0, b"%d" % n) for n in order]
    assert talk.session.unanswered == 0


@pytest.mark.parametrize("at_once", [True, False], ids=["in one read", "in two"])
def test_answers_twice(at_once):
    """The first counts, be the second one better or worse."""
    talk = Dialogue()
    number = talk.submit()
    first = pdu.pack(_C.SUBMIT_SM_RESP, 0x58, number, MessageResp())
    second = pdu.pack(_C.SUBMIT_SM_RESP, 0, number, MessageResp(b"1f"))
    events = talk.hear(first + second) if at_once else talk.hear(first) + talk.hear(second)
    assert events == [answered("s1", 0x58, b""), Noted("submit_sm_resp answers nothing of ours")]


def test_a_second_answer_to_the_bind():
    """Noted; also a refusal that comes after the acceptance, and the session stays bound."""
    talk = Dialogue()
    for status in (0, 0x0E):
        (noted,) = talk.say(_C.BIND_TRANSCEIVER_RESP, talk.bind.sequence, BindResp(), status)
        assert isinstance(noted, Noted)
        assert talk.session.state is State.BOUND_TRX


def test_unbind_resp_that_nobody_asked_for():
    """It ends nothing."""
    talk = Dialogue()
    assert talk.say(_C.UNBIND_RESP, 77) == [Noted("unbind_resp answers nothing of ours")]
    assert talk.session.state is State.BOUND_TRX


def test_large_texts_without_end_before_the_answer():
    """What is kept before bind_resp is bounded by its octets too."""
    talk = Dialogue(bound=False)
    octets = pdu.pack(_C.DATA_SM, 0, 7, DataSm(tlvs=(Tlv(0x0424, bytes(65_535)),)))
    events = [e for _ in range(100) for e in talk.hear(octets)]
    assert events == [Broken("the SMSC sends texts without end, but no bind_resp")]
    assert _kept(talk) == 0


def _kept(talk: Dialogue) -> int:
    """Octets that the session holds of what came."""
    return len(talk.session._in) + sum(len(octets) for _, octets in talk.session._early)
