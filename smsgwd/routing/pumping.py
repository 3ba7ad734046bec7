"""Rows of neighbouring numbers. Who is paid for texts to a block of numbers lets them be asked for one after the other
(artificial inflation, "pumping"); honest callers seldom write to many numbers that differ in the last two digits alone.

For each block of a hundred the numbers of the last hour are kept, no more than the limit and one; the blocks are bounded,
the one that was written to longest ago goes first.
"""

from __future__ import annotations

from collections import OrderedDict

from smsgwd.routing.answers import NotBefore

HOUR = 3_600_000
#: blocks that are remembered
MOST_BLOCKS = 10_000


class Neighbours:
    """``most`` different numbers of one block within an hour; 0 = no limit."""

    def __init__(self, most: int, blocks: int = MOST_BLOCKS) -> None:
        self.most, self._most_blocks = most, blocks
        self._blocks: OrderedDict[str, dict[str, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._blocks)

    def refuses(self, to: str, now: int) -> NotBefore | None:
        """The refusal of a number that would be one too many; nothing is remembered."""
        if not self.most or to[0] != "+":
            return None
        seen = self._blocks.get(to[:-2])
        if seen is None or to in seen or len(seen) < self.most:
            return None
        self._forget(seen, now)
        if len(seen) < self.most:
            return None
        return NotBefore(
            min(seen.values()) + HOUR,
            "pumping",
            f"more than {self.most} different numbers of one block of a hundred within an hour (limits.neighbours)",
        )

    def note(self, to: str, now: int) -> None:
        """Remembers that this number is written to."""
        if not self.most or to[0] != "+":
            return
        block = to[:-2]
        seen = self._blocks.get(block)
        if seen is None:
            seen = self._blocks[block] = {}
            if len(self._blocks) > self._most_blocks:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(block)
            if to not in seen and len(seen) >= self.most:
                self._forget(seen, now)
        seen[to] = now

    @staticmethod
    def _forget(seen: dict[str, int], now: int) -> None:
        for number in [number for number, at in seen.items() if at <= now - HOUR or at > now]:
            del seen[number]
