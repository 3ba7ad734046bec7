"""Starts real smsgwd processes for the stories: the daemon, simulators, commands."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

CONFIG = """\
[gateway]
database = "{home}/smsgwd.db"
socket = "{home}/smsgwd.sock"
country = "US"
rules = "{home}/rules.d"
templates = "{home}/templates"

[[link]]
name = "m1"
type = "modem"
port = "{home}/m1"
number = "+15550100100"
"""


def write_config(home: Path, more: str = "", rules: str = "") -> Path:
    for folder in ("rules.d", "templates"):
        (home / folder).mkdir(exist_ok=True)
    if rules:
        (home / "rules.d" / "10-test.toml").write_text(rules)
    path = home / "smsgwd.toml"
    path.write_text(CONFIG.format(home=home) + more)
    return path


def smsgwd(*args: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "smsgwd", *args], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL
    )


def ask(config: Path, *args: str):
    """One command with --json, which must succeed."""
    done = smsgwd("--config", str(config), "--json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def end(process: subprocess.Popen) -> None:
    """SIGTERM, and a harder end for one that does not listen."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(*args: str, ready: str, log: Path):
    """A long-running smsgwd process, ended by its pid; yields it when its output holds ``ready``."""
    with log.open("ab") as out:
        before = log.stat().st_size
        process = subprocess.Popen(
            [sys.executable, "-m", "smsgwd", *args], stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=dict(os.environ)
        )
    try:
        until(lambda: ready in log.read_text()[before:] or process.poll() is not None, 20, f"{args[:3]} ready")
        assert process.poll() is None, log.read_text()[before:]
        yield process
    finally:
        end(process)


def until(true, limit: float = 20, what: str = "it"):
    """Waits for another process to get somewhere; AssertionError with ``what`` when it does not."""
    end = time.monotonic() + limit
    while True:
        found = true()
        if found:
            return found
        assert time.monotonic() < end, f"not in {limit} s: {what}"
        time.sleep(0.02)


@contextmanager
def modem(home: Path, name: str = "m1", *more: str):
    with running("sim", "modem", "--link", str(home / name), "--journal", str(home / f"{name}.journal"),
                 "--control", str(home / f"{name}.ctl"), *more, ready="ready", log=home / f"{name}.log") as process:  # fmt: skip
        yield process


@contextmanager
def daemon(home: Path, *more: str):
    with running("--config", str(home / "smsgwd.toml"), "run", *more, ready='"ready"', log=home / "daemon.log") as process:
        yield process


def journal(home: Path, kind: str, name: str = "m1"):
    path = home / f"{name}.journal"
    # only \n ends a line: a text may hold other ends, which JSON does not escape
    lines = [json.loads(line) for line in path.read_text().split("\n") if line] if path.exists() else []
    return [line for line in lines if line["kind"] == kind]


def state_of(config: Path, message: str) -> str:
    return ask(config, "queue", "show", message)["state"]


def link_up(config: Path, name: str = "m1"):
    until(lambda: ask(config, "links", "show", name)["state"] == "up", 20, f"{name} up")
