"""The simulated SMSC itself: it takes texts, reports on them, and brings deliveries to whoever is bound.

A text is in the journal before it is answered. Its receipt follows after the set time, when registered_delivery asks for
one, to a connection of the same account that receives. What an ESME did not answer, or refused for now, comes again over
this connection or the next, a few times; what nobody could be given is in the journal as ``lost``.

Everything runs in the turns of the event loop, without tasks: timers are the loop's own.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from smsgwd.clock import Clock
from smsgwd.journal import Journal
from smsgwd.smpp.bodies import Bind, DataSm, ShortMessage
from smsgwd.smpp.consts import CommandStatus, MessageState
from smsgwd.smpp.sim.accounts import Account, Accounts, Delivery
from smsgwd.smpp.sim.faults import Fault, Faults
from smsgwd.smpp.sim.texts import delivers, described, receipt, wants_report

#: texts that are remembered, texts whose receipt is not yet due, tries of one delivery
MOST_TEXTS, MOST_DUE, MOST_TRIES = 50_000, 50_000, 10
#: seconds until what an ESME refused for now comes again
RETRY = 1.0
#: answers to a delivery after which it comes again
_FOR_NOW = frozenset(
    {CommandStatus.ESME_RSYSERR, CommandStatus.ESME_RMSGQFUL, CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RX_T_APPN}
)


class Esme(Protocol):
    """A connection, as the centre sees it."""

    @property
    def account(self) -> Account | None:
        """None before the bind."""
        ...

    @property
    def ready(self) -> bool:
        """It receives, and its window has room."""
        ...

    def deliver(self, delivery: Delivery) -> None: ...

    def unbind(self) -> None: ...

    def cut(self) -> None: ...

    def babble(self) -> None:
        """Sends what is no PDU."""
        ...


class Text(msgspec.Struct):
    """A text that was taken."""

    body: ShortMessage | DataSm
    account: Account
    at: datetime
    state: MessageState


class Centre:
    """``rate``: submissions a second that an account may make; 0 = no limit. ``report_after`` None: no receipts but those
    that are asked for. ``decimal``: message_id in decimal rather than hexadecimal digits."""

    def __init__(
        self, journal: Journal, clock: Clock, *, system_id: str = "", password: str = "",
        report_after: float | None = None, rate: float = 0.0, decimal: bool = False,
    ) -> None:  # fmt: skip
        self.journal, self.faults = journal, Faults()
        self.esmes: set[Esme] = set()
        #: set while nobody is connected
        self.alone = asyncio.Event()
        self.alone.set()
        self._clock, self._report_after, self._rate, self._decimal = clock, report_after, rate, decimal
        self._accounts = Accounts(system_id, password)
        self._texts: dict[str, Text] = {}
        self._due: deque[tuple[float, str, Text]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._last_id = clock.now()

    # ---- from the ESME ---------------------------------------------------------------------------------------------

    def joined(self, esme: Esme) -> None:
        self.esmes.add(esme)
        self.alone.clear()

    def left(self, esme: Esme, unanswered: Iterable[Delivery]) -> None:
        """The connection is gone; what it did not answer comes again."""
        self.esmes.discard(esme)
        if not self.esmes:
            self.alone.set()
        if esme.account is not None:
            self.journal.note("left", system_id=esme.account.name.decode("latin-1"))
            self.again(esme.account, unanswered)

    def admit(self, bind: Bind) -> Account | int:
        """The account of a bind, or the command_status that refuses it."""
        fault = self.faults.take("refuse-bind")
        return int(fault["code"]) if fault else self._accounts.admit(bind)

    def submit(self, account: Account, body: ShortMessage | DataSm) -> str | CommandStatus:
        """Takes a text; its message_id, or why it is refused."""
        if account.too_fast(self._rate, asyncio.get_running_loop().time()):
            return CommandStatus.ESME_RTHROTTLED
        if not body.destination_addr:
            return CommandStatus.ESME_RINVDSTADR
        if len(self._due) >= MOST_DUE:
            return CommandStatus.ESME_RMSGQFUL
        message_id = self._next_id()
        fault = self.faults.take("undeliverable")
        text = Text(body, account, self._now(), MessageState(int(fault["state"])) if fault else MessageState.DELIVERED)
        self.journal.note("submit", id=message_id, **described(body), report=bool(body.registered_delivery & 3))
        self._texts[message_id] = text
        if len(self._texts) > MOST_TEXTS:
            del self._texts[next(iter(self._texts))]
        if wants_report(body, text.state):
            self._plan_report(message_id, text)
        return message_id

    def answered(self, account: Account, delivery: Delivery, status: int) -> None:
        """An ESME answered a delivery."""
        self.journal.note("answer", id=delivery.id, of=delivery.kind, status=status)
        if status in _FOR_NOW:
            asyncio.get_running_loop().call_later(RETRY, self.again, account, (delivery,))

    def again(self, account: Account, deliveries: Iterable[Delivery]) -> None:
        """Deliveries that nobody answered come again, before all others and in their order."""
        for delivery in reversed(list(deliveries)):
            if delivery.tries >= MOST_TRIES or account.full:
                self.journal.note("lost", id=delivery.id, of=delivery.kind, tries=delivery.tries)
            else:
                account.waiting.appendleft(delivery)
        self.bring(account)

    def bring(self, account: Account) -> None:
        """Gives what waits to those who are bound, one after the other."""
        for esme in [esme for esme in self.esmes if esme.account is account]:
            while account.waiting and esme.ready:
                delivery = account.waiting.popleft()
                delivery.tries += 1
                esme.deliver(delivery)

    # ---- from the network ------------------------------------------------------------------------------------------

    def text(self, sender: str, to: str, text: str, system_id: str = "") -> int:
        """Somebody texts a number of an account; how many parts. ValueError for what no network would carry."""
        account = self._accounts.named(system_id)
        bodies = delivers(sender, to, text, random.randrange(256))
        for body in bodies:
            self._deliver(account, Delivery(self._next_id(), "deliver", body), **described(body))
        return len(bodies)

    def report(self, message_id: str, state: int = MessageState.DELIVERED) -> None:
        """A receipt on a text, asked for or not. ValueError for an unknown id or state."""
        text = self._texts.get(message_id)
        if text is None:
            raise ValueError(f"no text {message_id!r} was submitted")
        self._report(message_id, text, MessageState(state))

    def _report(self, message_id: str, text: Text, state: MessageState) -> None:
        body = receipt(text.body, message_id, state, text.at, self._now())
        self._deliver(text.account, Delivery(message_id, "report", body), **described(body), state=state.name.lower())

    def _deliver(self, account: Account, delivery: Delivery, **told: Any) -> None:
        self.journal.note(delivery.kind, id=delivery.id, **told)
        if account.full:
            self.journal.note("lost", id=delivery.id, of=delivery.kind, tries=0)
            return
        account.waiting.append(delivery)
        self.bring(account)

    # ---- receipts that are due -------------------------------------------------------------------------------------

    def _plan_report(self, message_id: str, text: Text) -> None:
        if self.faults.take("report-first"):
            self._report(message_id, text, text.state)
        elif self._report_after is not None:
            self._due.append((asyncio.get_running_loop().time() + self._report_after, message_id, text))
            self._wind()

    def _wind(self) -> None:
        """One timer is enough: what was submitted first is due first."""
        if self._timer is None and self._due:
            self._timer = asyncio.get_running_loop().call_at(self._due[0][0], self._report_due)

    def _report_due(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._due and self._due[0][0] <= now:
            _, message_id, text = self._due.popleft()
            self._report(message_id, text, text.state)
        self._wind()

    # ---- requests of people ----------------------------------------------------------------------------------------

    def fault(self, fault: Fault) -> None:
        """Something goes wrong now, or at the next occasion."""
        esmes = list(self.esmes)
        match fault.name:
            case "clear":
                self.faults.clear()
            case "unbind":
                for esme in esmes:
                    esme.unbind()
            case "cut":
                for esme in esmes:
                    esme.cut()
            case "garbage":
                for esme in esmes:
                    esme.babble()
            case _:
                self.faults.add(fault)

    def state(self) -> dict[str, Any]:
        """What there is, in numbers."""
        bound = [esme for esme in self.esmes if esme.account is not None]
        return {
            "connections": len(self.esmes), "bound": len(bound), "waiting": self._accounts.waiting,
            "submitted": len(self._texts), "reports_due": len(self._due), "faults": self.faults.names(),
        }  # fmt: skip

    def end(self) -> None:
        """Nothing more is reported."""
        if self._timer is not None:
            self._timer.cancel()

    def _next_id(self) -> str:
        self._last_id += 1
        return str(self._last_id) if self._decimal else f"{self._last_id:x}"

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now() / 1000, UTC)
