"""The codec on public corpora; see :mod:`tests.peer.corpora`. Each runner counts: one that finds less than there is fails."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest

from smsgwd.errors import PduError
from smsgwd.sms import gsm7
from smsgwd.sms.address import Address, TypeOfNumber, encode_address, read_address
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.octets import Octets
from smsgwd.sms.split import split
from smsgwd.sms.submit import RELATIVE, Submit
from smsgwd.sms.tpdu import Deliver, StatusReport, decode_hex, decode_pdu, with_smsc
from smsgwd.sms.userdata import compose_user_data
from tests.peer import corpora

pytestmark = pytest.mark.peer

#: octets that no reader can make sense of, with the reason; everything else is decoded
REJECTED = {
    "at-sms/20": "a stored SMS-SUBMIT that announces a header and has no user data",
    "at-sms-failing/01": "an address of 129 digits",
    "at-sms-failing/18": "an SMSC of 12 octets",
    "at-sms-failing/25": "fill octets",
    "at-sms-failing/33": "fill octets",
    "at-sms-failing/38": "user data without the TPDU around it",
    "at-sms-failing/40": "user data without the TPDU around it",
}


# ---- gammu ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("folder", "files", "pdus"), [("at-sms", 34, 33), ("at-sms-failing", 10, 7)])
def test_gammu_replies(folder, files, pdus, capsys, record_property):
    """Each is decoded, or rejected for a reason that stands above; and the same every time."""
    corpora.have("gammu")
    replies = list(corpora.at_replies(folder))
    found = {name: pdu for name, pdu in replies if pdu is not None}
    rejected = set()
    for name, pdu in found.items():
        try:
            decoded = decode_hex(pdu, "mt")
        except PduError:
            rejected.add(name)
        else:
            decoded.text.encode()
    assert rejected == {name for name in REJECTED if name.rpartition("/")[0] == folder}
    assert len(replies) >= files
    assert len(found) >= pdus
    ours = f"{len(found) - len(rejected)} of {len(found)} decoded, {len(rejected)} rejected on purpose"
    corpora.told(capsys, record_property, f"gammu {folder}", f"{ours}; {corpora.peers(list(found.values()))}")


def described(keys: dict[str, str]) -> Submit | Deliver:
    """The TPDU that gammu means: one part alone, what the alphabet lacks in plain letters."""
    forced = keys["Coding"] == "Unicode"
    alphabet = Alphabet.UCS2 if forced else Alphabet.GSM7
    plan = split(keys["Text"], alphabet=alphabet)
    text = plan.text if plan.parts == 1 else plan.text[: 70 if forced else 160]
    shared = {
        "smsc": Address.parse(keys["SMSC"]), "tp_dcs": 8 if forced else 0, "ud": compose_user_data(text, alphabet),
    }  # fmt: skip
    number = Address.parse(keys["Number"])
    if keys["Folder"] == "1":
        return Submit(tp_da=number, tp_vpf=RELATIVE, tp_vp=b"\xff", **shared)
    return Deliver(tp_oa=number, tp_scts=datetime(2007, 6, 5, 13, 56, 30, tzinfo=UTC), tp_mms=False, **shared)


def test_gammu_pairs(capsys, record_property):
    """A description gives gammu's PDU to the octet, and its PDU the description."""
    corpora.have("gammu")
    kinds, different = Counter(), []
    for name, keys, pdu in corpora.pairs():
        meant = described(keys)
        kinds[type(meant).__name__] += 1
        found = decode_hex(pdu, "mo" if isinstance(meant, Submit) else "mt")
        read = msgspec.structs.replace(found, raw=b"")
        if with_smsc(meant).hex().upper() != pdu or read != meant or found.text != meant.text:
            different.append(name)
    assert different == []
    assert kinds["Submit"] >= 97
    assert kinds["Deliver"] >= 96
    total = kinds.total()
    corpora.told(capsys, record_property, "gammu at-sms-encode", f"{total - len(different)} of {total} equal both ways")


# ---- gsmlib, libosmocore -------------------------------------------------------------------------------------------


def test_gsmlib(capsys, record_property):
    """The fields that it prints."""
    corpora.have("gsmlib")
    texts = list(corpora.gsmlib())
    for pdu, printed in texts:
        found = decode_hex(pdu, "mt")
        assert isinstance(found, Deliver)
        assert found.smsc.digits == printed["SC address"].strip("'")
        assert found.tp_oa.digits == printed["Originating address"].strip("'")
        assert found.tp_pid == int(printed["Protocol identifier"], 16)
        assert found.text == printed["User data"][1:-1]
        assert len(found.payload) == int(printed["User data length"])
        assert found.tp_scts == datetime.strptime(printed["SC timestamp"], "%m/%d/%Y %I:%M:%S %p (%z)")
    assert len(texts) >= 3
    corpora.told(capsys, record_property, "gsmlib", f"{len(texts)} of {len(texts)} equal; {corpora.peers([pdu for pdu, _ in texts])}")


def libosmocore() -> corpora.CSource:
    return corpora.CSource(corpora.corpus("libosmocore") / "tests" / "sms" / "sms_test.c")


def test_libosmocore_texts():
    """Four texts both ways at their lengths, and two parts behind a header."""
    corpora.have("libosmocore")
    source = libosmocore()
    strings, octets, defines = source.strings(), source.octets(), source.defines()
    for name in ("simple", "escape", "enhanced", "enhancedV2"):
        text, packed, count = strings[f"{name}_text"], octets[f"{name}_enc"], defines[f"{name}_septet_length"]
        assert len(gsm7.encode(text)) == count
        assert gsm7.pack(gsm7.encode(text)) == packed
        assert gsm7.decode(gsm7.unpack(packed, count)) == text
    plan = split(strings["concatenated_text"])
    assert plan.parts == 2
    for part, text in enumerate(plan.texts, 1):
        assert text == strings[f"splitted_text_part{part}"]
        made = compose_user_data(text, Alphabet.GSM7, ref=0x6F, part=part, parts=2).encode()
        length = defines[f"concatenated_part{part}_septet_length_with_header"]
        expected = octets[f"concatenated_part{part}_enc"]
        assert (made[0], made[1:]) == (length, expected[: len(made) - 1])


