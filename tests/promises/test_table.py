"""The table of promises is kept true: docs/promises.md names the tests of each, and each that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"
PROMISES = [f"P{n}" for n in range(1, 26)]
#: the faults of disk, power, process, clock and programs that answer each other
FAULTS = [f"F{n}" for n in (*range(48, 58), 59, *range(69, 73))]
_TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+|Test[A-Za-z]+)`")


@cache
def named_in(file: str) -> frozenset[str]:
    """The names of a file's tests, without running it; empty for a file that is not there."""
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            names.add(node.name)
        if isinstance(node, ast.Assign):  # Hypothesis: TestLives = Lives.TestCase
            names |= {x.id for x in node.targets if isinstance(x, ast.Name) and x.id.startswith("Test")}
    return frozenset(names)


@cache
def all_tests() -> frozenset[str]:
    """Each test as ``file name::name``."""
    files = (ROOT / "tests").rglob("test_*.py")
    return frozenset(f"{path.stem}::{name}" for path in files for name in named_in(str(path.relative_to(ROOT))))


def rows() -> dict[str, str]:
    """promise -> the last cell of its row."""
    found = re.findall(r"^\| (P\d+) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert len({number for number, *_ in found}) == len(found)
    return {number: tests for number, _, tests in found}


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_has_its_tests(promise):
    """Its row names tests, all of them are there, and one of them stands in the file that has its number."""
    named = _TEST.findall(rows().get(promise, ""))
    assert named
    assert [f"{file}::{test}" for file, test in named if test not in named_in(file)] == []
    number = f"{int(promise[1:]):02}"
    own = [path for path in Path(__file__).parent.glob(f"test_p{number}_*.py") if named_in(str(path.relative_to(ROOT)))]
    assert own
    assert any(str(path.relative_to(ROOT)) in dict(named) for path in own)


def test_a_row_has_nothing_but_tests():
    """The last cell is names of tests and blanks: a test that is misspelt is no test that is left out."""
    left = {promise: _TEST.sub("", tests).strip() for promise, tests in rows().items()}
    assert {promise: rest for promise, rest in left.items() if rest} == {}
    assert sorted(rows(), key=lambda p: int(p[1:])) == PROMISES


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_test(fault):
    """A test, or a file of tests, has its name."""
    mark = f"test_{fault.lower()}_"
    assert [name for name in all_tests() if mark in name]
