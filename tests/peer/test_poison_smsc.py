"""The gateway against an SMSC that does every odd thing: ``../shared/peers/poison_smsc.py`` shares no code with us.

One daemon has a link for each case, all at once, so that what one carrier does may harm nobody else's link. The kit judges
the wire; here the end of the link, the fate of its text and the daemon's memory are judged too.
"""

import contextlib
import importlib.util
import io
import json
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from smsgwd.cli import main
from tests.canaries import PASSWORD
from tests.story.programs import daemon, smsgwd, until

KIT = Path(__file__).resolve().parents[3] / "shared" / "peers" / "poison_smsc.py"

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not KIT.exists(), reason="the hostile SMSC ../shared/peers/poison_smsc.py is not here"),
    # the first test waits for all cases; the slowest is a link that must be given up after 45 s of silence
    pytest.mark.timeout(240),
]

GATEWAY = """\
[gateway]
database = "{home}/smsgwd.db"
socket = "{home}/smsgwd.sock"
country = "KE"
rules = "{home}/rules.d"
templates = "{home}/templates"
"""
LINK = """
[[link]]
name = "{name}"
type = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "{account}"
password = "{password}"
number = "+15550100100"
"""
#: who gets the texts; the kit's receipts come from there
NUMBER = "+254722999999"
#: seconds that the kit waits for an answer
PATIENCE = "8"
#: growth of the daemon's memory from "ready" to its peak, with all links at once, in KiB
MOST_GROWTH = 32 * 1024

#: why the link of a case first went down. A link that lived through its case ends when the kit has judged and hangs up
LIVED = "the SMSC closed the connection|Connection reset by peer"
ENDS = {
    "length_8": "no PDU: command_length 8 ",
    "length_0": "no PDU: command_length 0 ",
    "length_4g": "no PDU: command_length 4294967295 ",
    "stalled_pdu": "the SMSC began a PDU and did not end it",
    "mute": "the SMSC does not answer enquire_link",
    "peer_unbind": "the SMSC ended the session",
    "bind_wrong_password": "refused the bind: wrong password",
    "bind_already": "refused the bind: it says we are bound already",
    "bind_vendor_status": "refused the bind: status 0x401",
    "bind_unanswered": "the SMSC does not answer bind_transceiver",
}
#: what became of the text of a case
ACCEPTED, AGAIN, OPEN = ("sent", "delivered"), ("queued", "sent"), ("uncertain",)
TEXTS = {
    "receipt_before_response": ("delivered",),
    "receipt_same_segment": ("delivered",),
    "receipt_twice": ("delivered",),
    "id_hex_then_dec": ("delivered",),
    "id_zeros_and_case": ("delivered",),
    "vendor_status": ("queued",),
    "error_without_body": ("queued",),
    "error_with_tlv": ("failed",),
    "throttled": AGAIN,
    "nack_for_submit": ("failed",),
    "response_unknown_number": ACCEPTED,
    "response_of_other_kind": ACCEPTED,
    "response_without_id": ACCEPTED,
    "response_unterminated_id": ACCEPTED,
    "response_with_tlv": ACCEPTED,
    "disorder": ACCEPTED,
    "no_answer_to_submit": OPEN,
    "drop_after_submit": OPEN,
    "mute": OPEN,
    "bind_wrong_password": ("queued",),
    "bind_already": ("queued",),
    "bind_vendor_status": ("queued",),
    "bind_unanswered": ("queued",),
}


def cases() -> list[str]:
    """The names of the kit's cases; it lists them itself."""
    if not KIT.exists():
        return []
    spec = importlib.util.spec_from_file_location("poison_smsc", KIT)
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.CASES)


CASES = cases()


def command(config: Path, *args: str):
    """One command in this process, with no daemon running; what it prints as JSON."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as end:
        main(["--config", str(config), "--json", *args])
    assert not end.value.code, out.getvalue()
    return json.loads(out.getvalue())


def memory(pid: int, key: str) -> int:
    """VmRSS or VmHWM of a process, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


