"""What tests with other people's SMPP programs share: where these are, how they are started, texts."""

import json
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.story.programs import until

PARTNERS = Path(__file__).parent / "partners"
#: where the packages of node are kept; the environment may name another folder
NODE_MODULES = Path(
    os.environ.get("SMSGWD_NODE_MODULES") or Path(__file__).resolve().parents[2] / ".venv" / "share" / "node" / "node_modules"
)
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

#: name -> (text, data_coding); each needs several parts
TEXTS = {
    "gsm7": ("My internet is down [since €9 was paid] ^~| @home. " * 8, 0),
    "ucs2": ("У меня не работает интернет. " * 12, 8),
    "emoji": ("No internet 😡👍🏽 since 9 👨‍👩‍👧! " * 9, 8),
}


def program(name: str) -> str:
    """The path of a program; skips the test when it is not installed."""
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def node(script: str, *args: str) -> tuple[list[str], dict[str, str]]:
    """Command line and environment of a partner that runs on node; skips when node or its package is not there."""
    command = [program("node"), str(PARTNERS / script), *args]
    if not (NODE_MODULES / "smpp").is_dir():
        pytest.skip(f"npm smpp is not in {NODE_MODULES}: npm install --prefix {NODE_MODULES.parent} smpp@0.5.1")
    return command, {**os.environ, "NODE_PATH": str(NODE_MODULES)}


def perl(script: str, *args: str) -> list[str]:
    """Command line of a partner in Perl; skips when Net::SMPP is not there."""
    command = program("perl")
    if subprocess.run([command, "-MNet::SMPP", "-e1"], capture_output=True).returncode:
        pytest.skip("Perl's Net::SMPP (libnet-smpp-perl) is not installed")
    return [command, str(PARTNERS / script), *args]


@contextmanager
def started(command: list[str], ready: str = "", log: Path | None = None, env: dict[str, str] | None = None):
    """A process that is ended by its pid; waits for its line ``ready`` in the log when it says one."""
    with open(log or os.devnull, "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env)
    try:
        if ready and log is not None:
            until(lambda: ready in log.read_text() or process.poll() is not None, what=f"{command[0]} ready")
            assert process.poll() is None, log.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port: int) -> bool:
    """Somebody listens there."""
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def arrived(notes, text: str) -> bool:
    """The SMSC has this text, whole or joined; ``notes(kind)`` is its journal."""
    return any(n["text"] == text for kind in ("submit", "joined") for n in notes(kind))


def parts_in_order(parts: list[tuple[int, str]]) -> str:
    return "".join(text for _, text in sorted(parts))


def said(done: subprocess.CompletedProcess[str]) -> dict:
    """The JSON that a partner printed last."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
