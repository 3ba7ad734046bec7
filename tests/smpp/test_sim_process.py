"""``smsgwd sim smsc`` as a program of its own."""

import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec import structs

from smsgwd.clock import SystemClock
from smsgwd.errors import LinkError
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import Bind, Empty, MessageResp, ShortMessage
from smsgwd.smpp.consts import CommandId
from smsgwd.smpp.link import SmppLink
from smsgwd.smpp.sim.faults import CATALOGUE, FAULTS
from tests.canaries import PASSWORD
from tests.smpp.wire import QUICK, broken, config, linked
from tests.story.programs import smsgwd, until

pytestmark = pytest.mark.story

_C = CommandId


class Program:
    """The running simulator: its address, its journal, its control socket."""

    def __init__(self, process: subprocess.Popen, home: Path) -> None:
        self.process, self._home = process, home
        line = process.stdout.readline()
        ready, _, self.address = line.strip().partition(" ")
        assert ready == "ready", line + (process.stderr.read() if process.poll() is not None else "")
        self.port = int(self.address.rpartition(":")[2])

    def notes(self, kind: str) -> list[dict]:
        path = self._home / "journal"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if line["kind"] == kind]

    def ask(self, *lines: str) -> list[dict]:
        """Requests over one connection of the control socket, and their answers."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(self._home / "ctl"))
            s.sendall("".join(line + "\n" for line in lines).encode())
            answers = s.makefile()
            return [json.loads(answers.readline()) for _ in lines]


@contextmanager
def simulator(home: Path, *options: str):
    """Port 0, a journal and a control socket; ended by its pid."""
    process = subprocess.Popen(
        [sys.executable, "-m", "smsgwd", "sim", "smsc", "--port", "0", "--journal", str(home / "journal"),
         "--control", str(home / "ctl"), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield Program(process, home)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


class Client:
    """A blocking client of few words."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        if tls is not None:
            with self.socket as plain:
                self.socket = tls.wrap_socket(plain, server_hostname="127.0.0.1")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def say(self, command: int, sequence: int, body) -> None:
        self.socket.sendall(pdu.pack(command, 0, sequence, body))

    def next(self) -> pdu.Pdu:
        head = self._exactly(16)
        return pdu.unpack(head + self._exactly(pdu.unpack_header(head).length - 16))

    def _exactly(self, size: int) -> bytes:
        octets = b""
        while len(octets) < size:
            more = self.socket.recv(size - len(octets))
            assert more, "the simulator closed the connection"
            octets += more
        return octets


def test_a_text_and_its_life(tmp_path):
    """ready HOST:PORT; bind, text, receipt, text in, journal, state; SIGTERM unbinds and ends with status 0."""
    with simulator(tmp_path, "--report-after", "0") as program:
        assert program.address == f"127.0.0.1:{program.port}"
        client = Client(program.port)
        client.say(_C.BIND_TRANSCEIVER, 1, Bind(b"acme", b"any"))
        assert client.next().status == 0
        client.say(_C.SUBMIT_SM, 2, ShortMessage(destination_addr=b"15", short_message=b"hello", registered_delivery=1))
        message_id = client.next().body.message_id
        receipt = client.next()
        assert receipt.body.short_message.startswith(b"id:" + message_id + b" ")
        client.say(_C.DELIVER_SM_RESP, receipt.sequence, MessageResp())
        assert program.ask('{"do":"text","from":"+15550100777","text":"help"}') == [{"ok": True, "parts": 1}]
        delivery = client.next()
        assert (delivery.body.short_message, delivery.body.destination_addr) == (b"help", b"15550100200")
        client.say(_C.DELIVER_SM_RESP, delivery.sequence, MessageResp())
        until(lambda: len(program.notes("answer")) == 2, what="two answers in the journal")
        (state,) = program.ask('{"do":"state"}')
        assert (state["connections"], state["bound"], state["submitted"], state["waiting"]) == (1, 1, 1, 0)
        (submit,) = program.notes("submit")
        assert {k: submit[k] for k in ("id", "to", "text", "part", "parts", "ref")} == {
            "id": message_id.decode(), "to": "15", "text": "hello", "part": 1, "parts": 1, "ref": None
        }  # fmt: skip
        assert submit["at"].endswith("Z")
        assert [n["status"] for n in program.notes("bind")] == [0]
        assert len(program.notes("report")) == len(program.notes("deliver")) == 1
        program.process.send_signal(signal.SIGTERM)
        unbind = client.next()
        assert unbind.command_id == _C.UNBIND
        client.say(_C.UNBIND_RESP, unbind.sequence, Empty())
        assert program.process.wait(5) == 0
        client.socket.close()
    assert not (tmp_path / "ctl").exists()


