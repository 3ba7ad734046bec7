"""How fast a link may submit: one segment each 1 / throughput seconds, never several saved up. Pure; time is an argument.

A carrier that counts segments a second refuses the burst that "N, then wait for the next second" makes. So a segment asks
when it may go (:meth:`Pace.take`), and asks again after its wait: a timer that fires late moves all that comes behind it,
but for the first ``LATE`` seconds, which are made up for. Without that a link that waits for each segment would always be
slower than configured; with more of it a busy machine would catch up in a burst.

When the carrier says ESME_RTHROTTLED all the same, the link pauses for a second and goes on at 0.7 of its rate; each ten
seconds without another one give back 5 %. The rate of a link without ``throughput`` is then what it was in the second
before. A congestion_state above 80 (SMPP 5.0) slows down as much, without the pause.
"""

from __future__ import annotations

PAUSE, SLOWER, FLOOR = 1.0, 0.7, 1.0
RECOVERY_SECONDS, RECOVERY_SHARE = 10.0, 0.05
#: how late a segment may go without moving the next one; half the interval of 100 a second
LATE = 0.005
#: congestion_state above which the SMSC wants less (0 = idle, 90 and more = at its limit)
CONGESTED = 80


class Pace:
    """The turns of one link. ``rate`` is segments a second, 0 = no limit but the pauses."""

    def __init__(self, rate: float) -> None:
        self.configured = self.rate = rate
        #: when the next segment may go at the earliest
        self.next = 0.0
        self._top = rate
        self._changed = -PAUSE
        # what went in this second, and in the last whole one
        self._second, self._count, self._measured = 0.0, 0, 0.0

    def take(self, now: float, asked: float | None = None) -> bool:
        """Takes the turn; False before ``next``. ``asked``: since when the segment has waited for it, if it had to."""
        if now < self.next:
            return False
        if now - self._second >= 1.0:
            self._measured = self._count / (now - self._second) if self._second else 0.0
            self._second, self._count = now, 0
        self._count += 1
        if self._top:
            self._recover(now)
        if self.rate:
            slot = now if asked is None else max(self.next, asked, now - LATE)
            self.next = slot + 1.0 / self.rate
        return True

    def throttled(self, now: float) -> None:
        """The carrier said that we are too fast."""
        self._slow_down(now)
        self.next = max(self.next, now + PAUSE)

    def congested(self, state: int, now: float) -> None:
        """What an answer said of the carrier's load."""
        if state > CONGESTED:
            self._slow_down(now)

    def _slow_down(self, now: float) -> None:
        """Refusals of one window count as one."""
        if now - self._changed < PAUSE:
            return
        self._changed = now
        if not self.rate:
            self.rate = self._top = max(FLOOR, self._measured, float(self._count))
        self.rate = max(min(FLOOR, self._top), self.rate * SLOWER)

    def _recover(self, now: float) -> None:
        if self.rate < self._top:
            steps = int((now - self._changed) / RECOVERY_SECONDS)
            if steps > 0:
                self._changed += steps * RECOVERY_SECONDS
                self.rate = min(self._top, self.rate + steps * RECOVERY_SHARE * self._top)
        elif not self.configured:
            self.rate = self._top = 0.0
