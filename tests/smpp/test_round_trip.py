"""Out and in again: what a link writes is what it reads, for every alphabet and every way of cutting."""

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from smsgwd.config.smpp import DataCoding, Parameter
from smsgwd.errors import PduError
from smsgwd.model import MessageClass, Segment
from smsgwd.planning import plan_text
from smsgwd.smpp.bodies import ShortMessage
from smsgwd.smpp.consts import CommandId
from smsgwd.smpp.incoming import Reader
from smsgwd.smpp.outgoing import Writer
from smsgwd.smpp.pdu import pack, unpack
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.join import join
from tests.smpp.texts import carrier, segment

ALPHABETS = [
    {"default_alphabet": "gsm7"}, {"default_alphabet": "gsm7", "packed": True}, {"default_alphabet": "ascii"},
    {"default_alphabet": "latin1"}, {"default_alphabet": "utf8"}, {"data_coding": DataCoding(latin1=3)},
    {"default_alphabet": "ascii", "data_coding": DataCoding(latin1=3)},
    {"data_coding": DataCoding(gsm7=0xF1, ucs2=0x18, binary=0xF5)}, {"national": ("tr", "es")},
    {"transliterate": True, "default_alphabet": "latin1"},
]  # fmt: skip
CUTS = ["udh8", "udh16", "sar", "payload"]
#: a byte order mark is no character of a text, and what packed septets end with @ or fill nobody can tell
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\ufeff\ufffe@")
TEXTS = (
    st.text(CHARACTERS, min_size=1, max_size=400)
    | st.text("abcé[]€ΔÇç ğş\n", min_size=1, max_size=500)
    | st.text("aж😀é", min_size=60, max_size=300)
)


def out_and_in(text: str, made: Segment, keys: dict) -> tuple[str, list]:
    """The text that was planned, and what is read of its PDUs."""
    link = carrier(**keys)
    plan = plan_text(text, link, 255)
    writer, reader, got = Writer(link), Reader(link), []
    for n, part in enumerate(plan.texts, 1):
        one = msgspec.structs.replace(
            made, text=part, alphabet=plan.alphabet, locking=plan.locking, single=plan.single, part=n, parts=plan.parts
        )
        pdu = unpack(pack(CommandId.SUBMIT_SM, 0, 1, writer.submit_sm(one, 0)))
        assert isinstance(pdu.body, ShortMessage)
        got.append(reader.read(pdu.body, b""))
    return plan.text, got


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("keys", ALPHABETS, ids=str)
@given(text=TEXTS, ref=st.integers(0, 255), flash=st.booleans())
@example(text="[" * 76 + "a", ref=0, flash=False)
@example(text="😀" * 71, ref=255, flash=True)
@settings(max_examples=12)
def test_texts(keys, cut, text, ref, flash):
    """The words come back whole, in parts that belong together."""
    planned, got = out_and_in(text, segment(ref=ref, flash=flash), {**keys, "segmentation": cut})
    parts = [(s.alphabet, s.locking, s.single, s.payload) for s in got]
    assert join(parts) == planned
    assert [(s.part, s.parts) for s in got] == [(n, len(got)) for n in range(1, len(got) + 1)]
    assert len({(s.ref, s.ref_bits) for s in got}) == 1
    assert (got[0].sender.text, got[0].to, got[0].fault) == ("+15550100100", "+15550100777", "")
    if "transliterate" not in keys:
        assert planned == text


@given(octets=st.binary(min_size=1, max_size=140))
@settings(max_examples=40)
def test_data(octets):
    """Octets come back as octets."""
    body = Writer(carrier()).submit_sm(segment(octets.decode("latin-1"), Alphabet.DATA), 0)
    got = Reader(carrier()).read(body, b"")
    assert (got.alphabet, got.payload) == (Alphabet.DATA, octets)


@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60))
@settings(max_examples=40)
def test_parameters(value):
    """A string that is sent is the string that is read."""
    out = Writer(carrier(tlv=(Parameter(tag=0x1400, from_="meta.a"),)))
    back = Reader(carrier(tlv=(Parameter(tag=0x1400, name="b"),)))
    assert back.read(out.submit_sm(segment(meta={"a": value}), 0), b"").meta == {"b": value}


ANY = st.builds(
    Segment,
    submission=st.sampled_from(["sub_0000000000001", "sub_1", ""]), message=st.text(max_size=20),
    to=st.builds(Address.parse, st.text(max_size=24)), text=st.text(max_size=300), alphabet=st.sampled_from(Alphabet),
    locking=st.integers(0, 14), single=st.integers(0, 14), ref=st.integers(-1, 70_000), part=st.integers(-1, 300),
    parts=st.integers(-1, 300), flash=st.booleans(), report=st.booleans(),
    validity=st.integers(-5, 10**13) | st.integers(0, 10**6), class_=st.sampled_from(MessageClass),
    schedule=st.integers(-5, 10**18), sender=st.text(max_size=12),
    meta=st.dictionaries(st.sampled_from("ab"), st.text(max_size=8)),
)  # fmt: skip
KEYS = st.fixed_dictionaries({}, optional={
    "segmentation": st.sampled_from(CUTS), "default_alphabet": st.sampled_from(["gsm7", "ascii", "latin1", "utf8"]),
    "packed": st.booleans(), "flash": st.sampled_from(["0x10", "0xF0", "dest_addr_subunit"]),
    "time": st.sampled_from(["relative", "absolute"]), "smsc_schedule": st.booleans(), "plus": st.booleans(),
    "user_message_reference": st.booleans(), "max_validity": st.integers(0, 10**7), "number": st.text(max_size=14),
    "tlv": st.sampled_from([(), (Parameter(tag=1, from_="meta.a", type="int2"), Parameter(tag=2, from_="meta.b", type="octets"))]),
})  # fmt: skip


@given(made=ANY, keys=KEYS)
@settings(max_examples=300)
def test_nothing_but_a_pdu_error(made, keys):
    """Whatever a segment and a configuration say, it can be written, or a PduError says why not."""
    try:
        body = Writer(carrier(**keys)).submit_sm(made, 1_800_000_000_000)
        octets = pack(CommandId.SUBMIT_SM, 0, 1, body)
    except PduError:
        return
    assert unpack(octets).body == body
    assume(made.alphabet is not Alphabet.DATA)
    assert Reader(carrier(**keys)).read(body, b"").fault == ""