def test_the_control_socket(tmp_path):
    """One answer a line, in order, right and wrong ones mixed; the commands of a shell speak to it as well."""
    with simulator(tmp_path, "--fault", "error:code=0x58", "--system-id", "acme", "--password", PASSWORD) as program:
        answers = program.ask('{"do":"state"}', "nonsense", '{"do":"fault","name":"nack","count":2}', '{"do":"state"}')
        assert [a["ok"] for a in answers] == [True, False, True, True]
        assert (answers[0]["faults"], answers[3]["faults"]) == (["error"], ["error", "nack"])
        control = str(tmp_path / "ctl")
        assert smsgwd("sim", "fault", "--control", control, "clear").returncode == 0
        assert program.ask('{"do":"state"}')[0]["faults"] == []
        bad = smsgwd("sim", "fault", "--control", control, "nonsense")
        assert bad.returncode == 1
        assert "'nonsense' is no fault" in bad.stderr
        assert smsgwd("sim", "text", "--control", control, "--from", "+15550100777", "hi").returncode == 0
        assert program.ask('{"do":"state"}')[0]["waiting"] == 1
        second = smsgwd("sim", "smsc", "--port", "0", "--control", control)
        assert (second.returncode, "another simulator answers there" in second.stderr) == (1, True)


def test_behaviour(tmp_path):
    """Options and a fault of the catalogue reach the SMSC: ids, receipts, order, states, window."""
    options = ("--ids", "padded", "--receipt-id", "hex>dec", "--receipt", "no-dates", "--receipt-order", "before",
               "--states", "expired,8", "--window", "1", "--window-status", "full", "--delay", "0.3", "--binds", "1",
               "--fault", "f30:count=1")  # fmt: skip
    text = ShortMessage(destination_addr=b"15", short_message=b"hello", registered_delivery=1)
    with simulator(tmp_path, *options) as program:
        client, second = Client(program.port), Client(program.port)
        for one, status in ((client, 0), (second, 0x05)):
            one.say(_C.BIND_TRANSCEIVER, 1, Bind(b"acme", b"any"))
            assert one.next().status == status
        for sequence in range(2, 6):
            client.say(_C.SUBMIT_SM, sequence, text)
        got = [client.next() for _ in range(5)]
        refusals = [(a.sequence, a.status) for a in got if a.command_id == _C.SUBMIT_SM_RESP and a.status]
        assert refusals == [(2, 0x58), (3, 0x14), (5, 0x14)]
        (receipt,) = [a.body.short_message.decode() for a in got if a.command_id == _C.DELIVER_SM]
        (answer,) = [a for a in got if a.command_id == _C.SUBMIT_SM_RESP and not a.status]
        assert receipt == f"id:{int(answer.body.message_id, 16)} sub:001 dlvrd:000 stat:EXPIRED err:001 text:"
        client.say(_C.SUBMIT_SM, 6, text)
        assert b"stat:REJECTD" in client.next().body.short_message
        for one in (client, second):
            one.socket.close()


def test_help_has_every_fault():
    """Both tables stand in the help."""
    said = smsgwd("sim", "smsc", "--help").stdout
    assert [name for name in (*FAULTS, *CATALOGUE) if name not in said] == []


