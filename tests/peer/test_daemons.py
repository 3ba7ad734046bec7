"""Unmodified gateways work through the simulated modem: smsd of smstools and gammu-smsd, by the reference kit."""

import os
import signal
import subprocess

import pytest

from tests.peer.bench_kit import PATH, needs, run, sent
from tests.story.programs import journal, modem, smsgwd, until

pytestmark = pytest.mark.peer

#: a part of gammu-smsd's configuration that makes it look for texts at once
GAMMU = """\
[gammu]
device = {home}/m1
connection = at

[smsd]
service = files
inboxpath = {home}/inbox/
outboxpath = {home}/outbox/
sentsmspath = {home}/sent/
errorsmspath = {home}/error/
logfile = {home}/smsd.log
loopsleep = 0
receivefrequency = 1
statusfrequency = 0
"""


@pytest.mark.parametrize(
    ("script", "program"),
    [
        pytest.param("run_smstools.py", "smsd", id="smstools"),
        pytest.param("run_gammu.py", "gammu-smsd", id="gammu-smsd"),
    ],
)
def test_sends(script, program, tmp_path):
    """The daemon sends three texts, and each is on the network once."""
    needs(script, program)
    (result,) = run(script, tmp_path, "-n", "3", "--config", "tuned", "--limit", "60")
    assert (result["n"], result["sent"]) == (3, 3)
    texts = sent(tmp_path)
    assert sorted(line["text"] for line in texts) == [f"Message {i} hello from the bench, about fifty chars" for i in range(3)]
    assert {(line["to"], line["parts"]) for line in texts} == {("+436641234567", 1)}


def test_gammu_smsd_receives(tmp_path):
    """A text of two parts that waits on the SIM comes to the inbox of gammu-smsd, and leaves the SIM."""
    needs("run_gammu.py", "gammu-smsd")
    for folder in ("inbox", "outbox", "sent", "error"):
        (tmp_path / folder).mkdir()
    (tmp_path / "smsdrc").write_text(GAMMU.format(home=tmp_path))
    text = "My internet is down. " * 10
    with modem(tmp_path):
        assert smsgwd("sim", "text", "--control", str(tmp_path / "m1.ctl"), "--from", "+36641234567", text).stdout == "2 parts\n"
        with (tmp_path / "smsd.out").open("wb") as out:
            daemon = subprocess.Popen(
                ["gammu-smsd", "-c", str(tmp_path / "smsdrc")],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, "PATH": PATH},
            )  # fmt: skip
        try:
            until(lambda: len(journal(tmp_path, "delete")) == 2, 60, "both parts off the SIM")
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(20)
    files = sorted((tmp_path / "inbox").iterdir())
    assert "".join(path.read_text(encoding="utf-8") for path in files) == text
    assert all("+36641234567" in path.name for path in files)
