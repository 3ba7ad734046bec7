"""``smsgwd pdu``: PDUs for people and for programs."""

import io
import json

import pytest

from smsgwd.sms.tpdu import Submit, decode_hex
from tests.sms.vectors import V

TO = ("--to", "+36641234567")
SUBMIT = "0001000B916346214365F7000005E8329BFD06"


def decode(terminal, pdu, *more):
    return terminal.ask("pdu", "decode", pdu, *more)


def lines(terminal, monkeypatch, *typed, options=()):
    """``decode -`` with these lines on stdin: status and one document a line."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
    ended = terminal("pdu", "decode", "-", *options)
    return ended.status, [json.loads(line) for line in ended.out.splitlines()]


def test_a_text(terminal):
    """Every field of the text, as JSON."""
    found = decode(terminal, V["hello"])
    expected = {
        "type": "sms-deliver", "smsc": "+19436446500", "number": "+36641234567", "ton": "international", "text": "hello",
        "alphabet": "gsm7", "data": None, "dcs": 0, "class": None, "pid": 0, "service": False, "udh": [], "ref": None,
        "part": 1, "parts": 1, "locking": 0, "single": 0, "truncated": False, "excess": 0, "report": False,
        "timestamp": "2026-11-23T16:00:05+02:00",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_a_part(terminal):
    """Its place among the parts, and the header's elements."""
    found = decode(terminal, V["ref16"])
    assert (found["ref"], found["ref_bits"], found["part"], found["parts"]) == (0x1234, 16, 1, 2)
    assert found["udh"] == [{"iei": 8, "name": "concat16", "value": "12340201"}]
    assert found["text"] == "hello"


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("dcs-f5", {"alphabet": "data", "data": "68656c6c6f", "text": "", "dcs": 0xF5, "class": 1}),
        ("dcs-e0", {"alphabet": "ucs2", "text": "яя", "service": True,
                    "waiting": {"kind": "voicemail", "active": False, "store": True}}),
        ("emoji", {"alphabet": "ucs2", "text": "😀", "dcs": 8}),
        ("zero-scts", {"timestamp": None, "text": "hello"}),
        ("udl-20", {"truncated": True, "text": "hello"}),
        ("locking", {"locking": 1, "text": "€"}),
        ("seven-letters", {"number": "ACMEABC", "ton": "alphanumeric"}),
        ("udl-16", {"excess": 3, "part": 1, "parts": 2}),
    ],
)  # fmt: skip
def test_other_texts(terminal, name, fields):
    """What is special about each is a field."""
    found = decode(terminal, V[name])
    assert {field: found[field] for field in fields} == fields


