"""Other people's SMPP clients, unmodified, on ``smsgwd sim smsc`` as a process: smpp34, smpplib, npm smpp, Net::SMPP, Kannel.

Each sends long texts in parts or whole (GSM-7, UCS-2, emoji), gets its receipts, and receives a text.
"""

import contextlib
import http.server
import importlib.util
import json
import logging
import os
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.canaries import PASSWORD, WRONG_PASSWORD
from tests.peer.carriers import (
    PARTNERS,
    TEXTS,
    answers,
    arrived,
    free_port,
    node,
    parts_in_order,
    perl,
    program,
    said,
    started,
)
from tests.smpp.certificates import Certificates
from tests.smpp.test_sim_process import simulator
from tests.story.programs import until

pytestmark = pytest.mark.peer

ACCOUNT = ("--system-id", "u", "--password", PASSWORD)
OURS, THEIRS = "15550100100", "15550100777"


def texted(place, text: str, form: str = "udh8") -> int:
    """Somebody texts our number; in how many parts."""
    (answer,) = place.ask(json.dumps({"do": "text", "from": f"+{THEIRS}", "to": f"+{OURS}", "text": text, "as": form}))
    assert answer["ok"], answer
    return answer["parts"]


def receipts_answered(place, count: int) -> None:
    """The client acknowledged so many receipts."""
    until(lambda: len([n for n in place.notes("answer") if (n["of"], n["status"]) == ("report", 0)]) == count,
          what=f"{count} answers to receipts")  # fmt: skip


# ---- smpp34 ----------------------------------------------------------------------------------------------------------


def by_smpp34(port: int, texts: list[dict], events: int = 0, **more) -> dict:
    """What smpp34 saw, as a process of its own."""
    if importlib.util.find_spec("smpp34") is None:
        pytest.skip("smpp34 is not installed")
    wish = {"port": port, "password": PASSWORD, "texts": texts, "events": events, **more}
    return said(subprocess.run(
        [sys.executable, str(PARTNERS / "esme34.py"), json.dumps(wish)], capture_output=True, text=True, timeout=30,
        stdin=subprocess.DEVNULL,
    ))  # fmt: skip


def wish_of(octets: bytes, coding: int = 0, receipt: int = 0, tlvs: tuple = ()) -> dict:
    return {"octets": octets.hex(), "coding": coding, "receipt": receipt, "tlvs": [[tag, value.hex()] for tag, value in tlvs]}


def test_smpp34_submits_and_receives(tmp_path):
    """Many texts in its window, all accepted with their ids; a receipt for the one that asks; a text in."""
    with simulator(tmp_path, *ACCOUNT, "--report-after", "0") as place:
        texted(place, "help")
        seen = by_smpp34(place.port, [wish_of(b"text %d" % n, receipt=int(n == 0)) for n in range(50)], events=2)
        receipts_answered(place, 1)
        notes = {n["message_id"]: n["text"] for n in place.notes("submit")}
    assert [status for _, status in seen["answers"]] == [0] * 50
    assert [notes[own] for own, _ in seen["answers"]] == [f"text {n}" for n in range(50)]
    text, receipt = sorted(seen["events"], key=lambda event: event["esm_class"])
    assert (text["from"], text["to"], bytes.fromhex(text["octets"])) == (THEIRS, OURS, b"help")
    assert receipt["esm_class"] == 4
    assert bytes.fromhex(receipt["octets"]).startswith(f"id:{seen['answers'][0][0]} ".encode())


