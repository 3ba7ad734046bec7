"""What a segment costs, in millionths of the currency: whole numbers, so that a thousand tenths are a hundred. Pure.

Routing asks it before a text is accepted, the queue when it writes down what was spent; both from the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

#: parts of one unit of currency
MICRO = 1_000_000


def micros(amount: float) -> int:
    """An amount of money as a whole number of millionths."""
    return round(amount * MICRO)


class Prices:
    """The price list of one link: one price for all, and others by prefix, the longest first."""

    __slots__ = ("_by_prefix", "_others")

    def __init__(self, cost: float = 0.0, costs: Mapping[str, float] | None = None) -> None:
        self._others = micros(cost)
        self._by_prefix = tuple((p, micros(c)) for p, c in longest_first(costs or {}))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prices) and (self._others, self._by_prefix) == (other._others, other._by_prefix)

    def __hash__(self) -> int:
        return hash((self._others, self._by_prefix))

    def of(self, to: str) -> int:
        """Millionths for one segment to this number."""
        for prefix, price in self._by_prefix:
            if to.startswith(prefix):
                return price
        return self._others


def longest_first(table: Mapping[str, T]) -> tuple[tuple[str, T], ...]:
    """The rows of a table by prefix, so that the first that fits is the longest."""
    return tuple(sorted(table.items(), key=lambda row: -len(row[0])))


FREE = Prices()
