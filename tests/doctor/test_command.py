"""``smsgwd doctor`` as a person runs it, with simulated modems as processes."""

import json
import os
import pty
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.canaries import PIN
from tests.cli.terminal import Terminal
from tests.doctor.trees import as_nobody, held
from tests.story.programs import daemon, link_up, modem, smsgwd, write_config


@pytest.fixture
def terminal(tmp_path, capsys):
    return Terminal(tmp_path, capsys)


def doctor(config: Path | str) -> tuple[int, list[dict[str, str]]]:
    """Exit status and the checks of one run as a process."""
    done = smsgwd("--config", str(config), "doctor", "--json", timeout=60)
    document = json.loads(done.stdout)
    assert document["ok"] == (not any(check["level"] == "error" for check in document["checks"]))
    return done.returncode, document["checks"]


def of(checks, name, subject="m1"):
    return [check for check in checks if check["name"] == name and check["subject"] == subject]


def state(home: Path) -> dict[str, object]:
    """What the simulated modem knows of itself."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(home / "m1.ctl"))
        s.sendall(b'{"do":"state"}\n')
        with s.makefile("rb") as answers:
            return json.loads(answers.readline())


def test_json_shape(terminal):
    """One document: ok, and checks with five texts each; every check that is not ok says what mends it."""
    ended = terminal("--json", "doctor")
    assert ended.status == 1
    assert set(ended.document) == {"ok", "checks"}
    assert ended.document["ok"] is False
    for check in ended.document["checks"]:
        assert list(check) == ["name", "subject", "level", "message", "mend"]
        assert all(isinstance(value, str) for value in check.values())
        assert check["level"] in ("ok", "warning", "error")
        assert bool(check["mend"]) == (check["level"] != "ok")


def test_a_missing_port(terminal):
    """Status 1, and a line for programs: level, name, subject, message and mend with tabs between."""
    ended = terminal("doctor")
    assert ended.status == 1
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert {len(row) for row in rows} == {5}
    (row,) = [row for row in rows if row[0] == "error"]
    assert row[1:3] == ["port", "m1"]
    assert f"{terminal.home}/m1 is not there" in row[3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "cannot be read", id="no file"),
        pytest.param('[gateway]\nsokcet = "x"\n', "did you mean 'socket'", id="misspelt"),
    ],
)
def test_wrong_configuration(terminal, tmp_path, text, said):
    """78 as everywhere, with what is wrong among the lines, in JSON too."""
    path = tmp_path / "other.toml"
    if text is not None:
        path.write_text(text)
    ended = terminal("doctor", config=path)
    assert ended.status == 78
    assert said in ended.out
    ended = terminal("--json", "doctor", config=path)
    assert (ended.status, ended.document["ok"]) == (78, False)


@pytest.mark.story
def test_a_locked_sim_and_its_tries(tmp_path):
    """The PIN's state and tries are told; none is used, though a PIN is configured, and it is shown nowhere."""
    config = write_config(tmp_path, f'pin = "{PIN}"\n')
    with modem(tmp_path, "m1", "--pin", PIN):
        before = state(tmp_path)
        status, checks = doctor(config)
        after = state(tmp_path)
    assert (before["sim"], before["tries"]) == (after["sim"], after["tries"]) == ("SIM PIN", 3)
    (sim,) = of(checks, "sim")
    assert sim["level"] == "ok"
    assert "3 tries left" in sim["message"]
    assert status == 0
    assert PIN not in json.dumps(checks)


@pytest.mark.story
def test_with_a_daemon_and_without(tmp_path):
    """The modem is asked while it is free; with a daemon its facts come from there, and its port is left to it. Secrets
    and whole numbers are in neither."""
    config = write_config(tmp_path)
    with modem(tmp_path):
        alone_status, alone = doctor(config)
        with daemon(tmp_path) as running:
            link_up(config)
            beside_status, beside = doctor(config)
    assert (alone_status, beside_status) == (0, 0)
    assert of(alone, "link") == []
    assert of(alone, "smsc")[0]["level"] == "ok"
    assert of(beside, "daemon", "")[0]["message"].startswith(f"runs (pid {running.pid})")
    assert of(beside, "link")[0]["message"].startswith("up")
    assert "the daemon has it" in of(beside, "port")[0]["message"]
    assert of(alone, "modem")[0]["message"] == of(beside, "modem")[0]["message"]
    shown = json.dumps([alone, beside])
    assert "15550100100" not in shown
    assert not [word for word in shown.replace('"', " ").split() if word.strip("+,.").isdigit() and len(word) > 8]


@pytest.mark.story
def test_a_port_that_another_program_has(tmp_path):
    """The program is named with its pid, what ends it too, and the modem is not disturbed."""
    config = write_config(tmp_path)
    with modem(tmp_path), held(str(tmp_path / "m1")) as pid:
        status, checks = doctor(config)
    assert status == 1
    (port,) = [check for check in of(checks, "port") if f"(pid {pid})" in check["message"]]
    assert port["level"] == "error"
    assert port["mend"] == f"end it: sudo kill {pid}"
    assert of(checks, "modem") == []


@pytest.mark.story
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_without_rights():
    """A user who may not open the port, nor read a secret, is told so by name, with what helps; nothing is opened. The
    secret alone would be a warning: the daemon may read it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        key = home / "key"
        key.write_text("hello-hello")
        key.chmod(0o600)
        desk = f'[[helpdesk]]\nname = "support"\nurl = "http://127.0.0.1:9/"\nsecret = {{ file = "{key}" }}\n'
        config = write_config(home, desk)
        with modem(home):
            done = as_nobody("--config", str(config), "--json", "doctor")
    assert done.returncode == 1, done.stderr
    checks = json.loads(done.stdout)["checks"]
    (port,) = of(checks, "port")
    assert (port["level"], of(checks, "modem")) == ("error", [])
    assert "no permission for nobody" in port["message"]
    assert port["mend"]
    (secret,) = of(checks, "secret", "helpdesk[0].secret")
    assert (secret["level"], secret["mend"]) == ("warning", "sudo smsgwd doctor")
    assert "hello-hello" not in done.stdout + done.stderr
    (store,) = of(checks, "folder", str(home))
    assert "nobody may not write" in store["message"]


@pytest.mark.story
def test_a_silent_modem_and_a_terminal(tmp_path):
    """A modem that hangs costs one line; on a terminal the lines are a table in colours, with what mends below."""
    config = write_config(tmp_path, 'profile = "impatient"\n')
    config.write_text(config.read_text().replace("[gateway]\n", f'[gateway]\nmodems = "{tmp_path}"\n'))
    (tmp_path / "impatient.toml").write_text('[[profile]]\nname = "impatient"\nprobe_tries = 1\nspeeds = []\n')
    config = config.rename(tmp_path / "gateway.conf")  # the folder of profiles takes every *.toml
    script = tmp_path / "hang.jsonl"
    script.write_text('{"do": "fault", "name": "hang", "after": 0}\n')
    master, slave = pty.openpty()
    with modem(tmp_path, "m1", "--script", str(script)):
        done = subprocess.run(
            [sys.executable, "-m", "smsgwd", "--config", str(config), "doctor"], stdout=slave, stderr=slave,
            stdin=subprocess.DEVNULL, timeout=60, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
        )  # fmt: skip
    os.close(slave)
    shown = b""
    try:
        while octets := os.read(master, 65536):
            shown += octets
    except OSError:  # the end of a pty
        pass
    os.close(master)
    text = shown.decode()
    assert done.returncode == 1
    assert "the modem does not answer" in text
    assert "→ " in text
    assert "\x1b[31m" in text
    assert "1 errors" in text
