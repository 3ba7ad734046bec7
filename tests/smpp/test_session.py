"""The session: states, sequence numbers, answers, and what a peer may do wrong."""

import pytest

from smsgwd.errors import PduError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import AlertNotification, BindResp, DataSm, Empty, MessageResp, Outbind, ShortMessage
from smsgwd.smpp.consts import LAST_SEQUENCE, CommandId, CommandStatus, Tag, command_name
from smsgwd.smpp.events import Answer, BindRefused, Bound, Broken, Delivery, Noted, Unbound
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.session import BOUND, SENDS, State
from tests.canaries import PASSWORD
from tests.smpp.dialogue import HELLO, Dialogue, answered, header_only
from tests.smpp.test_pdu import frame

_C, _E = CommandId, CommandStatus
KINDS = {
    "transceiver": (_C.BIND_TRANSCEIVER, State.BOUND_TRX),
    "transmitter": (_C.BIND_TRANSMITTER, State.BOUND_TX),
    "receiver": (_C.BIND_RECEIVER, State.BOUND_RX),
}


# ---- bind ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_bind(kind):
    """The bind of each kind with our name and password, and the state after its answer."""
    command, bound = KINDS[kind]
    talk = Dialogue(kind, bound=False)
    assert (talk.bind.command_id, talk.bind.sequence) == (command, 1)
    assert (talk.bind.body.system_id, talk.bind.body.password) == (b"user", PASSWORD.encode())
    assert talk.session.state is State.OPEN
    answer = BindResp(b"smsc", (Tlv(Tag.SC_INTERFACE_VERSION, b"\x50"),))
    assert talk.say(command | 0x80000000, 1, answer) == [Bound("smsc", 0x50)]
    assert talk.session.state is bound
    assert talk.session.data_to_send() == b""


@pytest.mark.parametrize(
    ("octets", "bound"),
    [
        pytest.param(header_only(0x80000009, 1), Bound("", 0), id="header alone"),
        pytest.param(frame(0x80000009, b"smsc"), Bound("smsc", 0), id="no NUL"),
        pytest.param(frame(0x80000009, b"s\0\x14\x01\0\x02ab\x02"), Bound("s", 0), id="unknown and cut parameters"),
    ],
)
def test_odd_answers_to_the_bind(octets, bound):
    """Status 0 binds, whatever is missing."""
    talk = Dialogue(bound=False)
    assert talk.hear(octets) == [bound]
    assert talk.session.state is State.BOUND_TRX


@pytest.mark.parametrize(
    ("command", "status", "told"),
    [
        pytest.param(_C.BIND_TRANSCEIVER_RESP, 0x0E, 0x0E, id="wrong password"),
        pytest.param(_C.BIND_TRANSCEIVER_RESP, 0x400, 0x400, id="the carrier's own"),
        pytest.param(_C.GENERIC_NACK, 0x03, 0x03, id="generic_nack"),
        pytest.param(_C.GENERIC_NACK, 0, _E.ESME_RUNKNOWNERR, id="generic_nack with status 0"),
    ],
)
def test_a_refused_bind(command, status, told):
    """The session is over, and its status tells why."""
    talk = Dialogue(bound=False)
    assert talk.hear(header_only(command, 1, status)) == [BindRefused(told)]
    assert talk.session.state is State.CLOSED


def test_the_answer_to_another_bind():
    """bind_receiver_resp does not answer bind_transceiver; the right one still may."""
    talk = Dialogue(bound=False)
    (noted,) = talk.say(_C.BIND_RECEIVER_RESP, 1, BindResp())
    assert noted == Noted("bind_receiver_resp answers our bind_transceiver")
    assert talk.say(_C.BIND_TRANSCEIVER_RESP, 1, BindResp()) == [Bound("", 0)]


def test_texts_before_the_answer():
    """What the SMSC writes before bind_resp is kept, and told after Bound in its order; enquire_link is answered."""
    talk = Dialogue(bound=False)
    assert talk.say(_C.DELIVER_SM, 5, HELLO) == []
    assert talk.say(_C.ENQUIRE_LINK, 6) == []
    assert [p.command_id for p in talk.written()] == [_C.ENQUIRE_LINK_RESP]
    bound, delivery = talk.say(_C.BIND_TRANSCEIVER_RESP, 1, BindResp())
    assert isinstance(bound, Bound)
    assert (delivery.header.sequence, delivery.body) == (5, HELLO)


def test_texts_without_end_before_the_answer():
    """An SMSC that never answers the bind cannot fill the memory."""
    talk = Dialogue(bound=False)
    events = talk.hear(pdu.pack(_C.DELIVER_SM, 0, 5, HELLO) * 1001)
    assert [type(e) for e in events] == [Broken]
    assert talk.session.state is State.CLOSED


