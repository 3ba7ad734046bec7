"""The outbox worker at work in a test: what it is told by a real queue, and ways to wait for it."""

import asyncio
from contextlib import asynccontextmanager

from smsgwd.config import Helpdesk, Secret
from smsgwd.errors import StoreUnavailable
from smsgwd.helpdesk.webhook import WebhookDesk
from smsgwd.model import Accepted, Draft, Reaction
from smsgwd.outbox import Outbox
from smsgwd.sms.encoding import Alphabet
from tests.helpdesk.endpoint import SECRET
from tests.store import inbound

NUMBER, SENDER = "+15550100100", "+15550100777"
OK, AWAY = (200, {}, b""), (503, {}, b"")


def desk(endpoint, clock, name="support", events=()) -> WebhookDesk:
    return WebhookDesk(Helpdesk(name=name, url=endpoint.url, secret=Secret(SECRET), events=tuple(events)), clock)


@asynccontextmanager
async def running(queue, desks, clock):
    """An Outbox at work; pauses are waited in full."""
    stop = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(Outbox(queue, desks, clock, jitter=lambda: 1.0).run(stop), name="outbox")
        try:
            yield task
        finally:
            stop.set()


async def until(true) -> None:
    """Waits until a function, or a coroutine that it gives, says True."""
    async with asyncio.timeout(5):
        while True:
            answer = true()
            if (await answer) if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.002)


async def settled(queue) -> None:
    """Lets the worker do what it can do now: no call is due, or the test's time is over."""
    for _ in range(15):
        await asyncio.sleep(0.002)


async def later(queue, clock, seconds: float) -> None:
    """Time goes on, and the worker sees it."""
    clock.move(seconds)
    queue.poke("outbox")


async def forwarded(queue, clock, text="My internet is down", sender=SENDER, desks=("support",)) -> str:
    """A text that came in and that a rule forwards; its id."""
    received = await queue.receive("m1", NUMBER, inbound(text, sender), clock.now())
    events = await queue.events_after(0, 1000, "message.received")
    event = next(e for e in events if e.message == received.message)
    thread = (await queue.message(received.message)).conversation
    await queue.react(
        Reaction(event=event.id, message=received.message, conversation=thread, forwards=desks, rules=("r1",)),
        clock.now(),
    )
    return received.message


async def sent(queue, clock, **more) -> str:
    """A text that the network took; its id."""
    draft = Draft(to=SENDER, text="We look into it", link="m1", alphabet=Alphabet.GSM7, **more)
    (message,) = await queue.accept([draft], clock.now())
    (segment,) = await queue.claim("m1", 1, clock.now())
    await queue.record_result(segment.submission, Accepted("7"), clock.now())
    return message.id


async def owed(queue) -> list[tuple[str, str, int]]:
    """(state, reason, attempts) of all calls, oldest first."""
    items = (await queue.outbox("", "", 1000)).items
    return [(x.state, x.reason, x.attempts) for x in reversed(items)]


async def kinds(queue, prefix="webhook.") -> list[str]:
    return [e.kind for e in await queue.events_after(0, 1000) if e.kind.startswith(prefix)]


async def recorded(queue, tries: int) -> bool:
    return (await owed(queue))[0][2] == tries


async def owed_done(queue, count: int) -> bool:
    queue.poke("outbox")
    return [state for state, _, _ in await owed(queue)].count("done") == count


class Flaky:
    """A queue whose store is away for the first calls of some verbs; all else is the real one."""

    def __init__(self, queue, **times: int) -> None:
        self._queue, self.times = queue, times

    def __getattr__(self, verb: str):
        if self.times.get(verb, 0) > 0:

            async def away(*args, **named):
                self.times[verb] -= 1
                raise StoreUnavailable("the disk is full")

            return away
        return getattr(self._queue, verb)
