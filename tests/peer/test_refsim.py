"""The gateway on a modem that somebody else wrote: ``../shared/peers/refsim.py`` shares no code with this project."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.story.programs import ask, daemon, link_up, state_of, until, write_config

REFSIM = Path(__file__).resolve().parents[3] / "shared" / "peers" / "refsim.py"

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not REFSIM.exists(), reason="the reference modem ../shared/peers/refsim.py is not here"),
]

#: "hello" from +36641234567, and a PDU whose header is longer than its data
HELLO = "07919134466405F0040B916346214365F700006211326100508005E8329BFD06"
BROKEN = "07919134466405F0440B916346214365F700006211326100508003200003"
RULE = '[[rule]]\nid = "hi"\nthen = [ { reply = "Hi there" } ]\n'


@contextmanager
def refsim(home: Path, *options: str):
    """The reference modem at ``home/m1``; ends by its pid."""
    process = subprocess.Popen(
        [sys.executable, str(REFSIM), str(home / "m1"), "--events", str(home / "refsim.events"), *options],
        stdout=subprocess.DEVNULL,
    )
    try:
        until((home / "m1").is_symlink, what="the reference modem")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def events(home: Path, kind: str) -> list[dict]:
    """What the reference modem wrote down."""
    path = home / "refsim.events"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["ev"] == kind]


def test_sends_and_gets_reports(tmp_path):
    """A text and a long one go out, in parts and in order, and their reports come back."""
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace('country = "US"', 'country = "AT"'))
    with refsim(tmp_path, "--report", "0.05"), daemon(tmp_path):
        link_up(config)
        short = ask(config, "send", "--to", "+436641234567", "Servus, 5 €")
        long = ask(config, "send", "--to", "+436641234567", "Ein langer Text. " * 25)
        until(lambda: state_of(config, short["id"]) == "delivered", what="the short one delivered")
        until(lambda: state_of(config, long["id"]) == "delivered", what="the long one delivered")
    assert len(events(tmp_path, "pdu")) == 1 + 3


def test_receives_answers_and_empties_the_sim(tmp_path):
    """Texts come in, one of them unreadable: both leave the SIM, the readable one is answered."""
    config = write_config(tmp_path, rules=RULE)
    config.write_text(config.read_text().replace('country = "US"', 'country = "HU"'))
    (tmp_path / "mt").write_text(f"{HELLO}\n{BROKEN}\n{HELLO.replace('E8329BFD06', 'E8329BFD46')}\n")
    with refsim(tmp_path, "--mt", str(tmp_path / "mt"), "--every", "0.2"), daemon(tmp_path):
        link_up(config)
        until(lambda: ask(config, "inbox", "list")["items"], what="the text")
        until(lambda: events(tmp_path, "pdu"), what="the answer")
        inbox = ask(config, "inbox", "list")["items"]
    assert {(m["from"], m["text"]) for m in inbox if m["text"]} == {("+36641234567", "hello")}


def test_a_dead_modem_leaves_its_text_uncertain(tmp_path):
    """The modem says nothing after the PDU and the daemon is killed: uncertain at the next start, and sent once."""
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace('country = "US"', 'country = "AT"'))
    with refsim(tmp_path, "--latency", "30"):
        with daemon(tmp_path) as process:
            link_up(config)
            sent = ask(config, "send", "--to", "+436641234567", "once")
            until(lambda: events(tmp_path, "pdu"), what="the PDU")
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert state_of(config, sent["id"]) in ("sending", "uncertain")
        with daemon(tmp_path):
            until(lambda: state_of(config, sent["id"]) == "uncertain", what="uncertain")
    assert len(events(tmp_path, "pdu")) == 1


def test_a_locked_sim_is_opened(tmp_path):
    """The SIM wants its PIN: it is entered once, and not logged."""
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace('type = "modem"', 'type = "modem"\npin = "2468"').replace("US", "AT"))
    with refsim(tmp_path, "--pin", "2468"), daemon(tmp_path):
        link_up(config)
        sent = ask(config, "send", "--to", "+436641234567", "open")
        until(lambda: state_of(config, sent["id"]) == "sent", what="sent")
    assert "2468" not in (tmp_path / "daemon.log").read_text()
