"""Commands on a store with no daemon: what they print and how they end."""

import io
import json
import subprocess
import sys

import pytest

from smsgwd.cli import COMMANDS
from smsgwd.cli.sim import SIMULATORS

SEND = ("send", "--to", "+15550100777")


def test_send_prints_the_id(terminal):
    """A script gets the id and nothing else; the text is in the queue."""
    sent = terminal(*SEND, "hello")
    assert sent.status == 0
    assert sent.out.startswith("msg_")
    found = terminal.ask("queue", "show", sent.out.strip())
    assert (found["text"], found["state"], found["origin"]) == ("hello", "queued", "cli")


def test_json_before_and_after(terminal):
    """--json means the same in both places, and is one document."""
    before = terminal("--json", *SEND, "one").document
    after = terminal(*SEND, "two", "--json").document
    assert set(before) == set(after) >= {"id", "state", "segments", "encoding"}


def test_send_reads_stdin(terminal, monkeypatch):
    """TEXT - is what comes on stdin, without its last line end."""
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("two\nlines\n"))
    sent = terminal.ask(*SEND, "-")
    assert terminal.ask("queue", "show", sent["id"])["text"] == "two\nlines"


def test_send_with_meta(terminal):
    """Names and values for the carrier go along with the text; a value may hold an equals sign."""
    sent = terminal.ask(*SEND, "--meta", "pe_id=1101", "--meta", "x=a=b", "hello")
    assert terminal.ask("queue", "show", sent["id"])["meta"] == {"pe_id": "1101", "x": "a=b"}


def test_send_with_a_policy_of_its_own(terminal):
    """--uncertain says what to do with this text when nobody knows whether it was sent; a person sees it."""
    sent = terminal.ask(*SEND, "--uncertain", "retry", "hello")["id"]
    assert terminal.ask("queue", "show", sent)["uncertain"] == "retry"
    assert "uncertain:     retry" in terminal("queue", "show", sent).out
    assert "assume-sent" in terminal(*SEND, "--uncertain", "hope", "hello").err


def test_queue_verbs(terminal):
    """hold, release, cancel and retry, each with one line."""
    sent = terminal.ask(*SEND, "hello")["id"]
    lines = [terminal("queue", verb, sent).out.strip() for verb in ("hold", "release", "cancel")]
    assert lines == [f"{sent} held", f"{sent} queued", f"{sent} cancelled"]
    again = terminal("queue", "retry", sent)
    assert again.out.strip().endswith("queued")
    assert sent not in again.out


def test_queue_replace(terminal, monkeypatch):
    """Other words for a text that waits, as an argument or from stdin; none for one that is over."""
    sent = terminal.ask(*SEND, "hello")["id"]
    assert terminal("queue", "replace", sent, "x" * 200).out.strip() == f"{sent} queued, 2 parts"
    monkeypatch.setattr("sys.stdin", io.StringIO("bye\n"))
    assert terminal.ask("queue", "replace", sent, "-")["text"] == "bye"
    terminal("queue", "cancel", sent)
    ended = terminal("queue", "replace", sent, "hello again")
    assert (ended.status, ended.out, "is cancelled" in ended.err) == (1, "", True)
    assert terminal.ask("queue", "show", sent)["text"] == "bye"


def test_queue_show_ask(terminal):
    """--ask where there is nothing to ask: 1, with the reason."""
    sent = terminal.ask(*SEND, "hello")["id"]
    ended = terminal("queue", "show", sent, "--ask")
    assert (ended.status, ended.out) == (1, "")
    assert "is queued: there is no part of it" in ended.err


