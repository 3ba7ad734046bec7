"""F56: two daemons on one database, or on one port."""

import json

import pytest

from tests.story.programs import ask, daemon, journal, link_up, modem, running, smsgwd, state_of, until, write_config

pytestmark = pytest.mark.story


def test_f56_two_daemons_on_one_database(tmp_path):
    """The second one ends with 75 and one line that names the first; that one goes on, and sends."""
    config = write_config(tmp_path)
    with modem(tmp_path), daemon(tmp_path) as first:
        link_up(config)
        second = smsgwd("--config", str(config), "run")
        assert second.returncode == 75
        assert second.stderr == f"smsgwd: another smsgwd (pid {first.pid}) has {tmp_path}/smsgwd.db\n"
        assert second.stdout == ""
        sent = ask(config, "send", "--to", "+15550100777", "still here")
        until(lambda: state_of(config, sent["id"]) == "sent", what="sent by the first")
    assert len(journal(tmp_path, "submit")) == 1


def test_f56_two_daemons_on_one_port(tmp_path):
    """The port is the first one's alone (flock and TIOCEXCL): the link of the second is down and says so, not an octet of it
    reaches the modem, and its text waits for it."""
    config = write_config(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    write_config(other)
    (other / "smsgwd.toml").write_text((other / "smsgwd.toml").read_text().replace(f"{other}/m1", f"{tmp_path}/m1"))
    with modem(tmp_path), daemon(tmp_path):
        link_up(config)
        with running("--config", str(other / "smsgwd.toml"), "run", ready='"ready"', log=other / "daemon.log"):
            shown = until(lambda: _down(other / "smsgwd.toml"), what="down with a reason")
            assert "in use" in shown["reason"] or "another program" in shown["reason"], shown
            waiting = ask(other / "smsgwd.toml", "send", "--to", "+15550100777", "from the second")
            mine = ask(config, "send", "--to", "+15550100777", "from the first")
            until(lambda: state_of(config, mine["id"]) == "sent", what="sent by the first")
            assert state_of(other / "smsgwd.toml", waiting["id"]) == "queued"
    assert [line["text"] for line in journal(tmp_path, "submit")] == ["from the first"]
    assert json.loads((other / "daemon.log").read_text().splitlines()[0])


def _down(config):
    shown = ask(config, "links", "show", "m1")
    return shown if shown["state"] == "down" and shown["reason"] else None
