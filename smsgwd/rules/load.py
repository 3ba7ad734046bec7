"""Rule files and templates: read, checked as a whole, and turned into a :class:`RuleSet`.

All files of the folder are read in the order of their names, and every mistake is told with file and line; one mistake
and nothing is taken. TOML readers keep no line numbers, so the n-th ``[[rule]]`` is found again in the text, and a key
from there on.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from smsgwd.errors import ConfigError, Problem
from smsgwd.rules.conditions import READERS, Condition
from smsgwd.rules.model import Action, Inbound, Rule, RuleSet, RuleTest
from smsgwd.rules.template import Template, parse_template
from smsgwd.sms.split import split

#: more segments than that in the fixed part of an answer is a mistake
MOST_SEGMENTS = 10
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RULE_KEYS = ("id", "priority", "enabled", "description", "when", "then", "continue")
_ACTIONS = ("reply", "forward", "tag", "stop")
_TEST_KEYS, _IN_KEYS, _WANT_KEYS = ("rule", "in", "want"), ("from", "to", "text", "at", "link", "first_contact"), (
    "matched", "replies", "forward",
)  # fmt: skip


def load_rules(folder: str | Path, templates: str | Path, *, desks: Iterable[str] | None = None) -> RuleSet:
    """Reads ``*.toml`` and ``*.txt``. ``desks``: the helpdesks that exist; None = do not ask. ConfigError with every
    problem. A folder that is not there holds no rules, but a file that cannot be read is a problem."""
    problems: list[Problem] = []
    answers = _templates(Path(templates), problems)
    files = [_File(path, answers, desks, problems) for path in sorted(Path(folder).glob("*.toml"))]
    rules = [rule for file in files for rule in file.rules]
    seen: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in seen:
            other = seen[rule.id]
            problems.append(
                Problem(rule.file, f"line {rule.line}", f"id {rule.id!r} is used in {other.file} line {other.line} too")
            )
        seen.setdefault(rule.id, rule)
    if problems:
        raise ConfigError(problems)
    digest = hashlib.sha256()
    for path in [*sorted(Path(folder).glob("*.toml")), *sorted(Path(templates).glob("*.txt"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    rules.sort(key=lambda rule: -rule.priority)  # stable: file name, then place in the file
    return RuleSet(tuple(rules), digest.hexdigest(), tuple(test for file in files for test in file.tests))


def _templates(folder: Path, problems: list[Problem]) -> dict[str, Template]:
    found = {}
    for path in sorted(folder.glob("*.txt")):
        try:
            text = path.read_text(encoding="utf-8").strip()
            if not text:
                raise ValueError("the template is empty")
            found[path.stem] = _checked_length(parse_template(text, f"template:{path.stem}"))
        except (OSError, UnicodeDecodeError) as e:
            problems.append(Problem(str(path), "", f"cannot be read: {e}"))
        except ValueError as e:
            problems.append(Problem(str(path), "", str(e)))
            found[path.stem] = Template(())
    return found


def _checked_length(template: Template) -> Template:
    count = len(split(template.literal).cuts)
    if count > MOST_SEGMENTS:
        raise ValueError(f"the answer takes {count} segments; {MOST_SEGMENTS} are the most")
    return template


class _File:
    """One rule file."""

    def __init__(
        self, path: Path, templates: dict[str, Template], desks: Iterable[str] | None, problems: list[Problem]
    ) -> None:
        self.path, self.templates, self.problems = path, templates, problems
        self.desks = None if desks is None else tuple(desks)
        self.lines: list[str] = []
        self.rules: list[Rule] = []
        self.tests: list[RuleTest] = []
        try:
            text = path.read_text(encoding="utf-8")
            self.lines = text.splitlines()
            document = tomllib.loads(text)
        except (OSError, UnicodeDecodeError) as e:
            problems.append(Problem(str(path), "", f"cannot be read: {e}"))
            return
        except tomllib.TOMLDecodeError as e:
            problems.append(Problem(str(path), "", f"not TOML: {e}"))
            return
        self._document(document)

    def problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(str(self.path), f"line {line}", message))

    def line_of(self, kind: str, index: int, key: str = "") -> int:
        """Line of the ``index``-th ``[[kind]]``, or of a key behind it; 1 when it is written in another way."""
        heads = [i for i, line in enumerate(self.lines) if re.match(rf"\s*\[\[\s*{kind}\s*\]\]", line)]
        if index >= len(heads):
            return 1
        end = heads[index + 1] if index + 1 < len(heads) else len(self.lines)
        pattern = re.compile(rf"(^|[\s{{,.]){re.escape(key)}\s*[=.]") if key else None
        for i in range(heads[index], end):
            if pattern is not None and pattern.search(self.lines[i]):
                return i + 1
        return heads[index] + 1

    def _document(self, document: dict[str, Any]) -> None:
        for key in document:
            if key not in ("rule", "test"):
                self.problem(1, f"{key!r} is not known here; a file holds [[rule]] and [[test]]")
        readers: tuple[tuple[str, Callable[[int, dict[str, Any]], None]], ...] = (
            ("rule", self._rule), ("test", self._test),
        )  # fmt: skip
        for kind, reader in readers:
            tables = document.get(kind, [])
            if not isinstance(tables, list):
                self.problem(1, f"write [[{kind}]] with two brackets")
                continue
            for i, table in enumerate(tables):
                reader(i, table)

    def _known(self, kind: str, i: int, table: dict[str, Any], known: Iterable[str], what: str) -> None:
        for key in table:
            if key not in known:
                close = difflib.get_close_matches(key, list(known), 1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
                self.problem(self.line_of(kind, i, key), f"unknown {what} {key!r}{hint}")

    # ---- rules -----------------------------------------------------------------------------------------------------

    def _rule(self, i: int, table: dict[str, Any]) -> None:
        self._known("rule", i, table, _RULE_KEYS, "key")
        line = self.line_of("rule", i)
        id_ = table.get("id")
        if not isinstance(id_, str) or not _ID.fullmatch(id_):
            self.problem(self.line_of("rule", i, "id"), "`id` is a name of letters, digits, . _ -")
            id_ = ""
        wrong = [
            key
            for key, kind, default in (
                ("priority", int, 0), ("enabled", bool, True), ("description", str, ""), ("continue", bool, False),
            )
            if not isinstance(table.get(key, default), kind)
        ]  # fmt: skip
        for key in wrong:
            self.problem(self.line_of("rule", i, key), f"`{key}` has the wrong type")
        blocks = self._when(i, table.get("when", {}))
        then = self._then(i, table.get("then"))
        if wrong or not id_ or not table.get("enabled", True):
            return
        self.rules.append(
            Rule(
                id=id_, file=str(self.path), line=line, priority=table.get("priority", 0),
                description=table.get("description", ""), any=blocks["any"], all=blocks["all"], none=blocks["none"],
                then=then, continue_=table.get("continue", False),
            )
        )  # fmt: skip

    def _when(self, i: int, when: Any) -> dict[str, tuple[Condition, ...]]:
        blocks: dict[str, tuple[Condition, ...]] = {"any": (), "all": (), "none": ()}
        if not isinstance(when, dict):
            self.problem(self.line_of("rule", i, "when"), "`when` is a table: when.any, when.all, when.none")
            return blocks
        self._known("rule", i, when, tuple(blocks), "block of `when`")
        for name in blocks:
            tables = when.get(name, [])
            if not isinstance(tables, list) or not all(isinstance(t, dict) and t for t in tables):
                self.problem(self.line_of("rule", i, name), f"`when.{name}` is a list of tables like {{ keyword = \"…\" }}")
                continue
            found = [condition for t in tables if (condition := self._condition(i, t)) is not None]
            blocks[name] = tuple(found)
        return blocks

    def _condition(self, i: int, table: dict[str, Any]) -> Condition | None:
        names = [key for key in table if key in READERS]
        if len(names) != 1:
            known = ", ".join(READERS)
            key = next(iter(table))
            close = difflib.get_close_matches(key, READERS, 1)
            hint = f"did you mean {close[0]!r}?" if close and not names else f"known: {known}"
            what = f"unknown condition {key!r}" if not names else "one condition a table"
            self.problem(self.line_of("rule", i, key), f"{what}; {hint}")
            return None
        (name,) = names
        reader, more = READERS[name]
        self._known("rule", i, table, (name, *more), f"key beside {name}")
        try:
            return reader(table[name], table)
        except ValueError as e:
            self.problem(self.line_of("rule", i, name), f"`{name}` {e}")
            return None

    def _then(self, i: int, then: Any) -> tuple[Action, ...]:
        if not isinstance(then, list) or not then or not all(isinstance(t, dict) and t for t in then):
            self.problem(self.line_of("rule", i, "then"), '`then` is a list of tables like { reply = "…" }')
            return ()
        return tuple(action for table in then if (action := self._action(i, table)) is not None)

    def _action(self, i: int, table: dict[str, Any]) -> Action | None:
        self._known("rule", i, table, _ACTIONS, "action")
        names = [key for key in table if key in _ACTIONS]
        if len(table) != 1 or not names:
            if names:
                self.problem(self.line_of("rule", i, names[0]), "one action a table")
            return None
        (name,) = names
        try:
            return self._make(name, table[name])
        except ValueError as e:
            self.problem(self.line_of("rule", i, name), f"`{name}` {e}")
            return None

    def _make(self, name: str, value: Any) -> Action:
        if name == "reply":
            return Action(reply=self._reply(value))
        if name == "forward":
            if not isinstance(value, str) or (self.desks is not None and value not in self.desks):
                raise ValueError(f"must name a [[helpdesk]]; there are: {', '.join(self.desks or ()) or 'none'}")
            return Action(forward=value)
        if name == "stop":
            if value is not True:
                raise ValueError("is only ever true")
            return Action(stop=True)
        tags = [value] if isinstance(value, str) else value
        if not isinstance(tags, list) or not tags or not all(isinstance(t, str) and 0 < len(t) <= 50 for t in tags):
            raise ValueError("must be a text or a list of texts of at most 50 characters")
        return Action(tags=tuple(tags))

    def _reply(self, value: Any) -> Template:
        if not isinstance(value, str) or not value.strip():
            raise ValueError("must be a text, or template:NAME")
        if not value.startswith("template:"):
            return _checked_length(parse_template(value))
        name = value.removeprefix("template:")
        if name not in self.templates:
            close = difflib.get_close_matches(name, self.templates, 1)
            raise ValueError(f"there is no template {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
        return self.templates[name]

    # ---- tests -----------------------------------------------------------------------------------------------------

    def _test(self, i: int, table: dict[str, Any]) -> None:
        self._known("test", i, table, _TEST_KEYS, "key")
        line = self.line_of("test", i)
        given, want = table.get("in"), table.get("want")
        if not isinstance(given, dict) or not isinstance(want, dict) or not isinstance(given.get("text"), str):
            self.problem(line, "a test has `in` with at least a text, and `want`")
            return
        self._known("test", i, given, _IN_KEYS, "key of `in`")
        self._known("test", i, want, _WANT_KEYS, "key of `want`")
        try:
            at = datetime.fromisoformat(str(given.get("at", "2026-01-05T12:00:00+00:00")))
        except ValueError:
            self.problem(self.line_of("test", i, "at"), "`at` is a time like 2026-11-23T15:00+01:00")
            return
        inbound = Inbound(
            message="", from_=str(given.get("from", "+15550100777")), to=str(given.get("to", "")),
            link=str(given.get("link", "")), text=given["text"], at=int(at.timestamp() * 1000),
        )  # fmt: skip
        self.tests.append(
            RuleTest(
                file=str(self.path), line=line, inbound=inbound, first_contact=bool(given.get("first_contact", False)),
                matched=want.get("matched"), replies=want.get("replies"), forward=want.get("forward"),
            )
        )  # fmt: skip
