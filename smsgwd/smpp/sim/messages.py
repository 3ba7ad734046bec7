"""The texts that the simulated SMSC has taken, and what becomes of them: query_sm, cancel_sm, replace_sm. Pure.

A text is ENROUTE until it is done, and then in its final state, which nothing changes. It is done when its receipt is due,
or at once where no receipts are made. Only the account that submitted a text may ask for it, and only with its source
address, as the standard demands (sections 4.8 to 4.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec.structs import replace

from smsgwd.smpp.bodies import CancelSm, DataSm, QuerySm, QuerySmResp, ReplaceSm, ShortMessage
from smsgwd.smpp.consts import CommandStatus, MessageState
from smsgwd.smpp.sim.accounts import Account

#: texts that are remembered
MOST_TEXTS = 50_000
_E = CommandStatus


class Text(msgspec.Struct):
    """A text that was taken; ``outcome`` is the state that it will have, ``receipt_id`` what the receipt calls it."""

    id: str
    body: ShortMessage | DataSm
    account: Account
    at: datetime
    outcome: MessageState
    receipt_id: str
    state: MessageState = MessageState.ENROUTE
    done: datetime | None = None

    def end(self, state: MessageState, now: datetime) -> bool:
        """The final state; False when it has one already."""
        if self.done is not None:
            return False
        self.state, self.done = state, now
        return True


class Texts:
    """By message_id, the oldest forgotten first."""

    def __init__(self) -> None:
        self._texts: dict[str, Text] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: Text) -> None:
        self._texts[text.id] = text
        if len(self._texts) > MOST_TEXTS:
            del self._texts[next(iter(self._texts))]

    def get(self, message_id: str) -> Text:
        """ValueError for one that nobody submitted."""
        text = self._texts.get(message_id)
        if text is None:
            raise ValueError(f"no text {message_id!r} was submitted")
        return text

    def _asked(self, account: Account, body: QuerySm | CancelSm | ReplaceSm) -> Text | None:
        text = self._texts.get(body.message_id.decode("latin-1"))
        return text if text is not None and text.account is account else None

    def query(self, account: Account, body: QuerySm) -> tuple[CommandStatus, QuerySmResp]:
        """What became of a text."""
        text = self._asked(account, body)
        if text is None:
            return _E.ESME_RINVMSGID, QuerySmResp()
        if text.body.source_addr != body.source_addr:
            return _E.ESME_RQUERYFAIL, QuerySmResp()
        failed = text.done is not None and text.state is not MessageState.DELIVERED
        date = f"{text.done:%y%m%d%H%M%S}000+".encode() if text.done else b""
        return _E.ESME_ROK, QuerySmResp(body.message_id, date, text.state, int(failed))

    def cancel(self, account: Account, body: CancelSm, now: datetime) -> tuple[CommandStatus, list[Text]]:
        """The texts that are DELETED by it. Without a message_id all of that source, destination and service_type."""
        if not body.message_id:
            found = [text for text in self._of(account, body) if text.end(MessageState.DELETED, now)]
            return (_E.ESME_ROK if found else _E.ESME_RCANCELFAIL), found
        text = self._asked(account, body)
        if text is None:
            return _E.ESME_RINVMSGID, []
        same = (text.body.source_addr, text.body.destination_addr) == (body.source_addr, body.destination_addr)
        if not same or not text.end(MessageState.DELETED, now):
            return _E.ESME_RCANCELFAIL, []
        return _E.ESME_ROK, [text]

    def _of(self, account: Account, body: CancelSm) -> Iterator[Text]:
        for text in self._texts.values():
            own = text.body
            if text.account is account and (own.source_addr, own.destination_addr, own.service_type) == (
                body.source_addr, body.destination_addr, body.service_type
            ):  # fmt: skip
                yield text

    def replace(self, account: Account, body: ReplaceSm) -> CommandStatus:
        """Other words for a text that is not done yet; empty times leave the old ones (section 4.10.1)."""
        text = self._asked(account, body)
        if text is None:
            return _E.ESME_RINVMSGID
        old = text.body
        if text.done is not None or old.source_addr != body.source_addr or not isinstance(old, ShortMessage):
            return _E.ESME_RREPLACEFAIL
        text.body = replace(
            old, short_message=body.short_message, registered_delivery=body.registered_delivery,
            sm_default_msg_id=body.sm_default_msg_id,
            schedule_delivery_time=body.schedule_delivery_time or old.schedule_delivery_time,
            validity_period=body.validity_period or old.validity_period,
        )  # fmt: skip
        return _E.ESME_ROK
