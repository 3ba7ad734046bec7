"""The session's timers, with time as an argument."""

import pytest

from smsgwd.smpp.bodies import BindResp
from smsgwd.smpp.consts import CommandId
from smsgwd.smpp.events import Answer, Bound, Broken, Noted, Unanswered, Unbound
from smsgwd.smpp.session import State, Timers
from tests.smpp.dialogue import HELLO, Dialogue, answered, header_only
from tests.smpp.test_pdu import frame

_C = CommandId
#: no enquire_link in between, and no end of patience
CALM = Timers(enquire_link=0, inactivity=0)


def test_the_bind_is_not_answered():
    """Broken after its time-out, not before."""
    talk = Dialogue(bound=False)
    assert talk.wait(29.9) == []
    assert talk.wait(0.2) == [Broken("the SMSC does not answer bind_transceiver")]
    assert talk.session.state is State.CLOSED
    assert talk.session.tick(talk.now + 100) == []


def test_enquire_link_after_silence():
    """One after 30 s without a PDU; its answer begins a new silence."""
    talk = Dialogue()
    assert talk.wait(29.9) == []
    assert talk.session.data_to_send() == b""
    talk.wait(0.2)
    (enquiry,) = talk.written()
    assert enquiry.command_id == _C.ENQUIRE_LINK
    assert talk.say(_C.ENQUIRE_LINK_RESP, enquiry.sequence) == []
    talk.wait(29.9)
    assert talk.session.data_to_send() == b""
    talk.wait(0.2)
    assert len(talk.written()) == 1


def test_any_octet_is_a_sign_of_life():
    """What comes puts the enquiry off."""
    talk = Dialogue()
    talk.wait(20)
    talk.say(_C.DELIVER_SM, 5, HELLO)
    talk.wait(20)
    assert talk.session.data_to_send() == b""


def test_a_dead_peer():
    """No answer to enquire_link: Broken 45 s after the last PDU, with one enquiry alone."""
    talk = Dialogue()
    start = talk.now
    events = talk.wait(46)
    assert events == [Broken("the SMSC does not answer enquire_link")]
    assert len(talk.written()) == 1
    assert talk.now - start == pytest.approx(46)
    lively = Dialogue()
    assert lively.wait(44.9) == []


def test_a_refusal_of_enquire_link_is_a_sign_of_life():
    """generic_nack of our enquiry: somebody is there."""
    talk = Dialogue()
    talk.wait(31)
    (enquiry,) = talk.written()
    assert talk.hear(header_only(_C.GENERIC_NACK, enquiry.sequence, 3)) == []
    assert talk.wait(20) == []


def test_no_enquire_link_and_no_end_when_switched_off():
    """0 = never; nobody asks and nothing breaks."""
    talk = Dialogue(timers=CALM)
    assert talk.wait(3600) == []
    assert talk.session.data_to_send() == b""


def test_inactivity():
    """No PDU for 300 s ends the session, where enquire_link does not ask before; each PDU begins the time again."""
    talk = Dialogue(timers=Timers(enquire_link=0))
    assert talk.wait(299) == []
    talk.say(_C.ENQUIRE_LINK, 5)
    assert talk.wait(299.9) == []
    assert talk.session.next_tick(talk.now) == pytest.approx(talk.now + 0.1)
    assert talk.wait(0.2) == [Broken("the SMSC said nothing for 300 s")]
    assert talk.session.state is State.CLOSED


def test_inactivity_before_enquire_link():
    """The shorter of the two counts."""
    talk = Dialogue(timers=Timers(inactivity=10))
    assert talk.wait(9.9) == []
    assert [type(e) for e in talk.wait(0.2)] == [Broken]
    assert talk.session.data_to_send() == b""


def test_a_full_window_is_looked_at_by_its_oldest():
    """next_tick is the first time-out, and what is overdue is told in its order, however much is open."""
    talk = Dialogue(timers=CALM)
    numbers = []
    for n in range(100):
        numbers.append(talk.submit(f"s{n}"))
        talk.now += 0.5
    talk.answer(numbers[0])
    talk.now += 8
    assert talk.session.next_tick(talk.now) == 1000.5 + 60
    talk.now = 1001.4 + 60
    assert talk.session.tick(talk.now) == [Unanswered("s1"), Unanswered("s2")]
    assert talk.session.unanswered == 97


