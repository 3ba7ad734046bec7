"""F69: the disk of the log is full, its pipe is closed, or nobody reads it (journald is stopped): the daemon goes on, and what
is lost is counted."""

import json
import os
import select
import signal
import subprocess
import sys

import pytest

from smsgwd import logsink as module
from smsgwd.logsink import LogSink
from tests.faults.disk import send, small_disk, until
from tests.story.programs import ask, link_up, modem, write_config


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.01)
    monkeypatch.setattr(module, "MOST", 1000)


def there(out: int) -> bytes:
    """What the pipe holds; nothing, after a moment, where it is empty: a line is in hand for a moment after it was written."""
    ready, _, _ = select.select([out], [], [], 0.05)
    return os.read(out, 65536) if ready else b""


def lines_of(octets: bytes) -> list[dict]:
    return [json.loads(line) for line in octets.splitlines()]


@pytest.mark.usefixtures("quick")
def test_f69_nobody_reads():
    """A pipe that nobody reads fills: the writer of a line is never held up; lines beyond the bound are counted, and a line
    says how many when somebody reads again."""
    out, into = os.pipe()
    with os.fdopen(into, "w") as stream:
        sink = LogSink(stream)
        for n in range(2000):
            print(json.dumps({"n": n, "x": "x" * 100}), file=sink, flush=True)
        assert 0 < sink.lost < 2000
        got = b""
        while sink._lines:
            got += there(out)
        print('{"n":"after"}', file=sink)
        while b"after" not in got:
            got += there(out)
        sink.close()
    os.close(out)
    found = lines_of(got)
    assert sum(line["lines"] for line in found if "lines" in line) == sink.lost
    assert len([line for line in found if "n" in line]) == 2001 - sink.lost


@pytest.mark.usefixtures("quick")
def test_f69_disk_of_the_log_full(tmp_path):
    """A file on a full disk: lines wait, and are written whole and in order when there is room again."""
    with small_disk(tmp_path / "disk", "64k") as disk:
        (disk / "filler").write_bytes(b"x" * 60_000)
        with (disk / "log").open("a") as stream:
            sink = LogSink(stream)
            for n in range(900):
                print(json.dumps({"n": n}), file=sink, flush=True)
            until(lambda: sink.lost or not sink._lines, 5, "the disk is full")
            assert sink.lost > 0
            (disk / "filler").unlink()
            until(lambda: not sink._lines, 5, "the lines")
            print('{"n":"after"}', file=sink)
            sink.close()
        found = lines_of(b"\n".join(line for line in (disk / "log").read_bytes().splitlines() if line.endswith(b"}")))
        assert found[-1] == {"n": "after"}
        numbers = [line["n"] for line in found if isinstance(line.get("n"), int)]
        assert numbers == sorted(numbers)


def test_f69_a_closed_pipe_is_no_error():
    """A reader that went away: nothing is raised, and the end does not wait long."""
    out, into = os.pipe()
    os.close(out)
    with os.fdopen(into, "w") as stream:
        sink = LogSink(stream)
        assert print("line", file=sink, flush=True) is None
        sink.close()
        assert not sink._thread.is_alive()


def test_f69_the_daemon_goes_on(tmp_path):
    """The real daemon with stdout and stderr on a device that is always full: it takes texts, sends them, and ends well."""
    config = write_config(tmp_path)
    with modem(tmp_path), open("/dev/full", "wb") as full:
        process = subprocess.Popen(
            [sys.executable, "-m", "smsgwd", "--config", str(config), "run", "--log-level", "debug"], stdout=full, stderr=full
        )
        try:
            until(lambda: (tmp_path / "smsgwd.sock").exists() or process.poll() is not None, 20, "its socket")
            link_up(config)
            assert send(config, "hello").returncode == 0
            until(lambda: ask(config, "queue", "list")["items"][0]["state"] == "sent", 20, "it is sent")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
