"""How a simulated SMSC behaves. Pure."""

from __future__ import annotations

import msgspec

from smsgwd.smpp.consts import MessageState
from smsgwd.smpp.sim.ids import IDS, RECEIPT_IDS
from smsgwd.smpp.sim.receipts import VARIANTS

#: when a receipt comes: after its answer, before it, or those that are due at the same time in any order
ORDERS = ("after", "before", "shuffled")
#: what is said to a submission beyond the window
FULL = ("throttled", "full")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The options of ``smsgwd sim smsc``."""

    #: what a bind must say; empty = anything
    system_id: str = ""
    password: str = ""
    #: most binds of an account at a time; 0 = no limit
    binds: int = 0
    #: most submissions of a connection without an answer; 0 = no limit
    window: int = 0
    window_status: str = "throttled"
    #: submissions a second that an account may make; 0 = no limit
    rate: float = 0.0
    #: seconds until a submission is answered
    delay: float = 0.0
    #: seconds until its receipt; None = no receipts but those that are asked for
    report_after: float | None = None
    receipt: str = "standard"
    ids: str = "hex"
    receipt_id: str = "same"
    order: str = "after"
    #: final states of the texts, in turn
    states: tuple[MessageState, ...] = (MessageState.DELIVERED,)

    def __post_init__(self) -> None:
        for key, value, known in (
            ("receipt", self.receipt, tuple(VARIANTS)), ("ids", self.ids, IDS), ("receipt-id", self.receipt_id, RECEIPT_IDS),
            ("order", self.order, ORDERS), ("window-status", self.window_status, FULL),
        ):  # fmt: skip
            if value not in known:
                raise ValueError(f"{key} is one of: {', '.join(known)}")
        if (self.receipt_id == "hex>dec" and self.ids not in ("hex", "padded")) or (
            self.receipt_id == "dec>hex" and self.ids != "dec"
        ):
            raise ValueError(f"receipt-id {self.receipt_id} does not go with ids {self.ids}")
        if not self.states:
            raise ValueError("states names one message_state at least")


def read_states(text: str) -> tuple[MessageState, ...]:
    """``delivered,expired,…`` by names or numbers. ValueError."""
    return tuple(read_state(word) for word in text.split(","))


def read_state(value: object) -> MessageState:
    """A message_state by name or number; ValueError names them."""
    names = {state.name.lower(): state for state in MessageState}
    if isinstance(value, str):
        word = value.strip().lower()
        if word in names:
            return names[word]
        value = int(word) if word.isascii() and word.isdigit() and len(word) < 4 else None
    if isinstance(value, int) and not isinstance(value, bool) and value in set(MessageState):
        return MessageState(value)
    raise ValueError(f"`state` is one of: {', '.join(names)}")
