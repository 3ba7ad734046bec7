"""`smsgwd sim modem`, `sim text` and `sim fault` as programs: what they print, what they leave, how they say no."""

import json
import signal
import subprocess
import sys

import pytest

from smsgwd.modem.sim.faults import FAULTS
from tests.helpdesk.worker import until as soon
from tests.modem.sim.feeding import HELLO, WISHED, Program
from tests.story.programs import journal, modem, running, smsgwd, until

pytestmark = pytest.mark.story


def control(home, *args: str) -> subprocess.CompletedProcess[str]:
    """`smsgwd sim VERB --control SOCK …`."""
    verb, *rest = args
    return smsgwd("sim", verb, "--control", str(home / "m1.ctl"), *rest)


async def test_life(tmp_path):
    """`ready PATH`, a link to a pty that programs can drive, the contract's journal lines, and nothing left at the end."""
    link = tmp_path / "m1"
    with modem(tmp_path, "m1", "--number", "+15550109999", "--slots", "2", "--profile", "quectel") as process:
        assert (tmp_path / "m1.log").read_text() == f"ready {link}\n"
        assert link.is_symlink()
        assert link.is_char_device()
        program = Program(link)
        assert (await program.ask("AT+CGMI"))[-2:] == ["Quectel", "OK"]
        await program.ask("ATE0;+CNMI=2,1,0,2")
        assert await program.send(WISHED) == ["+CMGS: 1", "OK"]
        assert control(tmp_path, "text", "--from", "+36641234567", "hello").stdout == "1 part\n"
        await program.says('+CMTI: "SM",1\r\n')
        assert await program.ask('AT+CPMS="SM"') == ["+CPMS: 1,2,1,2,1,2", "OK"]
        program.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not link.is_symlink()
    assert not (tmp_path / "m1.ctl").exists()
    (sent,), (came,) = journal(tmp_path, "submit"), journal(tmp_path, "deliver")
    assert sent["at"].endswith("Z")
    at = sent.pop("at")
    assert sent == {
        "kind": "submit", "mr": 1, "from": "+15550109999", "to": "+15551234567", "pdu": WISHED[1], "text": "hello",
        "ref": None, "part": 1, "parts": 1, "report": True,
    }  # fmt: skip
    assert came["at"] >= at
    assert {k: came[k] for k in ("from", "to", "text", "ref", "part", "parts")} == {
        "from": "+36641234567", "to": "+15550109999", "text": "hello", "ref": None, "part": 1, "parts": 1,
    }  # fmt: skip


async def test_commands_and_latency(tmp_path):
    """`sim fault` sets one off, `--report-after` and `--latency` are kept, and both commands know --json."""
    with modem(tmp_path, "m1", "--latency", "0.2", "--report-after", "0"):
        program = Program(tmp_path / "m1")
        await program.ask("ATE0;+CNMI=2,1,0,1")
        assert control(tmp_path, "fault", "error", "code=21", "count=1").stdout == "done\n"
        assert await program.send(until_said="ERROR: 21\r\n") == ["+CMS ERROR: 21"]
        await program.ask("AT+CMGS=18", "> ")
        await program.ask(WISHED[1] + "\x1a", "")
        await soon(lambda: journal(tmp_path, "submit"))
        assert b"+CMGS" not in program.read
        await program.says("+CDS: ")
        assert program.read.startswith(b"\r\n+CMGS: 1\r\n\r\nOK\r\n")
        (report,) = journal(tmp_path, "report")
        assert (report["mr"], report["to"], report["st"]) == (1, "+15551234567", 0)
        answer = control(tmp_path, "text", "--json", "--from", "Bank", "x" * 161)
        assert json.loads(answer.stdout) == {"ok": True, "parts": 2}
        assert json.loads(control(tmp_path, "fault", "--json", "clear").stdout) == {"ok": True}
        program.close()


def test_script_and_seed(tmp_path):
    """A script plays by itself; with the same seed the references are the same in two runs, in JSON the first line too."""
    (tmp_path / "script").write_text(
        "".join(json.dumps({"do": "text", "from": "+36641234567", "text": "x" * 200, "after": 0}) + "\n" for _ in range(4))
    )
    references = []
    for name in ("m1", "m2"):
        options = ("--script", str(tmp_path / "script"), "--seed", "5")
        with modem(tmp_path, name, *options, "--json"):
            until(lambda name=name: len(journal(tmp_path, "deliver", name)) == 8, what="the script")
        assert json.loads((tmp_path / f"{name}.log").read_text()) == {"ready": str(tmp_path / name)}
        references.append([line["ref"] for line in journal(tmp_path, "deliver", name)])
    assert references[0] == references[1]


def test_killed_and_started_again(tmp_path):
    """A killed one leaves its link and its socket; the next one takes both."""
    with modem(tmp_path) as process:
        process.kill()
        process.wait()
        assert (tmp_path / "m1").is_symlink()
        with modem(tmp_path):
            assert control(tmp_path, "text", "--from", "+1", "x").returncode == 0


