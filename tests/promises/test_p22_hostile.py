"""P22: nothing from an SMS, a token, an address or a file name is run, rendered as HTML, or logged raw.

Real processes: texts come over a simulated modem, a rule answers and forwards them to a desk, an operator looks at all of it.
"""

import http.client
import io
import json
import re
import socket

import pytest
import structlog

from smsgwd import log
from smsgwd.log import scrub
from tests.story.programs import ask, daemon, journal, link_up, modem, running, smsgwd, until, write_config

#: what a stranger may write; ``{proof}`` is a file that must not come to be
TEXTS = {
    "escape sequences": "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
    "line ends": 'hi\r\n{"level":"error","event":"forged"}\nroot: ok',
    "C1 controls": "\x9b31m\x85next",
    "HTML": '<script>alert(1)</script><img src=x onerror="alert(2)">',
    "formula": '=HYPERLINK("http://evil.example","click")',
    "templates": "{from}{{7*7}}${7*7}%s%n{contact.__class__}",
    "shell": "$(touch {proof}) `touch {proof}` ; touch {proof} | tee {proof} &",
    "SQL": "'); DROP TABLE message; --",
    "paths": "../../../../etc/passwd",
    "direction": "\u202egnp.exe\u2066",
    "AT": "hello\x1aAT+CMGD=1,4\r",
}
RULES = """
[[rule]]
id = "all"
when.all = [ { from_prefix = "+1555" } ]
then = [ { reply = "Hello {contact.name|you}, case {conversation}" }, { forward = "desk" } ]
"""
#: what a terminal takes as a command, and what turns the writing direction
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SENDERS = {name: f"+1555010{i:04}" for i, name in enumerate(TEXTS, 1000)}


def words(name: str, home) -> str:
    return TEXTS[name].replace("{proof}", str(home / "proof"))


def looked_at(config) -> str:
    """Everything that an operator may look at, as it is printed for people and programs."""
    shown = ""
    commands = [("inbox", "list"), ("conversations", "list"), ("queue", "list"), ("outbox", "list"), ("tail",), ("status",)]
    commands += [("contacts", "show", number) for number in SENDERS.values()]
    commands += [("conversations", "show", c["id"]) for c in ask(config, "conversations", "list")["items"]]
    for command in commands:
        done = smsgwd("--config", str(config), *command)
        assert done.returncode == 0, (command, done.stderr)
        shown += done.stdout + done.stderr
    return shown


@pytest.mark.story
def test_p22_a_hostile_corpus(tmp_path):
    """Each text is stored word for word and told the desk; and nothing of it is run, steers a terminal, becomes HTML or a line
    of the log, or changes the answer that a rule gives."""
    (tmp_path / "desk.journal").touch()
    with running("sim", "helpdesk", "--journal", str(tmp_path / "desk.journal"), ready="ready", log=tmp_path / "desk.log"):
        address = (tmp_path / "desk.log").read_text().split()[1]
        config = write_config(tmp_path, f'[[helpdesk]]\nname = "desk"\nurl = "http://{address}/"\n[loops]\nper_sender = 99\n', RULES)
        with modem(tmp_path), daemon(tmp_path):
            link_up(config)
            with socket.socket(socket.AF_UNIX) as control:
                control.connect(str(tmp_path / "m1.ctl"))
                for name, number in SENDERS.items():
                    ask(config, "contacts", "set", number, "--name", words(name, tmp_path)[:90], "--tag", words(name, tmp_path)[:50])
                    line = {"do": "text", "from": number, "text": words(name, tmp_path)}
                    control.sendall(json.dumps(line).encode() + b"\n")
                    assert b'"error"' not in control.recv(65536)
            until(lambda: len(ask(config, "inbox", "list")["items"]) == len(TEXTS), what="all texts")
            until(lambda: len(journal(tmp_path, "submit")) >= len(TEXTS), 60, "the answers")
            shown = looked_at(config)
            stored = {m["from"]: m["text"] for m in ask(config, "inbox", "list")["items"]}
            host, port = address.split(":")

            def page() -> str:
                desk = http.client.HTTPConnection(host, int(port), timeout=10)
                desk.request("GET", "/")
                text = desk.getresponse().read().decode()
                desk.close()
                return text

            until(lambda: page().count("<h2") >= len(TEXTS), what="all tickets")
            html = page()
    assert stored == {number: words(name, tmp_path) for name, number in SENDERS.items()}
    assert not (tmp_path / "proof").exists()
    assert RAW.findall(shown) == []
    assert "<script" not in html
    assert 'onerror="' not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    _log_is_clean((tmp_path / "daemon.log").read_text(), tmp_path)
    for answer in journal(tmp_path, "submit"):
        assert "49" not in answer["text"].split("case")[0]
        assert not RAW.search(answer["text"])


