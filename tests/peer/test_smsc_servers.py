"""Our daemon, a process of its own, on SMSCs that share no code with it: smpp34, npm smpp, Perl's Net::SMPP, and the reference.

Long texts (GSM-7, UCS-2, emoji) arrive whole, receipts make them delivered, texts come in; TLS with everything that can be
wrong about a certificate.
"""

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsgwd.model import Accepted, ReportStatus
from smsgwd.smpp.bodies import ShortMessage
from smsgwd.smpp.sim.texts import Joiner, Taken
from tests.canaries import PASSWORD
from tests.peer.carriers import PARTNERS, TEXTS, free_port, node, parts_in_order, perl, started
from tests.smpp.certificates import Certificates
from tests.smpp.wire import linked, segment
from tests.story.programs import ask, daemon, link_up, state_of, until, write_config

pytestmark = pytest.mark.peer

REFSMSC = Path(__file__).resolve().parents[3] / "shared" / "peers" / "refsmsc.py"
here = pytest.mark.skipif(not REFSMSC.exists(), reason="the reference SMSC ../shared/peers/refsmsc.py is not here")
OURS, THEIRS = "+15550100200", "+15550100777"
LINK = """
[[link]]
name = "c1"
type = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "u"
password = "{password}"
number = "{number}"
{more}
"""


class Gate:
    """A running daemon with one link."""

    def __init__(self, home: Path, config: Path) -> None:
        self.home, self.config = home, config

    def up(self) -> None:
        link_up(self.config, "c1")

    def send(self, text: str) -> str:
        return ask(self.config, "send", "--to", THEIRS, text)["id"]

    def reaches(self, message: str, state: str) -> None:
        until(lambda: state_of(self.config, message) == state, what=f"{message} {state}")

    def inbox(self) -> list[str]:
        return [item["text"] for item in ask(self.config, "inbox", "list")["items"]]

    def why(self, *words: str) -> str:
        """Waits until the link is down for a reason with these words."""
        def told() -> str:
            link = ask(self.config, "links", "show", "c1")
            return link["reason"] if all(word in link["reason"].lower() for word in words) else ""

        return until(told, what=f"the link down because of {words}")


@contextmanager
def gate(home: Path, port: int, more: str = ""):
    config = write_config(home)
    text = config.read_text()
    config.write_text(text[: text.index("[[link]]")] + LINK.format(port=port, password=PASSWORD, number=OURS, more=more))
    with daemon(home):
        yield Gate(home, config)


def sends_all(place: Gate) -> None:
    """The three texts, one after the other, until each is delivered."""
    for text, _ in TEXTS.values():
        place.reaches(place.send(text), "delivered")


def joined(octets: list[tuple[bytes, int, int]]) -> list[str]:
    """What a phone shows of these (octets, data_coding, UDHI)."""
    joiner, found = Joiner(), []
    for part, coding, udhi in octets:
        taken = Taken(ShortMessage(short_message=part, data_coding=coding, esm_class=udhi))
        told = joiner.add(b"", "", taken)
        found += [told["text"]] if told else [taken.text] if taken.parts == 1 else []
    return found


# ---- smpp34 ----------------------------------------------------------------------------------------------------------


def test_on_smpp34(tmp_path):
    """Texts, receipts, and a text in."""
    pytest.importorskip("smpp34", reason="smpp34 is not installed")
    log = tmp_path / "smsc.out"
    with started([sys.executable, str(PARTNERS / "smsc34.py")], "ready", log):
        port = int(log.read_text().split()[1].rpartition(":")[2])
        with gate(tmp_path, port) as place:
            place.up()
            sends_all(place)
            place.reaches(place.send("call me"), "delivered")
            until(lambda: place.inbox() == ["we call you"], what="a text in")
    got = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    texts = joined([(bytes.fromhex(note["octets"]), note["coding"], note["udhi"]) for note in got])
    assert texts == [*(text for text, _ in TEXTS.values()), "call me"]
    assert {(note["from"], note["to"]) for note in got} == {(OURS[1:], THEIRS[1:])}


# ---- npm smpp --------------------------------------------------------------------------------------------------------


@contextmanager
def by_node(home: Path, **tls: str):
    """npm smpp as an SMSC; gives its port and what it prints."""
    command, env = node("smsc.js", *([json.dumps(tls)] if tls else []))
    log = home / "smsc.out"
    with started(command, "ready", log, env):
        yield int(log.read_text().split()[1].rpartition(":")[2]), log


