"""A scene for the demo: the gateway, a simulated modem, SMSC and helpdesk, each a process of its own.

They meet over a pty, unix sockets and loopback ports in a folder of the scene's own; nothing inside the gateway is
replaced. Programs are started with this Python as ``python -m smsgwd …`` and ended by their pids.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from smsgwd.errors import SmsgwdError

#: seconds that a program may take to say that it is ready, or to end
PATIENCE = 30.0

CONFIG = """\
[gateway]
name = "demo"
database = "{home}/smsgwd.db"
socket = "{home}/smsgwd.sock"
country = "US"
rules = "{home}/rules.d"
templates = "{home}/templates"

[[link]]
name = "modem1"
type = "modem"
port = "{home}/modem1"
number = "+15550100100"
prefixes = ["+1"]

[[link]]
name = "carrier"
type = "smpp"
host = "{smsc_host}"
port = {smsc_port}
system_id = "demo"
password = {{ file = "{home}/carrier.password" }}
number = "+15550100200"
classes = ["alarm"]

[api]
listen = "127.0.0.1:{api_port}"

[[helpdesk]]
name = "support"
type = "webhook"
url = "http://{desk}/hooks/sms"
secret = {{ file = "{home}/support.secret" }}
"""

RULES = """\
[[rule]]
id = "internet-down"
priority = 100
when.any = [ { phrase = ["internet is down", "no internet"] }, { keyword = "internet" } ]
then = [ { reply = "template:outage" }, { tag = ["connectivity"] }, { forward = "support" } ]

[[rule]]
id = "everything-else"
then = [ { forward = "support" } ]
"""

TEMPLATE = """\
Hello {contact.name|and thank you for your text}. We see a fault near you; engineers are on it. \
An agent reads your text now. Reply STOP to end.
"""


class SceneError(SmsgwdError):
    """A part of the demo did not do what it should."""


class Program:
    """One program of the scene: started, read line by line, ended by its pid."""

    def __init__(self, name: str, log: Path, *args: str, env: dict[str, str] | None = None) -> None:
        self.name, self.log = name, log
        self.lines: queue.Queue[str | None] = queue.Queue()
        with log.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "smsgwd", *args],
                stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
                start_new_session=True,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out, self.log.open("ab") as log:
            for line in out:
                log.write(line)
                log.flush()
                self.lines.put(line.decode("utf-8", "replace").rstrip("\n"))
        self.lines.put(None)

    def wait_line(self, wanted: str, timeout: float = PATIENCE) -> str:
        """The next line that contains ``wanted``; SceneError when the program ends or the time is over."""
        try:
            while (line := self.lines.get(timeout=timeout)) is not None:
                if wanted in line:
                    return line
        except queue.Empty:
            raise SceneError(f"{self.name} did not say {wanted!r} in {timeout:.0f} s; see {self.log}") from None
        raise SceneError(f"{self.name} ended with status {self.process.wait()}; see {self.log}")

    def end(self) -> None:
        """SIGTERM, and SIGKILL to one that does not listen."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(PATIENCE)


class Scene:
    """The running programs and how to speak to them."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home, self._stack = home, stack
        self.config = home / "smsgwd.toml"
        self.api_port = _free_port()

    def start(self, name: str, *args: str, ready: str = "ready ") -> str:
        """Starts a program and waits for its ready line, which is returned."""
        program = Program(name, self.home / f"{name}.log", *args)
        self._stack.callback(program.end)
        return program.wait_line(ready)

    def run(self, *args: str, timeout: float = PATIENCE) -> Any:
        """Runs one command to its end; its ``--json`` document. SceneError when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "smsgwd", "--config", str(self.config), "--json", *args],
            capture_output=True, timeout=timeout, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            raise SceneError(f"smsgwd {' '.join(args[:2])} ended with status {done.returncode}: {done.stderr.strip()}")
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        return lines[0] if len(lines) == 1 else lines

    def events(self) -> Program:
        """``smsgwd tail -f``: every event from the first, a JSON object a line."""
        program = Program(
            "tail", self.home / "tail.log", "--config", str(self.config), "--json", "tail", "-f", "--after", "0"
        )
        self._stack.callback(program.end)
        return program

    def journal(self, name: str) -> list[dict[str, Any]]:
        """What a simulator wrote down so far."""
        path = self.home / f"{name}.journal"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def stage(home: Path) -> Iterator[Scene]:
    """Writes the files, starts the programs in their order, and ends them all in the end."""
    with ExitStack() as stack:
        scene = Scene(home, stack)
        for folder, name, text in (("rules.d", "10-demo.toml", RULES), ("templates", "outage.txt", TEMPLATE)):
            (home / folder).mkdir()
            (home / folder / name).write_text(text)
        for name in ("carrier.password", "support.secret"):
            (home / name).write_text(f"demo-{os.urandom(2).hex()}")
            (home / name).chmod(0o600)
        password, secret = ((home / n).read_text() for n in ("carrier.password", "support.secret"))
        scene.start("modem", "sim", "modem", "--link", f"{home}/modem1", "--number", "+15550100100", "--latency", "0.2",
                    "--report-after", "0.3", "--journal", f"{home}/modem.journal", "--control", f"{home}/modem.ctl")  # fmt: skip
        smsc = scene.start("smsc", "sim", "smsc", "--port", "0", "--system-id", "demo", "--password", password,
                           "--report-after", "0.3", "--journal", f"{home}/smsc.journal").split()[1]  # fmt: skip
        host, _, port = smsc.rpartition(":")
        # the token is made while the gateway is not running yet: the command works on the store itself then
        _write_config(scene, host, port, "127.0.0.1:9")
        token = scene.run("token", "create", "--scope", "conversations:reply")["token"]
        desk = scene.start(
            "helpdesk", "sim", "helpdesk", "--port", "0", "--journal", f"{home}/helpdesk.journal", "--secret", secret,
            "--reply", "Hello, this is support: your line is back. Please restart the router once.",
            "--reply-url", f"http://127.0.0.1:{scene.api_port}", "--token", token,
        ).split()[1]  # fmt: skip
        _write_config(scene, host, port, desk)
        scene.start("gateway", "--config", str(scene.config), "run", ready='"ready"')
        yield scene


def _write_config(scene: Scene, smsc_host: str, smsc_port: str, desk: str) -> None:
    scene.config.write_text(
        CONFIG.format(home=scene.home, smsc_host=smsc_host, smsc_port=smsc_port, desk=desk, api_port=scene.api_port)
    )


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
