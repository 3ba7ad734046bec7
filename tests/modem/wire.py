"""A modem on a pty whose every answer a test can write, and a sink that keeps what it is told."""

import asyncio
import contextlib
import os
import pty
import tty
from collections import deque
from contextlib import asynccontextmanager, contextmanager

from smsgwd.clock import SystemClock
from smsgwd.config import ModemConfig
from smsgwd.errors import StoreUnavailable
from smsgwd.model import LinkState, Segment
from smsgwd.modem.discover import Candidate, Finder
from smsgwd.modem.link import ModemLink
from smsgwd.modem.profile import Profile
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet

#: the generic profile with short waits
QUICK = Profile(
    stretch=0.2, settle=0.0, drain=0.01, prompt=0.15, answer=0.15, silence=0.3, tail=0.03, retry=0.01, patience=0.05, probes=1
)

#: vectors: a text "hello", a PDU that cannot be read, a status report for TP-MR 5
HELLO = "07919134466405F0040B916346214365F700006211326100508005E8329BFD06"
BROKEN = "07919134466405F0440B916346214365F700006211326100508003200003"
REPORT = "07919134466405F006050B916346214365F7621132610050806211326110508000"

ANSWERS = {
    "AT+CGMI": "\r\nAcme\r\n\r\nOK\r\n",
    "AT+CGMM": "\r\nM1\r\n\r\nOK\r\n",
    "AT+CGMR": "\r\n1.0\r\n\r\nOK\r\n",
    "AT+CGSN": "\r\n861121778331597\r\n\r\nOK\r\n",
    "AT+CFUN?": "\r\n+CFUN: 1\r\n\r\nOK\r\n",
    "AT+CPIN?": "\r\n+CPIN: READY\r\n\r\nOK\r\n",
    "AT+CCID": "\r\n+CCID: 89430100000000000001\r\n\r\nOK\r\n",
    "AT+CSMS=1": "\r\n+CSMS: 1,1,1\r\n\r\nOK\r\n",
    "AT+CSCA?": '\r\n+CSCA: "+436640501",145\r\n\r\nOK\r\n',
    "AT+CREG?": '\r\n+CREG: 2,1,"00C3","0000A1B2"\r\n\r\nOK\r\n',
    "AT+CGREG?": "\r\nERROR\r\n",
    "AT+CEREG?": "\r\nERROR\r\n",
    "AT+CPMS?": '\r\n+CPMS: "SM",0,50,"SM",0,50,"SM",0,50\r\n\r\nOK\r\n',
    "AT+CNMI?": "\r\n+CNMI: 2,1,0,1,0\r\n\r\nOK\r\n",
    "AT+CSQ": "\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
}
OK = "\r\nOK\r\n"


class Wire:
    """The modem's side. ``answers`` by command; ``results`` for the next PDUs (None = silence); ``slots`` is the SIM."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        self.answers = dict(ANSWERS)
        self.results: deque[str | None] = deque()
        self.slots: dict[int, str] = {}
        self.sent: list[str] = []
        self.pdus: list[str] = []
        self.mr = 0
        self.echo = False
        self._buffer = self._unsaid = b""
        self._prompted = False
        os.set_blocking(self.master, False)
        asyncio.get_running_loop().add_reader(self.master, self._read)

    def say(self, text: str) -> None:
        self._unsaid += text.encode("latin-1")
        self._write()

    def _write(self) -> None:
        """As much as the line takes now; a pty holds a few KiB."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(BlockingIOError):
            while self._unsaid and self.master >= 0:
                self._unsaid = self._unsaid[os.write(self.master, self._unsaid) :]
        if self._unsaid and self.master >= 0:
            loop.add_writer(self.master, self._write)
        elif self.master >= 0:
            loop.remove_writer(self.master)

    def _read(self) -> None:
        octets = os.read(self.master, 4096)
        if self.echo:
            self.say(octets.decode("latin-1"))
        self._feed(octets)

    def _feed(self, octets: bytes) -> None:
        self._buffer += octets
        while self._buffer:
            if self._prompted:
                end = min((i for i in (self._buffer.find(b"\x1a"), self._buffer.find(b"\x1b")) if i >= 0), default=-1)
                if end < 0:
                    return
                pdu, mark = self._buffer[:end].decode(), self._buffer[end : end + 1]
                self._buffer, self._prompted = self._buffer[end + 1 :], False
                if mark == b"\x1a":
                    self._take(pdu)
                continue
            line, cr, self._buffer = self._buffer.partition(b"\r")
            if not cr:
                self._buffer = line
                return
            command = line.replace(b"\x1b", b"").decode("latin-1").strip()
            if command:
                self.sent.append(command)
                self._answer(command)

    def _take(self, pdu: str) -> None:
        self.pdus.append(pdu)
        self.mr = (self.mr + 1) % 256
        result = self.results.popleft() if self.results else f"\r\n+CMGS: {self.mr}\r\n\r\nOK\r\n"
        if result is not None:
            self.say(result)

    def _answer(self, command: str) -> None:
        name, _, value = command.partition("=")
        if command in self.answers or name + "=" in self.answers:
            answer = self.answers.get(command, self.answers.get(name + "="))
            if answer is not None:
                self._prompted = answer.rstrip().endswith(">")
                self.say(answer)
        elif name == "AT+CMGS":
            self._prompted = True
            self.say("\r\n> ")
        elif name == "AT+CMGL":
            rows = "".join(f"\r\n+CMGL: {i},1,,{len(p) // 2 - 8}\r\n{p}" for i, p in sorted(self.slots.items()))
            self.say(rows + "\r\n" + OK)
        elif name == "AT+CMGR":
            pdu = self.slots.get(int(value))
            self.say(f"\r\n+CMGR: 0,,{len(pdu) // 2 - 8}\r\n{pdu}\r\n" + OK if pdu else "\r\n+CMS ERROR: 321\r\n")
        elif name == "AT+CMGD":
            self.slots.pop(int(value), None)
            self.say(OK)
        else:
            self.say(OK)

    def count(self, command: str) -> int:
        return self.sent.count(command)

    def close(self) -> None:
        """Pulls the plug."""
        if self.master >= 0:
            asyncio.get_running_loop().remove_reader(self.master)
            asyncio.get_running_loop().remove_writer(self.master)
            os.close(self.slave)
            os.close(self.master)
            self.master = -1


