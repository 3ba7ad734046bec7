"""A link without a network: it keeps what it is given and answers as the test says. And lanes at work on it."""

import asyncio
from collections import deque
from contextlib import asynccontextmanager

from smsgwd.dispatch import Lane
from smsgwd.model import Accepted, LinkState, Message, Segment
from smsgwd.queue.interface import Move
from smsgwd.routing import Roster, RouteLink
from smsgwd.sms.split import split
from tests.contract.making import state
from tests.helpdesk.worker import until


class PlainLink:
    """Keeps the protocol of :class:`smsgwd.link.Link`. ``answers`` come in turn, then all is accepted."""

    def __init__(self, name: str = "m1", window: int = 1, answers=(), clock=None) -> None:
        self.name, self.window, self.clock = name, window, clock
        self.answers = deque(answers)
        self.segments: list[Segment] = []
        self.times: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = self.most = 0
        #: what each run of the link ends with in turn: an error, or None = the stop
        self.runs = deque()
        self.began: list[float] = []

    @property
    def texts(self) -> list[str]:
        return [s.text for s in self.segments]

    async def submit(self, segment: Segment):
        self.segments.append(segment)
        self.times.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        answer = self.answers.popleft() if self.answers else Accepted(str(len(self.segments)))
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run(self, sink, stop: asyncio.Event) -> None:
        self.began.append(asyncio.get_running_loop().time())
        await sink.changed(self.name, LinkState.UP, "registered")
        error = self.runs.popleft() if self.runs else None
        if callable(error):
            error = error()
        if error is not None:
            await self.gate.wait()
            raise error
        await stop.wait()


def roster(*names: str, up: bool = True, **more) -> Roster:
    return Roster([RouteLink(name=name, up=up, **more) for name in names or ("m1",)])


def same_everywhere(message: Message, link: str) -> Move:
    """All links send a text alike."""
    return Move(message.id, link, split(message.text))


@asynccontextmanager
async def lanes(queue, clock, links, route: Roster, rate: float = 0.0, replan=same_everywhere, **more):
    """A lane at work for each link; yields the stop. At the end they stop and finish what is on the wire."""
    stop = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for link in links:
            lane = Lane(link, queue, route, clock, replan, rate=rate, **more)
            group.create_task(lane.run(stop), name=f"lane {link.name}")
        try:
            yield stop
        finally:
            halt(queue, stop, links)


def halt(queue, stop, links) -> None:
    """What the daemon does at SIGTERM."""
    stop.set()
    for link in links:
        queue.poke(f"link:{link.name}")


async def quiet() -> None:
    """Lets the lanes do what they can do now."""
    for _ in range(15):
        await asyncio.sleep(0.002)


async def reaches(queue, message, wanted: str) -> None:
    async def there() -> bool:
        return await state(queue, message) == wanted

    await until(there)
