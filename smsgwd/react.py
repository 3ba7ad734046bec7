"""New inbound texts → rules → recorded actions.

The worker reads ``message.received`` events after its cursor, asks the rules (pure) and gives the whole decision to one
queue verb, which writes replies, tickets, tags, consent and the cursor in one commit. A crash anywhere before that
commit repeats the decision; a crash after it finds the cursor moved. So each inbound text is answered exactly once.
Texts of which nothing comes need no commit each: the cursor moves behind all that were read together. After a crash they
are decided upon again, by the rules and facts of then.

A reply that cannot be composed (too long, no address) never stops the lane: it is recorded as suppressed with its
reason, and the rest of the decision stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from smsgwd.clock import Clock, came
from smsgwd.config import parse_burst
from smsgwd.errors import RequestRefused, StoreUnavailable
from smsgwd.gateway import Gateway
from smsgwd.log import get_logger
from smsgwd.model import Draft, Event, Message, Origin, PeerFacts, Reaction
from smsgwd.queue.interface import Queue
from smsgwd.routing.rates import too_many
from smsgwd.rules.engine import decide
from smsgwd.rules.model import ConsentTexts, Decision, GuardLimits, Inbound, RuleSet

BATCH = 200
#: the cursor is written at most every so many events that needed nothing
SKIP = 1000
LONGEST_SLEEP = 60.0

log = get_logger("react")


class React:
    """Answers inbound texts. ``rules`` is swapped whole on reload; a text that is being decided keeps its set."""

    def __init__(self, queue: Queue, gateway: Gateway, rules: RuleSet, clock: Clock) -> None:
        self.queue, self.gateway, self.rules, self.clock = queue, gateway, rules, clock
        self._hint = queue.hint("events:message.received")

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; ends between two texts."""
        position = stored = decided = await self.queue.cursor("react")
        while not stop.is_set():
            self._hint.clear()
            try:
                events = await self.queue.events_after(position, BATCH)
                for event in events:
                    if stop.is_set():
                        break
                    if event.kind == "message.received":
                        if await self._answer(event):
                            stored = event.id
                        decided = event.id
                    position = event.id
                if decided > stored or position - stored >= SKIP or (stop.is_set() and position > stored):
                    await self.queue.skip("react", position)
                    stored = position
            except StoreUnavailable as e:
                log.warning("the store is away, inbound texts wait for their answers", why=str(e))
                await self.clock.sleep(1.0)
                continue
            if len(events) < BATCH and not stop.is_set():
                await came(self._hint, LONGEST_SLEEP)

    async def _answer(self, event: Event) -> bool:
        """True when something came of the text, which is stored then with the cursor."""
        message = await self.queue.message(event.message)
        facts = await self.queue.peer_facts(event.message, self.clock.now())
        decision = decide(self.rules, self._view(event, message), facts, self._limits(), self._consent_texts())
        sent = await self._sent(facts.contact.number) if decision.replies else ()
        reaction = self._reaction(event, message, facts, decision, sent)
        if not (
            reaction.replies or reaction.forwards or reaction.tags or reaction.consent or reaction.rules
            or reaction.suppressed
        ):  # fmt: skip
            return False
        try:
            await self.queue.react(reaction, self.clock.now())
        finally:
            self.gateway.settled(reaction.replies)
        return True

    async def _sent(self, number: str) -> Sequence[int]:
        """When this person got automatic texts, as far back as a limit looks."""
        longest = max((seconds for _, seconds in self._per_number()), default=0)
        return await self.queue.automatic_since(number, self.clock.now() - longest * 1000) if longest else ()

    def _per_number(self) -> list[tuple[int, int]]:
        return [parse_burst(text) for text in self.gateway.config.limits.per_number]

    def _view(self, event: Event, message: Message) -> Inbound:
        row = self.gateway.roster.get(message.link)
        return Inbound(
            message=message.id,
            from_=message.from_,
            to=message.to or (row.number if row is not None else ""),
            link=message.link,
            text=message.text or "",
            at=message.created,
            service=bool(event.data.get("service")),
            flash=event.data.get("message_class") == 0,
            stored=bool(event.data.get("stored")),
            call=bool(event.data.get("call")),
            meta=message.meta,
        )

    def _limits(self) -> GuardLimits:
        loops = self.gateway.config.loops
        return GuardLimits(
            per_rule=loops.per_rule,
            per_sender=loops.per_sender,
            global_=loops.global_,
            identical=loops.identical,
            own_numbers=tuple(link.number for link in self.gateway.roster.links if link.number),
            country=self.gateway.config.gateway.country,
        )

    def _consent_texts(self) -> ConsentTexts:
        texts = self.gateway.config.consent
        return ConsentTexts(stop=texts.stop_reply, start=texts.start_reply, help=texts.help_reply)

    def _reaction(self, event: Event, message: Message, facts: PeerFacts, decision: Decision, sent: Sequence[int]) -> Reaction:
        replies: list[Draft] = []
        suppressed = list(decision.suppressed)
        for reply in decision.replies:
            origin = Origin.RULE if reply.rule else Origin.CONSENT
            # the answer to STOP is owed in any case, so it counts and is never held back
            if reply.rule and (held := too_many(sent, self.clock.now(), self._per_number())):
                suppressed.append((f"reply of {reply.rule}", held.reason))
                continue
            try:
                draft = self.gateway.answer(
                    facts.conversation, reply.text, origin=origin, rule=reply.rule, answers=message.id,
                    # the one confirmation counts as allowed for five minutes only; late it is not sent at all
                    within=0 if reply.rule else 300,
                )  # fmt: skip
            except RequestRefused as e:
                suppressed.append((f"reply of {reply.rule or 'consent'}", f"{e.code}: {e}"))
                continue
            replies.append(draft)
        # a desk that hears of every text anyway is not told twice
        desks = {desk.name for desk in self.gateway.config.helpdesk if "message.received" not in desk.events}
        return Reaction(
            event=event.id,
            message=message.id,
            conversation=facts.conversation.id,
            replies=tuple(replies),
            forwards=tuple(name for name in decision.forwards if name in desks),
            tags=decision.tags,
            consent=decision.consent,
            rules=decision.rules,
            suppressed=tuple(suppressed),
        )