# ---- submit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(lambda: Dialogue(bound=False), id="open"),
        pytest.param(lambda: Dialogue("receiver"), id="bound_rx"),
        pytest.param(lambda: _unbinding(), id="unbinding"),
        pytest.param(lambda: _closed(), id="closed"),
    ],
)
def test_no_submit_in_other_states(talk):
    """Refused, and nothing is written."""
    talk = talk()
    talk.session.data_to_send()
    assert talk.session.state not in SENDS
    with pytest.raises(PduError, match="no submit_sm in state"):
        talk.session.submit(HELLO, "s", talk.now)
    assert talk.session.data_to_send() == b""


def _unbinding() -> Dialogue:
    talk = Dialogue()
    talk.session.unbind(talk.now)
    return talk


def _closed() -> Dialogue:
    talk = Dialogue()
    talk.session.close()
    return talk


def test_answers_in_any_order():
    """Each answer finds its text by number; the window counts what is open."""
    talk = Dialogue()
    numbers = {key: talk.submit(key) for key in "abc"}
    assert list(numbers.values()) == [2, 3, 4]
    assert talk.session.unanswered == 3
    assert talk.answer(3, message_id=b"x") == [answered("b", 0, b"x")]
    assert talk.answer(4, 0x58, b"") == [answered("c", 0x58, b"")]
    assert talk.answer(2, message_id=b"y") == [answered("a", 0, b"y")]
    assert talk.session.unanswered == 0


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        pytest.param(header_only(0x80000004, 2), answered("s1", 0, b""), id="no message_id"),
        pytest.param(frame(0x80000004, b"12", 0, 2), answered("s1", 0, b"12"), id="message_id without NUL"),
        pytest.param(header_only(0x80000004, 2, 0x45), answered("s1", 0x45, b""), id="an error is a header"),
        pytest.param(frame(0x80000004, b"1\0", 0x14, 2), answered("s1", 0x14, b"1"), id="an error with a body"),
        pytest.param(header_only(0x80000000, 2, 0x03), Answer("s1", 3, ""), id="generic_nack"),
        pytest.param(header_only(0x80000000, 2), Answer("s1", 0xFF, ""), id="generic_nack with status 0 is no acceptance"),
    ],
)
def test_odd_answers(octets, answer):
    """What carriers answer to a submit_sm."""
    talk = Dialogue()
    talk.submit()
    assert talk.hear(octets) == [answer]
    assert talk.session.unanswered == 0


def test_twice_unknown_and_of_another_kind():
    """Noted, never answered, and nothing else changes."""
    talk = Dialogue()
    talk.submit()
    assert talk.answer(2) == [answered("s1")]
    assert talk.answer(2) == [Noted("submit_sm_resp answers nothing of ours")]
    assert talk.answer(99, 0x45) == [Noted("submit_sm_resp with ESME_RSUBMITFAIL answers nothing of ours")]
    assert talk.hear(header_only(0x80000123, 9)) == [Noted("command 0x80000123 answers nothing of ours")]
    assert talk.hear(header_only(0x80000000, 0, 3)) == [Noted("generic_nack with ESME_RINVCMDID answers nothing of ours")]
    number = talk.submit("s2")
    assert talk.say(_C.ENQUIRE_LINK_RESP, number) == [Noted("enquire_link_resp answers our submit_sm")]
    assert talk.answer(number) == [answered("s2")]
    assert talk.session.data_to_send() == b""


def test_a_field_that_does_not_fit():
    """PduError, nothing written, no number used up, no place of the window taken."""
    talk = Dialogue()
    with pytest.raises(PduError, match="destination_addr"):
        talk.session.submit(ShortMessage(destination_addr=b"1" * 30), "s", talk.now)
    assert (talk.session.data_to_send(), talk.session.unanswered) == (b"", 0)
    assert talk.submit() == 2


def test_sequence_numbers_wrap():
    """After 0x7FFFFFFF comes 1, and a number that waits is skipped."""
    talk = Dialogue()
    assert talk.submit("a") == 2
    talk.session._sequence = LAST_SEQUENCE - 1  # the end of the range
    assert [talk.submit(key) for key in "bcd"] == [LAST_SEQUENCE, 1, 3]
    assert talk.answer(2) == [answered("a")]


# ---- what comes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF], ids=hex)
def test_a_delivery_is_answered_when_told(sequence):
    """deliver_sm waits for answer(), which echoes its number bit for bit."""
    talk = Dialogue()
    (delivery,) = talk.say(_C.DELIVER_SM, sequence, HELLO)
    assert isinstance(delivery, Delivery)
    assert talk.session.data_to_send() == b""
    talk.session.answer(delivery, _E.ESME_ROK)
    assert talk.written() == [pdu.Pdu(_C.DELIVER_SM_RESP, 0, sequence, MessageResp())]


def test_data_sm_is_a_delivery():
    """Answered by data_sm_resp, here with a refusal for now."""
    talk = Dialogue("receiver")
    (delivery,) = talk.say(_C.DATA_SM, 7, DataSm(source_addr=b"15"))
    talk.session.answer(delivery, _E.ESME_RX_T_APPN)
    assert talk.written() == [pdu.Pdu(_C.DATA_SM_RESP, 0x64, 7, MessageResp())]