def test_second_one_at_the_same_socket(tmp_path):
    """It says whose socket that is, on one line, and leaves the first alone and nothing of itself."""
    with modem(tmp_path):
        second = smsgwd("sim", "modem", "--link", str(tmp_path / "m2"), "--control", str(tmp_path / "m1.ctl"))
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr == f"Error: [Errno 17] another simulator answers there: '{tmp_path / 'm1.ctl'}'\n"
        assert not (tmp_path / "m2").is_symlink()
        assert control(tmp_path, "text", "--from", "+1", "x").returncode == 0


@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        pytest.param([], 2, "Missing option '--link'", id="no-link"),
        pytest.param(["--link", "{home}/tty", "--profile", "nokia"], 2, "profiles: generic, huawei", id="profile"),
        pytest.param(["--link", "{home}/tty", "--number", "++1"], 2, "is no number", id="number"),
        pytest.param(["--link", "{home}/tty", "--number", "²"], 2, "is no number", id="number-not-ascii"),
        pytest.param(["--link", "{home}/tty", "--latency", "-1"], 2, "--latency", id="latency"),
        pytest.param(["--link", "{home}/tty", "--slots", "0"], 2, "--slots", id="slots"),
        pytest.param(["--link", "{home}/tty", "--pin", "12a4"], 2, "is 4 to 8 digits", id="pin"),
        pytest.param(["--link", "{home}/tty", "--seed", "x"], 2, "--seed", id="seed"),
        pytest.param(["--link", "{home}/no/tty"], 1, "No such file or directory", id="no-folder"),
        pytest.param(["--link", "{home}/file"], 1, "is no link", id="a-file"),
        pytest.param(["--link", "{home}/tty", "--journal", "{home}/no/journal"], 1, "No such file", id="journal"),
        pytest.param(["--link", "{home}/tty", "--control", "{home}/no/socket"], 1, "No such file", id="control"),
        pytest.param(["--link", "{home}/tty", "--script", "{home}/no"], 1, "No such file", id="no-script"),
        pytest.param(["--link", "{home}/tty", "--script", "{home}/file"], 1, "line 1: not a JSON object", id="bad-script"),
    ],
)
def test_bad_options(options, status, error, tmp_path):
    """A clear error on stderr, no traceback, 2 for what was typed wrong and 1 for what the machine refuses; nothing is left."""
    (tmp_path / "file").write_text("kept")
    done = smsgwd("sim", "modem", *(x.format(home=tmp_path) for x in options))
    assert (done.returncode, done.stdout) == (status, "")
    assert error in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("args", "status", "error"),
    [
        pytest.param(["text", "x"], 2, "Missing option '--from'", id="no-sender"),
        pytest.param(["text", "--from", "+1", ""], 1, "1 to 255 parts", id="empty-text"),
        pytest.param(["fault", "nope"], 1, "'nope' is no fault; faults: no-prompt", id="fault"),
        pytest.param(["fault", "error", "code=x"], 1, "code is a whole number from 0 to 9999", id="argument"),
        pytest.param(["fault", "error", "code"], 2, "'code' is not like count=2", id="no-equals"),
        pytest.param(["fault", "error", "name=x"], 2, "'name=x' is not like count=2", id="taken-name"),
    ],
)
def test_commands_say_no(args, status, error, tmp_path):
    """What the simulator refuses is told with status 1, what was typed wrong with 2."""
    with modem(tmp_path):
        done = control(tmp_path, *args)
    assert (done.returncode, done.stdout) == (status, "")
    assert error in done.stderr


def test_nobody_at_the_socket(tmp_path):
    """Without a simulator the command says how to start one."""
    done = control(tmp_path, "fault", "hang")
    assert done.returncode == 1
    assert f"is `smsgwd sim modem --control {tmp_path / 'm1.ctl'}` running?" in done.stderr


def test_help_lists_the_faults():
    """`sim fault --help` names every fault."""
    text = smsgwd("sim", "fault", "--help").stdout
    assert [name for name in FAULTS if name not in text] == []


def test_interrupted_by_the_keyboard(tmp_path):
    """SIGINT ends it like SIGTERM, and without a journal or a control socket it works too."""
    link = tmp_path / "tty"
    with running("sim", "modem", "--link", str(link), ready="ready", log=tmp_path / "log") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert not link.is_symlink()


def test_no_driver_is_imported():
    """The simulator's process holds no driver of its protocol: a mistake made twice would cancel itself out."""
    code = (
        "import sys, smsgwd.modem.sim.engine, smsgwd.modem.sim.control;"
        "print([m for m in sys.modules if m.startswith('smsgwd.modem.') and not m.startswith('smsgwd.modem.sim')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30).stdout == "[]\n"


def test_a_pdu_through_the_socket(tmp_path):
    """Any program can speak to the socket: a junk line has one error line, the next request works."""
    import socket

    with modem(tmp_path), socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(tmp_path / "m1.ctl"))
        s.sendall(b"junk\n" + json.dumps({"do": "pdu", "pdu": HELLO}).encode() + b'\n{"do":"state"}\n')
        with s.makefile() as lines:
            answers = [json.loads(lines.readline()) for _ in range(3)]
    assert [answer["ok"] for answer in answers] == [False, True, True]
    assert answers[2]["stored"]["SM"] == 1
    (line,) = journal(tmp_path, "deliver")
    assert (line["pdu"], line["text"]) == (HELLO, "hello")
