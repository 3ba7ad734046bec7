"""The manual says what the program does."""

import importlib.util
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from smsgwd import config
from smsgwd.cli import COMMANDS
from smsgwd.cli.sim import SIMULATORS
from smsgwd.config import Config
from smsgwd.config.file import parse
from smsgwd.errors import ConfigError
from smsgwd.events import KINDS
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


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.is_relative_to(ROOT / "smsgwd")], ids=lambda p: p.parent.name)
def test_files_of_a_package_are_described(page):
    """Its README has a row for each module, and names none that is gone. That of the commands stops at the first nouns."""
    rows = [row.split("|")[1] for row in page.read_text().splitlines() if row.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`([a-z_0-9]+\.(?:py|toml))`", row)}
    there = {path.name for path in page.parent.glob("*.py") if not path.name.startswith("__")}
    assert {name for name in named if not (page.parent / name).exists()} == set()
    assert page.parent.name == "cli" or there - named == set()


# ---- guides ----------------------------------------------------------------------------------------------------------

GUIDES = [ROOT / "docs" / name for name in ("carriers.md", "routing.md")]
#: what a block of a guide needs besides itself
_PAGES = {page.name: page.read_text() for page in GUIDES}
_SECRETS = {"CARRIER": "x"}


def _settings(text: str) -> list[str]:
    """Every `key = value` in backticks."""
    return re.findall(r"`([a-z_]+ = [^`…]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


def _blocks() -> list:
    return [
        pytest.param(block, id=f"{name}-{number}")
        for name, text in _PAGES.items() for number, block in enumerate(re.findall(r"```toml\n(.*?)```", text, re.S), 1)
    ]  # fmt: skip


@pytest.mark.parametrize("block", _blocks())
def test_examples_of_the_guides_are_configuration(block):
    """Every TOML block is one that the gateway would take."""
    found = parse(block, environ=_SECRETS, reveal=False)
    assert found.link


@pytest.mark.parametrize("setting", sorted({s for text in _PAGES.values() for s in _settings(text)}))
def test_settings_of_the_guides_exist(setting):
    """Each setting that stands in a line is a key of an SMPP link, and takes that value."""
    found = parse(f'[[link]]\nname = "c"\ntype = "smpp"\nhost = "h"\nsystem_id = "u"\n{setting}\n', reveal=False)
    key = setting.partition(" ")[0]
    assert getattr(found.link[0], key) is not None


def test_settings_are_found():
    """The test before this one has something to look at, and would see a key that is none."""
    assert len(_settings(_PAGES["carriers.md"])) >= 20
    with pytest.raises(ConfigError):
        parse('[[link]]\nname = "c"\ntype = "smpp"\nhost = "h"\nwindows = 5\n', reveal=False)


def _keys() -> set[str]:
    kinds = [Config, *(kind for kind in vars(config).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct))]
    return {config.key_of(field.name) for kind in kinds for field in msgspec.structs.fields(kind)}


@pytest.mark.parametrize("page", GUIDES, ids=lambda p: p.name)
def test_keys_of_the_tables_exist(page):
    """The first cell of a table about keys names keys; so do words that look like keys."""
    known = _keys() | {"link", "limits", "quiet", "loops", "gateway"}
    rows = [row for table in re.findall(r"\| key of .*?\n\n", _PAGES[page.name], re.S) for row in table.splitlines()[2:]]
    named = {word for row in rows if row for word in re.findall(r"`([a-z_.]+)`", row.split("|")[1])}
    asked = {word for row in re.findall(r"^\| (?:[^|`]+) \| (.*) \|$", _PAGES[page.name], re.M)
             for word in re.findall(r"`([a-z]+_[a-z_]+)`", row)}  # fmt: skip
    assert named | asked
    assert {word for word in named | asked if word not in known} == set()


def test_the_guide_to_carriers_is_short():
    """At most 250 lines, and the events that it explains exist."""
    text = _PAGES["carriers.md"]
    assert len(text.splitlines()) <= 250
    table = text[text.index("| event |") :]
    events = re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", table, re.M)
    assert len(events) >= 8
    assert set(events) <= set(KINDS)
