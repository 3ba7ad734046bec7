"""The daemon as users run it: real processes, a pty, a unix socket, a database on disk."""

import json
import signal

import pytest

from tests.story.programs import ask, daemon, journal, link_up, modem, smsgwd, state_of, until, write_config

pytestmark = pytest.mark.story


def test_send_and_report(tmp_path):
    """A text goes accept → modem → sent → delivered, and its events tell the way in order."""
    config = write_config(tmp_path)
    with modem(tmp_path, "m1", "--report-after", "0"), daemon(tmp_path):
        link_up(config)
        sent = ask(config, "send", "--to", "+15550100777", "Grüße, 5 € each")
        until(lambda: state_of(config, sent["id"]) == "delivered", what="delivered")
        events = [json.loads(line) for line in smsgwd("--config", str(config), "--json", "tail").stdout.splitlines()]
    mine = [e["kind"] for e in events if e.get("message") == sent["id"]]
    assert mine == ["message.accepted", "message.sending", "message.sent", "message.delivered"]
    (wire,) = journal(tmp_path, "submit")
    assert (wire["to"], wire["text"]) == ("+15550100777", "Grüße, 5 € each")


def test_long_text_keeps_order_and_reference(tmp_path):
    """The parts of a long text go in order with one reference."""
    config = write_config(tmp_path)
    text = "Every part of this text has its place. " * 12
    with modem(tmp_path), daemon(tmp_path):
        link_up(config)
        sent = ask(config, "send", "--to", "+15550100777", text)
        until(lambda: state_of(config, sent["id"]) == "sent", what="sent")
    wire = journal(tmp_path, "submit")
    assert [(w["part"], w["parts"]) for w in wire] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len({w["ref"] for w in wire}) == 1
    assert "".join(w["text"] for w in wire) == text


def test_stopped_daemon_takes_texts(tmp_path):
    """`send` works with the daemon stopped; the text goes out at the next start."""
    config = write_config(tmp_path)
    sent = ask(config, "send", "--to", "+15550100777", "later")
    assert sent["state"] == "queued"
    with modem(tmp_path), daemon(tmp_path):
        until(lambda: state_of(config, sent["id"]) == "sent", what="sent after the start")
    assert len(journal(tmp_path, "submit")) == 1


def test_inbound_is_answered_and_deleted(tmp_path):
    """A text comes in, is stored, answered by a rule, and leaves the SIM."""
    config = write_config(
        tmp_path, rules='[[rule]]\nid = "hi"\nwhen.any = [ { keyword = "hello" } ]\nthen = [ { reply = "Hi there" } ]\n'
    )
    with modem(tmp_path), daemon(tmp_path):
        link_up(config)
        done = smsgwd("sim", "text", "--control", str(tmp_path / "m1.ctl"), "--from", "+15550100777", "Hello you")
        assert done.returncode == 0, done.stderr
        until(lambda: journal(tmp_path, "submit"), what="the answer")
        inbox = ask(config, "inbox", "list")["items"]
    assert [(m["from"], m["text"]) for m in inbox] == [("+15550100777", "Hello you")]
    assert journal(tmp_path, "submit")[0]["text"] == "Hi there"


def test_kill_while_the_modem_holds_the_answer(tmp_path):
    """kill -9 after the PDU was handed over: the text is uncertain after the restart and is not sent again."""
    config = write_config(tmp_path)
    with modem(tmp_path, "m1", "--latency", "3"):
        with daemon(tmp_path) as process:
            link_up(config)
            sent = ask(config, "send", "--to", "+15550100777", "once")
            until(lambda: journal(tmp_path, "submit"), what="the PDU at the modem")
            process.kill()
            process.wait()
        with daemon(tmp_path):
            link_up(config)
            until(lambda: state_of(config, sent["id"]) == "uncertain", what="uncertain")
            ask(config, "queue", "settle", sent["id"], "--sent")
            assert state_of(config, sent["id"]) == "sent"
    assert len(journal(tmp_path, "submit")) == 1


