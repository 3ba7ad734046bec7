"""The simulated SMSC on a real socket in this process, our link against it, and a sink that can hold its breath."""

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

from smsgwd.clock import SystemClock
from smsgwd.config import Secret, SmppConfig
from smsgwd.errors import StoreUnavailable
from smsgwd.journal import Journal
from smsgwd.model import LinkState, Segment
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import Body, Empty
from smsgwd.smpp.link import SmppLink
from smsgwd.smpp.session import Timers
from smsgwd.smpp.sim.centre import Centre
from smsgwd.smpp.sim.control import Control
from smsgwd.smpp.sim.serve import serving
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet
from tests.canaries import PASSWORD

#: short waits; answers come within milliseconds over loopback
QUICK = Timers(bind=2.0, enquire_link=0.0, enquire_timeout=0.3, response=2.0, pdu=2.0, unbind=1.0)
#: a submission without an answer is uncertain soon
HASTY = Timers(bind=2.0, enquire_link=0.0, response=0.1, pdu=2.0, unbind=0.2)


class Ear:
    """A LinkSink in memory. ``away`` makes its store unavailable; while ``open`` is clear it does not return."""

    def __init__(self) -> None:
        self.texts, self.reports, self.settlements, self.states, self.notices = [], [], [], [], []
        self.away = False
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = 0
        self.news = asyncio.Event()

    def _note(self, where, what) -> None:
        where.append(what)
        self.news.set()

    async def _store(self) -> None:
        self.waiting += 1
        self.news.set()
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1
        if self.away:
            raise StoreUnavailable("disk full")

    async def received(self, link, segment) -> None:
        await self._store()
        self._note(self.texts, segment)

    async def reported(self, link, report) -> None:
        await self._store()
        self._note(self.reports, report)

    async def settled(self, link, submission, result) -> None:
        await self._store()
        self._note(self.settlements, (submission, result))

    async def changed(self, link, state, why) -> None:
        self._note(self.states, (state, why))

    async def noticed(self, link, kind, **data) -> None:
        self._note(self.notices, (kind, data))

    @property
    def state(self) -> LinkState:
        return self.states[-1][0] if self.states else LinkState.DOWN

    async def until(self, true: Callable[[], object]) -> None:
        """Waits for something that the link must tell."""
        async with asyncio.timeout(5):
            while not true():
                self.news.clear()
                await self.news.wait()


async def until(true: Callable[[], object]) -> None:
    """Waits for something at the SMSC, of which nobody tells."""
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.002)


class Place:
    """A simulated SMSC that listens."""

    def __init__(self, centre: Centre, journal: Path) -> None:
        self.centre, self._journal = centre, journal
        self.address = ""
        self._control = Control(centre)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def notes(self, kind: str = "") -> list[dict]:
        """What it wrote down."""
        lines = [json.loads(line) for line in self._journal.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind or not kind]

    def do(self, what: str, **more) -> dict:
        """A request as the control socket takes it; it must make sense."""
        answer = self.ask(what, **more)
        assert answer.pop("ok"), answer
        return answer

    def ask(self, what: str, **more) -> dict:
        """A request and its answer, good or bad."""
        return self._control.answer(json.dumps({"do": what, **more}).encode())

    def fault(self, name: str, **more) -> None:
        self.do("fault", name=name, **more)


@asynccontextmanager
async def smsc(folder: Path, **options):
    """A simulated SMSC on a free port of the loopback."""
    with Journal(str(folder / "smsc.journal"), SystemClock()) as journal:
        place = Place(Centre(journal, SystemClock(), **options), folder / "smsc.journal")
        async with serving(place.centre, "127.0.0.1", 0) as place.address:
            yield place


def config(port: int, password: str = PASSWORD, **more) -> SmppConfig:
    return SmppConfig(
        name="c1", type="smpp", host="127.0.0.1", port=port, system_id="user", number="+15550100100",
        password=Secret(password) if password else None, **more,
    )  # fmt: skip


@asynccontextmanager
async def linked(port: int, timers: Timers = QUICK, *, up: bool = True, link: SmppLink | None = None, **more):
    """Our link against a port: (link, ear, task, stop); stopped in the end."""
    ear, stop = Ear(), asyncio.Event()
    link = link or SmppLink(config(port, **more), SystemClock(), timers)
    task = asyncio.create_task(link.run(ear, stop), name="link under test")
    task.add_done_callback(lambda _: ear.news.set())
    try:
        if up:
            await ear.until(lambda: ear.state is LinkState.UP or task.done())
            if task.done():
                task.result()
        yield link, ear, task, stop
    finally:
        stop.set()
        ear.open.set()
        async with asyncio.timeout(8):
            await asyncio.gather(task, return_exceptions=True)


async def broken(link: SmppLink, ear: Ear | None = None) -> None:
    """Runs a link that must break by itself."""
    async with asyncio.timeout(8):
        await link.run(ear or Ear(), asyncio.Event())


def segment(text: str = "hello", submission: str = "sub_1", **more) -> Segment:
    return Segment(
        submission=submission, message="msg_1", to=Address.parse("+15550100777"), text=text, alphabet=Alphabet.GSM7, **more
    )


class Raw:
    """The SMSC's end of one connection, or a client's of the simulator, octet by octet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def next(self) -> pdu.Pdu:
        """The next PDU that comes."""
        async with asyncio.timeout(5):
            head = await self._reader.readexactly(16)
            length = pdu.unpack_header(head).length
            return pdu.unpack(head + await self._reader.readexactly(length - 16))

    async def some(self) -> bytes:
        """Octets that come, whole PDUs or not."""
        async with asyncio.timeout(5):
            return await self._reader.read(4096)

    async def ended(self) -> bool:
        """Waits until the peer has closed."""
        async with asyncio.timeout(5):
            try:
                while await self._reader.read(4096):
                    pass
            except ConnectionResetError:
                pass
        return True

    def say(self, command: int, sequence: int, body: Body | None = None, status: int = 0) -> None:
        self.send(pdu.pack(command, status, sequence, Empty() if body is None else body))

    def send(self, octets: bytes) -> None:
        self._writer.write(octets)

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def raw_smsc(play):
    """A port where ``play(raw)`` is the SMSC; gives the port. What goes wrong in ``play`` is raised in the end."""
    tasks: list[asyncio.Task] = []

    async def serve(reader, writer):
        tasks.append(asyncio.current_task())
        raw = Raw(reader, writer)
        try:
            await play(raw)
        finally:
            raw.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            if not task.done():
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result


@asynccontextmanager
async def client(port: int):
    """A plain client of the simulator."""
    raw = Raw(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield raw
    finally:
        raw.close()
