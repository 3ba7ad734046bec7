"""Doubt: the words for what is done about a text of which nobody knows whether it was sent, and for what ends that.

The policy is that of the text itself, where its caller named one, else that of its class (``[uncertain]`` of the
configuration): ``hold`` waits for a late answer, a report or a person; ``retry`` sends it again, marked as a possible
duplicate; ``assume-sent`` takes it as sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

HOLD, RETRY, ASSUME_SENT = POLICIES = ("hold", "retry", "assume-sent")
#: what ends a doubt: the answer that came late, a delivery report, what the carrier said when it was asked, the policy
#: (sent again, or taken as sent), a person
LATE_ANSWER, REPORT, QUERY, AGAIN, ASSUMED, OPERATOR = WAYS = (
    "late-answer", "report", "query", "retry", "assumed", "operator",
)  # fmt: skip


class Settled(msgspec.Struct, frozen=True):
    """What a caller of :meth:`~smsgwd.queue.interface.Queue.settle` decided: ``sent``, ``resend`` or ``fail``; ``by`` says
    who, and ``why``, for the event and the text."""

    how: str
    by: str
    why: str = ""


class DoubtVerbs(Protocol):
    """Verbs of the queue about doubt."""

    async def set_policies(self, policies: Mapping[str, str]) -> None:
        """From now on these are the policies of the classes; one that is not named has ``hold``."""

    async def doubts_settled(self) -> dict[str, int]:
        """How many doubts were ended, by each of :data:`WAYS`, since the store was made."""