def test_a_delivery_that_cannot_be_read():
    """Told with its octets and the fault, and answered like any other."""
    talk = Dialogue()
    octets = frame(_C.DELIVER_SM, b"\0" * 16 + b"\xc8hi", 0, 7)
    (delivery,) = talk.hear(octets)
    assert (delivery.body, delivery.octets) == (None, octets)
    assert "sm_length" in delivery.fault
    talk.session.answer(delivery, _E.ESME_ROK)
    assert [p.sequence for p in talk.written()] == [7]


@pytest.mark.parametrize(
    "command", [0x123, _C.QUERY_SM, _C.SUBMIT_SM, _C.CANCEL_SM, _C.REPLACE_SM, _C.BIND_RECEIVER, _C.SUBMIT_MULTI], ids=hex
)
@pytest.mark.parametrize("bound", [False, True], ids=["open", "bound"])
def test_requests_that_no_smsc_sends(command, bound):
    """generic_nack with its number and a reason; the session goes on."""
    talk = Dialogue(bound=bound)
    (noted,) = talk.hear(header_only(command, 9))
    assert isinstance(noted, Noted)
    assert command_name(command) in noted.what
    assert talk.written() == [pdu.Pdu(_C.GENERIC_NACK, _E.ESME_RINVCMDID, 9, Empty())]
    assert (talk.session.state in BOUND) == bound


@pytest.mark.parametrize("kind", [*KINDS, "open"])
def test_outbind_is_for_other_connections(kind):
    """It has no response: told, nothing is written, and the session goes on."""
    talk = Dialogue(bound=False) if kind == "open" else Dialogue(kind)
    before = talk.session.state
    assert talk.say(_C.OUTBIND, 2, Outbind(b"s", b"p")) == [Noted(f"the SMSC sent outbind in state {before}")]
    assert talk.session.data_to_send() == b""
    assert talk.session.state is before


@pytest.mark.parametrize(
    ("command", "body", "response"),
    [
        pytest.param(_C.DELIVER_SM, HELLO, (_C.DELIVER_SM_RESP, MessageResp()), id="deliver_sm"),
        pytest.param(_C.DATA_SM, DataSm(), (_C.DATA_SM_RESP, MessageResp()), id="data_sm"),
        pytest.param(_C.ALERT_NOTIFICATION, AlertNotification(), None, id="alert_notification, which has no response"),
    ],
)
def test_a_text_for_a_transmitter(command, body, response):
    """A transmitter takes no texts: refused, so that the SMSC keeps it for the receiver."""
    talk = Dialogue("transmitter")
    assert talk.say(command, 3, body) == [Noted(f"the SMSC sent {command_name(command)} in state bound_tx")]
    assert talk.written() == ([pdu.Pdu(response[0], _E.ESME_RINVBNDSTS, 3, response[1])] if response else [])


def test_unbind_before_the_bind():
    """Not allowed in state open: refused, and the bind may still be answered."""
    talk = Dialogue(bound=False)
    talk.say(_C.UNBIND, 4)
    assert talk.written() == [pdu.Pdu(_C.UNBIND_RESP, _E.ESME_RINVBNDSTS, 4, Empty())]
    assert talk.say(_C.BIND_TRANSCEIVER_RESP, 1, BindResp()) == [Bound("", 0)]


# ---- the end -------------------------------------------------------------------------------------------------------


def test_our_unbind():
    """Texts that come meanwhile are still taken; unbind_resp ends it."""
    talk = Dialogue()
    talk.session.unbind(talk.now)
    (unbind,) = talk.written()
    assert unbind.command_id == _C.UNBIND
    (delivery,) = talk.say(_C.DELIVER_SM, 5, HELLO)
    talk.session.answer(delivery, 0)
    assert [p.command_id for p in talk.written()] == [_C.DELIVER_SM_RESP]
    assert talk.say(_C.UNBIND_RESP, unbind.sequence) == [Unbound(by_peer=False)]
    assert talk.session.state is State.CLOSED


def test_their_unbind():
    """Answered; then nothing more is taken or written."""
    talk = Dialogue()
    (delivery,) = talk.say(_C.DELIVER_SM, 4, HELLO)
    assert talk.hear(header_only(_C.UNBIND, 5) + header_only(_C.ENQUIRE_LINK, 6)) == [Unbound(by_peer=True)]
    assert talk.written() == [pdu.Pdu(_C.UNBIND_RESP, 0, 5, Empty())]
    talk.session.answer(delivery, 0)
    talk.session.unbind(talk.now)
    assert talk.session.data_to_send() == b""


def test_close_tells_what_is_open():
    """The keys of what fills the window, in its order; enquire_link is none of it."""
    talk = Dialogue()
    for key in "abc":
        talk.submit(key)
    talk.answer(3)
    talk.wait(31)  # an enquire_link is out too
    assert talk.session.close() == ["a", "c"]
    assert talk.session.close() == []
