"""The nouns of the rules engine, as frozen structs."""

from __future__ import annotations

import msgspec

from smsgwd.model import ConsentChange
from smsgwd.rules.conditions import Called, Condition
from smsgwd.rules.template import Template


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """The text that is decided on."""

    message: str
    from_: str
    to: str
    link: str
    text: str
    #: milliseconds since 1970 UTC
    at: int
    #: message waiting, WAP push and the like
    service: bool = False
    flash: bool = False
    #: it lay on the SIM for long before it was found
    stored: bool = False
    #: a voice call, which has no words
    call: bool = False
    #: the carrier's optional parameters
    meta: dict[str, str] = {}


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a rule asks for; exactly one field is set."""

    reply: Template | None = None
    #: name of a helpdesk
    forward: str = ""
    tags: tuple[str, ...] = ()
    #: nothing after this rule runs, also after ``continue``
    stop: bool = False


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When all of ``all``, one of ``any`` (if there are some) and none of ``none`` hold, then the actions."""

    id: str
    file: str
    line: int
    priority: int = 0
    enabled: bool = True
    description: str = ""
    any: tuple[Condition, ...] = ()
    all: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()
    then: tuple[Action, ...] = ()
    continue_: bool = False

    @property
    def about_calls(self) -> bool:
        """Only rules that say `call = true` are asked about calls."""
        return any(isinstance(condition, Called) for condition in (*self.all, *self.any))


class RuleTest(msgspec.Struct, frozen=True, kw_only=True):
    """A ``[[test]]`` block: a text, and what must come of it."""

    file: str
    line: int
    inbound: Inbound
    first_contact: bool
    #: id of the rule that it is about; it is not run while that is disabled
    rule: str = ""
    #: id of the rule that must match first; "" = none; None = not asked
    matched: str | None = None
    replies: int | None = None
    forward: str | None = None


class RuleSet(msgspec.Struct, frozen=True):
    """All enabled rules in the order in which they are asked, and a digest of the files they came from."""

    rules: tuple[Rule, ...] = ()
    digest: str = ""
    tests: tuple[RuleTest, ...] = ()


class GuardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Loop limits: see :mod:`smsgwd.rules.guard`."""

    per_rule: int = 1
    per_sender: int = 5
    global_: int = 60
    identical: int = 3
    own_numbers: tuple[str, ...] = ()
    country: str = "US"


class ConsentTexts(msgspec.Struct, frozen=True):
    """The answers of the consent stage."""

    stop: str
    start: str
    help: str


class Reply(msgspec.Struct, frozen=True):
    """An automatic answer. ``rule`` is empty for one of the consent stage."""

    text: str
    rule: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """How one rule was judged, for people: matched, or the first thing that did not hold."""

    rule: str
    matched: bool
    why: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one inbound text asks for."""

    #: screening | consent | rules: where the decision was made
    stage: str = "rules"
    replies: tuple[Reply, ...] = ()
    forwards: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    consent: ConsentChange | None = None
    #: ids of the rules that matched, in order
    rules: tuple[str, ...] = ()
    #: (what, why) of automatic answers that were held back
    suppressed: tuple[tuple[str, str], ...] = ()
    #: one for each rule, when they were asked for
    verdicts: tuple[Verdict, ...] = ()