@pytest.mark.parametrize("name", ["ucs2", "emoji"])
def test_smpp34_sends_long_texts(tmp_path, name):
    """Parts marked by sar_*, cut anywhere: joined at the SMSC, a receipt for each, and a long text back by sar_*."""
    text, coding = TEXTS[name]
    octets = text.encode("utf-16-be")
    cuts = [octets[at : at + 134] for at in range(0, len(octets), 134)]
    wishes = [
        wish_of(part, coding, 1, ((0x20C, b"\0\x63"), (0x20E, bytes((len(cuts),))), (0x20F, bytes((n,)))))
        for n, part in enumerate(cuts, 1)
    ]
    with simulator(tmp_path, *ACCOUNT, "--report-after", "0") as place:
        back = texted(place, text, "sar")
        seen = by_smpp34(place.port, wishes, events=len(cuts) + back)
        assert arrived(place.notes, text)
    receipts = [event for event in seen["events"] if event["esm_class"] == 4]
    assert sorted(bytes.fromhex(r["tlvs"][str(0x1E)])[:-1].decode() for r in receipts) == sorted(own for own, _ in seen["answers"])
    parts = sorted((event["tlvs"][str(0x20F)], event["octets"]) for event in seen["events"] if event["esm_class"] == 0)
    assert bytes.fromhex("".join(part for _, part in parts)).decode("utf-16-be") == text


def test_smpp34_is_refused(tmp_path):
    """A wrong password, and a text that the SMSC refuses."""
    with simulator(tmp_path, *ACCOUNT, "--fault", "error:code=0x45") as place:
        assert "error" in by_smpp34(place.port, [], password=WRONG_PASSWORD)
        assert [n["status"] for n in place.notes("bind")][:1] == [0x0E]
        assert by_smpp34(place.port, [wish_of(b"x")])["answers"][0][1] == 0x45


# ---- smpplib ---------------------------------------------------------------------------------------------------------


def smpplib_session(port: int, text: str) -> dict:
    """Binds, sends a text in parts, waits for its answers, receipts and one text in; what it saw."""
    import smpplib.client
    import smpplib.gsm

    logging.getLogger("smpplib").setLevel(logging.CRITICAL)
    seen: dict = {"ids": [], "received": []}
    client = smpplib.client.Client("127.0.0.1", port, timeout=5, allow_unknown_opt_params=True)
    client.set_message_sent_handler(lambda pdu: seen["ids"].append(pdu.message_id.decode()))
    client.set_message_received_handler(lambda pdu: seen["received"].append((pdu.esm_class, pdu.short_message)))
    client.connect()
    client.bind_transceiver(system_id="u", password=PASSWORD)
    parts, coding, esm_class = smpplib.gsm.make_parts(text)
    for part in parts:
        client.send_message(
            source_addr_ton=1, source_addr_npi=1, source_addr=OURS, dest_addr_ton=1, dest_addr_npi=1,
            destination_addr=THEIRS, short_message=part, data_coding=coding, esm_class=esm_class, registered_delivery=1,
        )  # fmt: skip
    seen["parts"] = len(parts)
    while len(seen["ids"]) < len(parts) or len(seen["received"]) < len(parts) + 1:
        client.read_once()
    client.unbind()
    client.disconnect()
    return seen


@pytest.mark.parametrize("text", ["hello [€]", *(text for text, _ in TEXTS.values())], ids=["short", *TEXTS])
def test_smpplib_submits_and_receives(tmp_path, text):
    """A text in as many parts as it needs, joined at the SMSC; a receipt for each part, and a text in."""
    pytest.importorskip("smpplib.client", reason="smpplib is not installed")
    with simulator(tmp_path, *ACCOUNT, "--report-after", "0") as place:
        texted(place, "help")
        seen = smpplib_session(place.port, text)
        notes = place.notes("submit")
        assert arrived(place.notes, text)
    assert [n["id"] for n in notes] == seen["ids"]
    assert {(n["parts"], n["to"], n["from"]) for n in notes} == {(seen["parts"], f"+{THEIRS}", f"+{OURS}")}
    receipts = [words for esm_class, words in seen["received"] if esm_class == 4]
    assert sorted(words.split()[0][3:].decode() for words in receipts) == sorted(seen["ids"])
    assert [words for esm_class, words in seen["received"] if esm_class == 0] == [b"help"]


# ---- npm smpp --------------------------------------------------------------------------------------------------------


def by_node(port: int, texts: list[str], received: int = 0, receipts: int = 1, **tls) -> subprocess.CompletedProcess[str]:
    wish = {
        "port": port, "password": PASSWORD, "texts": [{"text": TEXTS[n][0], "coding": TEXTS[n][1]} for n in texts], "receipts": receipts,
        "received": received, **({"tls": tls} if tls else {}),
    }  # fmt: skip
    command, env = node("esme.js", json.dumps(wish))
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)


