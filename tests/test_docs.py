"""The manual says what the program does."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from smsgwd.cli import COMMANDS
from smsgwd.cli.sim import SIMULATORS
from smsgwd.rules.conditions import READERS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("smsgwd/*/README.md")])


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_of_today():
    """What the program knows itself is as `python docs/generate.py` writes it."""
    generate = generator()
    old = [page.name for page in generate.pages() if generate.renewed(page.read_text()) != page.read_text()]
    assert not old, f"run: python docs/generate.py ({', '.join(old)})"
    assert len(generate.pages()) >= 5


def test_the_front_page_is_short():
    """README has at most 200 lines and the two commands."""
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    assert "make demo" in text
    assert "make test" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Every link to a file of ours has a file behind it."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_that_are_named_exist(page):
    """Every `smsgwd WORD` of the pages is a command."""
    text = page.read_text()
    quoted = re.findall(r"`([^`\n]+)`", text) + [line.strip() for block in re.findall(r"```\n(.*?)```", text, re.S)
                                                 for line in block.splitlines()]  # fmt: skip
    for line in quoted:
        found = re.match(r"smsgwd(?: --json| --config \S+)* ([a-z]+)(?: ([a-z]+))?", line)
        if not found:
            continue
        word, sub = found.groups()
        assert word in COMMANDS, f"{page.name}: smsgwd {word}"
        if word == "sim" and sub:
            assert sub in SIMULATORS, f"{page.name}: smsgwd sim {sub}"


def test_every_condition_is_described():
    """docs/rules.md has each condition that a rule file may use."""
    text = (ROOT / "docs" / "rules.md").read_text()
    assert [name for name in READERS if f"`{name}`" not in text] == []


def test_no_file_speaks_of_elsewhere():
    """Nothing in the tree names paths or people outside of it."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    bad = re.compile(r"/(?:work|home|root)/[a-z]")
    found = [
        name for name in listed
        if name.endswith((".py", ".md", ".toml", ".cfg")) and name != "tests/test_docs.py"
        and (ROOT / name).exists() and bad.search((ROOT / name).read_text(errors="replace"))
    ]  # fmt: skip
    assert found == []
