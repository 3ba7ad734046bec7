"""Whose fault is a permanent refusal: the text's, or the SIM's? Pure.

The RP causes of TS 24.011 that a modem hands on speak mostly of our own side: "short message transfer rejected" comes for
a number that does not exist, and just as well for a SIM without credit, or with the wrong SMSC. So a permanent code
condemns a text only where the SIM has shown that it can send: when another text went out in the last ``PROVEN`` seconds.
Else it counts as temporary, ``DOUBTS`` times for each text; then it is believed, so that one bad number does not go round
for ever.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from smsgwd.model import Refusal, RefusalClass

#: seconds for which a text that went out proves that the SIM can send
PROVEN = 600.0
#: how often a permanent refusal by an unproven SIM is not believed
DOUBTS = 2
#: texts whose doubts are remembered
_MOST = 1000


class Doubt:
    """What one SIM has shown. Times are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._proven_at = float("-inf")
        self._doubts: OrderedDict[str, int] = OrderedDict()

    def sent(self, now: float) -> None:
        """The network took a text."""
        self._proven_at = now

    def believed(self, message: str, refusal: Refusal, now: float) -> Refusal:
        """The refusal as it should count."""
        if refusal.class_ is not RefusalClass.PERMANENT:
            return refusal
        doubts = self._doubts.pop(message, 0)
        if now - self._proven_at < PROVEN or doubts >= DOUBTS:
            return refusal
        self._doubts[message] = doubts + 1
        while len(self._doubts) > _MOST:
            self._doubts.popitem(last=False)
        return msgspec.structs.replace(
            refusal, class_=RefusalClass.TEMPORARY, reason=f"{refusal.reason} (by a SIM that sent nothing lately)"
        )