def test_a_report(terminal):
    """What became of which text."""
    found = decode(terminal, V["report-42"] + "46")
    expected = {
        "type": "sms-status-report", "number": "+36641234567", "mr": 42, "st": 0x46, "status": "validity-expired",
        "category": "expired", "timestamp": "2026-11-23T16:00:05+02:00", "discharged": "2026-11-23T16:01:05+02:00",
        "udh": [], "dcs": None, "pid": None,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_a_submit_of_ours(terminal):
    """--direction mo; without it a stored text of our own reads the same."""
    found = decode(terminal, "0031050B916346214365F70000AA05E8329BFD06", "--direction", "mo")
    assert (found["type"], found["number"], found["text"]) == ("sms-submit", "+36641234567", "hello")
    assert (found["mr"], found["validity"], found["report"], found["reject_duplicates"]) == (5, 4 * 86400, True, False)
    assert decode(terminal, "0031050B916346214365F70000AA05E8329BFD06") == found


def test_an_absolute_validity(terminal):
    """Is a time."""
    found = decode(terminal, "0019000B916346214365F700006211326100508005E8329BFD06", "--direction", "mo")
    assert found["validity"] == "2026-11-23T16:00:05+02:00"


def test_with_and_without_smsc(terminal):
    """Both are read; only the SMSC differs."""
    whole, bare = decode(terminal, V["hello"]), decode(terminal, V["hello"][16:])
    assert (whole.pop("smsc"), bare.pop("smsc")) == ("+19436446500", None)
    assert whole == bare


def test_for_people(terminal):
    """One line for each thing that says something, and no escape codes in a text."""
    shown = terminal("pdu", "decode", V["ref8"])
    assert shown.status == 0
    rows = dict(line.split(maxsplit=1) for line in shown.out.splitlines())
    assert rows["type"] == "sms-deliver"
    assert (rows["text"], rows["number"], rows["part"], rows["parts"]) == ("hello", "+36641234567", "1", "2")
    assert rows["udh"] == "00 2a0201 (concat8)"
    assert not {"data", "class", "excess"} & set(rows)
    odd = terminal("pdu", "decode", "04049021430008000000000000000600" + "1B0041000A")
    assert "\x1b" not in odd.out
    assert r"\x1bA\n" in odd.out


@pytest.mark.parametrize(
    ("pdu", "says"),
    [
        pytest.param(V["udhl-lies"], "header is longer", id="header longer than the data"),
        pytest.param("07919134466405F004", "ends", id="cut"),
        pytest.param("0791XX", "hexadecimal", id="no hex"),
        pytest.param("", "ends", id="empty"),
    ],
)
def test_a_rejected_one(terminal, pdu, says):
    """Exit status 1, the reason on stderr and nothing on stdout."""
    for more in ((), ("--json",)):
        ended = terminal("pdu", "decode", pdu, *more)
        assert (ended.status, ended.out) == (1, "")
        assert says in ended.err


def test_several_arguments(terminal):
    """All are shown; one that was rejected makes the status 1."""
    good = terminal("--json", "pdu", "decode", V["hello"], V["report"])
    assert good.status == 0
    assert [json.loads(line)["type"] for line in good.out.splitlines()] == ["sms-deliver", "sms-status-report"]
    bad = terminal("--json", "pdu", "decode", V["hello"], "00", V["emoji"])
    assert bad.status == 1
    assert [sorted(json.loads(line)) == ["error"] for line in bad.out.splitlines()] == [False, True, False]
    shown = terminal("pdu", "decode", V["hello"], "00")
    assert shown.status == 1
    assert "error" in shown.out


def test_one_answer_a_line(terminal, monkeypatch):
    """Rejected ones and empty lines too, so that answers and questions stay in step; small letters and spaces are fine."""
    status, found = lines(terminal, monkeypatch, V["hello"], "", "xyz", V["report"], V["udhl-lies"], f"  {V['emoji'].lower()} ")
    assert status == 0
    assert [d.get("type", "error" if set(d) == {"error"} else None) for d in found] == [
        "sms-deliver", "error", "error", "sms-status-report", "error", "sms-deliver",
    ]  # fmt: skip
    assert all(isinstance(d["error"], str) and d["error"] for d in found if "error" in d)


def test_lines_in_the_other_direction(terminal, monkeypatch):
    """--direction mo holds for every line: a SMS-DELIVER is rejected there."""
    _, found = lines(terminal, monkeypatch, SUBMIT, V["hello"], options=("--direction", "mo"))
    assert [d.get("type") for d in found] == ["sms-submit", None]
    assert "SMS-DELIVER-REPORT" in found[1]["error"]


def test_no_lines(terminal, monkeypatch):
    """Nothing in, nothing out."""
    assert lines(terminal, monkeypatch) == (0, [])


# ---- encode --------------------------------------------------------------------------------------------------------


def encode(terminal, text, *more):
    return terminal.ask("pdu", "encode", *TO, text, *more)


def test_encode(terminal):
    """The PDU and the length for AT+CMGS: octets behind the SMSC."""
    found = encode(terminal, "hello")
    assert found["segments"] == [
        {"part": 1, "parts": 1, "text": "hello", "units": 5, "length": 18, "pdu": SUBMIT},
    ]
    expected = {"type": "sms-submit", "number": "+36641234567", "alphabet": "gsm7", "dcs": 0, "parts": 1, "ref": None}
    assert {name: found[name] for name in expected} == expected


def test_encode_in_parts(terminal):
    """Each part decodes to its text and its place; the lengths fit."""
    text = "The quick brown fox jumps over the lazy dog. " * 8
    found = encode(terminal, text, "--ref", "300", "--report", "--validity", "12h")
    assert (found["parts"], found["ref"]) == (3, 300)
    read = [decode_hex(segment["pdu"], "mo") for segment in found["segments"]]
    assert "".join(pdu.text for pdu in read) == text
    assert [(pdu.concat.ref, pdu.concat.part, pdu.concat.parts) for pdu in read] == [(300, i, 3) for i in (1, 2, 3)]
    for pdu, segment in zip(read, found["segments"], strict=True):
        assert isinstance(pdu, Submit)
        assert (pdu.tp_srr, pdu.validity) == (True, 12 * 3600)
        assert segment["length"] == len(segment["pdu"]) // 2 - 1 == len(pdu.encode())


@pytest.mark.parametrize(
    ("text", "options", "fields"),
    [
        pytest.param("hi 😀", (), {"alphabet": "ucs2", "dcs": 8}, id="UCS-2 by need"),
        pytest.param("hello", ("--alphabet", "ucs2"), {"alphabet": "ucs2", "dcs": 8}, id="UCS-2 by order"),
        pytest.param("hi 😀", ("--alphabet", "gsm7"), {"alphabet": "gsm7", "text": "hi ?"}, id="GSM-7 by order"),
        pytest.param("hé", ("--alphabet", "data"), {"alphabet": "data", "dcs": 4, "text": ""}, id="data"),
        pytest.param("hello", ("--flash",), {"dcs": 0x10}, id="flash"),
        pytest.param("ş" + "a" * 100, ("--national", "tr"), {"alphabet": "gsm7", "single": 1, "parts": 1}, id="a national table"),
        pytest.param("“" + "a" * 100, ("--transliterate",), {"alphabet": "gsm7", "parts": 1}, id="plain letters"),
    ],
)
def test_encode_options(terminal, text, options, fields):
    """Alphabet, class and tables as asked."""
    found = encode(terminal, text, *options)
    assert {field: found[field] for field in fields} == fields
    first = decode_hex(found["segments"][0]["pdu"], "mo")
    assert (first.alphabet, first.tp_dcs) == (found["alphabet"], found["dcs"])


def test_encode_data_is_utf8(terminal):
    """The octets of the text."""
    (segment,) = encode(terminal, "hé", "--alphabet", "data")["segments"]
    assert decode_hex(segment["pdu"], "mo").payload == "hé".encode()


def test_encode_for_people(terminal):
    """The command and the PDU, ready to be copied."""
    shown = terminal("pdu", "encode", *TO, "hello")
    assert shown.status == 0
    assert shown.out.splitlines()[-2:] == ["AT+CMGS=18", SUBMIT]


def test_encode_and_decode(terminal):
    """What one writes the other reads."""
    (segment,) = encode(terminal, "Grüße, 5 €")["segments"]
    found = decode(terminal, segment["pdu"], "--direction", "mo")
    assert (found["text"], found["number"]) == ("Grüße, 5 €", "+36641234567")


@pytest.mark.parametrize(
    ("number", "toa"), [("+436641", "91"), ("06641", "81"), ("*100#", "81")], ids=["international", "national", "code"]
)
def test_numbers(terminal, number, toa):
    """TOA 91 with a plus, 81 without."""
    found = terminal.ask("pdu", "encode", "--to", number, "x")
    assert found["number"] == number
    assert found["segments"][0]["pdu"][8:10] == toa


@pytest.mark.parametrize(
    ("args", "status"),
    [
        pytest.param(("decode",), 2, id="nothing to decode"),
        pytest.param(("decode", SUBMIT, "--direction", "up"), 2, id="no direction"),
        pytest.param(("encode", "x"), 2, id="no number"),
        pytest.param(("encode", "--to", "Bob", "x"), 2, id="a name"),
        pytest.param(("encode", "--to", "1" * 21, "x"), 2, id="21 digits"),
        pytest.param(("encode", "--to", "", "x"), 2, id="an empty number"),
        pytest.param(("encode", *TO, "--ref", "65536", "x"), 2, id="a reference of 17 bits"),
        pytest.param(("encode", *TO, "--validity", "soon", "x"), 2, id="no duration"),
        pytest.param(("encode", *TO, "--alphabet", "latin", "x"), 2, id="no alphabet"),
        pytest.param(("encode", *TO, "--national", "xx", "x"), 2, id="no language"),
        pytest.param(("encode", *TO, "a" * (153 * 255 + 1)), 1, id="256 parts"),
    ],
)  # fmt: skip
def test_wrong_use(terminal, args, status):
    """2 for usage, 1 for what cannot be done; always a reason, on stderr."""
    ended = terminal("pdu", *args)
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.strip()
