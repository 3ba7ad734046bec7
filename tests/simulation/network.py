"""The network of a history: what is true outside of the gateway, and links that reach it.

The network lives on when the gateway dies. It knows which segments it took (that is the truth which no gateway can know
for sure), it makes reports on them, and it holds texts of people until a link has acknowledged them. A :class:`SimLink` is
one link in one life of the gateway: it is slow, it breaks, it loses answers, and it answers late.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from smsgwd.clock import any_came, came
from smsgwd.errors import LinkError, StoreUnavailable, Uncertain
from smsgwd.link import LinkSink
from smsgwd.model import (
    Accepted,
    DeliveryReport,
    InboundSegment,
    LinkState,
    Refusal,
    RefusalClass,
    ReportStatus,
    Segment,
    SubmitResult,
)
from smsgwd.sms.address import Address

_C = RefusalClass
REFUSALS = (
    Refusal(code="CMS 41", class_=_C.TEMPORARY, reason="temporary failure"),
    Refusal(code="CMS 41", class_=_C.TEMPORARY, reason="temporary failure"),
    Refusal(code="ESME 0x14", class_=_C.TEMPORARY, reason="queue full", retry_after=5.0),
    Refusal(code="CMS 1", class_=_C.PERMANENT, reason="unassigned number"),
    Refusal(code="CMS 310", class_=_C.LINK, reason="SIM not inserted"),
    Refusal(code="ESME 0x58", class_=_C.BUSY, reason="throttled", retry_after=1.0),
)
#: seconds until a link gives up waiting for an answer
NO_ANSWER = 75.0
#: seconds until a link tries again to put a text in a store that was away
AGAIN = 5.0


class Try(msgspec.Struct):
    """One segment on the wire: what was given to the network, and what became of it there."""

    at: float
    link: str
    submission: str
    message: str
    part: int
    taken: bool = False
    refused: bool = False
    to: str = ""
    #: the gateway got the network's answer
    answered: bool = False
    #: final reports that the network made on it
    reports: list[str] = []


class Arrival(msgspec.Struct):
    """Something that the network holds for a link: a segment of a person, or a report."""

    due: float
    segment: InboundSegment | None = None
    report: DeliveryReport | None = None
    #: it will come once more after it was acknowledged
    again: bool = False


class Network:
    """``tell`` writes a line of the history; ``true_time`` is the real time in ms, whatever the gateway's clock says."""

    def __init__(self, chance: random.Random, tell: Callable[..., None], true_time: Callable[[], int]) -> None:
        self.chance, self.tell, self.true_time = chance, tell, true_time
        #: nothing goes wrong any more
        self.calm = False
        self.tries: list[Try] = []
        self.waiting: dict[str, list[Arrival]] = {}
        self._references: dict[str, int] = {}

    def reference(self, link: str) -> str:
        """A modem counts to 255, a carrier has an id for each."""
        n = self._references[link] = self._references.get(link, self.chance.randrange(200, 260)) + 1
        return str(n & 0xFF) if link.startswith("m") else str(900_000_000 + n)

    def put(self, link: str, arrival: Arrival) -> None:
        self.waiting.setdefault(link, []).append(arrival)

    def next_for(self, link: str) -> Arrival | None:
        return min(self.waiting.get(link, ()), key=lambda a: a.due, default=None)

    def acknowledged(self, link: str, arrival: Arrival, now: float) -> None:
        """The link said that it has it. Sometimes that gets lost, and it comes again."""
        self.waiting[link].remove(arrival)
        if arrival.again and not self.calm:
            self.put(link, msgspec.structs.replace(arrival, due=now + self.chance.uniform(0, 600), again=False))

    def take(self, try_: Try, segment: Segment, reference: str) -> None:
        """The text is with the network now, and reports on it come when they like: also before the answer."""
        try_.taken = True
        self.tell("taken", try_.link, try_.message, try_.part)
        if not segment.report or self.chance.random() < 0.1:
            return
        kinds = [ReportStatus.PENDING] if self.chance.random() < 0.2 else []
        kinds.append(self.chance.choices(
            (ReportStatus.DELIVERED, ReportStatus.FAILED, ReportStatus.EXPIRED), (8, 1, 1))[0])
        for status in kinds:  # what is still tried may be told after the end
            late = self.chance.choice((0.0, 0.1, 2.0, 40.0, 400.0)) * self.chance.random()
            report = DeliveryReport(
                reference=reference, status=status, recipient=segment.to,
                sent_at=datetime.fromtimestamp(self.true_time() / 1000, UTC), raw=f"{try_.submission} {status}".encode(),
            )  # fmt: skip
            self.put(try_.link, Arrival(try_.at + late, report=report, again=self.chance.random() < 0.15))
            if status is not ReportStatus.PENDING:
                try_.reports.append(status.value)