def test_node_submits_and_receives(tmp_path):
    """Three long texts at once, each joined at the SMSC; a receipt for each part, acknowledged; a long text in."""
    back = TEXTS["ucs2"][0]
    with simulator(tmp_path, *ACCOUNT, "--report-after", "0.05") as place:
        texted(place, back)
        seen = said(by_node(place.port, list(TEXTS), received=6))
        assert [arrived(place.notes, text) for text, _ in TEXTS.values()] == [True] * 3
        assert sorted(seen["ids"]) == sorted(n["id"] for n in place.notes("submit")) == sorted(seen["receipts"])
        receipts_answered(place, len(seen["ids"]))
    assert parts_in_order([(part["part"], part["text"]) for part in seen["received"]]) == back


def test_node_with_a_client_certificate(tmp_path):
    """TLS both ways: with the certificate it binds and sends, without it nothing comes through."""
    made = Certificates(tmp_path)
    server, (cert, key) = made.issue("server", days=30), made.issue("client", days=30)
    with simulator(tmp_path, *ACCOUNT, "--tls", *server, "--client-ca", made.ca, "--report-after", "0") as place:
        seen = said(by_node(place.port, ["emoji"], servername="smsc.test", ca=made.ca, cert=cert, key=key))
        assert arrived(place.notes, TEXTS["emoji"][0])
        assert sorted(seen["ids"]) == sorted(seen["receipts"])
        binds = len(place.notes("bind"))
        refused = by_node(place.port, ["emoji"], servername="smsc.test", ca=made.ca)
        assert (refused.stdout, len(place.notes("bind"))) == ("", binds)


def test_node_refuses_another_name(tmp_path):
    """The simulator's certificate is really shown: a client that expects another name does not bind."""
    made = Certificates(tmp_path)
    with simulator(tmp_path, *ACCOUNT, "--tls", *made.issue("server", days=30)) as place:
        refused = by_node(place.port, ["emoji"], servername="other.test", ca=made.ca)
        assert (refused.returncode, "ALTNAME" in refused.stderr, place.notes("bind")) == (1, True, [])


