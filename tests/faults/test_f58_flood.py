"""F58: texts come in as fast as a modem gives them.

3,000 texts; with ``SMSGWD_LONG=1`` in the environment 10,000, which takes about a minute.
"""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from tests.queue.storing import sql
from tests.story.programs import daemon, link_up, modem, until, write_config

pytestmark = [pytest.mark.story, pytest.mark.timeout(400)]

TEXTS = 10_000 if os.environ.get("SMSGWD_LONG") else 3_000
#: people who write, in turn
SENDERS = [f"+15550100{n}" for n in range(300, 320)]
#: MiB that the daemon may hold
MOST_MEMORY = 256


def most_held(pid: int) -> float:
    """MiB of memory that a process has held at most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def told(control: Path, *requests: dict) -> list[dict]:
    """What the simulated modem answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(control))
        client.sendall("".join(json.dumps(request) + "\n" for request in requests).encode())
        answers = client.makefile("r")
        return [json.loads(answers.readline()) for _ in requests]


def flood(control: Path) -> None:
    """Gives the network all texts for the phone at once; each says which one of its sender it is."""
    for start in range(0, TEXTS, 100):
        rows = [
            {"do": "text", "from": SENDERS[n % len(SENDERS)], "text": f"text {n // len(SENDERS)}"}
            for n in range(start, start + 100)
        ]
        assert all(answer["ok"] for answer in told(control, *rows))


def stored(home: Path) -> int:
    with sql(home / "smsgwd.db") as conn:
        return conn.execute("SELECT count(*) FROM message WHERE direction = 'in'").fetchone()[0]


def test_f58_thousands_at_once(tmp_path):
    """3,000 texts (10,000 with SMSGWD_LONG=1) of 20 people at once, through a SIM with 50 places: each is stored once, those of one person in the
    order in which they were sent, the SIM is empty in the end, and the daemon never holds more than 256 MiB."""
    write_config(tmp_path)
    control = tmp_path / "m1.ctl"
    with modem(tmp_path, "m1", "--slots", "50"), daemon(tmp_path) as process:
        link_up(tmp_path / "smsgwd.toml")
        began = time.monotonic()
        flood(control)
        until(lambda: stored(tmp_path) >= TEXTS, 350, "all texts stored")
        print(f"{TEXTS} texts in {time.monotonic() - began:.1f} s, {most_held(process.pid):.0f} MiB at most")
        until(lambda: told(control, {"do": "state"})[0]["stored"]["SM"] == 0, what="an empty SIM")
        assert told(control, {"do": "state"})[0]["waiting"] == 0
        assert most_held(process.pid) < MOST_MEMORY
    with sql(tmp_path / "smsgwd.db") as conn:
        rows = conn.execute("SELECT peer, text FROM message WHERE direction = 'in' ORDER BY id").fetchall()
        copies = conn.execute("SELECT count(*) FROM inbound_part").fetchone()
    came: dict[str, list[str]] = {}
    for peer, text in rows:
        came.setdefault(peer, []).append(text)
    assert came == {sender: [f"text {n}" for n in range(TEXTS // len(SENDERS))] for sender in SENDERS}
    assert copies == (TEXTS,)