class SimLink:
    """Keeps the protocol of :class:`smsgwd.link.Link`. ``before`` is called when a segment is about to be on the wire."""

    def __init__(self, name: str, network: Network, before: Callable[[str, Segment], None]) -> None:
        self.name, self.network, self.before = name, network, before
        self.window = 1 if name.startswith("m") else 4
        self.chance = network.chance
        self.dead = False
        self._up = False
        self._broken = asyncio.Event()
        self._news = asyncio.Event()
        self._late: list[tuple[float, str, SubmitResult]] = []

    # ---- the life of the link ---------------------------------------------------------------------------------------

    async def run(self, sink: LinkSink, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        await sink.changed(self.name, LinkState.STARTING, "opens")
        await asyncio.sleep(self.chance.uniform(0.1, 3.0))
        if not self.network.calm and self.chance.random() < 0.1:
            raise LinkError("there is no device")
        self._broken, self._up = asyncio.Event(), True
        breaks = loop.time() + self.chance.expovariate(1 / 200)
        await sink.changed(self.name, LinkState.UP, "ready")
        try:
            while not stop.is_set():
                self._news.clear()
                pause = await self._serve(sink)
                if self._broken.is_set() or (loop.time() >= breaks and not self.network.calm):
                    raise LinkError("the line broke")
                if not self.network.calm:
                    pause = min(pause, max(breaks - loop.time(), 0.001))
                await any_came((self._news, stop), pause)
        finally:
            self._up = False
            self._late.clear()  # an answer that comes after a reopen belongs to nothing
            self._broken.set()

    async def _serve(self, sink: LinkSink) -> float:
        """Gives the sink what is due; returns for how many seconds nothing more is."""
        loop = asyncio.get_running_loop()
        try:
            while self._late and self._late[0][0] <= loop.time():
                _, submission, result = self._late[0]
                await sink.settled(self.name, submission, result)
                self._late.pop(0)
            while (arrival := self.network.next_for(self.name)) is not None and arrival.due <= loop.time():
                if arrival.report is not None:
                    await sink.reported(self.name, arrival.report)
                elif arrival.segment is not None:
                    await sink.received(self.name, arrival.segment)
                self.network.acknowledged(self.name, arrival, loop.time())
        except StoreUnavailable:
            return AGAIN
        dues = [due for due, _, _ in self._late[:1]] + ([arrival.due] if arrival is not None else [])
        return max(min(dues, default=loop.time() + 30.0) - loop.time(), 0.001)

    def came(self) -> None:
        """The network has something for this link."""
        self._news.set()

    # ---- outbound --------------------------------------------------------------------------------------------------

    async def submit(self, segment: Segment) -> SubmitResult:
        if not self._up:
            raise LinkError("it is not up")
        if await came(self._broken, self.chance.uniform(0.0, 0.2)):
            raise LinkError("it broke before a byte was written")
        if self._goes_wrong(0.03):
            raise LinkError("no prompt")
        if self._goes_wrong(0.02):
            self._broken.set()
            self._news.set()
        assert not self.dead, "a process that is gone writes nothing"
        self.before(self.name, segment)
        try_ = Try(asyncio.get_running_loop().time(), self.name, segment.submission, segment.message, segment.part, to=segment.to.text, reports=[])
        self.network.tries.append(try_)
        self.network.tell("wire", self.name, segment.message, segment.part)
        return await self._answer(try_, segment)

    async def _answer(self, try_: Try, segment: Segment) -> SubmitResult:
        """From here on nobody but the network knows, until it has answered."""
        lost, refused = self._goes_wrong(0.12), self._goes_wrong(0.2)
        broken, reference = self._broken, self.network.reference(self.name)
        result: SubmitResult = self.chance.choice(REFUSALS) if refused else Accepted(reference)
        if await came(broken, self.chance.uniform(0.0, 1.0)):
            if self.chance.random() < 0.5:
                self._decided(try_, segment, result)
            raise Uncertain("the line broke while the answer was awaited")
        if lost and self.chance.random() < 0.4:
            await came(broken, NO_ANSWER)  # the network never got it
            raise Uncertain(f"no answer in {NO_ANSWER:g} s")
        self._decided(try_, segment, result)
        if lost:
            if not await came(broken, NO_ANSWER) and self.chance.random() < 0.5 and self._up:
                self._late.append((asyncio.get_running_loop().time() + self.chance.uniform(0, 20), try_.submission, result))
                self._late.sort(key=lambda late: late[0])
                self.came()
            raise Uncertain(f"no answer in {NO_ANSWER:g} s")
        if await came(broken, self.chance.choice((0.0, 0.0, 0.5, 3.0)) * self.chance.random()):
            raise Uncertain("the line broke before the answer")
        try_.answered = True
        return result

    def _decided(self, try_: Try, segment: Segment, result: SubmitResult) -> None:
        if isinstance(result, Accepted):
            self.network.take(try_, segment, result.reference)
            self.came()
        else:
            try_.refused = True

    def _goes_wrong(self, share: float) -> bool:
        return not self.network.calm and self.chance.random() < share


def texts_of(chance: random.Random, number: int, sender: str) -> tuple[str, list[InboundSegment]]:
    """A text of a person in one to three parts; (its words, its segments in any order, some of them twice)."""
    parts = chance.choice((1, 1, 1, 2, 3))
    word = chance.choice(("my internet is down", "hello", "thanks"))
    words = [f"{word} {number}.{part};" for part in range(1, parts + 1)]
    segments: list[InboundSegment] = [_segment(number, sender, words, part) for part in range(1, parts + 1)]
    chance.shuffle(segments)
    return "".join(words), segments


def _segment(number: int, sender: str, words: list[str], part: int) -> InboundSegment:
    more: dict[str, Any] = {"ref": number & 0xFF, "ref_bits": 8} if len(words) > 1 else {}
    return InboundSegment(
        raw=f"{number} {sender} {part}/{len(words)}".encode(), sender=Address.parse(sender),
        payload=words[part - 1].encode("ascii"), part=part, parts=len(words), **more,
    )  # fmt: skip
