"""A session and the octets of its peer, for tests without any I/O."""

from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import Bind, BindResp, Body, Empty, MessageResp, ShortMessage
from smsgwd.smpp.consts import HEADER_SIZE, RESPONSE, CommandId
from smsgwd.smpp.events import Answer, Event
from smsgwd.smpp.session import Session, Timers
from tests.canaries import PASSWORD

HELLO = ShortMessage(source_addr=b"15", destination_addr=b"25", short_message=b"hello")


def split(octets: bytes) -> list[pdu.Pdu]:
    """The PDUs that were written; nothing may be left over."""
    found, at = [], 0
    while at < len(octets):
        length = pdu.unpack_header(octets, at).length
        found.append(pdu.unpack(octets[at : at + length]))
        at += length
    return found


class Dialogue:
    """Our session, and what the SMSC says to it. Time stands still unless it is moved."""

    def __init__(self, kind: str = "transceiver", timers: Timers | None = None, *, bound: bool = True) -> None:
        self.session = Session(kind, Bind(b"user", PASSWORD.encode()), timers)
        self.now = 1000.0
        self.session.bind(self.now)
        (self.bind,) = self.written()
        if bound:
            self.say(self.bind.command_id | RESPONSE, self.bind.sequence, BindResp(b"smsc"))

    def written(self) -> list[pdu.Pdu]:
        return split(self.session.data_to_send())

    def say(self, command: int, sequence: int, body: Body | None = None, status: int = 0) -> list[Event]:
        """The SMSC sends one PDU."""
        return self.hear(pdu.pack(command, status, sequence, Empty() if body is None else body))

    def hear(self, octets: bytes) -> list[Event]:
        return self.session.receive_data(octets, self.now)

    def submit(self, key: str = "s1") -> int:
        """Submits a text; its sequence number as it was written."""
        self.session.submit(HELLO, key, self.now)
        written = self.written()[-1]
        assert written.command_id == CommandId.SUBMIT_SM
        return written.sequence

    def answer(self, sequence: int, status: int = 0, message_id: bytes = b"1f") -> list[Event]:
        return self.say(CommandId.SUBMIT_SM_RESP, sequence, MessageResp(message_id), status)

    def wait(self, seconds: float) -> list[Event]:
        """Time passes; ``tick`` is called as often as ``next_tick`` asks for it."""
        end, events = self.now + seconds, []
        while self.now < end:
            due = self.session.next_tick(self.now)
            assert due >= self.now
            self.now = min(max(due, self.now + 0.001), end)
            events += self.session.tick(self.now)
        return events


def answered(key: str, status: int = 0, message_id: bytes = b"1f", *, late: bool = False) -> Answer:
    """What a submit_sm_resp with nothing but a message_id becomes."""
    return Answer(key, status, message_id.decode(), late, body=MessageResp(message_id))


def header_only(command: int, sequence: int, status: int = 0) -> bytes:
    """A PDU without a body, known or not."""
    return b"".join(n.to_bytes(4, "big") for n in (HEADER_SIZE, command, status, sequence))
