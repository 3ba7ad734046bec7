"""P16: a dead modem costs next to nothing: no processor time, no flood of lines, few tries; others work meanwhile.

Pauses and events of a link that breaks are in tests/test_daemon_links.py, texts that move in tests/test_dispatch.py, a modem
that comes back in tests/story/test_daemon.py.
"""

import json
import os
import pty
import time
from pathlib import Path

import pytest

from tests.story.programs import ask, daemon, journal, link_up, modem, state_of, until, write_config

pytestmark = pytest.mark.story

DEAD = '\n[[link]]\nname = "{name}"\ntype = "modem"\nport = "{port}"\n'
#: seconds of watching, and the share of one processor that is allowed
WATCH, SHARE = 6.0, 0.01


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_p16_costs_nothing(tmp_path):
    """A port that is not there, and a modem that never says a word, beside one that works: under 1 % of a processor for
    both, not more lines of the log than steps of the back-off, and the other link sends."""
    master, slave = pty.openpty()
    dead = {"gone": str(tmp_path / "nothing"), "silent": os.ttyname(slave)}
    config = write_config(tmp_path, "".join(DEAD.format(name=name, port=port) for name, port in dead.items()))
    try:
        with modem(tmp_path), daemon(tmp_path) as process:
            link_up(config)
            until(lambda: ask(config, "links", "show", "gone")["state"] == "down", what="the dead one is seen")
            began, used = time.monotonic(), cpu(process.pid)
            lines = len((tmp_path / "daemon.log").read_text().splitlines())
            until(lambda: time.monotonic() - began > WATCH, WATCH + 5)
            used, took = cpu(process.pid) - used, time.monotonic() - began
            more = (tmp_path / "daemon.log").read_text().splitlines()[lines:]
            sent = ask(config, "send", "--to", "+15550100777", "--from", "m1", "all is well")
            until(lambda: state_of(config, sent["id"]) == "sent", what="the other link")
    finally:
        os.close(master)
        os.close(slave)
    assert used / took < SHARE
    for name in dead:
        about = [line for line in map(json.loads, more) if line.get("link") == name]
        assert len(about) <= 2 * 4  # in 6 s there are three steps at most: 1, 2, 4 s; down and starting for each
    assert len(journal(tmp_path, "submit")) == 1