def test_json(tmp_path):
    """With --json the first line is an object."""
    process = subprocess.Popen(
        [sys.executable, "-m", "smsgwd", "--json", "sim", "smsc", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert json.loads(process.stdout.readline())["ready"].startswith("127.0.0.1:")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        pytest.param(("--port", "70000"), 2, "--port", id="port"),
        pytest.param(("--tps", "-1"), 2, "--tps", id="rate"),
        pytest.param(("--ids", "roman"), 2, "--ids", id="ids"),
        pytest.param(("--receipt", "roman"), 2, "--receipt", id="receipt"),
        pytest.param(("--client-ca", "/nowhere/ca"), 2, "need --tls", id="client authority without TLS"),
        pytest.param(("--port", "0", "--states", "happy"), 1, "`state` is one of", id="states"),
        pytest.param(("--port", "0", "--receipt-id", "dec>hex"), 1, "does not go with ids hex", id="ids that do not fit"),
        pytest.param(("--port", "0", "--fault", "f40"), 1, "--other-tls", id="no other certificate"),
        pytest.param(("--port", "0", "--fault", "f31:code=1"), 1, "F31 takes no 'code'", id="argument of the catalogue"),
        pytest.param(("--nonsense",), 2, "--nonsense", id="unknown option"),
        pytest.param(("--port", "0", "--fault", "errors"), 1, "'errors' is no fault; faults: no-answer", id="fault"),
        pytest.param(("--port", "0", "--fault", "error:code=x"), 1, "code is a whole number", id="argument"),
        pytest.param(("--port", "0", "--host", "256.1.1.1"), 1, "Error", id="host"),
        pytest.param(("--port", "0", "--journal", "/nowhere/j"), 1, "/nowhere/j", id="journal"),
        pytest.param(("--port", "0", "--control", "/nowhere/c"), 1, "No such file", id="control socket"),
        pytest.param(("--port", "0", "--tls", "/nowhere/c", "/nowhere/k"), 1, "/nowhere/c", id="certificate"),
    ],
)
def test_bad_arguments(options, status, said):
    """One clear line on stderr, nothing on stdout, no traceback."""
    done = smsgwd("sim", "smsc", *options, timeout=10)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(tmp_path):
    """An error that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = smsgwd("sim", "smsc", "--port", str(port), timeout=10)
    assert done.returncode == 1
    assert str(port) in done.stderr


def make_certificate(certificate: str, key: str) -> None:
    """For 127.0.0.1, signed by itself."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=smsc.test", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl, which makes the certificate, is not here")
async def test_tls(tmp_path, monkeypatch):
    """A certificate nobody vouches for is refused by our link; with its authority trusted the link binds; a wrong host
    name is refused again."""
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    make_certificate(certificate, key)
    with simulator(tmp_path, "--tls", certificate, key) as program:
        strange = SmppLink(config(program.port, tls=True), SystemClock(), QUICK)
        with pytest.raises(LinkError, match="its certificate is refused: self"):
            await broken(strange)
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        async with linked(program.port, QUICK, tls=True) as (_, ear, *_more):
            assert ear.states[-1][1] == f"bound to {program.address}"
        other = structs.replace(config(program.port, tls=True), host="localhost")
        with pytest.raises(LinkError, match="its certificate is refused: Hostname mismatch"):
            await broken(SmppLink(other, SystemClock(), QUICK))


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl, which makes the certificates, is not here")
def test_another_certificate_and_clients_that_show_one(tmp_path):
    """F40 by its name: from then on the other certificate is shown; and who shows none does not get in."""
    good, bad = (str(tmp_path / "good.pem"), str(tmp_path / "good.key")), (str(tmp_path / "bad.pem"), str(tmp_path / "bad.key"))
    for pair in (good, bad):
        make_certificate(*pair)
    trusting = ssl.create_default_context(cafile=good[0])
    trusting.load_cert_chain(*good)
    anonymous = ssl.create_default_context(cafile=good[0])
    with simulator(tmp_path, "--tls", *good, "--other-tls", *bad, "--client-ca", good[0]) as program:
        with Client(program.port, trusting) as client:
            client.say(_C.ENQUIRE_LINK, 1, Empty())
            assert client.next().command_id == _C.ENQUIRE_LINK_RESP
        with Client(program.port, anonymous) as client, suppress(OSError):  # an alert, or just the end
            client.say(_C.ENQUIRE_LINK, 1, Empty())
            assert client.socket.recv(1) == b""
        assert smsgwd("sim", "fault", "--control", str(tmp_path / "ctl"), "f40").returncode == 0
        with pytest.raises(ssl.SSLCertVerificationError), Client(program.port, trusting):
            pass