def test_on_node(tmp_path):
    """Texts as node reads them (it joins nothing: parts are put in order here), receipts with optional parameters, a text
    in UCS-2 in."""
    with by_node(tmp_path) as (port, log), gate(tmp_path, port) as place:
        place.up()
        sends_all(place)
        place.reaches(place.send("call me"), "delivered")
        until(lambda: place.inbox() == ["мы перезвоним 😀"], what="a text in")
        got = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    sets: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for note in got:
        sets.setdefault((note["ref"], note["parts"]), []).append((note["part"], note["text"]))
    assert [parts_in_order(parts) for parts in sets.values()] == [*(text for text, _ in TEXTS.values()), "call me"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def tls(certificates: Certificates, **more: str) -> str:
    """The link's key."""
    keys = {"ca": certificates.ca, "server_name": "smsc.test", **more}
    return "tls = { " + ", ".join(f'{key} = "{value}"' for key, value in keys.items() if value) + " }"


def test_tls_with_client_certificate(tmp_path, certificates):
    """The right name and the certificate that the SMSC wants: bound, sent, delivered."""
    server, (cert, key) = certificates.issue("server", days=30), certificates.issue("client", days=30)
    ours = tls(certificates, cert=cert, key=key)
    with by_node(tmp_path, cert=server[0], key=server[1], ca=certificates.ca) as (port, log), gate(tmp_path, port, ours) as place:
        place.up()
        place.reaches(place.send("over TLS"), "delivered")
    assert '"over TLS"' in log.read_text()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        pytest.param({"server_name": "other.test"}, ("certificate", "other.test"), id="wrong name"),
        pytest.param({"ca": ""}, ("certificate is refused",), id="unknown authority"),
        pytest.param({"cert": "", "key": ""}, ("certificate",), id="no client certificate"),
    ],
)
def test_tls_that_fails(tmp_path, certificates, keys, words):
    """Nothing is sent, and the link says that it is about a certificate, and about which."""
    server, (cert, key) = certificates.issue("server", days=30), certificates.issue("client", days=30)
    ours = tls(certificates, **{"cert": cert, "key": key, **keys})
    with by_node(tmp_path, cert=server[0], key=server[1], ca=certificates.ca) as (port, log), gate(tmp_path, port, ours) as place:
        message = place.send("never")
        place.why(*words)
        assert state_of(place.config, message) == "queued"
    assert "never" not in log.read_text()


# ---- Perl Net::SMPP --------------------------------------------------------------------------------------------------


def test_on_perl(tmp_path):
    """Texts, receipts, and a text in; it ends in order at our unbind."""
    port, log = free_port(), tmp_path / "smsc.out"
    with started(perl("smsc.pl", str(port)), "ready", log) as smsc:
        with gate(tmp_path, port) as place:
            place.up()
            sends_all(place)
            until(lambda: place.inbox() == ["hello from perl"], what="a text in")
        assert smsc.wait(10) == 0, log.read_text()
    notes = [line.split() for line in log.read_text().splitlines() if line.startswith("text ")]
    assert joined([(bytes.fromhex(octets), int(coding), int(udhi)) for _, coding, udhi, octets in notes]) == [
        text for text, _ in TEXTS.values()
    ]


# ---- the reference SMSC ----------------------------------------------------------------------------------------------


class Reference:
    """refsmsc.py as a process, with its counters."""

    def __init__(self, line: str) -> None:
        words = line.split()
        assert words[::2] == ["ready", "stats"], line
        self.port, self._stats = (int(word.rpartition(":")[2]) for word in words[1::2])

    async def ask(self, word: str) -> dict:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._stats)
        writer.write(word.encode() + b"\n")
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return json.loads(answer)


@contextmanager
def refsmsc(*options: str):
    process = subprocess.Popen(
        [sys.executable, str(REFSMSC), "--port", "0", "--stats-port", "0", *options], stdout=subprocess.PIPE, text=True
    )
    try:
        yield Reference(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=10)


@here
@pytest.mark.parametrize(
    "options", [("--id", "hex"), ("--id", "uuid", "--no-tlv"), ("--id", "dec", "--dlr-delay", "0.05")], ids="-".join
)
async def test_our_link_on_the_reference(options):
    """500 texts in a window of 10: each accepted once, each with its receipt, never more than the window open."""
    with refsmsc("--dlr", *options) as reference:
        async with linked(reference.port) as (link, ear, *_):
            results = await asyncio.gather(*(link.submit(segment(f"text {n}", f"sub_{n}")) for n in range(500)))
            assert all(isinstance(r, Accepted) for r in results)
            await ear.until(lambda: len(ear.reports) == 500)
        counters = await reference.ask("get")
    assert {r.reference for r in ear.reports} == {r.reference for r in results}
    assert {r.status for r in ear.reports} == {ReportStatus.DELIVERED}
    assert (counters["submits"], counters["binds"], counters["bad"], counters["nacked"]) == (500, 1, 0, 0)
    assert counters["unanswered_max"] <= 10


@here
async def test_texts_of_the_reference():
    """1000 texts at its window: each is told and acknowledged once."""
    with refsmsc() as reference:
        async with linked(reference.port) as (_, ear, *_more):
            told = await reference.ask("mo 1000 10")
    assert (told["mo"], told["acked"]) == (1000, 1000)
    assert len({t.raw for t in ear.texts}) == len(ear.texts) == 1000
