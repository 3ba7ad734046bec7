"""No secret shows: a daemon with every kind of them, logging all it can, asked by every command that tells about links."""

import json

import pytest

from tests.canaries import PASSWORD, PIN, TOKEN, WEBHOOK, WRONG_PASSWORD, Watch
from tests.smpp.test_sim_process import simulator
from tests.story.programs import ask, daemon, link_up, modem, smsgwd, until, write_config

pytestmark = pytest.mark.story

MORE = """\
pin = "{pin}"

[[link]]
name = "good"
type = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "u"
password = "{password}"
number = "+15550100200"
prefixes = ["+1555010088"]

[[link]]
name = "bad"
type = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "u"
password = "{wrong}"
number = "+15550100300"

[[helpdesk]]
name = "desk"
url = "http://127.0.0.1:9/hooks/{token}?token={token}"
secret = "{webhook}"
"""
ASKED = (
    ("check",), ("doctor",), ("status",), ("links", "list"), ("links", "show", "good"), ("links", "show", "bad"),
    ("links", "show", "m1"), ("outbox", "list"), ("queue", "list"), ("tail", "--after", "0"),
)  # fmt: skip


def test_no_secret_shows(tmp_path):
    """A PIN, a password, a wrong one, the key of a desk and a token in its address: in no line of the daemon's log at
    debug, in no answer of a command, and in no octet of the database, though all of them were used."""
    watch = Watch()
    with simulator(tmp_path, "--system-id", "u", "--password", PASSWORD) as place, modem(tmp_path, "m1", "--pin", PIN):
        more = MORE.format(pin=PIN, port=place.port, password=PASSWORD, wrong=WRONG_PASSWORD, webhook=WEBHOOK, token=TOKEN)
        config = write_config(tmp_path, more)
        with daemon(tmp_path, "--log-level", "debug"):
            link_up(config, "good")
            link_up(config)
            until(lambda: "wrong password" in ask(config, "links", "show", "bad")["reason"], what="the refused bind")
            sent = ask(config, "send", "--to", "+15550100888", "--from", "good", "hello")
            until(lambda: ask(config, "queue", "show", sent["id"])["state"] == "sent", what="sent")
            until(lambda: "webhook.retry" in smsgwd("--config", str(config), "--json", "tail", "--after", "0").stdout,
                  what="a call to the desk")  # fmt: skip
            for command in ASKED:
                for form in ((), ("--json",)):
                    done = smsgwd("--config", str(config), *form, *command)
                    assert done.stdout, (command, done.stderr)
                    watch.see(done.stdout + done.stderr, " ".join(command))
        assert [n["status"] for n in place.notes("bind")].count(0x0E) == 1
    watch.folder = tmp_path
    assert watch.look() == []
    assert watch.files >= 3
    log = [json.loads(line) for line in (tmp_path / "daemon.log").read_text().splitlines()]
    assert any(line.get("kind") == "message.sending" for line in log)
