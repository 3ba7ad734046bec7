"""``[[rule]]`` tables → rules. Every mistake of every table becomes a problem with its line; a table with mistakes makes a
rule all the same where it has a name, so that other files that speak of it are not blamed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smsgwd.rules.conditions import READERS, Condition
from smsgwd.rules.model import Action, Rule
from smsgwd.rules.source import Source, suggestion
from smsgwd.rules.template import Template, parse_template
from smsgwd.sms.split import split

#: more segments than that in the fixed part of an answer is a mistake
MOST_SEGMENTS = 10
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TYPES: dict[str, tuple[type, Any, str]] = {
    "priority": (int, 0, "a whole number"),
    "enabled": (bool, True, "true or false"),
    "description": (str, "", "a text"),
    "continue": (bool, False, "true or false"),
}
_KEYS = ("id", "when", "then", *_TYPES)
_ACTIONS = ("reply", "forward", "tag", "stop")
_BLOCKS = ("any", "all", "none")


def too_long(template: Template) -> str:
    """What is wrong with the length of an answer; "" when nothing is."""
    count = split(template.literal).parts
    return f"the answer takes {count} segments; {MOST_SEGMENTS} are the most" if count > MOST_SEGMENTS else ""


class RuleFile:
    """Reads the rules of one file. ``desks``: the helpdesks that exist; None = do not ask, and a disabled rule may name
    one that is still to come."""

    def __init__(self, source: Source, templates: Mapping[str, Template], desks: tuple[str, ...] | None) -> None:
        self.source, self.templates, self.desks = source, templates, desks

    def rules(self) -> list[Rule]:
        found = [self._rule(i, table) for i, table in enumerate(self.source.tables("rule"))]
        return [rule for rule in found if rule.id]

    def _wrong(self, index: int, key: str, message: str) -> None:
        self.source.problem(self.source.line_of("rule", index, key), message)

    def _rule(self, i: int, table: dict[str, Any]) -> Rule:
        self.source.known("rule", i, table, _KEYS, "key")
        id_ = table.get("id")
        if not isinstance(id_, str) or not _ID.fullmatch(id_):
            self._wrong(i, "id", "`id` is missing" if id_ is None else "`id` is a name of letters, digits, . _ -")
            id_ = ""
        plain = {key: self._plain(i, key, table) for key in _TYPES}
        blocks = self._when(i, table.get("when", {}))
        return Rule(
            id=id_, file=str(self.source.path), line=self.source.line_of("rule", i),
            priority=plain["priority"], enabled=plain["enabled"], description=plain["description"],
            continue_=plain["continue"], any=blocks["any"], all=blocks["all"], none=blocks["none"],
            then=self._then(i, table.get("then"), self.desks if plain["enabled"] else None),
        )  # fmt: skip

    def _plain(self, i: int, key: str, table: dict[str, Any]) -> Any:
        kind, default, written = _TYPES[key]
        value = table.get(key, default)
        if type(value) is kind:
            return value
        self._wrong(i, key, f"`{key}` is {written}")
        return default

    # ---- when ------------------------------------------------------------------------------------------------------

    def _when(self, i: int, when: Any) -> dict[str, tuple[Condition, ...]]:
        blocks: dict[str, tuple[Condition, ...]] = dict.fromkeys(_BLOCKS, ())
        if not isinstance(when, dict):
            self._wrong(i, "when", "`when` is a table: when.any, when.all, when.none")
            return blocks
        self.source.known("rule", i, when, _BLOCKS, "block of `when`")
        for name in _BLOCKS:
            tables = when.get(name, [])
            if not isinstance(tables, list) or not all(isinstance(t, dict) and t for t in tables):
                self._wrong(i, name, f'`when.{name}` is a list of tables like {{ keyword = "…" }}')
                continue
            found = [self._condition(i, t) for t in tables]
            blocks[name] = tuple(condition for condition in found if condition is not None)
        return blocks

    def _condition(self, i: int, table: dict[str, Any]) -> Condition | None:
        names = [key for key in table if key in READERS]
        if len(names) != 1:
            key = next(key for key in table if key not in READERS) if not names else names[1]
            self._wrong(
                i, key, "one condition a table" if names else f"unknown condition {key!r}{suggestion(key, READERS)}"
            )
            return None
        (name,) = names
        reader, more = READERS[name]
        self.source.known("rule", i, table, (name, *more), f"key beside {name}")
        try:
            return reader(table[name], table)
        except ValueError as e:
            self._wrong(i, name, f"`{name}` {e}")
            return None

    # ---- then ------------------------------------------------------------------------------------------------------

    def _then(self, i: int, then: Any, desks: tuple[str, ...] | None) -> tuple[Action, ...]:
        if not isinstance(then, list) or not then or not all(isinstance(t, dict) and t for t in then):
            self._wrong(i, "then", '`then` is a list of tables like { reply = "…" }')
            return ()
        if sum("reply" in table for table in then) > 1:
            self._wrong(i, "then", "a text gets one answer at most, so a rule has one `reply`")
        return tuple(action for table in then if (action := self._action(i, table, desks)) is not None)

    def _action(self, i: int, table: dict[str, Any], desks: tuple[str, ...] | None) -> Action | None:
        self.source.known("rule", i, table, _ACTIONS, "action")
        names = [key for key in table if key in _ACTIONS]
        if len(names) > 1:
            self._wrong(i, names[1], "one action a table")
        if len(names) != 1:
            return None
        (name,) = names
        try:
            return _MAKERS[name](self, table[name], desks)
        except ValueError as e:
            for line in str(e).split("\n"):
                self._wrong(i, name, f"`{name}` {line}")
            return None

    def _forward(self, value: Any, desks: tuple[str, ...] | None) -> Action:
        if not isinstance(value, str) or not value:
            raise ValueError("is the name of a [[helpdesk]]")
        if desks is not None and value not in desks:
            raise ValueError(f"there is no [[helpdesk]] {value!r}{suggestion(value, desks)}")
        return Action(forward=value)

    def _stop(self, value: Any, desks: tuple[str, ...] | None) -> Action:
        if value is not True:
            raise ValueError("is only ever true")
        return Action(stop=True)

    def _tag(self, value: Any, desks: tuple[str, ...] | None) -> Action:
        tags = [value] if isinstance(value, str) else value
        if not isinstance(tags, list) or not tags or not all(isinstance(t, str) and 0 < len(t) <= 50 for t in tags):
            raise ValueError("is a text or a list of texts of at most 50 characters")
        return Action(tags=tuple(tags))

    def _reply(self, value: Any, desks: tuple[str, ...] | None) -> Action:
        if not isinstance(value, str) or not value.strip():
            raise ValueError("is a text, or template:NAME")
        if value.startswith("template:"):
            name = value.removeprefix("template:")
            if name not in self.templates:
                raise ValueError(f"there is no template {name!r}{suggestion(name, self.templates)}")
            return Action(reply=self.templates[name])
        template, mistakes = parse_template(value)
        wrong = [mistake.message for mistake in mistakes] or [m for m in (too_long(template),) if m]
        if wrong:
            raise ValueError("\n".join(wrong))
        return Action(reply=template)


_MAKERS = {"reply": RuleFile._reply, "forward": RuleFile._forward, "tag": RuleFile._tag, "stop": RuleFile._stop}
