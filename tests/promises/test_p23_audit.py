"""P23: the audit chain verifies, and erasing a person's data keeps it verifying. On the real daemon and commands."""

import json
import os
import sqlite3

import pytest

from tests.story.programs import ask, daemon, link_up, modem, smsgwd, until, write_config

pytestmark = pytest.mark.story

THEM = "+15550100777"
WORDS = "zwetschgenkuchen"


def chain(config) -> list[dict]:
    done = smsgwd("--config", str(config), "audit", "export")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def left_behind(home) -> bytes:
    """All that the daemon and the store have written."""
    names = ("smsgwd.db", "smsgwd.db-wal", "smsgwd.db-shm", "daemon.log")
    return b"".join((home / name).read_bytes() for name in names if (home / name).exists())


def test_p23_acts_and_an_erasure(tmp_path):
    """Acts with and without the daemon are one chain, each with who and why; an erasure takes what is personal out of it and
    out of every file, the chain stays whole, and its head is the one that the erasure printed."""
    config = write_config(tmp_path)
    base = ("--config", str(config), "--reason", "as she asked")
    token = ask(config, "token", "create", "--scope", "messages:send")
    with modem(tmp_path), daemon(tmp_path) as process:
        link_up(config)
        text = ["sim", "text", "--control", str(tmp_path / "m1.ctl"), "--from", THEM]
        assert smsgwd(*text, WORDS).returncode == 0
        until(lambda: ask(config, "inbox", "list")["items"], what="the text")
        waiting = ask(config, "send", "--to", THEM, "--at", "+2h", f"{WORDS} later")
        for command in (("queue", "hold", waiting["id"]), ("contacts", "set", THEM, "--name", WORDS), ("links", "pause", "m1")):
            assert smsgwd(*base, *command).returncode == 0
        process.send_signal(1)
        until(lambda: chain(config)[-1]["act"] == "config.reloaded", what="the reload")
        assert WORDS.encode() in left_behind(tmp_path)
        proof = ask(config, "contacts", "erase", THEM, "--yes")
        state = ask(config, "audit", "verify")
        assert ask(config, "queue", "show", waiting["id"])["state"] == "cancelled"
        assert [trace for trace in (THEM[1:], WORDS) if trace.encode() in left_behind(tmp_path)] == []
    ask(config, "token", "revoke", token["id"])
    entries = chain(config)
    me = f"uid:{os.getuid()}"
    assert [(e["act"], e["who"]) for e in entries] == [
        ("token.create", me), ("message.hold", me), ("contact.set", me), ("link.pause", me),
        ("config.reloaded", "signal:HUP"), ("contact.erase", me), ("token.revoke", me),
    ]  # fmt: skip
    assert [e.get("personal", "-") for e in entries] == ["-", None, None, {"reason": "as she asked"}, "-", "-", "-"]
    assert (state["ok"], state["erased"], state["seq"], state["hash"]) == (True, 2, proof["audit"], proof["hash"])
    assert [trace for trace in (THEM[1:], WORDS) if trace.encode() in left_behind(tmp_path)] == []


def test_p23_a_change_shows(tmp_path):
    """One changed octet is named by its entry, with status 1; an end that was cut off shows against a head that was kept."""
    config = write_config(tmp_path)
    for _ in range(3):
        ask(config, "token", "create", "--scope", "admin")
    whole = smsgwd("--config", str(config), "audit", "verify")
    assert (whole.returncode, whole.stdout.startswith("whole: 3 entries; head 3:")) == (0, True)
    kept = tmp_path / "head.json"
    kept.write_text(smsgwd("--config", str(config), "audit", "verify", "--json").stdout)
    with sqlite3.connect(tmp_path / "smsgwd.db", isolation_level=None) as conn:
        conn.execute("DROP TRIGGER audit_no_delete")
        conn.execute("DELETE FROM audit WHERE seq = 3")
        assert smsgwd("--config", str(config), "audit", "verify").returncode == 0
        cut = smsgwd("--config", str(config), "audit", "verify", "--anchor", str(kept))
        assert (cut.returncode, "its end was cut off" in cut.stderr) == (1, True)
        conn.execute("DROP TRIGGER audit_no_update")
        conn.execute("UPDATE audit SET body = replace(body, 'token.create', 'token.creatE') WHERE seq = 2")
    conn.close()
    changed = smsgwd("--config", str(config), "audit", "verify")
    assert (changed.returncode, changed.stderr) == (1, "smsgwd: the audit chain is broken at entry 2: it was changed\n")
    assert json.loads(smsgwd("--config", str(config), "--json", "audit", "verify").stdout)["broken"] == 2


def test_p23_an_opt_out_outlives_the_person(tmp_path):
    """STOP, erasure, and another daemon: the number is still refused, though it stands nowhere any more."""
    config = write_config(tmp_path)
    with modem(tmp_path), daemon(tmp_path):
        link_up(config)
        assert smsgwd("sim", "text", "--control", str(tmp_path / "m1.ctl"), "--from", THEM, "STOP").returncode == 0
        until(lambda: smsgwd("--config", str(config), "send", "--to", THEM, "x").returncode == 1, what="the opt-out")
        until(lambda: not ask(config, "queue", "list", "--state", "queued")["items"], what="the confirmation")
        until(lambda: ask(config, "queue", "list", "--to", THEM)["items"][0]["state"] == "sent", what="sent")
        done = smsgwd("--config", str(config), "contacts", "erase", THEM, "--yes")
        assert (done.returncode, "stays" in done.stdout) == (0, True), done.stderr
    refused = smsgwd("--config", str(config), "send", "--to", THEM, "hello")
    assert (refused.returncode, "opted out" in refused.stderr) == (1, True)
    assert THEM[1:].encode() not in left_behind(tmp_path)


def test_p23_purging_without_and_with_the_daemon(tmp_path):
    """`db purge` goes through the daemon that runs, and takes the store itself while none does; a dry run changes nothing."""
    config = write_config(tmp_path)
    sent = ask(config, "send", "--to", THEM, "Hello")
    ask(config, "queue", "cancel", sent["id"])
    with sqlite3.connect(tmp_path / "smsgwd.db", isolation_level=None) as conn:  # as if it was long ago
        old = 1_740_000_000_000
        conn.execute("UPDATE message SET id = ?, created = ?2, updated = ?2", (old << 20, old))
    conn.close()
    assert ask(config, "db", "purge", "--dry-run")["counts"]["texts"] == 1
    dry = smsgwd("--config", str(config), "db", "purge", "--dry-run", "--older-than", "30d")
    assert dry.stdout.startswith("would go: "), dry.stderr
    with daemon(tmp_path):
        gone = ask(config, "db", "purge")
    assert (gone["counts"]["texts"], gone["counts"]["messages"]) == (1, 1)
    assert ask(config, "db", "purge")["counts"] == {}
    assert smsgwd("--config", str(config), "db", "purge", "--older-than", "soon").returncode == 1
    assert chain(config)[-1]["of"]["counts"]["messages"] == 1
