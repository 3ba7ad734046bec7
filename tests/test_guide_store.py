"""The guide to the store says what the program does."""

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from smsgwd.cli import COMMANDS
from smsgwd.config import Store
from smsgwd.events import KINDS
from smsgwd.queue.care.aside import REASON
from smsgwd.queue.migrations import MIGRATIONS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "smsgwd").rglob("*.py"))
#: … with what is cut over two lines of code put together again
WORDS = re.sub(r'"\s*\n\s*f?"', "", SOURCE)
LINES = sorted(
    {
        *re.findall(r"`(smsgwd [^`\n]+)`", TEXT), *re.findall(r"^(smsgwd .*?)(?:\s+#.*)?$", TEXT, re.M),
        *re.findall(r"(?:smsgwd |-c ')(smsgwd db backup --force \S+)", TEXT),
    }
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_every_command_is_one(line):
    """Its words are commands, its options are theirs, and it has as many arguments as it needs."""
    words = shlex.split(line.replace("$(date +", "x").replace(")", ""))[1:]
    if words[0] == "--config":
        words = words[2:]
    module, _, name = COMMANDS[words[0]][0].partition(":")
    command, rest = getattr(importlib.import_module(module), name), words[1:]
    while isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(line, [*rest], resilient_parsing=False)


def test_commands_are_found():
    """The test before this one has something to look at, and would see an option that is none."""
    assert len(LINES) >= 15
    module = importlib.import_module("smsgwd.cli.db")
    with pytest.raises(click.UsageError):
        module.db.commands["backup"].make_context("backup", ["--forced", "x"])


def test_every_message_is_said_somewhere():
    """What the table of messages quotes stands in the program."""
    table = TEXT[TEXT.index("| message | exit |") :].split("\n\n")[0]
    quoted = [word for row in table.splitlines()[2:] for word in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert len(quoted) >= 11
    missing = [words for words in quoted if not all(part in WORDS for part in re.split(r" ?\(?\bN\b\)? ?", words))]
    assert missing == []


def test_names_of_events_keys_and_files():
    """Events are in the closed list, the key is one of [store], the files are named as the program names them."""
    events = set(re.findall(r"`(store\.[a-z]+)`", TEXT))
    assert events >= {"store.checked", "store.damaged", "store.restored"}
    assert events <= set(KINDS)
    assert "check" in Store.__struct_fields__
    assert f"smsgwd.db.before-{MIGRATIONS[-1][0]}" in TEXT
    assert f'"{REASON}"' in TEXT
    for end in (".lock", ".reserve", ".restoring", ".damaged"):
        assert f"smsgwd.db{end}" in TEXT
        assert f'{end}"' in SOURCE
