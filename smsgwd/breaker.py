"""When a link should rest: is it one text that fails, or every text? Pure.

A modem can answer every command and yet get no text out: no credit, barred, the wrong SMSC, a network that hears nothing.
Then each text would be tried, and failed, on the one link that cannot. So a lane shows every outcome to its
:class:`Breaker`:

* a refusal whose class is *link* opens it at once,
* the same refusal for now (or silence) over ``RUN`` different numbers with no success between opens it (over more, where
  the refusal says that it is mostly about its number),
* a permanent refusal is about its text, and one that asks for a pause of ``PASSING`` seconds at most (a busy SIM), or
  says that we are too fast, is minded by the pace: neither counts,
* open, the link rests: a minute first, twice as long after each failed trial, a quarter of an hour at most; then one text
  is the trial, and success closes it.
"""

from __future__ import annotations

import msgspec

from smsgwd.model import Accepted, InDoubt, Outcome, Refusal, RefusalClass

#: failures of one kind over so many numbers, with no success between
RUN = 3
#: a refusal that asks for no longer pause than this, in seconds, tells of no fault
PASSING = 5.0
#: seconds of rest: the first, and the longest
FIRST_REST, LONGEST_REST = 60.0, 900.0


class Rest(msgspec.Struct, frozen=True):
    """The link rests for so many seconds; why, for people."""

    seconds: float
    why: str


class Breaker:
    """The judgement of one lane. Times are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._code, self._numbers = "", set[str]()
        self._rest = 0.0
        self._until = float("-inf")

    def resting(self, now: float) -> float:
        """Seconds that the link still rests; 0 when it may send."""
        return max(self._until - now, 0.0)

    @property
    def on_trial(self) -> bool:
        """It has rested, and nothing has gone out since: one text at a time."""
        return self._rest > 0

    def note(self, to: str, outcome: Outcome, now: float) -> Rest | None:
        """What came of a segment to ``to``; a :class:`Rest` when the link should rest now."""
        if isinstance(outcome, Accepted):
            self._code, self._rest = "", 0.0
            self._numbers.clear()
            return None
        if isinstance(outcome, Refusal) and _passes(outcome):
            return None
        code = "no answer" if isinstance(outcome, InDoubt) else outcome.code
        if code != self._code:
            self._code = code
            self._numbers.clear()
        self._numbers.add(to)
        at_once = isinstance(outcome, Refusal) and outcome.class_ is RefusalClass.LINK
        run = outcome.run or RUN if isinstance(outcome, Refusal) else RUN
        if not (at_once or self.on_trial or len(self._numbers) >= run):
            return None
        least = outcome.retry_after if isinstance(outcome, Refusal) and at_once else 0.0
        self._rest = min(max(self._rest * 2 or FIRST_REST, least), LONGEST_REST)
        self._until = now + self._rest
        self._numbers.clear()
        return Rest(self._rest, outcome.reason if isinstance(outcome, InDoubt) else f"{outcome.code}: {outcome.reason}")


def _passes(refusal: Refusal) -> bool:
    """It says nothing about the link."""
    if refusal.class_ is RefusalClass.TEMPORARY:
        return 0 < refusal.retry_after <= PASSING
    return refusal.class_ in (RefusalClass.PERMANENT, RefusalClass.BUSY)
