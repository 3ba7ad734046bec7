"""The simulated SMSC itself: it takes texts, reports on them, and brings deliveries to whoever is bound.

A text is in the journal before it is answered. Its receipt follows after the set time, when registered_delivery asks for
one, to a connection of the same account that receives. What an ESME did not answer, or refused for now, comes again over
this connection or the next, a few times; what nobody could be given is in the journal as ``lost``.

Everything runs in the turns of the event loop, without tasks: timers are the loop's own.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from smsgwd.clock import Clock
from smsgwd.journal import Journal
from smsgwd.smpp.bodies import (
    AlertNotification,
    Bind,
    Body,
    CancelSm,
    DataSm,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ShortMessage,
)
from smsgwd.smpp.consts import CommandId, CommandStatus, MessageState
from smsgwd.smpp.sim import ids
from smsgwd.smpp.sim.accounts import Account, Accounts, Delivery
from smsgwd.smpp.sim.due import Due
from smsgwd.smpp.sim.faults import Fault, Faults
from smsgwd.smpp.sim.messages import Text, Texts
from smsgwd.smpp.sim.receipts import Report, receipt, wants_notification, wants_report
from smsgwd.smpp.sim.settings import Settings
from smsgwd.smpp.sim.texts import Joiner, Taken, address, delivers, described, fields_of

#: tries of one delivery
MOST_TRIES = 10
#: seconds until what an ESME refused for now comes again
RETRY = 1.0
#: answers to a delivery after which it comes again
_FOR_NOW = frozenset(
    {
        CommandStatus.ESME_RSYSERR,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RX_T_APPN,
    }
)
#: the number that is texted when a request names none, and who texts when a fault does
OUR_NUMBER, SOMEBODY = "+15550100200", "+15550100999"


class Esme(Protocol):
    """A connection, as the centre sees it."""

    @property
    def account(self) -> Account | None:
        """None before the bind."""
        ...

    @property
    def receives(self) -> bool: ...

    @property
    def ready(self) -> bool:
        """It receives, and its window has room."""
        ...

    def deliver(self, delivery: Delivery, drip: float | None = None) -> None:
        """``drip``: one octet each so many seconds."""
        ...

    def tell(self, command: CommandId, body: Body) -> None:
        """A request that has no answer."""
        ...

    def unbind(self) -> None: ...

    def cut(self) -> None: ...

    def blurt(self, octets: bytes) -> None:
        """Sends octets as they are."""
        ...


class Centre:
    """The options are those of :class:`Settings`."""

    def __init__(self, journal: Journal, clock: Clock, **options: Any) -> None:
        self.settings = Settings(**options)
        self.journal, self.faults = journal, Faults()
        self.esmes: set[Esme] = set()
        #: set while nobody is connected
        self.alone = asyncio.Event()
        self.alone.set()
        #: shows the other certificate from now on; None when there is none
        self.other_certificate: Callable[[], None] | None = None
        self._clock = clock
        self._accounts = Accounts(self.settings.system_id, self.settings.password, self.settings.binds)
        self._texts, self._joiner = Texts(), Joiner()
        self._due = Due(self.settings.report_after or 0.0, self.settings.order == "shuffled", self._finish)
        self._outcomes = itertools.cycle(self.settings.states)
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
            esme.account.binds -= 1
            self.journal.note("left", system_id=esme.account.name.decode("latin-1"))
            self.again(esme.account, unanswered)

    def admit(self, bind: Bind) -> Account | int:
        """The account of a bind, or the command_status that refuses it."""
        fault = self.faults.take("refuse-bind")
        admitted = fault["code"] if fault else self._accounts.admit(bind)
        if isinstance(admitted, Account):
            admitted.binds += 1
        return admitted

    def submit(self, account: Account, body: ShortMessage | DataSm, sequence: int = 0) -> str | CommandStatus:
        """Takes a text; its message_id, or why it is refused."""
        if account.too_fast(self.settings.rate, asyncio.get_running_loop().time()):
            return CommandStatus.ESME_RTHROTTLED
        if not body.destination_addr:
            return CommandStatus.ESME_RINVDSTADR
        if self._due.full:
            return CommandStatus.ESME_RMSGQFUL
        text, taken = self._text(account, body), Taken(body)
        name = account.name.decode("latin-1")
        self.journal.note(
            "submit", id=text.id, message_id=text.id, system_id=name, sequence=sequence, **taken.told(),
            report=bool(body.registered_delivery & 3), **fields_of(body),
        )  # fmt: skip
        if (whole := self._joiner.add(account.name, text.id, taken)) is not None:
            self.journal.note("joined", system_id=name, **whole)
        self._texts.add(text)
        self._plan(text)
        return text.id

    def _text(self, account: Account, body: ShortMessage | DataSm) -> Text:
        own, settings = self._next_id(), self.settings
        fault = self.faults.take("undeliverable")
        outcome = MessageState(fault["state"]) if fault else next(self._outcomes)
        called = ids.receipt_id(own, settings.receipt_id)
        if self.faults.take("other-digits"):
            called = ids.other_digits(own, settings.ids)
        return Text(own, body, account, self._now(), outcome, called)

    def query(self, account: Account, body: QuerySm) -> tuple[CommandStatus, QuerySmResp]:
        """query_sm: what became of a text."""
        status, answer = self._texts.query(account, body)
        self.journal.note("query", id=body.message_id.decode("latin-1"), status=status, state=answer.message_state)
        return status, answer

    def cancel(self, account: Account, body: CancelSm) -> CommandStatus:
        """cancel_sm; the receipt says DELETED."""
        status, ended = self._texts.cancel(account, body, self._now())
        self.journal.note(
            "cancel", id=body.message_id.decode("latin-1"), status=status, cancelled=[text.id for text in ended]
        )
        for text in ended:
            self._report_wanted(text)
        return status

    def replace(self, account: Account, body: ReplaceSm) -> CommandStatus:
        """replace_sm: other words for a text that is not done."""
        status = self._texts.replace(account, body)
        told = described(ShortMessage(short_message=body.short_message))["text"]
        self.journal.note("replace", id=body.message_id.decode("latin-1"), status=status, text=told)
        return status

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

    # ---- receipts --------------------------------------------------------------------------------------------------

    def _plan(self, text: Text) -> None:
        """When the text is done, and its receipts."""
        if self.settings.order == "before" or self.faults.take("report-first"):
            self._finish(text)
        elif self.settings.report_after is None:
            text.end(text.outcome, self._now())
        else:
            if wants_notification(text.body.registered_delivery):
                asyncio.get_running_loop().call_soon(self._report, text, MessageState.ENROUTE)
            self._due.add(text)

    def _finish(self, text: Text) -> None:
        if text.end(text.outcome, self._now()):
            self._report_wanted(text)

    def _report_wanted(self, text: Text) -> None:
        if wants_report(text.body.registered_delivery, text.state):
            self._report(text, text.state)

    def _report(self, text: Text, state: MessageState) -> None:
        report = Report(text.receipt_id, state, text.at, self._now())
        self._receipt(text.account, text.id, text.body, report)

    def _receipt(self, account: Account, own: str, body: ShortMessage | DataSm, report: Report) -> None:
        made = receipt(body, report, self.settings.receipt)
        self._deliver(account, Delivery(own, "report", made), **described(made), state=report.state.name.lower(),
                      receipt_id=report.id)  # fmt: skip

    # ---- from the network ------------------------------------------------------------------------------------------

    def text(self, sender: str, to: str, text: str, system_id: str = "", form: str = "udh8") -> int:
        """Somebody texts a number of an account; how many parts. ValueError for what no network would carry."""
        account = self._accounts.named(system_id)
        bodies = delivers(sender, to, text, random.randrange(1 << 16 if form in ("udh16", "sar") else 1 << 8), form)
        for body in bodies:
            self._deliver(account, Delivery(self._next_id(), "deliver", body), **described(body))
        return len(bodies)

    def report(self, message_id: str, state: int = MessageState.DELIVERED) -> None:
        """A receipt on a text, asked for or not. ValueError for an unknown id or state."""
        self._report(self._texts.get(message_id), MessageState(state))

    def alert(self, sender: str, to: str, system_id: str = "") -> int:
        """alert_notification: a phone can be reached again. To how many; ValueError for a wrong address."""
        account = self._accounts.named(system_id)
        body = AlertNotification(*address(sender), *address(to))
        heard = [esme for esme in self.esmes if esme.account is account and esme.receives]
        for esme in heard:
            esme.tell(CommandId.ALERT_NOTIFICATION, body)
        self.journal.note("alert", **{"from": sender, "to": to, "heard": len(heard)})
        return len(heard)

    def _deliver(self, account: Account, delivery: Delivery, **told: Any) -> None:
        self.journal.note(delivery.kind, id=delivery.id, **told)
        if account.full:
            self.journal.note("lost", id=delivery.id, of=delivery.kind, tries=0)
            return
        account.waiting.append(delivery)
        self.bring(account)

    # ---- requests of people ----------------------------------------------------------------------------------------

    def fault(self, fault: Fault) -> None:
        """Something goes wrong now, or at the next occasion. ValueError where that cannot be."""
        at_once: dict[str, Callable[[Fault], None]] = {
            "clear": lambda _: self.faults.clear(), "orphan-report": self._orphans, "text-now": self._text_now,
            "drip": self._drip, "other-certificate": self._show_other,
        }  # fmt: skip
        esmes = list(self.esmes)
        match fault.name:
            case "unbind":
                for esme in esmes:
                    esme.unbind()
            case "cut":
                for esme in esmes:
                    esme.cut()
            case "garbage" | "half":
                length = fault["length"] if fault.name == "garbage" else 60
                for esme in esmes:
                    esme.blurt(length.to_bytes(4, "big") + b"\0\0\0\5 junk of the simulator")
            case name if name in at_once:
                at_once[name](fault)
            case _:
                self.faults.add(fault)

    def _orphans(self, _: Fault) -> None:
        body, now = ShortMessage(*(b"", *address(OUR_NUMBER), *address(SOMEBODY))), self._now()
        for account in self._accounts:
            own = self._next_id()
            self._receipt(account, own, body, Report(own, MessageState.DELIVERED, now, now))

    def _text_now(self, _: Fault) -> None:
        for account in self._accounts:
            self.text(SOMEBODY, OUR_NUMBER, "a text of the simulator", account.name.decode("latin-1"))

    def _drip(self, fault: Fault) -> None:
        for esme in [esme for esme in self.esmes if esme.ready]:
            (body,) = delivers(SOMEBODY, OUR_NUMBER, "drop by drop", 0)
            delivery = Delivery(self._next_id(), "deliver", body, 1)
            self.journal.note("deliver", id=delivery.id, **described(body))
            esme.deliver(delivery, fault["seconds"])

    def _show_other(self, _: Fault) -> None:
        if self.other_certificate is None:
            raise ValueError("there is no other certificate: name it with --other-tls")
        self.other_certificate()

    def state(self) -> dict[str, Any]:
        """What there is, in numbers."""
        bound = [esme for esme in self.esmes if esme.account is not None]
        return {
            "connections": len(self.esmes), "bound": len(bound), "waiting": self._accounts.waiting,
            "submitted": len(self._texts), "reports_due": len(self._due), "faults": self.faults.names(),
        }  # fmt: skip

    def end(self) -> None:
        """Nothing more is reported."""
        self._due.end()

    def _next_id(self) -> str:
        self._last_id += 1
        return ids.message_id(self._last_id, self.settings.ids)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now() / 1000, UTC)