@contextmanager
def wire():
    modem = Wire()
    try:
        yield modem
    finally:
        modem.close()


class Ear:
    """A LinkSink that keeps everything in memory; ``away`` makes its store unavailable."""

    def __init__(self) -> None:
        self.received_, self.reports, self.settlements, self.states, self.notices = [], [], [], [], []
        self.away = False
        self.kept: dict[str, str] = {}
        self.facts: dict[str, object] = {}
        self.calls: list[str] = []
        self.news = asyncio.Event()

    def _note(self, where, what) -> None:
        where.append(what)
        self.news.set()

    async def received(self, link, segment) -> None:
        if self.away:
            raise StoreUnavailable("disk full")
        self._note(self.received_, segment)

    async def reported(self, link, report) -> None:
        if self.away:
            raise StoreUnavailable("disk full")
        self._note(self.reports, report)

    async def settled(self, link, submission, result) -> None:
        self._note(self.settlements, (submission, result))

    async def changed(self, link, state, why) -> None:
        self._note(self.states, (state, why))

    async def described(self, link, **facts) -> None:
        self.facts = {**self.facts, **facts}
        self.news.set()

    async def called(self, link, number) -> None:
        if self.away:
            raise StoreUnavailable("disk full")
        self._note(self.calls, number)

    async def remember(self, name, value) -> None:
        if self.away:
            raise StoreUnavailable("disk full")
        self.kept[name] = value

    async def recall(self, name) -> str:
        return self.kept.get(name, "")

    async def noticed(self, link, kind, **data) -> None:
        self._note(self.notices, (kind, data))

    @property
    def state(self) -> LinkState:
        return self.states[-1][0] if self.states else LinkState.DOWN

    async def until(self, true, what: str) -> None:
        """Waits for something that the link must tell."""
        async with asyncio.timeout(5):
            while not true():
                self.news.clear()
                await self.news.wait()


async def until(true, seconds: float = 5) -> None:
    """Waits for something on the wire, of which nobody tells."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)


def segment(text: str = "hello", submission: str = "sub_1", **more) -> Segment:
    return Segment(
        submission=submission, message="msg_1", to=Address.parse("+36641234567"), text=text, alphabet=Alphabet.GSM7, **more
    )


@asynccontextmanager
async def running(
    modem: Wire, *, up: bool = True, profile: Profile = QUICK, ear: Ear | None = None, second: str = "", **config
):  # fmt: skip
    """A ModemLink on the wire, with its ear; stopped in the end."""
    ear = ear or Ear()
    row = ModemConfig(name="m1", type="modem", port=modem.path, **config)
    finder = Finder(row, candidates=lambda _: [Candidate(modem.path, profile, second)])
    link = ModemLink(row, SystemClock(), profile, finder=finder)
    stop = asyncio.Event()
    task = asyncio.create_task(link.run(ear, stop), name="link under test")
    task.add_done_callback(lambda _: ear.news.set())
    try:
        if up:
            await ear.until(lambda: ear.state is LinkState.UP or task.done(), "up")
            if task.done():
                task.result()
        yield link, ear, task
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await asyncio.gather(task, return_exceptions=True)