def test_queue_list_and_pages(terminal):
    """Newest first; `next` leads to the rest; filters select."""
    ids = [terminal.ask(*SEND, f"text {i}")["id"] for i in range(3)]
    first = terminal.ask("queue", "list", "--limit", "2")
    rest = terminal.ask("queue", "list", "--limit", "2", "--after", first["next"])
    assert [m["id"] for m in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    assert terminal.ask("queue", "list", "--state", "failed")["items"] == []


def test_plain_output_is_for_programs(terminal):
    """Not on a terminal: tab-separated lines without a head and without escape codes."""
    terminal(*SEND, "first\tline\nsecond")
    listed = terminal("queue", "list")
    assert "\x1b" not in listed.out
    (line,) = listed.out.splitlines()
    assert len(line.split("\t")) == 7


def test_contacts_and_tokens(terminal):
    """People can be named; a token is shown once, and never again."""
    terminal("contacts", "set", "+15550100777", "--name", "Corner Bakery", "--tag", "vip")
    assert terminal.ask("contacts", "show", "+15550100777")["tags"] == ["vip"]
    token = terminal("token", "create", "--scope", "messages:send").out.strip()
    assert token.startswith("smsgw_")
    listed = terminal("token", "list")
    assert token not in listed.out
    token_id = listed.out.split("\t")[0]
    assert terminal("token", "revoke", token_id).status == 0
    assert "revoked" in terminal("token", "list").out


def test_tail(terminal):
    """The events so far, oldest first; --kind selects; --after goes on."""
    terminal(*SEND, "hello")
    terminal("contacts", "set", "+15550100777", "--name", "A")
    events = [json.loads(line) for line in terminal("--json", "tail").out.splitlines()]
    assert [e["kind"] for e in events] == ["message.accepted", "contact.changed"]
    rest = terminal("--json", "tail", "--after", str(events[0]["id"])).out.splitlines()
    assert len(rest) == 1
    assert "contact.changed" in terminal("tail", "--kind", "contact.changed").out


def test_status_links_and_outbox(terminal):
    """What was never started is shown as such."""
    assert terminal.ask("links", "list")["items"][0]["state"] == "down"
    assert terminal.ask("status")["outbox"] == {"pending": 0, "dead": 0}
    assert terminal.ask("outbox", "list") == {"items": [], "next": None}
    assert terminal.ask("inbox", "list") == {"items": [], "next": None}
    assert terminal.ask("conversations", "list") == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        pytest.param(("queue", "show", "msg_0000000000000"), 1, "no message", id="not found"),
        pytest.param(("queue", "show", "5"), 1, "not an id", id="no id"),
        pytest.param((*SEND, ""), 1, "empty", id="empty text"),
        pytest.param(("send", "--to", "12", "x"), 1, "number", id="no number"),
        pytest.param((*SEND, "--at", "soon", "x"), 1, "`at`", id="time"),
        pytest.param(("send", "x"), 2, "--to", id="no recipient"),
        pytest.param((*SEND, "--meta", "pe_id", "x"), 2, "NAME=VALUE", id="meta without a value"),
        pytest.param((*SEND, "--meta", "a b=1", "x"), 1, "`meta`", id="meta with a bad name"),
        pytest.param(("nothing",), 2, "nothing", id="no such command"),
        pytest.param(("queue", "settle", "msg_0000000000000"), 2, "--sent", id="settle how"),
        pytest.param(("contacts", "set", "+15550100777"), 2, "--name", id="set what"),
        pytest.param(("token", "create", "--scope", "root"), 1, "scope", id="scope"),
        pytest.param(("tail", "-f"), 69, "does not answer", id="follow without a daemon"),
        pytest.param(("tail", "--kind", "nothing"), 1, "kind", id="kind"),
        pytest.param(("sim", "text", "--control", "/nowhere", "--from", "1", "x"), 1, "running", id="no simulator"),
    ],
)
def test_exit_statuses(terminal, args, status, said):
    """The contract's exit status, one line on stderr that says what is wrong, and nothing on stdout."""
    ended = terminal(*args)
    assert ended.status == status
    assert said in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "cannot be read", id="no file"),
        pytest.param("[gateway]\nsokcet = 1\n", "did you mean 'socket'", id="misspelt"),
        pytest.param('[gateway]\ndatabase = "/nowhere/at/all.db"\n', "/nowhere/at", id="no folder"),
    ],
)
def test_wrong_configuration(terminal, tmp_path, text, said):
    """78 for a configuration that is wrong, 75 for a store that cannot be had now; file and key are named."""
    path = tmp_path / "other.toml"
    if text is not None:
        path.write_text(text)
    ended = terminal(*SEND, "x", config=path)
    assert ended.status in (75, 78)
    assert said in ended.err


def test_check(terminal, tmp_path):
    """`check` tells all mistakes of configuration and rules at once."""
    assert "1 links" in terminal("check").out
    (tmp_path / "rules.d" / "10.toml").write_text('[[rule]]\nid = "x"\nwen.any = []\nthen = [ { forward = "nobody" } ]\n')
    wrong = terminal("check")
    assert wrong.status == 78
    assert "did you mean 'when'" in wrong.err
    assert "line 4" in wrong.err
    as_json = terminal("--json", "check")
    assert as_json.status == 78
    assert len(as_json.document["problems"]) == 2


def test_rules_try_and_test(terminal, tmp_path):
    """What a text would do and why, without a daemon; [[test]] blocks run."""
    (tmp_path / "rules.d" / "10.toml").write_text(
        '[[rule]]\nid = "hours"\nwhen.any = [ { keyword = "hours" } ]\nthen = [ { reply = "9 to 5" }, { tag = "q" } ]\n'
        '[[test]]\nin = { text = "your hours?" }\nwant = { matched = "hours", replies = 1 }\n'
    )
    tried = terminal.ask("rules", "try", "What are your HOURS?")
    assert [r["text"] for r in tried["replies"]] == ["9 to 5"]
    assert tried["tags"] == ["q"]
    other = terminal("rules", "try", "hello")
    assert "nothing would happen" in other.out
    assert terminal("rules", "test").out.strip() == "1 of 1 tests passed"
    assert [r["id"] for r in terminal.ask("rules", "list")["items"]] == ["hours"]


def every_command():
    """All commands and simulators by the words that call them."""
    yield from ((name,) for name in COMMANDS)
    yield from (("sim", name) for name in SIMULATORS)


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words)) for words in every_command()])
def test_every_command_has_help(terminal, words):
    """--help tells what it does, for every command of the table."""
    ended = terminal(*words, "--help")
    assert ended.status == 0
    assert "Usage:" in ended.out


def test_help_imports_little():
    """`smsgwd --help` imports none of the heavy packages."""
    code = (
        "import sys\ntry:\n    from smsgwd.cli import main; main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'aiohttp', 'asyncio', 'sqlite3', 'rich', 'phonenumbers', 'structlog', 'serial'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines()[-1] == "[]"
