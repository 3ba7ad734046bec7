"""What the contract tests are made of: drafts, segments, reports, and short ways to a state."""

from collections import Counter

from smsgwd.model import (
    Accepted,
    ConsentChange,
    DeliveryReport,
    Draft,
    InboundSegment,
    InDoubt,
    LinkState,
    Message,
    Reaction,
    Refusal,
    RefusalClass,
    ReportStatus,
)
from smsgwd.queue.interface import MessageFilter
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet

NOW = 1_800_000_000_000
SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
OURS = {"m1": "+15550100100", "m2": "+15550100200"}


async def links_up(queue, type_: str) -> None:
    """All links of :data:`OURS` are known, and up."""
    for link, number in OURS.items():
        await queue.record_link(link, type_, number, LinkState.UP, "ready", NOW)


THEM = "+15550100777"

PERMANENT = Refusal(code="CMS 1", class_=RefusalClass.PERMANENT, reason="unassigned number")
TEMPORARY = Refusal(code="CMS 41", class_=RefusalClass.TEMPORARY, reason="temporary failure")
LINK = Refusal(code="CMS 310", class_=RefusalClass.LINK, reason="SIM not inserted")
DOUBT = InDoubt("no answer in 75 s")


def draft(text: str = "Hello", **more) -> Draft:
    """A text to THEM by m1; ``parts`` cuts it in so many."""
    parts = more.pop("parts", 1)
    cuts = tuple(range(parts))
    return Draft(**{"to": THEM, "text": text, "link": "m1", "alphabet": Alphabet.GSM7, "cuts": cuts, **more})


async def accept(queue, *args, now: int = NOW, **more) -> Message:
    """Accepts one draft, which must be taken."""
    (message,) = await queue.accept([draft(*args, **more)], now)
    assert isinstance(message, Message), message
    return message


async def claim(queue, link: str = "m1", now: int = NOW):
    """Claims the one segment that must be due."""
    (segment,) = await queue.claim(link, 10, now)
    return segment


async def sent(queue, reference: str = "7", **more) -> Message:
    """A text in one part that the network took."""
    message = await accept(queue, **more)
    segment = await claim(queue, more.get("link", "m1"))
    assert segment.message == message.id
    assert await queue.record_result(segment.submission, Accepted(reference), NOW) is None
    return await queue.message(message.id)


async def uncertain(queue, **more) -> tuple[Message, str]:
    """(an uncertain text, its attempt)."""
    message = await accept(queue, **more)
    segment = await claim(queue)
    await queue.record_result(segment.submission, DOUBT, NOW)
    return await queue.message(message.id), segment.submission


async def state(queue, message) -> str:
    return (await queue.message(getattr(message, "id", message))).state.value


def report(reference: str = "7", status: ReportStatus = ReportStatus.DELIVERED, to: str = THEM, **more) -> DeliveryReport:
    """``to`` empty: a report that names no recipient."""
    return DeliveryReport(reference=reference, status=status, recipient=Address.parse(to) if to else None, **more)


def part(text: str, number: int = 1, of: int = 1, *, ref: int = 9, sender: str = THEM, **more) -> InboundSegment:
    """One inbound segment; its raw octets follow from what it says."""
    payload = text.encode("ascii")
    raw = more.pop("raw", f"{sender} {ref} {number}/{of} {text} {sorted(more.items())!r}".encode())
    return InboundSegment(
        raw=raw, sender=Address.parse(sender), payload=payload, ref=ref if of > 1 else 0, ref_bits=8 if of > 1 else 0,
        part=number, parts=of, **more,
    )  # fmt: skip


async def received(queue, text: str = "Hi", now: int = NOW, **more) -> Message:
    """A text that came in whole."""
    came = await queue.receive("m1", OURS["m1"], part(text, **more), now)
    return await queue.message(came.message)


async def reaction(queue, message: Message, **more) -> Reaction:
    """A reaction to the ``message.received`` of a text."""
    events = [e for e in await queue.events_after(0, 1000, "message.received") if e.message == message.id]
    return Reaction(event=events[-1].id, message=message.id, conversation=message.conversation, **more)


def consent(action: str, number: str = THEM, **more) -> ConsentChange:
    return ConsentChange(number=number, action=action, method="keyword", matched="STOP", **more)


async def events(queue, kind: str = "", message=None):
    """Events, oldest first; of one kind, of one message."""
    found = await queue.events_after(0, 1000, kind)
    return [e for e in found if message is None or e.message == getattr(message, "id", message)]


async def kinds(queue, message=None) -> list[str]:
    return [e.kind for e in await events(queue, message=message)]


async def data(queue, kind: str):
    """The data of the newest event of a kind."""
    return (await events(queue, kind))[-1].data


async def all_messages(queue, **where):
    """Every message that a filter selects, by way of small pages; newest first."""
    found, after = [], ""
    while True:
        page = await queue.messages(MessageFilter(**where), after, 3)
        found += page.items
        if page.next is None:
            return found
        after = page.next


async def counted(queue) -> Counter:
    """(link, direction, class, state) -> messages, from the daily counts."""
    return Counter(
        {(r["link"], r["direction"], r["class"], r["state"]): r["messages"] for r in await queue.rollup(400, NOW + DAY)}
    )