def test_smpplib_behind_socat(tmp_path):
    """A client that knows no TLS, with socat in front: the client certificate is socat's."""
    pytest.importorskip("smpplib.client", reason="smpplib is not installed")
    made, port = Certificates(tmp_path), free_port()
    server, (cert, key) = made.issue("server", days=30), made.issue("client", days=30)
    with simulator(tmp_path, *ACCOUNT, "--tls", *server, "--client-ca", made.ca, "--report-after", "0") as place:
        tunnel = f"OPENSSL:127.0.0.1:{place.port},cafile={made.ca},commonname=smsc.test,cert={cert},key={key}"
        with started([program("socat"), f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", tunnel]):
            until(lambda: answers(port), what="socat")
            texted(place, "help")
            seen = smpplib_session(port, TEXTS["gsm7"][0])
        assert arrived(place.notes, TEXTS["gsm7"][0])
        assert sorted(seen["ids"]) == sorted(n["id"] for n in place.notes("submit"))


# ---- Perl Net::SMPP --------------------------------------------------------------------------------------------------


def test_perl_submits_and_receives(tmp_path):
    """Long texts whole in message_payload, their receipts, and a text in."""
    texts = {"ascii": ("A text of plain letters, long. " * 8, 0), **{name: TEXTS[name] for name in ("ucs2", "emoji")}}
    command = perl("esme.pl", "", "3", "1", *(f"{coding}={text}" for text, coding in texts.values()))
    with simulator(tmp_path, *ACCOUNT, "--report-after", "0.3") as place:
        command[2] = str(place.port)
        with started(command, "receipt ", tmp_path / "perl.out", {**os.environ, "PASSWORD": PASSWORD}) as client:
            texted(place, "help")
            assert client.wait(10) == 0, (tmp_path / "perl.out").read_text()
        assert [arrived(place.notes, text) for text, _ in texts.values()] == [True] * 3
        ids = [n["id"] for n in place.notes("submit")]
        receipts_answered(place, 3)
    lines = [line.split(" ", 2) for line in (tmp_path / "perl.out").read_text().splitlines()]
    assert [words[1] for words in lines if words[0] == "id"] == ids
    assert sorted(words[1] for words in lines if words[0] == "receipt") == sorted(f"id:{own}" for own in ids)
    assert [words[1] for words in lines if words[0] == "received"] == ["help"]


# ---- Kannel ----------------------------------------------------------------------------------------------------------

KANNEL = """\
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = x
smsbox-port = {box}
smsbox-interface = 127.0.0.1
log-file = "{home}/bearerbox.log"
log-level = 1
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = carrier
host = 127.0.0.1
port = {port}
smsc-username = "u"
smsc-password = "{password}"
system-type = ""
transceiver-mode = true
source-addr-ton = 1
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {send}
sendsms-interface = 127.0.0.1
log-file = "{home}/smsbox.log"
log-level = 1

group = sendsms-user
username = t
password = t
max-messages = 20
concatenation = true

group = sms-service
keyword = default
get-url = "{sink}/text?from=%p&to=%P&text=%b&coding=%c"
max-messages = 0
"""


class Sink(http.server.BaseHTTPRequestHandler):
    """Keeps the queries of the calls that Kannel makes."""

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        self.server.calls.append((url.path, dict(urllib.parse.parse_qsl(url.query, encoding="latin-1"))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args) -> None:
        """Says nothing."""


@contextmanager
def sink():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.calls = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def kannel(home: Path, port: int, calls):
    """bearerbox and smsbox on the SMSC at ``port``; gives a function that sends a text."""
    bearerbox, smsbox = program("bearerbox"), program("smsbox")
    admin, box, send = free_port(), free_port(), free_port()
    where = f"http://127.0.0.1:{calls.server_port}"
    config = home / "kannel.conf"
    config.write_text(KANNEL.format(admin=admin, box=box, send=send, port=port, home=home, sink=where, password=PASSWORD))
    with started([bearerbox, str(config)]):
        until(lambda: answers(box), what="bearerbox")
        with started([smsbox, str(config)]):
            until(lambda: answers(send), what="smsbox")

            def sends(text: str, coding: int) -> None:
                query = {"username": "t", "password": "t", "from": OURS, "to": THEIRS, "text": text, "charset": "UTF-8",
                         "coding": "2" if coding else "0", "dlr-mask": "3", "dlr-url": f"{where}/dlr?type=%d&smsc-id=%F"}  # fmt: skip
                with urllib.request.urlopen(f"http://127.0.0.1:{send}/cgi-bin/sendsms?{urllib.parse.urlencode(query)}") as answer:
                    assert answer.status == 202

            yield sends


def test_kannel_submits_and_receives(tmp_path):
    """Long texts through its HTTP door arrive joined; a delivery report for each comes to its URL, and texts come in."""
    with contextlib.ExitStack() as stack:
        calls = stack.enter_context(sink())
        place = stack.enter_context(simulator(tmp_path, *ACCOUNT, "--report-after", "0.1"))
        sends = stack.enter_context(kannel(tmp_path, place.port, calls))
        until(lambda: place.notes("bind"), what="Kannel's bind")
        for text, coding in TEXTS.values():
            sends(text, coding)
        until(lambda: all(arrived(place.notes, text) for text, _ in TEXTS.values()), what="three long texts")
        until(lambda: len([1 for path, _ in calls.calls if path == "/dlr"]) >= 3, what="three delivery reports")
        # Kannel asks for a receipt on one part of each text
        receipts_answered(place, len([n for n in place.notes("submit") if n["report"]]))
        texted(place, TEXTS["emoji"][0])
        until(lambda: [1 for path, _ in calls.calls if path == "/text"], what="a text in")
    assert {query["type"] for path, query in calls.calls if path == "/dlr"} == {"1"}
    (text,) = [query for path, query in calls.calls if path == "/text"]
    assert text["text"].encode("latin-1").decode("utf-16-be") == TEXTS["emoji"][0]