def _log_is_clean(text: str, home) -> None:
    """Every line is one JSON object of ours; no words of the corpus stand in it, and no number whole."""
    lines = [json.loads(line) for line in text.split("\n") if line]
    assert len(lines) > len(TEXTS)
    assert not any(line.get("event") == "forged" for line in lines)
    for name, number in SENDERS.items():
        assert words(name, home)[:12] not in text, name
        assert number[1:] not in text
    assert not RAW.search(text)


@pytest.mark.story
def test_p22_hostile_calls(tmp_path):
    """Names of paths, tokens, keys and parameters that try to leave their place: a plain refusal each, nothing of them in the
    log, and the daemon goes on."""
    config = write_config(tmp_path, '[api]\nlisten = "127.0.0.1:0"\n')
    attacks = [
        ("GET", "/v1/messages/..%2f..%2f..%2fetc%2fpasswd", {}),
        ("GET", "/../../../etc/passwd", {}),
        ("GET", "/v1/contacts/%00%1b%5b31m", {}),
        ("GET", "/v1/links/%2e%2e%2f%3Cscript%3E", {}),
        ("GET", "/v1/messages?state=%27%20OR%201=1--", {}),
        ("DELETE", "/v1/contacts/%3Cscript%3Ealert(1)%3C%2Fscript%3E", {}),
        ("GET", "/v1/events?kind=%1b%5b2J", {}),
        ("POST", "/v1/messages", {"Idempotency-Key": "\x1b[31m"}),
        ("GET", "/v1/status", {"Authorization": "Bearer smsgw_" + "A" * 5000}),
        ("GET", "/v1/status", {"Authorization": "Bearer smsgw_../../x\x1b[2J"}),
    ]
    with daemon(tmp_path):
        ready = next(json.loads(line) for line in (tmp_path / "daemon.log").read_text().splitlines() if '"ready"' in line)
        host, port = ready["http"].split(":")
        for method, path, headers in attacks:
            client = http.client.HTTPConnection(host, int(port), timeout=10)
            client.request(method, path, headers={"Authorization": "Bearer smsgw_nobody", **headers})
            answer = client.getresponse()
            body = answer.read().decode()
            client.close()
            assert 400 <= answer.status < 500, (path, answer.status)
            assert "html" not in answer.headers.get("Content-Type", ""), path
            assert "root:" not in body
            assert not RAW.search(body)
        for id_ in ("../../etc/passwd", "<script>", "\x1b[31mred", "msg_'; DROP TABLE message"):
            done = smsgwd("--config", str(config), "queue", "show", id_)
            assert done.returncode == 1
            assert not RAW.search(done.stdout + done.stderr)
        assert ask(config, "status")["name"] == "smsgwd"
    logged = (tmp_path / "daemon.log").read_text()
    assert not RAW.search(logged)
    assert [part for part in ("passwd", "script", "smsgw_", "DROP", "[31m") if part in logged] == []


@pytest.mark.parametrize("name", TEXTS)
def test_p22_a_line_of_the_log_is_one_line(name):
    """Whatever a modem or a carrier says in a reason, a line of the log stays one line, and for a terminal too it has no
    control characters."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    try:
        for stream in (io.StringIO(), Terminal()):
            log.set_up(stream=stream)
            log.get_logger("test").info("said", reason=TEXTS[name], problems=[TEXTS[name]])
            written = stream.getvalue()
            assert written.count("\n") == 1
            ours = re.sub("\x1b\\[[0-9;]*m", "", written) if stream.isatty() else written  # colours are our own
            assert RAW.findall(ours) == []
            assert "\x1b[31mred" not in written
    finally:
        structlog.reset_defaults()


@pytest.mark.parametrize("text", ["plain", "Grüße 🎉", "a\nb", "\x1b[2J", "+15550100777 called"])
def test_p22_what_is_shown_instead(text):
    """Ordinary words stay as they are; the rest is written in ASCII."""
    shown = scrub(text)
    assert shown.isprintable()
    assert (shown == text) == (text in ("plain", "Grüße 🎉"))