class Played:
    """What came of all cases."""

    def __init__(self, home: Path) -> None:
        self.config = home / "smsgwd.toml"
        self.verdicts: dict[str, dict] = {}
        self.events: list[dict] = []
        self.texts: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.before = self.most = 0

    def listen(self, lines) -> None:
        """The kit's verdicts on first connections."""
        for line in lines:
            verdict = json.loads(line)
            self.verdicts.setdefault(verdict["case"], verdict)

    def story(self, name: str) -> str:
        """What happened to the text of a case, for the message of a test that fails."""
        seen = [(e["kind"], e["data"]) for e in self.events if self.ids[name] == e.get("message") or e.get("link") == name]
        return f"{name}: {self.texts[name]}; {seen}"

    def look(self) -> bool:
        """Reads all events; True when every link has been started again. The last case to end needs a moment for that."""
        told = smsgwd("--config", str(self.config), "--json", "tail", "--after", "0").stdout
        self.events = [json.loads(line) for line in told.splitlines()]
        return len(self.gone()) <= 1

    def gone(self) -> set[str]:
        """The links that were not started a second time."""
        starts = Counter(e["link"] for e in self.events if e["kind"] == "link.starting")
        return {name for name in CASES if starts[name] < 2}

    def ends(self, name: str) -> list[str]:
        """Why the link of a case went down, each time."""
        return [e["data"]["why"] for e in self.events if e["kind"] == "link.down" and e["link"] == name]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    home = tmp_path_factory.mktemp("poison")
    for folder in ("rules.d", "templates"):
        (home / folder).mkdir()
    found = Played(home)
    kit = subprocess.Popen(
        [sys.executable, str(KIT), "--case", "all", "--port", "0", "--patience", PATIENCE], stdout=subprocess.PIPE, text=True
    )
    try:
        ports = {words[2]: words[1].rpartition(":")[2] for words in (kit.stdout.readline().split() for _ in CASES)}
        # an account each: receipts are matched within an account, and the kit uses the same ids in all cases
        links = [LINK.format(name=name, port=port, account=f"p{n}", password=PASSWORD) for n, (name, port) in enumerate(ports.items())]
        found.config.write_text(GATEWAY.format(home=home) + "".join(links))
        found.ids = {
            name: command(found.config, "send", "--to", NUMBER, "--from", name, f"text of {name}")["id"]
            for name in CASES
        }
        listener = threading.Thread(target=found.listen, args=(kit.stdout,), name="verdicts")
        listener.start()
        with daemon(home) as process:
            found.before = memory(process.pid, "VmRSS")
            until(lambda: len(found.verdicts) == len(CASES) or process.poll() is not None, 180, "all verdicts")
            assert process.poll() is None, (home / "daemon.log").read_text()[-4000:]
            found.most = memory(process.pid, "VmHWM")
            until(lambda: found.look() or process.poll() is not None, 60, "all links to come back")
    finally:
        kit.terminate()
        kit.wait(10)
        kit.stdout.close()
    listener.join(10)
    found.texts = {name: command(found.config, "queue", "show", id_)["state"] for name, id_ in found.ids.items()}
    return found


def test_the_kit_is_whole():
    """Every case that the tables name is there; a kit that lost some proves nothing."""
    assert len(CASES) >= 76
    assert {*ENDS, *TEXTS} <= {*CASES}


@pytest.mark.parametrize("name", CASES)
def test_case(played, name):
    """The kit is content; the link ended for the right reason and not before; the text's state says what is known."""
    verdict = played.verdicts[name]
    assert verdict["ok"], verdict
    assert re.search(ENDS.get(name, LIVED), played.ends(name)[0]), played.story(name)
    if name in TEXTS:
        assert played.texts[name] in TEXTS[name], played.story(name)
    if name not in ("throttled", "vendor_status", "error_without_body"):  # these are refused, and tried again
        assert not verdict["resent"]


def test_links_come_back(played):
    """After each end but a wrong password, the link was bound or tried again: none is lost."""
    assert played.gone() == {"bind_wrong_password"}


def test_memory(played):
    """All of it together, with a PDU of 4 GiB that never comes and 5000 texts at once, costs little memory."""
    assert 0 < played.most - played.before < MOST_GROWTH


def test_no_secret_in_the_log(played):
    """Whatever was logged of binds that failed, the password is not in it."""
    log = (played.config.parent / "daemon.log").read_text()
    assert "refused the bind" in log
    assert PASSWORD not in log