def test_sigterm_finishes_what_is_on_the_wire(tmp_path):
    """A clean stop waits for the modem's answer: nothing becomes uncertain."""
    config = write_config(tmp_path)
    with modem(tmp_path, "m1", "--latency", "1"):
        with daemon(tmp_path) as process:
            link_up(config)
            sent = ask(config, "send", "--to", "+15550100777", "drain")
            until(lambda: state_of(config, sent["id"]) == "sending", what="sending")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        assert state_of(config, sent["id"]) == "sent"


def test_second_daemon_exits_75(tmp_path):
    """A second daemon on the same database ends with 75 and says who has it."""
    config = write_config(tmp_path)
    with modem(tmp_path), daemon(tmp_path):
        second = smsgwd("--config", str(config), "run")
    assert second.returncode == 75
    assert "another smsgwd" in second.stderr


def test_missing_port_leaves_the_rest_alone(tmp_path):
    """A port that is not there: its link is down with the reason, the other carries the texts."""
    config = write_config(tmp_path, '\n[[link]]\nname = "m2"\ntype = "modem"\nport = "/dev/serial/by-id/none"\n')
    with modem(tmp_path), daemon(tmp_path):
        link_up(config)
        down = ask(config, "links", "show", "m2")
        sent = ask(config, "send", "--to", "+15550100777", "by the other")
        until(lambda: state_of(config, sent["id"]) == "sent", what="sent by m1")
    assert down["state"] == "down"
    assert "/dev/serial/by-id/none" in down["reason"]


def test_modem_away_and_back(tmp_path):
    """A modem that goes away and comes back takes the text then; the daemon stays up."""
    config = write_config(tmp_path)
    with daemon(tmp_path):
        with modem(tmp_path):
            link_up(config)
        until(lambda: ask(config, "links", "show", "m1")["state"] == "down", what="down")
        sent = ask(config, "send", "--to", "+15550100777", "patience")
        with modem(tmp_path):
            until(lambda: state_of(config, sent["id"]) == "sent", 40, "sent after the return")
    assert len(journal(tmp_path, "submit")) == 1


def test_reload_keeps_the_old_rules_on_error(tmp_path):
    """SIGHUP with a wrong rule file: the old rules stay, an event says so; a right one is taken."""
    rule = '[[rule]]\nid = "hi"\nthen = [ { reply = "one" } ]\n'
    config = write_config(tmp_path, rules=rule)
    with modem(tmp_path), daemon(tmp_path) as process:
        link_up(config)
        (tmp_path / "rules.d" / "10-test.toml").write_text("[[rule]]\nid = 5\nthen = nothing\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: kinds(config, "config.refused"), what="config.refused")
        (tmp_path / "rules.d" / "10-test.toml").write_text(rule.replace("one", "two"))
        process.send_signal(signal.SIGHUP)
        until(lambda: kinds(config, "config.reloaded"), what="config.reloaded")
        smsgwd("sim", "text", "--control", str(tmp_path / "m1.ctl"), "--from", "+15550100777", "anything")
        until(lambda: journal(tmp_path, "submit"), what="the answer")
    assert journal(tmp_path, "submit")[0]["text"] == "two"


def kinds(config, kind):
    lines = smsgwd("--config", str(config), "--json", "tail", "--kind", kind).stdout.splitlines()
    return [line for line in lines if line.strip()]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("[gateway]\nsokcet = 1\n", "gateway.sokcet: unknown key; did you mean 'socket'?", id="misspelt"),
        pytest.param("[[link]]\nname = 1\n", "link[0].type", id="no type"),
        pytest.param("not toml", "not TOML", id="not TOML"),
        pytest.param(
            '[[link]]\nname = "m1"\ntype = "modem"\nport = "/nowhere"\nprofile = "quectell"\n',
            "link m1: profile: 'quectell' is not known", id="profile that no row has",
        ),
    ],
)
def test_wrong_configuration_exits_78(tmp_path, text, wanted):
    """`run` and `check` end with 78 and name file and key."""
    path = tmp_path / "bad.toml"
    path.write_text(text)
    for command in ("run", "check"):
        done = smsgwd("--config", str(path), command)
        assert done.returncode == 78
        assert str(path) in done.stderr + done.stdout
        assert wanted in done.stderr + done.stdout
