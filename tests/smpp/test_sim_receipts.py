"""Receipts and ids of the simulated SMSC in their variants, and texts to the ESME in all forms. Pure."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smsgwd.model import ReportStatus
from smsgwd.smpp.bodies import DataSm, ShortMessage
from smsgwd.smpp.consts import MessageState, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.receipt import is_receipt, parse_receipt
from smsgwd.smpp.sim.ids import IDS, message_id, other_digits, receipt_id
from smsgwd.smpp.sim.receipts import VARIANTS, Report, receipt
from smsgwd.smpp.sim.texts import FORMS, Joiner, Taken, delivers, described

AT = datetime(2026, 11, 23, 16, 5, 9, tzinfo=UTC)
TEXT = ShortMessage(source_addr=b"1", destination_addr=b"2")
WORDS = "id:1F sub:001 dlvrd:001 submit date:2611231605 done date:2611231605 stat:DELIVRD err:000 text:"

#: variant -> (words, tags, where they stand)
LOOKS = {
    "standard": (WORDS, [0x1E, 0x427]),
    "text": (WORDS, []),
    "lower": (WORDS.replace("DELIVRD", "delivrd"), []),
    "upper": ("ID:1F SUB:001 DLVRD:001 SUBMIT DATE:2611231605 DONE DATE:2611231605 STAT:DELIVRD ERR:000 TEXT:", []),
    "no-dates": ("id:1F sub:001 dlvrd:001 stat:DELIVRD err:000 text:", []),
    "dates12": (WORDS.replace("2611231605", "261123160509"), []),
    "tlv": ("", [0x1E, 0x427]),
    "payload": (WORDS, [0x424]),
    "data_sm": (WORDS, [0x1E, 0x427, 0x424]),
}


def test_every_variant_has_its_look():
    """A new one needs a row."""
    assert set(LOOKS) == set(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants(variant):
    """The words and the optional parameters of each; all are receipts, and say the same to who can read them."""
    made = receipt(TEXT, Report("1F", MessageState.DELIVERED, AT, AT), variant)
    words, tags = LOOKS[variant]
    octets = made.tlv(Tag.MESSAGE_PAYLOAD) or getattr(made, "short_message", b"")
    assert (octets.decode(), [tlv.tag for tlv in made.optional]) == (words, tags)
    assert isinstance(made, DataSm) is (variant == "data_sm")
    assert is_receipt(made)
    read = parse_receipt(made)
    assert (read.reference, read.status) == ("1F", ReportStatus.DELIVERED)
    assert (made.source_addr, made.destination_addr) == (b"2", b"1")


@pytest.mark.parametrize(
    ("style", "own"), [("hex", "b8be19"), ("dec", "12107289"), ("padded", "0000000000B8BE19")]
)  # fmt: skip
def test_ids(style, own):
    """A number in each style."""
    assert message_id(0xB8BE19, style) == own


@pytest.mark.parametrize(
    ("how", "own", "called"),
    [
        ("same", "00B8", "00B8"), ("hex>dec", "00B8", "184"), ("dec>hex", "184", "b8"), ("lower", "00B8", "00b8"),
        ("stripped", "00B8", "B8"), ("stripped", "000", "0"),
    ],
)  # fmt: skip
def test_what_receipts_call_it(how, own, called):
    """As carriers do."""
    assert receipt_id(own, how) == called


@given(st.integers(1, 1 << 62), st.sampled_from(IDS))
def test_other_digits_are_the_same_number(number, style):
    """Decimal against hexadecimal, both ways; a uuid has 36 characters and stays."""
    own = message_id(number, style)
    other = other_digits(own, style)
    assert (other == own) if style == "uuid" else int(other, 16 if style == "dec" else 10) == number
    assert len(own) <= 36


# ---- texts -----------------------------------------------------------------------------------------------------------


def joined(bodies) -> str:
    """What a phone shows."""
    joiner, taken = Joiner(), [Taken(body) for body in bodies]
    told = [joiner.add(b"u", str(n), part) for n, part in enumerate(taken)]
    if len(bodies) == 1:
        assert told == [None]
        return taken[0].text
    assert told[:-1] == [None] * (len(bodies) - 1)
    return told[-1]["text"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["short", "long and [€] " * 30, "ж" * 200, "😀👍🏽" * 40], ids=["short", "GSM-7", "UCS-2", "emoji"])
def test_forms(form, text):
    """Every form carries every text; the parts are marked as it says and no part is longer than the network's."""
    bodies = delivers("+15", "+25", text, 0x1234 if form in ("udh16", "sar") else 0x34, form)
    assert joined(bodies) == text
    long = len(text) > 100
    if form in ("payload", "data_sm"):
        assert (len(bodies), isinstance(bodies[0], DataSm)) == (1, form == "data_sm")
        return
    for body in bodies:
        udh = body.short_message[: body.short_message[0] + 1] if body.esm_class & 0x40 else b""
        assert bool(udh) is (long and form != "sar")
        assert (body.tlv(Tag.SAR_MSG_REF_NUM) == b"\x12\x34") is (long and form == "sar")
        if udh:
            assert udh[:3] == (b"\x05\x00\x03" if form == "udh8" else b"\x06\x08\x04")
        fill = -(-len(udh) * 8 // 7) + len(body.short_message) - len(udh) if body.data_coding == 0 else 0
        assert fill <= 160
        assert body.data_coding == 0 or len(body.short_message) <= 140


def test_parts_in_any_order_and_twice():
    """Joined when the last that was missing is there; ids in the order of the text; another sender is another text."""
    bodies = delivers("+15", "+25", "a" * 400, 7)
    joiner = Joiner()
    other = replace(bodies[1], source_addr=b"99")
    for n, body in ((2, bodies[2]), (0, bodies[0]), (0, bodies[0]), (9, other)):
        assert joiner.add(b"u", str(n), Taken(body)) is None
    told = joiner.add(b"u", "1", Taken(bodies[1]))
    assert (told["text"], told["ids"], told["ref"], told["parts"]) == ("a" * 400, ["0", "1", "2"], 7, 3)


def test_a_pair_that_was_cut():
    """Halves of a surrogate pair in two parts are one character when they are joined."""
    octets, joiner = "x😀".encode("utf-16-be"), Joiner()
    parts = [
        ShortMessage(destination_addr=b"2", esm_class=0x40, data_coding=8, short_message=bytes((5, 0, 3, 1, 2, n)) + half)
        for n, half in ((1, octets[:4]), (2, octets[4:]))
    ]
    assert joiner.add(b"u", "a", Taken(parts[0])) is None
    assert joiner.add(b"u", "b", Taken(parts[1]))["text"] == "x😀"


@pytest.mark.parametrize("coding", [1, 3])
def test_codings_that_are_latin(coding):
    """IA5 and Latin-1 are read as they are, not by the default alphabet."""
    assert described(ShortMessage(data_coding=coding, short_message=b"@_$"))["text"] == "@_$"


@given(st.binary(max_size=20), st.integers(0, 255), st.lists(st.tuples(st.sampled_from([0x20C, 0x20E, 0x20F]), st.binary(max_size=3))))
@settings(max_examples=60)
def test_joining_never_fails(octets, esm_class, tlvs):
    """Whatever an ESME sends is joined, kept, or left alone."""
    joiner, body = Joiner(), ShortMessage(esm_class=esm_class, short_message=octets, tlvs=tuple(Tlv(*t) for t in tlvs))
    told = joiner.add(b"u", "1", Taken(body))
    assert told is None or told["parts"] > 1
