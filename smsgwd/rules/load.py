"""Rule files and templates: read, checked as a whole, and turned into a :class:`RuleSet`.

All files of the folder are read in the order of their names, and every mistake is told with file and line; one mistake
and nothing is taken, so that a reload either changes everything or nothing. Files whose names begin with a dot (those of
editors) are left alone. A folder that is not there holds no rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from smsgwd.errors import ConfigError, Problem
from smsgwd.rules.model import Rule, RuleSet, RuleTest
from smsgwd.rules.rulefile import RuleFile, too_long
from smsgwd.rules.ruletest import read_tests
from smsgwd.rules.source import Source, suggestion
from smsgwd.rules.template import Template, parse_template


def load_rules(folder: str | Path, templates: str | Path, *, desks: Iterable[str] | None = None) -> RuleSet:
    """Reads ``*.toml`` and ``*.txt``. ``desks``: the helpdesks that exist; None = do not ask. ConfigError with every
    problem."""
    problems: list[Problem] = []
    known_desks = None if desks is None else tuple(desks)
    digest = hashlib.sha256()
    texts = _read(Path(templates), ".txt", problems)
    files = _read(Path(folder), ".toml", problems)
    for path, raw in [*files, *texts]:
        digest.update(path.name.encode() + b"\0" + str(len(raw)).encode() + b"\0" + raw)
    answers = {path.stem: _template(path, raw, problems) for path, raw in texts}
    rules: list[Rule] = []
    tests: list[RuleTest] = []
    for path, raw in files:
        source = Source(path, raw, problems)
        source.only(("rule", "test"))
        rules += RuleFile(source, answers, known_desks).rules()
        tests += read_tests(source)
    _check_ids(rules, tests, problems)
    if problems:
        raise ConfigError(problems)
    asked = sorted((rule for rule in rules if rule.enabled), key=lambda rule: -rule.priority)  # stable: file, place
    disabled = {rule.id for rule in rules if not rule.enabled}
    return RuleSet(tuple(asked), digest.hexdigest(), tuple(test for test in tests if test.rule not in disabled))


def _read(folder: Path, ending: str, problems: list[Problem]) -> list[tuple[Path, bytes]]:
    """The files of a folder by name; those that cannot be read are problems."""
    found = []
    try:
        paths = sorted(p for p in folder.iterdir() if p.suffix == ending and not p.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as e:
        problems.append(Problem(str(folder), "", f"cannot be read: {e.strerror}"))
        return []
    for path in paths:
        try:
            found.append((path, path.read_bytes()))
        except OSError as e:
            problems.append(Problem(str(path), "", f"cannot be read: {e.strerror}"))
    return found


def _template(path: Path, raw: bytes, problems: list[Problem]) -> Template:
    """One template. One with mistakes is there all the same, so that the rules that name it are not blamed."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as e:
        problems.append(Problem(str(path), f"line {raw.count(bytes([10]), 0, e.start) + 1}", "not UTF-8"))
        return Template()
    blank_before = text[: len(text) - len(text.lstrip())].count("\n")
    template, mistakes = parse_template(text.strip())
    problems += [Problem(str(path), f"line {line + blank_before}", message) for line, message in mistakes]
    wrong = too_long(template) if text.strip() else "the template is empty"
    if wrong:
        problems.append(Problem(str(path), "line 1", wrong))
    return template


def _check_ids(rules: list[Rule], tests: list[RuleTest], problems: list[Problem]) -> None:
    """Ids are unique over all files, and tests name rules that exist."""
    seen: dict[str, Rule] = {}
    for rule in rules:
        other = seen.setdefault(rule.id, rule)
        if other is not rule:
            where = f"{other.file} line {other.line}"
            problems.append(Problem(rule.file, f"line {rule.line}", f"id {rule.id!r} is used in {where} too"))
    for test in tests:
        for name in (test.rule, test.matched):
            if name and name not in seen:
                problems.append(Problem(test.file, f"line {test.line}", f"there is no rule {name!r}{suggestion(name, seen)}"))
