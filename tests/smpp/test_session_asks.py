"""What the session asks besides submit_sm, what it tells besides texts, and how it ends before it is bound."""

import pytest

from smsgwd.errors import PduError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import (
    AlertNotification,
    BindResp,
    CancelSm,
    DataSm,
    Empty,
    MessageResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
)
from smsgwd.smpp.consts import RESPONSE, CommandId, Tag
from smsgwd.smpp.events import Alert, Answer, BindRefused, Broken, Delivery, Noted, Unanswered, Unbound
from smsgwd.smpp.fields import Destination, Tlv, Unsuccess
from smsgwd.smpp.session import State, Timers
from tests.smpp.dialogue import HELLO, Dialogue, answered, header_only
from tests.smpp.test_pdu import frame

_C = CommandId
CALM = Timers(enquire_link=0, inactivity=0)
#: command, what is asked, the body of the response, the message_id that it names
ASKS = [
    pytest.param(
        _C.QUERY_SM, QuerySm(b"1f", 1, 1, b"15"), QuerySmResp(b"1f", b"261123160000000+", 2, 0), "1f", id="query_sm"
    ),
    pytest.param(_C.CANCEL_SM, CancelSm(b"", b"1f", 1, 1, b"15", 1, 1, b"25"), Empty(), "", id="cancel_sm"),
    pytest.param(_C.REPLACE_SM, ReplaceSm(b"1f", 1, 1, b"15", short_message=b"new"), Empty(), "", id="replace_sm"),
    pytest.param(_C.DATA_SM, DataSm(destination_addr=b"25"), MessageResp(b"2f"), "2f", id="data_sm"),
    pytest.param(
        _C.SUBMIT_MULTI, SubmitMulti(dest_address=(Destination(b"25"),)), SubmitMultiResp(b"3", (Unsuccess(1, 1, b"25", 11),)),
        "3", id="submit_multi",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("command", "body", "response", "message_id"), ASKS)
def test_ask(command, body, response, message_id):
    """Written as it is, counted in the window, and its answer comes with the body of the response."""
    talk = Dialogue()
    number = talk.session.ask(command, body, "q1", talk.now)
    assert talk.written() == [pdu.Pdu(command, 0, number, body)]
    assert talk.session.unanswered == 1
    (answer,) = talk.say(command | RESPONSE, number, response)
    assert answer == Answer("q1", 0, message_id, command=command, body=response)
    assert talk.session.unanswered == 0


@pytest.mark.parametrize(("command", "body", "response", "message_id"), ASKS)
def test_a_refused_ask(command, body, response, message_id):
    """A status and nothing but a header, or a generic_nack: an answer all the same."""
    talk = Dialogue()
    number = talk.session.ask(command, body, "q1", talk.now)
    (answer,) = talk.hear(header_only(command | RESPONSE, number, 0x67))
    assert (answer.key, answer.status, answer.command, answer.body) == ("q1", 0x67, command, type(response)())
    number = talk.session.ask(command, body, "q2", talk.now)
    assert talk.hear(header_only(_C.GENERIC_NACK, number, 3)) == [Answer("q2", 3, "", command=command)]


@pytest.mark.parametrize(
    "command", [_C.SUBMIT_SM, _C.DELIVER_SM, _C.UNBIND, _C.BIND_RECEIVER, _C.ENQUIRE_LINK, _C.QUERY_SM_RESP, 0x123], ids=hex
)
def test_what_cannot_be_asked(command):
    """PduError, and nothing is written: these are the session's own, or nobody's."""
    talk = Dialogue()
    with pytest.raises(PduError, match="in state bound_trx"):
        talk.session.ask(command, Empty(), "q", talk.now)
    assert (talk.session.data_to_send(), talk.session.unanswered) == (b"", 0)


@pytest.mark.parametrize("talk", [lambda: Dialogue(bound=False), lambda: Dialogue("receiver")], ids=["open", "bound_rx"])
def test_no_ask_in_other_states(talk):
    """As submit."""
    talk = talk()
    with pytest.raises(PduError, match="no query_sm in state"):
        talk.session.ask(_C.QUERY_SM, QuerySm(), "q", talk.now)
    assert talk.session.data_to_send() == b""


def test_asks_and_texts_share_the_window():
    """Both count, both are among what is open in the end."""
    talk = Dialogue()
    talk.submit("a")
    talk.session.ask(_C.QUERY_SM, QuerySm(b"1f"), "q", talk.now)
    talk.submit("b")
    assert talk.session.unanswered == 3
    assert talk.session.close() == ["a", "q", "b"]
    assert talk.session.unanswered == 0


def test_overdue_asks_do_not_end_the_session():
    """Unanswered each, but an SMSC may know no query_sm: they are not counted; a late answer is told with its body."""
    talk = Dialogue(timers=CALM)
    numbers = [talk.session.ask(_C.QUERY_SM, QuerySm(b"1f"), f"q{n}", talk.now) for n in range(5)]
    assert talk.wait(61) == [Unanswered(f"q{n}", _C.QUERY_SM) for n in range(5)]
    assert talk.session.state is State.BOUND_TRX
    assert talk.session.unanswered == 0
    body = QuerySmResp(b"1f", b"", 2)
    assert talk.say(_C.QUERY_SM_RESP, numbers[1], body) == [Answer("q1", 0, "1f", True, _C.QUERY_SM, body)]
    assert talk.say(_C.SUBMIT_SM_RESP, numbers[2], MessageResp()) == [Noted("submit_sm_resp answers our query_sm")]


def test_an_overdue_ask_between_overdue_texts():
    """Two texts and an ask without an answer are not three in a row; a third text is."""
    talk = Dialogue(timers=CALM)
    talk.submit("a")
    talk.session.ask(_C.CANCEL_SM, CancelSm(), "c", talk.now)
    talk.submit("b")
    assert talk.wait(61) == [Unanswered("a"), Unanswered("c", _C.CANCEL_SM), Unanswered("b")]
    talk.submit("d")
    assert [type(e) for e in talk.wait(61)] == [Unanswered, Broken]


@pytest.mark.parametrize(
    ("tlvs", "congestion"),
    [
        pytest.param(b"\x04\x28\0\x01\x00", 0, id="idle"),
        pytest.param(b"\x14\x01\0\x02ab\x04\x28\0\x01\x63", 99, id="overloaded, behind another parameter"),
        pytest.param(b"\x04\x28\0\x01\x64", None, id="reserved"),
        pytest.param(b"\x04\x28\0\x02\x00\x32", None, id="two octets"),
        pytest.param(b"\x04\x28\0\x00", None, id="no octet"),
        pytest.param(b"\x04\x28\0\x01", None, id="cut short"),
        pytest.param(b"", None, id="not there"),
    ],
)
@pytest.mark.parametrize("status", [0, 0x58], ids=hex)
def test_congestion(tlvs, congestion, status):
    """congestion_state of a response, with and without an error."""
    talk = Dialogue()
    number = talk.submit()
    (answer,) = talk.hear(frame(_C.SUBMIT_SM_RESP, b"1f\0" + tlvs, status, number))
    assert (answer.message_id, answer.status, answer.congestion) == ("1f", status, congestion)


# ---- alert_notification ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["transceiver", "receiver"])
@pytest.mark.parametrize(
    ("tlvs", "availability"),
    [
        pytest.param((), None, id="not told"),
        pytest.param((Tlv(Tag.MS_AVAILABILITY_STATUS, b"\0"),), 0, id="available"),
        pytest.param((Tlv(0x1401, b"x"), Tlv(Tag.MS_AVAILABILITY_STATUS, b"\2")), 2, id="unavailable"),
        pytest.param((Tlv(Tag.MS_AVAILABILITY_STATUS, b""),), None, id="empty"),
    ],
)
def test_alert(kind, tlvs, availability):
    """A phone that can be reached again is told; nothing is answered."""
    talk = Dialogue(kind)
    events = talk.say(_C.ALERT_NOTIFICATION, 9, AlertNotification(1, 2, b"15", 0, 0, b"e", tlvs))
    assert events == [Alert(b"15", 1, 2, availability)]
    assert talk.session.data_to_send() == b""


def test_an_alert_that_cannot_be_read():
    """Noted, not answered, and the session goes on."""
    talk = Dialogue()
    (noted,) = talk.hear(frame(_C.ALERT_NOTIFICATION, b"\1\1255", 0, 9))
    assert isinstance(noted, Noted)
    assert "alert_notification that cannot be read" in noted.what
    assert talk.session.data_to_send() == b""
    assert talk.session.state is State.BOUND_TRX


# ---- the end before the beginning ------------------------------------------------------------------------------------


def test_unbind_before_bind_resp():
    """unbind belongs to a bound session: it is written as soon as we are one, and nobody is told that we are bound."""
    talk = Dialogue(bound=False)
    talk.session.unbind(talk.now)
    talk.session.unbind(talk.now)
    assert talk.session.data_to_send() == b""
    assert talk.say(_C.BIND_TRANSCEIVER_RESP, 1, BindResp(b"smsc")) == []
    (unbind,) = talk.written()
    assert unbind.command_id == _C.UNBIND
    assert talk.session.state is State.UNBINDING
    assert talk.say(_C.UNBIND_RESP, unbind.sequence) == [Unbound(by_peer=False)]


def test_texts_before_an_unbind():
    """What the SMSC had written is still told, so that it can be acknowledged before the end."""
    talk = Dialogue(bound=False)
    talk.say(_C.DELIVER_SM, 5, HELLO)
    talk.session.unbind(talk.now)
    (delivery,) = talk.say(_C.BIND_TRANSCEIVER_RESP, 1, BindResp())
    assert isinstance(delivery, Delivery)
    talk.session.answer(delivery, 0)
    assert [p.command_id for p in talk.written()] == [_C.UNBIND, _C.DELIVER_SM_RESP]


def test_unbind_before_a_refusal():
    """Refused: the end comes by itself."""
    talk = Dialogue(bound=False)
    talk.session.unbind(talk.now)
    assert talk.hear(header_only(_C.BIND_TRANSCEIVER_RESP, 1, 0x0E)) == [BindRefused(0x0E)]
    assert talk.session.data_to_send() == b""


def test_unbind_before_a_bind_resp_that_does_not_come():
    """Whoever wants to stop waits 5 s for bind_resp, not 30."""
    talk = Dialogue(bound=False)
    talk.now += 1
    talk.session.unbind(talk.now)
    assert talk.session.next_tick(talk.now) <= talk.now + 5
    assert talk.wait(4.9) == []
    assert talk.wait(0.2) == [Broken("the SMSC does not answer bind_transceiver")]


def test_the_unbind_has_its_own_time():
    """bind_resp just in time: unbind_resp has 5 s from then on."""
    talk = Dialogue(bound=False)
    talk.session.unbind(talk.now)
    assert talk.wait(4.9) == []
    assert talk.say(_C.BIND_TRANSCEIVER_RESP, 1, BindResp()) == []
    assert talk.wait(4.9) == []
    assert talk.wait(0.2) == [Broken("the SMSC does not answer unbind")]


def test_answers_that_come_while_unbinding():
    """A submission in flight is still answered, late or not."""
    talk = Dialogue()
    number = talk.submit()
    talk.session.unbind(talk.now)
    assert talk.answer(number) == [answered("s1")]
    assert talk.session.state is State.UNBINDING