def test_no_answer_is_told_once_and_the_late_one_too():
    """Unanswered after 60 s frees the window; the late answer is told as such, once."""
    talk = Dialogue(timers=CALM)
    number = talk.submit("a")
    assert talk.wait(59.9) == []
    assert talk.wait(0.2) == [Unanswered("a")]
    assert talk.session.unanswered == 0
    assert talk.answer(number) == [answered("a", late=True)]
    assert talk.answer(number) == [Noted("submit_sm_resp answers nothing of ours")]


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        pytest.param(header_only(0x80000000, 2, 0x58), Answer("a", 0x58, "", late=True), id="generic_nack"),
        pytest.param(frame(0x80000004, b"", 0x45, 2), answered("a", 0x45, b"", late=True), id="refusal"),
    ],
)
def test_late_refusals(octets, answer):
    """A late refusal settles it too."""
    talk = Dialogue(timers=CALM)
    talk.submit("a")
    talk.wait(61)
    assert talk.hear(octets) == [answer]


def test_a_late_number_is_not_used_again():
    """A timed-out number stays reserved, so that its late answer cannot settle another text."""
    talk = Dialogue(timers=CALM)
    talk.submit("a")
    talk.wait(61)
    talk.session._sequence = 1  # where the numbers begin again
    assert talk.submit("b") == 3
    assert talk.answer(2) == [answered("a", late=True)]


def test_three_in_a_row_end_the_session():
    """Three texts without an answer: closed; the third is told before."""
    talk = Dialogue(timers=CALM)
    for key in "abc":
        talk.submit(key)
    events = talk.wait(61)
    assert events[:3] == [Unanswered("a"), Unanswered("b"), Unanswered("c")]
    assert [type(e) for e in events[3:]] == [Broken]
    assert talk.session.state is State.CLOSED


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
def test_an_answer_between_begins_the_count_again(late):
    """Not in a row: the session goes on."""
    talk = Dialogue(timers=CALM)
    first = talk.submit("a")
    talk.submit("b")
    assert len(talk.wait(61)) == 2
    talk.answer(first if late else talk.submit("c"))
    talk.submit("d")
    assert talk.wait(61) == [Unanswered("d")]
    assert talk.session.state is State.BOUND_TRX


def test_half_a_pdu():
    """A PDU that has begun must end in 10 s; no octet of a slow one is lost."""
    octets = frame(_C.DELIVER_SM, bytes(17), 0, 7)
    talk = Dialogue()
    assert talk.hear(octets[:20]) == []
    assert talk.wait(9) == []
    assert len(talk.hear(octets[20:])) == 1
    assert talk.wait(20) == []
    assert talk.hear(octets[:20]) == []
    assert talk.wait(11) == [Broken("the SMSC began a PDU and did not end it")]


def test_dripping_does_not_buy_time():
    """One octet a second of a PDU that does not end: closed all the same."""
    talk = Dialogue()
    octets, events = frame(_C.DELIVER_SM, bytes(40)), []
    for octet in octets[:16]:
        talk.hear(bytes((octet,)))
        events += talk.wait(1)
    assert [type(e) for e in events] == [Broken]


def test_whole_pdus_between_begin_the_time_again():
    """A stream that is always cut somewhere is no half PDU."""
    talk = Dialogue()
    enquiry = header_only(_C.ENQUIRE_LINK, 3)
    talk.hear(enquiry[:5])
    for _ in range(30):
        assert talk.hear(enquiry[5:] + enquiry[:5]) == []
        assert talk.wait(1) == []


def test_unbind_is_not_answered():
    """Broken after 5 s."""
    talk = Dialogue()
    talk.session.unbind(talk.now)
    assert talk.wait(4.9) == []
    assert talk.wait(0.2) == [Broken("the SMSC does not answer unbind")]


def test_unbinding_twice_asks_once():
    """And the first answer is the end."""
    talk = Dialogue()
    talk.session.unbind(talk.now)
    talk.session.unbind(talk.now)
    (unbind,) = talk.written()
    assert talk.say(_C.UNBIND_RESP, unbind.sequence) == [Unbound(by_peer=False)]


def test_a_request_between_two_ticks_is_not_missed():
    """Whoever sleeps until next_tick wakes before a submission or an unbind made meanwhile is overdue by much."""
    talk = Dialogue()
    until = talk.session.next_tick(talk.now)
    assert until - talk.now <= min(talk.session.timers.unbind, talk.session.timers.response)
    late = Dialogue(bound=False)
    assert late.session.next_tick(late.now) <= late.now + 30
    assert late.say(_C.BIND_TRANSCEIVER_RESP, 1, BindResp()) == [Bound("", 0)]
    assert late.session.next_tick(late.now) > late.now
