"""Carrier links over the real store: texts that they took, and receipts."""

from smsgwd.model import Accepted, ReferenceMatch, ReportStatus
from tests.contract.making import NOW, draft, report


async def begun(queue, link: str = "c1", **more):
    """A text that is with the carrier, without an answer yet: its segment."""
    (message,) = await queue.accept([draft(link=link, **more)], NOW)
    (segment,) = [s for s in await queue.claim(link, 10, NOW) if s.message == message.id]
    return segment


async def taken(queue, reference: str, link: str = "c1", **more) -> str:
    """The id of a text that the carrier took."""
    segment = await begun(queue, link, **more)
    await queue.record_result(segment.submission, Accepted(reference), NOW)
    return segment.message


def receipt(reference: str, status: ReportStatus = ReportStatus.DELIVERED, **more):
    return report(reference, status, **{"match": ReferenceMatch.AUTO, **more})


async def facts(queue, link: str = "c1") -> dict:
    (found,) = [x.facts for x in await queue.links() if x.name == link]
    return found
