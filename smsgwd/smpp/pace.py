"""How fast a link may submit: one segment each 1 / throughput seconds, never several saved up. Pure; time is an argument.

A carrier that counts segments a second refuses the burst that "N, then wait for the next second" makes. When it says
ESME_RTHROTTLED all the same, the link pauses for a second and goes on at 0.7 of its rate; each ten seconds without
another one give back 5 % of what is configured.
"""

from __future__ import annotations

PAUSE, SLOWER, FLOOR = 1.0, 0.7, 1.0
RECOVERY_SECONDS, RECOVERY_SHARE = 10.0, 0.05


class Pace:
    """The slots of one link. ``rate`` is segments a second, 0 = no limit but the pauses."""

    def __init__(self, rate: float) -> None:
        self.configured = self.rate = rate
        self._next = 0.0
        self._changed = 0.0

    def reserve(self, now: float) -> float:
        """Takes the next slot; seconds to wait for it."""
        self._recover(now)
        slot = max(now, self._next)
        self._next = slot + (1.0 / self.rate if self.rate else 0.0)
        return slot - now

    def throttled(self, now: float) -> None:
        """The carrier said that we are too fast. Refusals of one window count as one."""
        if now - self._changed >= PAUSE or not self._changed:
            self._changed = now
            if self.rate:
                self.rate = max(min(FLOOR, self.configured), self.rate * SLOWER)
        self._next = max(self._next, now + PAUSE)

    def _recover(self, now: float) -> None:
        if self.rate < self.configured:
            steps = int((now - self._changed) / RECOVERY_SECONDS)
            if steps > 0:
                self._changed += steps * RECOVERY_SECONDS
                self.rate = min(self.configured, self.rate + steps * RECOVERY_SHARE * self.configured)
