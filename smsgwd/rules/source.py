"""One rule file as text and as a TOML document, with the line of each mistake.

TOML readers keep no line numbers, so the n-th ``[[rule]]`` is found again in the text, and a key from there on. A file
that writes its rules in another way (``rule = [ {…} ]``) gets line 1, which is still the right file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from smsgwd.errors import Problem

_HEAD = re.compile(r"\s*\[\[\s*([A-Za-z]+)\s*\]\]")
_AT_LINE = re.compile(r" \(at line ([0-9]+), column ([0-9]+)\)")


class Source:
    """A rule file that was read; ``document`` is empty when it could not be, and ``problems`` says why."""

    def __init__(self, path: Path, raw: bytes, problems: list[Problem]) -> None:
        self.path, self.problems = path, problems
        self.lines: list[str] = []
        self.document: dict[str, Any] = {}
        try:
            text = raw.decode()
            self.lines = text.split("\n")
            self.document = tomllib.loads(text)
        except UnicodeDecodeError as e:
            self.problem(raw.count(b"\n", 0, e.start) + 1, "not UTF-8")
        except tomllib.TOMLDecodeError as e:
            found = _AT_LINE.search(str(e))
            # without a place it is the end of the file
            self.problem(int(found[1]) if found else len(self.lines), f"not TOML: {_AT_LINE.sub('', str(e))}")
        except RecursionError:
            self.problem(1, "not TOML: nested too deeply")
        self._heads: dict[str, list[int]] = {}
        for i, line in enumerate(self.lines):
            head = _HEAD.match(line)
            if head:
                self._heads.setdefault(head[1], []).append(i)

    def problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(str(self.path), f"line {line}", message))

    def tables(self, kind: str) -> list[Any]:
        """What stands under ``[[kind]]``."""
        found = self.document.get(kind, [])
        if isinstance(found, list) and all(isinstance(table, dict) for table in found):
            return found
        self.problem(1, f"write [[{kind}]] with two brackets")
        return []

    def line_of(self, kind: str, index: int, key: str = "") -> int:
        """Line of the ``index``-th ``[[kind]]``, or of the first such key behind it."""
        heads = self._heads.get(kind, [])
        if index >= len(heads):
            return 1
        start = heads[index]
        pattern = re.compile(rf"""(^|[\s{{,."']){re.escape(key)}["']?\s*[=.]""")
        for i in range(start + 1, len(self.lines)) if key else ():
            if _HEAD.match(self.lines[i]):
                break
            if pattern.search(self.lines[i]):
                return i + 1
        return start + 1

    def only(self, kinds: Iterable[str]) -> None:
        """A problem for each table or key of the file itself that is none of ``kinds``."""
        for key in self.document:
            if key not in kinds:
                begins = re.compile(rf"""[\s\["']*{re.escape(key)}\b""")
                line = next((i + 1 for i, line in enumerate(self.lines) if begins.match(line)), 1)
                self.problem(line, f"unknown table {key!r}{suggestion(key, kinds)}")

    def known(self, kind: str, index: int, table: dict[str, Any], keys: Iterable[str], what: str) -> None:
        """A problem for each key that is none of ``keys``."""
        for key in table:
            if key not in keys:
                self.problem(self.line_of(kind, index, key), f"unknown {what} {key!r}{suggestion(key, keys)}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean …?``, or what there is."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known) or 'none'}"