def test_libosmocore_long_packing():
    """Texts far longer than a part are packed as its chunk repeats."""
    corpora.have("libosmocore")
    source = libosmocore()
    (chunk,) = (value for name, value in source.octets().items() if name == "exp_chunk")
    lengths = [int(n) for n in re.findall(r"\d+", re.findall(r"nlen\[\] = \{([^}]*)\}", source.text)[0])]
    assert len(lengths) >= 7
    for length in lengths:
        packed = gsm7.pack(b"A" * length)
        assert len(packed) == (length * 7 + 7) // 8
        whole = length * 7 // 8
        assert packed[:whole] == (chunk * (len(packed) // 7 + 1))[:whole]
        assert gsm7.unpack(packed, length) == b"A" * length


def test_libosmocore_addresses():
    """Five addresses. It rounds letters up to whole octets and cuts what is too long, where we count and refuse."""
    corpora.have("libosmocore")
    calls = re.findall(r'GSM340_TYPE_(\w+),\s*GSM340_PLAN_(\w+),\s*"(\w+)"', libosmocore().text)
    results = (corpora.corpus("libosmocore") / "tests" / "sms" / "sms_test.ok").read_text()
    expected = [bytes.fromhex(octets) for octets in re.findall(r"data\(([0-9a-f ]+)\)", results)]
    assert len(calls) == len(expected) >= 5
    cut = 0
    for (ton, npi, text), octets in zip(calls, expected, strict=True):
        kind = TypeOfNumber[ton.replace("ALPHA_NUMERIC", "ALPHANUMERIC")]
        address = Address(text, kind, 1 if npi == "ISDN" else 0)
        letters = kind is TypeOfNumber.ALPHANUMERIC
        if len(text) > (11 if letters else 20):
            with pytest.raises(PduError):
                encode_address(address)
            cut += 1
            address = Address(text[:11] if letters else "", kind, address.npi)
        made = encode_address(address)
        assert made[1:] == octets[1:]
        assert octets[0] - made[0] in ((0, 1) if letters else (0,))
        assert read_address(Octets(octets), "TP-OA") == address
    assert cut == 2


# ---- all of them ---------------------------------------------------------------------------------------------------


def test_mutations_raise_nothing_but_pdu_error(capsys, record_property):
    """Octets of real PDUs changed, cut and doubled. ``$SMSGWD_MUTATIONS`` sets how many."""
    corpora.have(*corpora.DEBIAN)
    pdus = [pdu for folder in ("at-sms", "at-sms-failing") for _, pdu in corpora.at_replies(folder) if pdu]
    pdus += [pdu for *_, pdu in corpora.pairs()] + list(corpora.ofono_pdus().values()) + [pdu for pdu, _ in corpora.gsmlib()]
    whole = [bytes.fromhex(pdu) for pdu in pdus]
    assert len(whole) >= 33 + 7 + 193 + 22 + 3
    chance, count, rejected = random.Random(1), int(os.environ.get("SMSGWD_MUTATIONS", "40000")), 0
    for i in range(count):
        octets = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(octets) + 1)
            match chance.randrange(4):
                case 0:
                    octets[at : at + 1] = bytes((chance.randrange(256),))
                case 1:
                    del octets[at : at + chance.randint(1, 3)]
                case 2:
                    octets[at:at] = octets[:at][-3:]
                case _:
                    octets = octets[: max(at, 1)]
        try:
            decode_pdu(bytes(octets), "mo" if i & 1 else "mt").text.encode()
        except PduError:
            rejected += 1
    assert 0 < rejected < count
    corpora.told(capsys, record_property, "mutations", f"{count}: {count - rejected} decoded, {rejected} rejected")


def test_python_gsmmodem_new():
    """The PDUs of its own tests: type, number, text, time and references as it wants them."""
    corpora.have("python-gsmmodem-new")
    source = (corpora.corpus("python-gsmmodem-new") / "test" / "test_pdu.py").read_text()
    body = source[source.index("def test_decode(self):", source.index("class TestSmsPdu(")) :]
    body = body[: body.index("for pdu, expected in tests")]
    cases = re.split(r"\(b'([0-9A-F]+)'", body)[1:]
    assert len(cases) // 2 >= 12
    texts = 0
    for pdu, expected in zip(cases[::2], cases[1::2], strict=True):
        found = decode_hex(pdu, "mt", smsc=True)
        address = found.tp_ra if isinstance(found, StatusReport) else found.tp_da if isinstance(found, Submit) else found.tp_oa
        if text := re.search(r"'text': '([^']*)'", expected):
            texts += 1
            # its vector has octets of text under a coding that it reads as text; for us they are data
            shown = found.text if found.alphabet is not Alphabet.DATA else found.payload.decode()
            assert shown == text[1]
        if number := re.search(r"'number': '\+?([0-9]+)'", expected):
            assert address.digits == number[1]
        if kind := re.search(r"'type': 'SMS-([A-Z-]+)'", expected):
            assert type(found).__name__ == {"DELIVER": "Deliver", "SUBMIT": "Submit", "STATUS-REPORT": "StatusReport"}[kind[1]]
        if reference := re.search(r"'reference': (\d+)", expected):
            assert found.tp_mr == int(reference[1])
    assert texts >= 10
